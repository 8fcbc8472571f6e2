"""From a trained backbone to a model of one's own. Importing it does not load Keras."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kerascnn.transfer.cache import FeatureCache as FeatureCache
    from kerascnn.transfer.cache import cache_features as cache_features
    from kerascnn.transfer.fine_tuning import FineTuning as FineTuning
    from kerascnn.transfer.fine_tuning import fine_tune as fine_tune
    from kerascnn.transfer.freezing import Frozen as Frozen
    from kerascnn.transfer.freezing import freeze as freeze
    from kerascnn.transfer.heads import HEADS as HEADS
    from kerascnn.transfer.heads import attach_head as attach_head
    from kerascnn.transfer.lr_finder import LearningRateCurve as LearningRateCurve
    from kerascnn.transfer.lr_finder import lr_find as lr_find
    from kerascnn.transfer.optimizers import LayerwiseLearningRate as LayerwiseLearningRate
    from kerascnn.transfer.optimizers import layerwise_multipliers as layerwise_multipliers
    from kerascnn.transfer.parts import Parts as Parts
    from kerascnn.transfer.parts import split as split
    from kerascnn.transfer.phases import PHASES as PHASES
    from kerascnn.transfer.phases import Phase as Phase
    from kerascnn.transfer.schedules import OneCycle as OneCycle
    from kerascnn.transfer.schedules import WarmupCosine as WarmupCosine

_WHERE = {
    "FeatureCache": "cache",
    "FineTuning": "fine_tuning",
    "Frozen": "freezing",
    "HEADS": "heads",
    "LayerwiseLearningRate": "optimizers",
    "LearningRateCurve": "lr_finder",
    "OneCycle": "schedules",
    "PHASES": "phases",
    "Parts": "parts",
    "Phase": "phases",
    "WarmupCosine": "schedules",
    "attach_head": "heads",
    "cache_features": "cache",
    "fine_tune": "fine_tuning",
    "freeze": "freezing",
    "layerwise_multipliers": "optimizers",
    "lr_find": "lr_finder",
    "split": "parts",
}


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(importlib.import_module(f"kerascnn.transfer.{_WHERE[name]}"), name)
    raise AttributeError(f"module 'kerascnn.transfer' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_WHERE])
