"""Compound scaling: depth, width and resolution of a network grow together.

Tan, Le, EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, ICML 2019,
arXiv:1905.11946, section 3.3.
"""

from dataclasses import dataclass

from kerascnn import arguments


@dataclass(frozen=True)
class Scaling:
    """How a network is scaled from B0.

    Attributes:
        width: Factor on the channels.
        depth: Factor on the blocks of a stage.
        resolution: Side of the images.
        dropout: Rate before the output.
    """

    width: float
    depth: float
    resolution: int
    dropout: float = 0.2


def compound_scaling(
    phi: float, alpha: float = 1.2, beta: float = 1.1, gamma: float = 1.15
) -> Scaling:
    """The paper's equation 3: depth alpha**phi, width beta**phi, resolution gamma**phi times 224.

    Multiply-accumulates grow about (alpha * beta**2 * gamma**2)**phi = 1.92**phi times. Dropout
    rises from 0.2 (phi 0) to 0.5 (phi 7) as in section 5.2, and stays between 0 and 0.8.

    Args:
        phi: How much more to spend; negative values give smaller networks.
        alpha: Depth for phi 1.
        beta: Width for phi 1.
        gamma: Resolution for phi 1.
    """
    arguments.number("phi", phi, "a number in -8..16", lambda phi: -8 <= phi <= 16)
    for name, value in (("alpha", alpha), ("beta", beta), ("gamma", gamma)):
        arguments.positive(name, value)
    return Scaling(
        width=beta**phi,
        depth=alpha**phi,
        resolution=max(32, round(224 * gamma**phi)),
        dropout=round(min(0.8, max(0.0, 0.2 + 0.3 * phi / 7)), 3),
    )


# The published networks, which the authors rounded by hand: B2 is phi 1; the factors of B7 are
# those of phi 6.2 (depth), 7.3 (width) and 7.0 (resolution).
SCALINGS = {
    "EfficientNetB0": Scaling(1.0, 1.0, 224, 0.2),
    "EfficientNetB1": Scaling(1.0, 1.1, 240, 0.2),
    "EfficientNetB2": Scaling(1.1, 1.2, 260, 0.3),
    "EfficientNetB3": Scaling(1.2, 1.4, 300, 0.3),
    "EfficientNetB4": Scaling(1.4, 1.8, 380, 0.4),
    "EfficientNetB5": Scaling(1.6, 2.2, 456, 0.4),
    "EfficientNetB6": Scaling(1.8, 2.6, 528, 0.5),
    "EfficientNetB7": Scaling(2.0, 3.1, 600, 0.5),
    "EfficientNetLite0": Scaling(1.0, 1.0, 224, 0.2),
    "EfficientNetLite1": Scaling(1.0, 1.1, 240, 0.2),
    "EfficientNetLite2": Scaling(1.1, 1.2, 260, 0.3),
    "EfficientNetLite3": Scaling(1.2, 1.4, 280, 0.3),
    "EfficientNetLite4": Scaling(1.4, 1.8, 300, 0.3),
}
