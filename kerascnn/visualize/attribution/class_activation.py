"""Class activation maps: where in the image the maps of a layer spoke for a class.

Zhou, Khosla, Lapedriza, Oliva, Torralba, Learning Deep Features for Discriminative Localization,
CVPR 2016, arXiv:1512.04150 (CAM).
Selvaraju, Cogswell, Das, Vedantam, Parikh, Batra, Grad-CAM: Visual Explanations from Deep Networks
via Gradient-based Localization, ICCV 2017, arXiv:1610.02391, section 3.
Chattopadhay, Sarkar, Howlader, Balasubramanian, Grad-CAM++: Improved Visual Explanations for Deep
Convolutional Networks, WACV 2018, arXiv:1710.11063, section 3.
Jiang, Zhang, Hou, Cheng, Wei, LayerCAM: Exploring Hierarchical Class Activation Maps for
Localization, IEEE Transactions on Image Processing 30, 2021, section III.

All give float32 `[B, H, W]` in 0..1, as large as the images: what speaks against the class is cut
off, and each map is scaled until its largest value is 1. It is 0 where nothing spoke for the class.
The score is the one before the softmax or sigmoid; that of a subclassed model is its output.
`kerascnn.visualize.attribution.scores` says what it is for one sigmoid, labels and quantities.
"""

from typing import Any

import keras
import numpy as np

from kerascnn.errors import InputError
from kerascnn.inputs.images import slices
from kerascnn.inputs.keywords import keras_words
from kerascnn.visualize.attribution.layer_maps import as_float32, heat_maps, scaled, seen_by
from kerascnn.visualize.attribution.scores import Classes, checked_classes, float_images, signed
from kerascnn.visualize.inside.taps import layers_of

# Between the pooling and the scores, these change nothing in inference.
PASSING = ("Activation", "Dropout", "Flatten", "InputLayer", "Reshape", "Softmax")


@keras_words()
def grad_cam(
    model: keras.Model,
    images: np.ndarray,
    classes: Classes = None,
    layer: str | None = None,
    *,
    against: bool = False,
    batch_size: int = 32,
) -> np.ndarray:
    """Maps, each weighted by the mean slope of the score with respect to it (equations 1 and 2).

    Args:
        model: Any model with one image input and the output `[B, classes]`: functional, Sequential,
            nested or subclassed.
        images: `[B, H, W, C]`, as the model takes them.
        classes: The class of each image, or one for all; the model's choice if None.
        against: Explain what speaks against the class, or lowers the quantity, instead.
        layer: Name of the layer whose maps are used, also inside nested models. None takes the last
            that gives maps larger than 1x1 and is no pooling or padding.
        batch_size: Images at a time.

    Returns:
        float32 `[B, H, W]` in 0..1.

    Raises:
        InputError: No such layer, a layer that gives no maps or has no part in the score, or
            images or classes that do not fit.
    """

    def combine(maps: np.ndarray, slopes: np.ndarray) -> np.ndarray:
        return np.einsum("bhwc,bc->bhw", maps, slopes.mean(axis=(1, 2)))

    return heat_maps(model, images, classes, layer, batch_size, combine, against)


@keras_words()
def grad_cam_pp(
    model: keras.Model,
    images: np.ndarray,
    classes: Classes = None,
    layer: str | None = None,
    *,
    against: bool = False,
    batch_size: int = 32,
) -> np.ndarray:
    """Grad-CAM++: slopes weighted by place, so that small and several objects count alike.

    As in the paper, the score goes through an exponential, whose second and third derivatives are
    powers of the slopes (equation 19); its own value is the same for all maps and drops out.

    Arguments, result and errors are those of `grad_cam`.
    """

    def combine(maps: np.ndarray, slopes: np.ndarray) -> np.ndarray:
        # The shares, slope² / (2 slope² + sum of the map · slope³), without the powers.
        below = 2 + maps.sum(axis=(1, 2), keepdims=True) * slopes
        shares = np.where(below != 0, 1 / np.where(below != 0, below, 1), 0)
        weights = (shares * np.maximum(slopes, 0)).sum(axis=(1, 2))
        return np.einsum("bhwc,bc->bhw", maps, weights)

    return heat_maps(model, images, classes, layer, batch_size, combine, against)


