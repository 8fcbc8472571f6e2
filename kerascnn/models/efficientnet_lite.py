"""EfficientNet-Lite: EfficientNet for devices.

Liu, Tan et al., Higher accuracy on vision models with EfficientNet-Lite, 2020,
github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite: ReLU6 instead of the swish,
no squeeze-and-excite, a stem and a last convolution of fixed width, and a first and a last stage of
fixed depth. With `style="keras"`, the default, these are the authors' networks, which timm calls
tf_efficientnet_lite; with `style="torch"` timm's efficientnet_lite.
"""

from typing import Unpack

import keras

from kerascnn.models._common import Styles, Weights, variant
from kerascnn.models.compound_scaling import SCALINGS
from kerascnn.models.efficientnet import OPTIONS, EfficientNetOptions, efficientnet

# All weights but timm's own are the authors'.
STYLES = Styles(keras_marks=("timm/tf_", "tf_efficientnet"), torch_marks=("efficientnet_lite",))


@variant(styles=STYLES, **OPTIONS)
def EfficientNetLite0(
    include_top: bool = True, weights: Weights = None, **options: Unpack[EfficientNetOptions]
) -> keras.Model:
    """EfficientNet-Lite0: 224x224 pixels, 4.7 M parameters, 0.39 G multiply-accumulates."""
    return efficientnet(SCALINGS["EfficientNetLite0"], True, include_top, options)


@variant(styles=STYLES, **OPTIONS)
def EfficientNetLite1(
    include_top: bool = True, weights: Weights = None, **options: Unpack[EfficientNetOptions]
) -> keras.Model:
    """EfficientNet-Lite1: 240x240 pixels, 5.4 M parameters, 0.60 G multiply-accumulates."""
    return efficientnet(SCALINGS["EfficientNetLite1"], True, include_top, options)


@variant(styles=STYLES, **OPTIONS)
def EfficientNetLite2(
    include_top: bool = True, weights: Weights = None, **options: Unpack[EfficientNetOptions]
) -> keras.Model:
    """EfficientNet-Lite2: 260x260 pixels, 6.1 M parameters, 0.86 G multiply-accumulates."""
    return efficientnet(SCALINGS["EfficientNetLite2"], True, include_top, options)


@variant(styles=STYLES, **OPTIONS)
def EfficientNetLite3(
    include_top: bool = True, weights: Weights = None, **options: Unpack[EfficientNetOptions]
) -> keras.Model:
    """EfficientNet-Lite3: 280x280 pixels, 8.2 M parameters, 1.38 G multiply-accumulates."""
    return efficientnet(SCALINGS["EfficientNetLite3"], True, include_top, options)


@variant(styles=STYLES, **OPTIONS)
def EfficientNetLite4(
    include_top: bool = True, weights: Weights = None, **options: Unpack[EfficientNetOptions]
) -> keras.Model:
    """EfficientNet-Lite4: 300x300 pixels, 13.0 M parameters, 2.6 G multiply-accumulates."""
    return efficientnet(SCALINGS["EfficientNetLite4"], True, include_top, options)
