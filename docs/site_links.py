"""Links from the pages to other files of the repository, and what the theme shows around a page.

On the repository's pages they lead to the file. On the site they do so if mkdocs.yml has a
`repo_url`; if not, the file is named.
"""

import posixpath
import re
from typing import Any

from mkdocs.config.defaults import MkDocsConfig

LINK = re.compile(r"(?<!!)\[([^\]]+)\]\((?!\w+:|#)([^)\s]+)\)")


def on_page_markdown(markdown: str, page: Any, config: MkDocsConfig, **_: Any) -> str:
    """Rewrites the links that leave docs/; a page without sections needs no list of them."""
    if not re.search("^(## |::: )", markdown, re.MULTILINE):
        page.meta.setdefault("hide", ["toc"])
    folder = posixpath.dirname(page.file.src_uri)

    def rewritten(match: re.Match) -> str:
        text, target = match.groups()
        path = posixpath.normpath(posixpath.join("docs", folder, target))
        if path.startswith("docs/"):
            return match[0]
        if config.repo_url:
            return f"[{text}]({config.repo_url.rstrip('/')}/blob/main/{path})"
        return f"`{path}`" if "/" in text or "`" in text else f"{text} (`{path}`)"

    return LINK.sub(rewritten, markdown)


def on_page_context(context: dict, page: Any, config: MkDocsConfig, **_: Any) -> dict:
    """Gives the Spanish pages the Spanish words of the theme."""
    config.theme["language"] = "es" if page.file.src_uri.startswith("course/es/") else "en"
    return context
