"""Which names a package of ours hands on."""

import ast
from pathlib import Path


def handed_on(file: Path) -> dict[str, str]:
    """The names of `from module import name as name` in a file, each with its module."""
    imports = [
        node
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module
    ]
    return {
        alias.name: node.module or ""
        for node in imports
        for alias in node.names
        if alias.asname == alias.name
    }
