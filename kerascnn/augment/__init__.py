"""Augmentation: pipelines of steps that are drawn per image and fused into few passes.

Importing this package loads neither Keras nor TensorFlow.
"""

from typing import TYPE_CHECKING

from kerascnn.augment.branches import AugMix as AugMix
from kerascnn.augment.choice import Identity as Identity
from kerascnn.augment.choice import RandomApply as RandomApply
from kerascnn.augment.choice import RandomChoice as RandomChoice
from kerascnn.augment.choice import Sequence as Sequence
from kerascnn.augment.compose import Compose as Compose
from kerascnn.augment.config import STEPS as _STEPS
from kerascnn.augment.config import from_config as from_config
from kerascnn.augment.config import to_config as to_config
from kerascnn.augment.mixers import CutMix as CutMix
from kerascnn.augment.mixers import MixUp as MixUp
from kerascnn.augment.named import NAMES as NAMES
from kerascnn.augment.named import get as get
from kerascnn.augment.policies import AutoAugment as AutoAugment
from kerascnn.augment.policies import RandAugment as RandAugment
from kerascnn.augment.policies import TrivialAugmentWide as TrivialAugmentWide
from kerascnn.augment.preview import gallery as gallery
from kerascnn.augment.preview import preview as preview
from kerascnn.augment.step import Step as Step
from kerascnn.augment.step import Values as Values
from kerascnn.augment.steps.color import ColorJitter as ColorJitter
from kerascnn.augment.steps.color import Grayscale as Grayscale
from kerascnn.augment.steps.color import Hue as Hue
from kerascnn.augment.steps.color import PCALighting as PCALighting
from kerascnn.augment.steps.color import Saturation as Saturation
from kerascnn.augment.steps.crop import CenterCrop as CenterCrop
from kerascnn.augment.steps.crop import RandomCrop as RandomCrop
from kerascnn.augment.steps.crop import RandomResizedCrop as RandomResizedCrop
from kerascnn.augment.steps.crop import Resize as Resize
from kerascnn.augment.steps.degrade import GaussianNoise as GaussianNoise
from kerascnn.augment.steps.degrade import JPEGArtifacts as JPEGArtifacts
from kerascnn.augment.steps.elastic import ElasticTransform as ElasticTransform
from kerascnn.augment.steps.filters import GaussianBlur as GaussianBlur
from kerascnn.augment.steps.filters import Sharpness as Sharpness
from kerascnn.augment.steps.geometric import Flip as Flip
from kerascnn.augment.steps.geometric import Perspective as Perspective
from kerascnn.augment.steps.geometric import Rotate as Rotate
from kerascnn.augment.steps.geometric import Shear as Shear
from kerascnn.augment.steps.geometric import Translate as Translate
from kerascnn.augment.steps.geometric import Zoom as Zoom
from kerascnn.augment.steps.occlusion import Cutout as Cutout
from kerascnn.augment.steps.occlusion import GridMask as GridMask
from kerascnn.augment.steps.occlusion import RandomErasing as RandomErasing
from kerascnn.augment.steps.tone import AutoContrast as AutoContrast
from kerascnn.augment.steps.tone import Brightness as Brightness
from kerascnn.augment.steps.tone import Contrast as Contrast
from kerascnn.augment.steps.tone import Equalize as Equalize
from kerascnn.augment.steps.tone import Gamma as Gamma
from kerascnn.augment.steps.tone import Invert as Invert
from kerascnn.augment.steps.tone import Posterize as Posterize
from kerascnn.augment.steps.tone import Solarize as Solarize
from kerascnn.augment.steps.tone import SolarizeAdd as SolarizeAdd
from kerascnn.augment.tta import FlipTTA as FlipTTA
from kerascnn.augment.tta import TenCrop as TenCrop
from kerascnn.lazy import public

if TYPE_CHECKING:
    from kerascnn.augment.layer import AugmentationLayer as AugmentationLayer

_STEPS.update(
    (name, value)
    for name, value in list(globals().items())
    if isinstance(value, type) and issubclass(value, Step | Values) and value is not Step
)

__getattr__, __dir__, __all__ = public(globals(), {"AugmentationLayer": "layer"})