@keras_words()
def layer_cam(
    model: keras.Model,
    images: np.ndarray,
    classes: Classes = None,
    layer: str | None = None,
    *,
    against: bool = False,
    batch_size: int = 32,
) -> np.ndarray:
    """LayerCAM: every pixel of the maps weighted by its own slope, where that is positive.

    It keeps the places, and so works for early layers too, whose maps are finer.

    Arguments, result and errors are those of `grad_cam`.
    """

    def combine(maps: np.ndarray, slopes: np.ndarray) -> np.ndarray:
        return (maps * np.maximum(slopes, 0)).sum(axis=-1)

    return heat_maps(model, images, classes, layer, batch_size, combine, against)


@keras_words()
def cam(
    model: keras.Model,
    images: np.ndarray,
    classes: Classes = None,
    *,
    against: bool = False,
    batch_size: int = 32,
) -> np.ndarray:
    """CAM: the last maps, weighted by the dense layer's weights; for networks made for it.

    Args:
        model: Its last steps are global average pooling and one dense layer (or a 1x1 convolution),
            whose outputs are the scores; dropout and a softmax or sigmoid may be there too.
        images: `[B, H, W, C]`, as the model takes them.
        classes: The class of each image, or one for all; the model's choice if None.
        against: Explain what speaks against the class, or lowers the quantity, instead.
        batch_size: Images at a time.

    Returns:
        float32 `[B, H, W]` in 0..1.

    Raises:
        InputError: A network with another head, or images or classes that do not fit.
    """
    images = float_images(model, images)
    average, kernel, bias = _head(model)
    parts = []
    for rows in slices(len(images), batch_size):
        maps, scores = seen_by(model, average, images[rows], inputs=True)
        if scores.shape[1] > kernel.shape[1]:  # one sigmoid, two classes
            kernel, bias = (np.concatenate([-one, one], axis=-1) for one in (kernel, bias))
        _check_linear(model, maps.mean(axis=(1, 2)) @ kernel + bias, scores)
        if classes is None:
            chosen = scores.argmax(-1)
        else:
            chosen = checked_classes(classes, len(images), kernel.shape[1])[rows]
        heat = signed(against) * np.einsum("bhwc,cb->bhw", maps, kernel[:, chosen])
        parts.append(scaled(heat, images.shape[1:3]))
    return np.concatenate(parts)


def _head(model: keras.Model) -> tuple[Any, np.ndarray, np.ndarray]:
    """The pooling layer, and kernel and bias of the layer that makes scores of its output."""
    rest: list[Any] = [each for each in layers_of(model) if type(each).__name__ not in PASSING]
    average, last = [None, None, *rest][-2:]
    shape = tuple(getattr(getattr(last, "kernel", None), "shape", ()))
    dense = len(shape) == 2 or shape[:-2] == (1, 1)
    if type(average).__name__ != "GlobalAveragePooling2D" or not dense:
        raise _other_head(model, [type(layer).__name__ for layer in rest[-2:]])
    kernel = as_float32(last.kernel).reshape(shape[-2:])
    bias = np.zeros(1, np.float32) if last.bias is None else as_float32(last.bias)
    return average, kernel, bias


def _check_linear(model: keras.Model, expected: np.ndarray, scores: np.ndarray) -> None:
    fits = expected.shape == scores.shape
    if not fits or np.abs(expected - scores).max() > 0.02 * (1 + np.abs(scores).max()):
        raise _other_head(model, ["something that is not linear"])


def _other_head(model: keras.Model, last: list[str]) -> InputError:
    return InputError(
        "CAM needs a network that ends in GlobalAveragePooling2D and one Dense layer. "
        f"{model.name!r} ends in: {', '.join(last) or 'nothing'}. Use grad_cam: it gives the same "
        "where there is such a head, and works with any other."
    )
