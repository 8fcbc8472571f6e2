"""Building blocks that many families share; each names its layers after the block."""

from dataclasses import dataclass
from typing import Any, Literal

from keras import layers

from kerascnn.errors import InputError
from kerascnn.layers import (
    Activation,
    BatchNormalization,
    DepthwiseConv2D,
    GroupedConv2D,
    LayerNormalization,
)

Tensor = Any
Padding = Literal["same", "symmetric", "valid"]
# Group normalisation (arXiv:1803.08494, section 4): 32 groups, or fewer where channels are few.
GROUPS = 32
# Activations that our layer trains faster than Keras's.
FASTER = ("gelu", "silu", "swish", "hard_silu", "hard_swish")


@dataclass(frozen=True)
class Norm:
    """A kind of normalisation and its numbers; `kind` None means no normalisation, and a bias."""

    kind: Literal["batch", "group", "layer"] | None = "batch"
    epsilon: float = 1e-5
    momentum: float = 0.9

    def __call__(self, x: Tensor, name: str, **options: Any) -> Tensor:
        """Applies it; `options` such as `scale=False` go to batch normalisation."""
        if self.kind is None:
            return x
        if self.kind == "batch":
            return BatchNormalization(
                epsilon=self.epsilon, momentum=self.momentum, name=name, **options
            )(x)
        if self.kind == "layer":
            return LayerNormalization(epsilon=self.epsilon, name=name)(x)
        if self.kind == "group":
            groups = next(n for n in range(GROUPS, 0, -1) if x.shape[-1] % n == 0)
            return layers.GroupNormalization(groups, epsilon=self.epsilon, name=name)(x)
        raise InputError(
            f"`norm` must be 'batch', 'group', 'layer' or None here. Received: {self.kind!r}."
        )


def pad(x: Tensor, window: int, name: str, dilation: int = 1) -> Tensor:
    """Zeros on all four sides alike, so that a valid window of odd size keeps its centre."""
    border = dilation * (window - 1) // 2
    return layers.ZeroPadding2D(border, name=f"{name}_pad")(x) if border else x


def conv(
    x: Tensor,
    filters: int,
    window: int | tuple[int, int],
    stride: int = 1,
    *,
    name: str,
    padding: Padding = "same",
    groups: int = 1,
    dilation: int = 1,
    use_bias: bool = True,
    **options: Any,
) -> Tensor:
    """A convolution named `name`.

    "same" pads as TensorFlow does: with a step of 2 one side gets more. "symmetric" pads both
    sides alike, as PyTorch and the papers do.
    """
    if padding == "symmetric" and (stride > 1 or (isinstance(window, int) and window % 2 == 0)):
        x = pad(x, window if isinstance(window, int) else window[0], name, dilation)
        padding = "valid"
    kind = layers.Conv2D if groups == 1 else GroupedConv2D
    return kind(
        filters,
        window,
        stride,
        padding="same" if padding == "symmetric" else padding,
        groups=groups,
        dilation_rate=dilation,
        use_bias=use_bias,
        name=name,
        **options,
    )(x)


def conv_norm(
    x: Tensor,
    filters: int,
    window: int | tuple[int, int],
    stride: int = 1,
    *,
    name: str,
    norm: Norm = Norm(),
    activation: str | None = "relu",
    activation_name: str | None = None,
    **options: Any,
) -> Tensor:
    """Convolution, normalisation, activation: layers `NAME_conv`, `NAME_norm`, `NAME_act`.

    The convolution has a bias only where no normalisation follows it.
    """
    x = conv(x, filters, window, stride, name=f"{name}_conv", use_bias=norm.kind is None, **options)
    x = norm(x, f"{name}_norm")
    return activate(x, activation, activation_name or f"{name}_act")


def depthwise_norm(
    x: Tensor,
    window: int,
    stride: int = 1,
    *,
    name: str,
    norm: Norm = Norm(),
    activation: str | None = "relu",
    padding: Padding = "same",
    dilation: int = 1,
    **options: Any,
) -> Tensor:
    """Depthwise convolution, normalisation, activation: `NAME_dwconv`, `NAME_norm`, `NAME_act`."""
    if padding == "symmetric" and stride > 1:
        x, padding = pad(x, window, name, dilation), "valid"
    kind = DepthwiseConv2D if window >= 5 and stride == 1 else layers.DepthwiseConv2D
    x = kind(
        window,
        stride,
        padding="same" if padding == "symmetric" else padding,
        dilation_rate=dilation,
        use_bias=norm.kind is None,
        name=f"{name}_dwconv",
        **options,
    )(x)
    return activate(norm(x, f"{name}_norm"), activation, f"{name}_act")


def activate(x: Tensor, activation: str | None, name: str) -> Tensor:
    """An activation layer, or nothing for None."""
    if activation is None:
        return x
    kind = Activation if activation in FASTER else layers.Activation
    return kind(activation, name=name)(x)


def max_pool(
    x: Tensor, window: int, stride: int, *, name: str, padding: Padding = "same"
) -> Tensor:
    """Max pooling; "symmetric" pads with zeros, so only use it after a ReLU."""
    if padding == "symmetric":
        x, padding = pad(x, window, name), "valid"
    return layers.MaxPooling2D(window, stride, padding=padding, name=name)(x)


def global_average_head(x: Tensor) -> Tensor:
    """Feature maps to one vector, by their averages."""
    return layers.GlobalAveragePooling2D(name="avg_pool")(x)
