"""Blocks of residual networks: two 3x3 convolutions, or a bottleneck; ResNet's and ResNeXt's.

He et al., arXiv:1512.03385, figure 5; Xie et al., arXiv:1611.05431, figure 3c.
"""

from collections.abc import Callable
from dataclasses import dataclass

from keras import layers

from kerascnn.models._blocks import Norm, activate, conv_norm
from kerascnn.models._common import Tensor

# The variance of He et al., arXiv:1502.01852, which ReLUs keep; plain nets need it most. The
# paper draws from a normal distribution; a uniform one takes a quarter of the time.
INITIALIZER = "he_uniform"


@dataclass(frozen=True)
class Details:
    """The form of the blocks.

    Attributes:
        norm: Normalisation after each convolution.
        early: A bottleneck takes its step in the first 1x1 convolution, not in the 3x3.
        residual: Blocks add their input.
    """

    norm: Norm
    early: bool = False
    residual: bool = True


@dataclass(frozen=True)
class Block:
    """One block.

    Attributes:
        width: Filters of the 3x3 convolutions.
        filters: Channels that leave it.
        groups: Groups of the 3x3 convolutions.
        stride: Its step.
        before: Dilation of its 3x3 convolutions up to the one that takes the step.
        after: Dilation behind the step.
    """

    width: int
    filters: int
    groups: int = 1
    stride: int = 1
    before: int = 1
    after: int = 1


Branch = Callable[[Tensor, Block, Details, str], Tensor]


def basic(x: Tensor, block: Block, like: Details, name: str) -> Tensor:
    """Two 3x3 convolutions; the second without activation."""
    x = conv3x3(x, block, block.stride, block.before, like.norm, "relu", f"{name}_1")
    return conv3x3(x, block, 1, block.after, like.norm, None, f"{name}_2")


def bottleneck(x: Tensor, block: Block, like: Details, name: str) -> Tensor:
    """1x1 to `width` channels, 3x3, and 1x1 to `filters` without activation."""
    first, second = (block.stride, 1) if like.early else (1, block.stride)
    dilation = block.after if like.early else block.before
    x = conv1x1(x, block.width, first, like.norm, "relu", f"{name}_1")
    x = conv3x3(x, block, second, dilation, like.norm, "relu", f"{name}_2")
    return conv1x1(x, block.filters, 1, like.norm, None, f"{name}_3")


def conv1x1(
    x: Tensor, filters: int, stride: int, norm: Norm, activation: str | None, name: str
) -> Tensor:
    return conv_norm(
        x,
        filters,
        1,
        stride,
        name=name,
        norm=norm,
        activation=activation,
        kernel_initializer=INITIALIZER,
    )


def conv3x3(
    x: Tensor,
    block: Block,
    stride: int,
    dilation: int,
    norm: Norm,
    activation: str | None,
    name: str,
) -> Tensor:
    return conv_norm(
        x,
        block.width,
        3,
        stride,
        name=name,
        norm=norm,
        activation=activation,
        padding="symmetric",
        dilation=dilation,
        groups=block.groups,
        kernel_initializer=INITIALIZER,
    )


def unit(
    x: Tensor, branch: Branch, block: Block, like: Details, name: str, activation_name: str
) -> Tensor:
    """A block: its branch, the shortcut (a projection where shapes differ), and the ReLU."""
    y = branch(x, block, like, name)
    if like.residual:
        stepped = block.stride > 1 or block.after > block.before  # or would have
        if stepped or x.shape[-1] != block.filters:
            x = conv1x1(x, block.filters, block.stride, like.norm, None, f"{name}_skip")
        y = layers.Add(name=f"{name}_add")([x, y])
    return activate(y, "relu", activation_name)
