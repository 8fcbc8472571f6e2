"""From a trained backbone to a model of one's own. Importing it does not load Keras."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kerascnn.transfer.freezing import Frozen as Frozen
    from kerascnn.transfer.freezing import freeze as freeze
    from kerascnn.transfer.heads import HEADS as HEADS
    from kerascnn.transfer.heads import attach_head as attach_head
    from kerascnn.transfer.parts import Parts as Parts
    from kerascnn.transfer.parts import split as split
    from kerascnn.transfer.schedules import OneCycle as OneCycle
    from kerascnn.transfer.schedules import WarmupCosine as WarmupCosine

_WHERE = {
    "Frozen": "freezing",
    "HEADS": "heads",
    "OneCycle": "schedules",
    "Parts": "parts",
    "WarmupCosine": "schedules",
    "attach_head": "heads",
    "freeze": "freezing",
    "split": "parts",
}


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(importlib.import_module(f"kerascnn.transfer.{_WHERE[name]}"), name)
    raise AttributeError(f"module 'kerascnn.transfer' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_WHERE])
