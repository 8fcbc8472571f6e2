"""Guided backpropagation: slopes that only pass where every ReLU agrees.

Springenberg, Dosovitskiy, Brox, Riedmiller, Striving for Simplicity: The All Convolutional Net,
ICLR 2015 workshop, arXiv:1412.6806, section 3.4.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
from keras import ops

from kerascnn.errors import InputError
from kerascnn.inputs.keywords import keras_words
from kerascnn.visualize.attribution.scores import Classes, choose, float_images, summed_slopes
from kerascnn.visualize.inside.taps import operations_of, replaced, tapped

Tensor = Any
RELUS = ("relu", "relu6")


@keras_words()
def guided_backpropagation(
    model: keras.Model,
    images: np.ndarray,
    classes: Classes = None,
    *,
    against: bool = False,
    batch_size: int = 32,
) -> np.ndarray:
    """What excites the neurons that speak for a class: slopes without what speaks against it.

    On the way back, each ReLU or ReLU6 lets a slope pass only where its input was open and the
    slope positive. The pictures are sharp, but hang more on the image than on the class: compare
    classes before you read them (Adebayo et al., arXiv:1810.03292).

    Args:
        model: Any model with one image input and the output `[B, classes]`, and ReLUs that are
            layers, operations of a functional model, or the `activation` of a layer.
        images: `[B, H, W, C]`, as the model takes them.
        classes: The class of each image, or one for all; the model's choice if None.
        against: Explain what speaks against the class, or lowers the quantity, instead.
        batch_size: Images at a time.

    Returns:
        float32 `[B, H, W, C]`, positive and negative.

    Raises:
        InputError: Images or classes that do not fit, or a model without such ReLUs.
    """
    images = float_images(model, images)
    wanted = choose(model, images, classes, batch_size, against)
    with guided(model):
        return summed_slopes(
            model, images.shape, wanted, lambda rows, _: images[rows], np.ones(1), batch_size
        )


@contextlib.contextmanager
def guided(model: keras.Model) -> Iterator[None]:
    """While open, the ReLUs of the model hand back positive slopes only."""
    with contextlib.ExitStack() as changes:
        found = 0
        for operation in operations_of(model):
            activation: Any = getattr(operation, "activation", None)
            if getattr(activation, "__name__", None) in RELUS:
                changes.enter_context(replaced(operation, "activation", _guiding(activation)))
            elif type(operation).__name__.lower() in RELUS and not _leaks(operation):
                changes.enter_context(tapped(operation, _only_positive))
            else:
                continue
            found += 1
        if not found:
            raise InputError(
                f"guided backpropagation changes what a ReLU hands back, and {model.name!r} shows "
                "none. For networks with other activations, use smooth_grad or "
                "integrated_gradients."
            )
        yield


def _leaks(operation: Any) -> bool:
    return bool(getattr(operation, "negative_slope", 0))


def _guiding(activation: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    return lambda inputs: _only_positive(activation(inputs))


def _only_positive(outputs: Tensor) -> Tensor:
    """The same, but of the slope with respect to it only what is positive goes back.

    What was not open, the ReLU before it stops by itself: that is its own derivative.
    """

    @ops.custom_gradient
    def hand_on(values: Tensor) -> tuple[Tensor, Callable[..., Tensor]]:
        def back(*slopes: Tensor, upstream: Tensor = None) -> Tensor:
            return ops.maximum(slopes[0] if upstream is None else upstream, 0)

        return values + 0, back

    return hand_on(outputs)
