"""From a trained backbone to a model of one's own. Importing it does not load Keras."""

from typing import TYPE_CHECKING

from kerascnn.lazy import public

if TYPE_CHECKING:
    from kerascnn.transfer.cache import FeatureCache as FeatureCache
    from kerascnn.transfer.cache import cache_features as cache_features
    from kerascnn.transfer.cache import mirrored as mirrored
    from kerascnn.transfer.cache import original as original
    from kerascnn.transfer.detector import attach_detector as attach_detector
    from kerascnn.transfer.embedding import arcface_classifier as arcface_classifier
    from kerascnn.transfer.embedding import embedder as embedder
    from kerascnn.transfer.fine_tuning import EarlyStop as EarlyStop
    from kerascnn.transfer.fine_tuning import FineTuning as FineTuning
    from kerascnn.transfer.fine_tuning import fine_tune as fine_tune
    from kerascnn.transfer.freezing import Frozen as Frozen
    from kerascnn.transfer.freezing import freeze as freeze
    from kerascnn.transfer.gallery import Embedder as Embedder
    from kerascnn.transfer.gallery import Match as Match
    from kerascnn.transfer.head_training import fit_head as fit_head
    from kerascnn.transfer.heads import HEADS as HEADS
    from kerascnn.transfer.heads import attach_head as attach_head
    from kerascnn.transfer.heat_detector import attach_centernet as attach_centernet
    from kerascnn.transfer.heat_detector import attach_fomo as attach_fomo
    from kerascnn.transfer.lr_finder import LearningRateCurve as LearningRateCurve
    from kerascnn.transfer.lr_finder import lr_find as lr_find
    from kerascnn.transfer.metric_losses import ArcFaceLoss as ArcFaceLoss
    from kerascnn.transfer.metric_losses import TripletLoss as TripletLoss
    from kerascnn.transfer.optimizers import LayerwiseLearningRate as LayerwiseLearningRate
    from kerascnn.transfer.optimizers import layerwise_multipliers as layerwise_multipliers
    from kerascnn.transfer.parts import Parts as Parts
    from kerascnn.transfer.parts import split as split
    from kerascnn.transfer.phases import Phase as Phase
    from kerascnn.transfer.phases import default_phases as default_phases
    from kerascnn.transfer.recognition import Identification as Identification
    from kerascnn.transfer.recognition import Verification as Verification
    from kerascnn.transfer.recognition import identification as identification
    from kerascnn.transfer.recognition import verification as verification
    from kerascnn.transfer.schedules import OneCycle as OneCycle
    from kerascnn.transfer.schedules import WarmupCosine as WarmupCosine
    from kerascnn.transfer.tta import predict_tta as predict_tta

_WHERE = {
    "ArcFaceLoss": "metric_losses",
    "EarlyStop": "fine_tuning",
    "Embedder": "gallery",
    "FeatureCache": "cache",
    "FineTuning": "fine_tuning",
    "Frozen": "freezing",
    "HEADS": "heads",
    "Identification": "recognition",
    "LayerwiseLearningRate": "optimizers",
    "LearningRateCurve": "lr_finder",
    "Match": "gallery",
    "OneCycle": "schedules",
    "Parts": "parts",
    "Phase": "phases",
    "TripletLoss": "metric_losses",
    "Verification": "recognition",
    "WarmupCosine": "schedules",
    "arcface_classifier": "embedding",
    "attach_centernet": "heat_detector",
    "attach_detector": "detector",
    "attach_fomo": "heat_detector",
    "attach_head": "heads",
    "cache_features": "cache",
    "default_phases": "phases",
    "embedder": "embedding",
    "fine_tune": "fine_tuning",
    "fit_head": "head_training",
    "freeze": "freezing",
    "identification": "recognition",
    "layerwise_multipliers": "optimizers",
    "lr_find": "lr_finder",
    "mirrored": "cache",
    "original": "cache",
    "predict_tta": "tta",
    "split": "parts",
    "verification": "recognition",
}

__getattr__, __dir__, __all__ = public(globals(), _WHERE)
