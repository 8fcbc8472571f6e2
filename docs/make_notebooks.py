"""Writes examples/notebooks from the chapters of the course: the same text and the same code.

python docs/make_notebooks.py
"""

import json
import posixpath
import re
import textwrap
import tomllib
from pathlib import Path

import chapters

ROOT = chapters.COURSE.parent.parent
NOTEBOOKS = ROOT / "examples" / "notebooks"
# Numbers of chapters -> the names of the notebook in English and Spanish.
GROUPS = {
    range(1, 6): ("signals", "senales"),
    range(6, 8): ("learning", "aprendizaje"),
    range(8, 11): ("architectures", "arquitecturas"),
    range(11, 16): ("practice", "practica"),
}
INSTALL = """import importlib.util

if importlib.util.find_spec("kerascnn") is None:
    %pip install --quiet "git+{address}"
"""
SHOW = """import IPython

IPython.display.Image("{name}")
"""
OPENING = {
    "en": "Chapters {first} to {last} of the course of kerascnn. Run the cells from top to bottom.",
    "es": "Capítulos {first} a {last} del curso de kerascnn. Ejecuta las celdas de arriba abajo.",
}
UNKNOWN = {
    "en": " In Colab, first put the repository's address into the cell below.",
    "es": " En Colab, escribe antes la dirección del repositorio en la celda siguiente.",
}
TWIN = re.compile(r"\[(?:En español|In English)\]\([^)]*\)(?: · |\n*)")
ADMONITION = re.compile(
    r'^( *)(\?\?\?\+?|!!!) (\w+)(?: "([^"]*)")?\n((?:(?:\1    .*)?\n)+)', re.MULTILINE
)
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\((?!\w+:|#)([^)\s]+)\)")


def notebooks() -> dict[Path, list[Path]]:
    """The notebooks and the chapters in them, those of both languages."""
    found = {}
    for numbers, (english, spanish) in GROUPS.items():
        for path, folder in (
            (NOTEBOOKS / f"{english}.ipynb", chapters.COURSE),
            (NOTEBOOKS / "es" / f"{spanish}.ipynb", chapters.COURSE / "es"),
        ):
            pages = [p for p in chapters.chapters(folder) if int(p.name[:2]) in numbers]
            if pages:
                found[path] = pages
    return found


def notebook(path: Path, pages: list[Path]) -> str:
    """The text of a notebook, as JSON."""
    address = _address()
    language = pages[0].parent.name if pages[0].parent.name == "es" else "en"
    opening = OPENING[language].format(first=int(pages[0].name[:2]), last=int(pages[-1].name[:2]))
    if address:
        file = path.relative_to(ROOT).as_posix()
        colab = f"{address.replace('//github.com', '//colab.research.google.com/github')}/blob/main"
        badge = "https://colab.research.google.com/assets/colab-badge.svg"
        opening = f"[![Colab]({badge})]({colab}/{file})\n\n{opening}"
    else:
        opening += UNKNOWN[language]
    install = INSTALL.format(address=address or "<this repository>")
    cells = [_markdown("opening", opening), _code("install", install)]
    for page in pages:
        cells += _cells(page, path.parent)
    content = {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _address() -> str | None:
    """The repository's address, if pyproject.toml has one."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project.get("urls", {}).get("Repository")


def _cells(page: Path, folder: Path) -> list[dict]:
    """The cells of a chapter: its text without outputs and pictures, and its code."""
    number, sources, code = page.name[:2], [], ""
    for piece in chapters.pieces(chapters.read(page)):
        if isinstance(piece, chapters.Step):
            code += piece.code
            sources.append((_code, piece.code))
            continue
        shown = [name for name in chapters.pictures(piece) if f'savefig("{name}"' not in code]
        sources += [(_code, SHOW.format(name=name)) for name in shown]
        sources.append((_markdown, _prose(piece, page.parent, folder)))
    made = [(kind, source) for kind, source in sources if source.strip()]
    return [kind(f"{number}-{count}", source) for count, (kind, source) in enumerate(made)]


def _prose(text: str, page_folder: Path, folder: Path) -> str:
    """Text as notebooks show it: no admonitions, and links that lead to the pages from there."""

    def relinked(match: re.Match) -> str:
        target = (page_folder / match[2]).as_posix()
        return f"[{match[1]}]({posixpath.relpath(posixpath.normpath(target), folder.as_posix())})"

    text = ADMONITION.sub(_details, TWIN.sub("", chapters.PICTURE.sub("", text)) + "\n")
    return re.sub(r"\n{3,}", "\n\n", LINK.sub(relinked, text)).strip()


def _details(match: re.Match) -> str:
    indent, mark, kind, title, body = match.groups()
    title, body = title or kind.capitalize(), textwrap.dedent(body).strip()
    if mark == "!!!":
        made = textwrap.indent(f"**{title}**\n\n{body}", "> ", lambda _: True)
    else:
        made = f"<details><summary>{title}</summary>\n\n{body}\n\n</details>"
    return textwrap.indent(made, indent) + "\n\n"


def _markdown(name: str, source: str) -> dict:
    return {"cell_type": "markdown", "id": name, "metadata": {}, "source": _lines(source)}


def _code(name: str, source: str) -> dict:
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": name,
        "metadata": {},
        "outputs": [],
        "source": _lines(source),
    }


def _lines(source: str) -> list[str]:
    return source.strip("\n").splitlines(keepends=True)


def main() -> None:
    """Writes them all."""
    for path, pages in notebooks().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(notebook(path, pages), encoding="utf-8")
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
