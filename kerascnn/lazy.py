"""What a package shows of itself: its public names, some of them loaded when first used.

A module's `__getattr__` and `__dir__` are those of PEP 562.
"""

import importlib
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

Parts = tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]


def public(namespace: dict[str, Any], where: Mapping[str, str] | None = None) -> Parts:
    """Makes `__getattr__`, `__dir__` and `__all__` of a package; called last in its `__init__`.

    Public is what the package imported from modules of kerascnn, under a name without a leading
    underscore, and what `where` names; modules themselves are not, but for those in `where`.

    Args:
        namespace: The package's `globals()`.
        where: Names to load when first used, each with its module, relative to the package;
            "" for a module of that name.
    """
    package, where = namespace["__name__"], dict(where or {})
    names = sorted({*where, *(name for name in namespace if _is_public(name, namespace))})

    def load(name: str) -> Any:
        if name not in where:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        if not where[name]:
            return importlib.import_module(f"{package}.{name}")
        value = getattr(importlib.import_module(f"{package}.{where[name]}"), name)
        namespace[name] = value
        return value

    def listed() -> list[str]:
        return sorted({*names, *(name for name in namespace if name.startswith("__"))})

    return load, listed, names


def _is_public(name: str, namespace: dict[str, Any]) -> bool:
    value = namespace[name]
    if name.startswith("_") or name == "TYPE_CHECKING" or isinstance(value, types.ModuleType):
        return False
    if typing.get_args(value):  # an alias such as dict[str, int], whose module is that of dict
        return True
    module = getattr(value, "__module__", None)  # constants have none
    return module is None or (module.startswith("kerascnn.") and module != __name__)
