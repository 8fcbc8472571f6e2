"""The table of attribution methods, for whoever lets a person choose one by name."""

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascnn.errors import InputError

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Method:
    """How one method is called and shown.

    Attributes:
        function: Its name in `kerascnn.visualize`; it takes a model, images and classes.
        takes_layer: Whether it takes the `layer` whose maps are used.
        coarse: Whether it gives places rather than pixels: to be drawn over the image.
        options: Further keywords of the function, where its own defaults are long work.
        result: The part of the result that holds the attributions; None if it is all of it.
    """

    function: str
    takes_layer: bool = False
    coarse: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    result: str | None = None


METHODS: dict[str, Method] = {
    "saliency": Method("saliency"),
    "smooth-grad": Method("smooth_grad"),
    "guided": Method("guided_backpropagation"),
    "integrated": Method("integrated_gradients", result="attributions"),
    "occlusion": Method("occlusion", coarse=True),
    "cam": Method("cam", coarse=True),
    "grad-cam": Method("grad_cam", takes_layer=True, coarse=True),
    "grad-cam++": Method("grad_cam_pp", takes_layer=True, coarse=True),
    "score-cam": Method("score_cam", takes_layer=True, coarse=True, options={"channels": 128}),
    "layer-cam": Method("layer_cam", takes_layer=True, coarse=True),
}


def attribute(
    model: "keras.Model",
    images: np.ndarray,
    method: str,
    classes: Sequence[int] | np.ndarray | None = None,
    layer: str | None = None,
    **options: Any,
) -> np.ndarray:
    """What a method of the table says about images.

    Args:
        model: Any model with one image input and the output `[B, classes]`.
        images: `[B, H, W, C]`, as the model takes them.
        method: One of the names in `METHODS`.
        classes: The class of each image; the one the model chooses if None.
        layer: Name of the layer whose maps are used; methods of pixels leave it aside.
        **options: Further keywords of the method's function.

    Returns:
        float32 `[B, H, W]` or `[B, H, W, C]`, as the method's function gives it.

    Raises:
        InputError: An unknown name, or what the method's function raises.
    """
    if method not in METHODS:
        raise InputError(f"no method {method!r}. There are: {', '.join(METHODS)}.")
    entry = METHODS[method]
    function = getattr(importlib.import_module("kerascnn.visualize"), entry.function)
    given = {**entry.options, **({"layer": layer} if entry.takes_layer else {}), **options}
    found = function(model, images, classes, **given)
    return found if entry.result is None else getattr(found, entry.result)
