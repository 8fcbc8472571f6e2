"""What the API reference shows of a package: the names that its `__init__` hands on.

An extension of griffe, which reads the docstrings for mkdocstrings. It takes `__all__` where it is
written out; our packages say `from module import name as name`.
"""

from pathlib import Path
from typing import Any

import griffe
from handed_on import handed_on


class PublicNames(griffe.Extension):
    """Marks as public what packages of ours hand on, and nothing else of them."""

    def on_module_members(self, *, mod: griffe.Module, **_: Any) -> None:
        """Completes `__all__` of a package."""
        if mod.is_init_module and not mod.exports:
            names = {*handed_on(Path(str(mod.filepath))), *_own(mod)}
            mod.exports = [name for name in mod.members if name in names]


def _own(mod: griffe.Module) -> list[str]:
    defined = (*mod.functions.values(), *mod.classes.values())
    return [value.name for value in defined if not value.is_alias and not value.is_private]
