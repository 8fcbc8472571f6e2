"""What is added when the site is built: chapters, pages of the root, families of models."""

import posixpath
import re
from itertools import groupby
from pathlib import Path
from typing import Any

from chapters import chapters
from handed_on import handed_on
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
COPIED = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "benchmarks/README.md": "benchmarks.md",
}
LINK = re.compile(r"\]\((?!\w+:|#)([^)\s]+)\)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Puts the chapters into the navigation, and guides that it does not name behind the others."""
    named = set(re.findall(r"[\w/]+\.md", str(config.nav)))
    for part in config.nav or []:
        for pages in part.values():
            if pages[0] in ("course/index.md", "course/es/index.md"):
                folder = DOCS / posixpath.dirname(pages[0])
                pages[1:1] = [path.relative_to(DOCS).as_posix() for path in chapters(folder)]
        if "Guides" in part:
            part["Guides"] += sorted(p.name for p in DOCS.glob("*.md") if p.name not in named)
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages of the root; their links are turned to where they now stand, docs/."""
    for source, name in COPIED.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, name, content=_from_docs(text, Path(source).parent)))
    return files


def _from_docs(text: str, folder: Path) -> str:
    def turned(match: re.Match) -> str:
        path = posixpath.normpath(posixpath.join(folder.as_posix(), match[1]))
        return f"]({COPIED.get(path) or posixpath.relpath(path, 'docs')})"

    return LINK.sub(turned, text)


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str | None:
    """Puts the families into the page of kerascnn.models."""
    if page.file.src_uri != "api/models.md":
        return None
    return re.sub(r"<!-- families: .*? -->", lambda _: "\n".join(_families()), markdown)


def _families() -> list[str]:
    names = handed_on(ROOT / "kerascnn" / "models" / "__init__.py")
    sections = []
    for module, group in groupby(names, names.__getitem__):
        file = ROOT / (module.replace(".", "/") + ".py")
        options = re.findall(r"^class (\w+)\(ModelOptions", file.read_text("utf-8"), re.MULTILINE)
        members = ", ".join([*group, *options])
        sections.append(
            f"## {file.stem}\n\n::: {module}\n    options:\n      heading_level: 3\n"
            f"      members: [{members}]\n      members_order: source\n"
        )
    return sections
