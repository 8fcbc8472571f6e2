"""The frame of a page: title, style, body."""

from collections.abc import Iterable
from importlib import resources

from kerascnn.pages import format as page


def document(title: str, body: Iterable[str], style: str = "") -> str:
    """A whole HTML page.

    Args:
        title: Shown in the browser's tab, as plain text.
        body: HTML of its parts, in order; empty ones are left out.
        style: CSS beside that of all pages.
    """
    content = "\n".join(part for part in body if part)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{page.text(title)}</title>\n"
        f"<style>\n{stylesheet('kerascnn.pages', 'page.css')}{style}</style>\n</head>\n"
        f"<body>\n<main>\n{content}\n</main>\n</body>\n</html>\n"
    )


def stylesheet(package: str, name: str) -> str:
    """The text of a CSS file that lies in a package."""
    return resources.files(package).joinpath(name).read_text("utf-8")


def section(title: str, *content: str, about: str = "") -> str:
    """A section under a heading; `about` is a paragraph of HTML that says what it shows."""
    lead = f'<p class="soft">{about}</p>\n' if about else ""
    return f"<section>\n<h2>{page.text(title)}</h2>\n{lead}{''.join(content)}\n</section>"


def folded(summary: str, content: str) -> str:
    """A card that shows its content when it is opened."""
    return f'<details class="card"><summary>{page.text(summary)}</summary>{content}</details>'


def commands(lines: Iterable[tuple[str, str]]) -> str:
    """A block of commands, each under a comment that says what it is for (none if empty)."""
    blocks = (
        (f"<em># {page.text(why)}</em>\n" if why else "") + page.text(command)
        for why, command in lines
    )
    return f"<pre>{chr(10).join(blocks)}</pre>\n"


def footer(parts: Iterable[str]) -> str:
    """The last line: versions, machine, time."""
    return f"<footer>{' · '.join(page.text(part) for part in parts)}</footer>"
