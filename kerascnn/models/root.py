"""ResNet-50 with root modules: filter groups that get fewer with depth.

Ioannou, Robertson, Cipolla, Criminisi, Deep Roots: Improving CNN Efficiency with Hierarchical
Filter Groups, CVPR 2017, arXiv:1605.06489, section 5.2. A root module is a grouped spatial
convolution followed by a 1x1 convolution that mixes the groups. The 3x3 convolutions of ResNet-50
get `root` groups in the first stage and half as many in each stage after it.

The paper's own ResNet-50 reached 73.0 % top-1 on ImageNet, root-64 73.2 % with 40 % fewer
parameters and 45 % fewer multiply-accumulates. Its counts of parameters are lower by 53,056: they
leave out the gains and offsets of normalisation, and give the first convolution a bias.
"""

from typing import Unpack

import keras

from kerascnn.models._common import Weights, choose, variant
from kerascnn.models._residual import bottleneck
from kerascnn.models.resnet import CHOICES, KERAS, SPECS, WIDE, ResNetOptions, Spec, resnet

ROOTS = (2, 4, 8, 16, 32, 64)


class RootOptions(ResNetOptions, total=False):
    """Adds the number of groups.

    Attributes:
        root: Groups of the convolutions of the first stage, 2, 4, 8, 16, 32 or 64; each later
            stage has half of the one before.
    """

    root: int


@variant(styles=KERAS, **CHOICES, root=64)
def ResNet50Root(
    include_top: bool = True, weights: Weights = None, **options: Unpack[RootOptions]
) -> keras.Model:
    """ResNet-50 root-64: 15.4 M parameters, 2.1 G multiply-accumulates.

    Takes raw images (batch, 224, 224, 3), or any size from 32.

    Args:
        include_top: Build average pooling and the output.
        weights: None, or a weight file.
        **options: See `RootOptions`.
    """
    root = choose("root", options["root"], ROOTS)
    groups = tuple(max(1, root >> stage) for stage in range(4))
    spec = Spec(bottleneck, SPECS["ResNet50"].depths, filters=WIDE, groups=groups)
    return resnet(spec, include_top, options)
