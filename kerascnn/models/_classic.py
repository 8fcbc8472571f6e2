"""What the networks of 2012 to 2016 share: plain convolutions, and two kinds of head."""

from collections.abc import Callable
from typing import Any

from keras import layers

from kerascnn.errors import InputError, received
from kerascnn.layers import GroupedConv2D
from kerascnn.models._blocks import Norm, activate
from kerascnn.models._common import ModelOptions, Tensor, predictions, scores
from kerascnn.models._options import check_widths

NO_NORM = Norm(None)


def conv_relu(
    x: Tensor,
    filters: int,
    window: int,
    stride: int = 1,
    *,
    name: str,
    border: int | None = None,
    groups: int = 1,
    norm: Norm = NO_NORM,
    last: str | None = None,
    **options: Any,
) -> Tensor:
    """Convolution, normalisation, ReLU: layers `NAME_conv`, `NAME_norm`, and `last` or `NAME_act`.

    `border` zeros are added on each side; None keeps the size as "same" does. The convolution has
    a bias only where no normalisation follows it.
    """
    if border:
        x = layers.ZeroPadding2D(border, name=f"{name}_pad")(x)
    kind = layers.Conv2D if groups == 1 else GroupedConv2D
    x = kind(
        filters,
        window,
        stride,
        padding="same" if border is None else "valid",
        groups=groups,
        use_bias=norm.kind is None,
        name=f"{name}_conv",
        **options,
    )(x)
    return activate(norm(x, f"{name}_norm"), "relu", last or f"{name}_act")


def max_pool_up(x: Tensor, name: str) -> Tensor:
    """Maxima of 3x3 windows with step 2; the last window may reach beyond the maps.

    It has to start inside: `ceil_mode` of PyTorch, and the way of Caffe. Only after a ReLU, since
    zeros stand for what is beyond.
    """
    sizes = x.shape[1:3]
    if all(size is not None and size % 2 == 0 for size in sizes):
        return layers.MaxPooling2D(3, 2, padding="same", name=name)(x)
    # Along an odd side the windows end where the maps end, with or without one more.
    border = tuple((0, int(size is None or size % 2 == 0)) for size in sizes)
    if any(after for _, after in border):
        x = layers.ZeroPadding2D(border, name=f"{name}_pad")(x)
    return layers.MaxPooling2D(3, 2, name=name)(x)


def dense_head(
    widths: tuple[int, int],
    names: tuple[str, str],
    options: ModelOptions,
    *,
    sides: tuple[int, int] | None = None,
    **dense: Any,
) -> Callable[[Tensor], Tensor]:
    """A head of two hidden dense layers, each with a ReLU and dropout, and the predictions.

    Args:
        widths: Units of the two layers.
        names: Their names.
        options: The model's options, with a dropout rate.
        sides: Height and width to which maps of another size are averaged first; None takes the
            maps as they are, so that the number of weights depends on the size of the images.
        **dense: More options of the two layers.
    """

    def head(x: Tensor) -> Tensor:
        if sides is not None and tuple(x.shape[1:3]) != sides:
            x = _adaptive_average(sides)(x)
        x = layers.Flatten(name="flatten")(x)
        for place, (width, name) in enumerate(zip(widths, names, strict=True)):
            x = layers.Dense(width, activation="relu", name=name, **dense)(x)
            if place == 0:
                x = layers.Dropout(options["dropout"], name=f"{name}_dropout")(x)
        return predictions(x, options)

    return head


def _adaptive_average(sides: tuple[int, int]) -> Any:
    kind = getattr(layers, "AdaptiveAveragePooling2D", None)
    if kind is None:
        raise InputError(
            "torchvision's form takes images of other sizes by adaptive pooling, which this "
            "version of Keras does not have: upgrade Keras, or keep the default image size."
        )
    return kind(sides, name="adaptive_pool")


def check_two_widths(widths: Any) -> tuple[int, int]:
    """The widths of two dense layers, or an InputError."""
    found = check_widths(widths)
    if len(found) != 2:
        raise InputError(
            "`hidden` must be the widths of two dense layers, such as (4096, 4096). "
            f"Received: {received(widths)}."
        )
    return found[0], found[1]


def conv_head(options: ModelOptions, **options_of_conv: Any) -> Callable[[Tensor], Tensor]:
    """A head without dense layers: one map per class, averaged over all positions."""

    def head(x: Tensor) -> Tensor:
        x = conv_relu(x, options["classes"], 1, name="head", **options_of_conv)
        x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
        return scores(x, options)

    return head
