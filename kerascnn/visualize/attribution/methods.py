"""The table of attribution methods, for whoever lets a person choose one by name."""

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascnn.errors import InputError
from kerascnn.inputs.images import as_images

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Method:
    """How one method is called and shown.

    Attributes:
        function: Its name in `kerascnn.visualize`; it takes a model and images.
        takes_classes: Whether it takes the class of each image.
        takes_layer: Whether it takes the `layer` whose maps are used.
        coarse: Whether it gives places rather than pixels: to be drawn over the image.
        options: Further keywords of the function, where its own defaults are long work.
        result: The part of the result that holds the attributions; None if it is all of it.
    """

    function: str
    takes_classes: bool = True
    takes_layer: bool = False
    coarse: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    result: str | None = None


METHODS: dict[str, Method] = {
    "saliency": Method("saliency"),
    "smooth-grad": Method("smooth_grad"),
    "guided": Method("guided_backpropagation"),
    "deconvnet": Method("deconvnet", takes_classes=False, takes_layer=True),
    "integrated": Method("integrated_gradients", result="attributions"),
    "occlusion": Method("occlusion", coarse=True),
    "cam": Method("cam", coarse=True),
    "grad-cam": Method("grad_cam", takes_layer=True, coarse=True),
    "grad-cam++": Method("grad_cam_pp", takes_layer=True, coarse=True),
    "score-cam": Method("score_cam", takes_layer=True, coarse=True, options={"channels": 128}),
    "layer-cam": Method("layer_cam", takes_layer=True, coarse=True),
}
"""What `attribute` and `kerascnn explain` know by name."""


def attribute(
    model: "keras.Model",
    images: np.ndarray,
    method: str,
    classes: int | Sequence[int] | np.ndarray | None = None,
    layer: str | None = None,
    *,
    against: bool = False,
    **options: Any,
) -> np.ndarray:
    """What a method of the table says about images.

    Args:
        model: Any model with one image input and the output `[B, classes]`.
        images: `[B, H, W, C]`, as the model takes them.
        method: One of the names in `METHODS`.
        classes: The class of each image, or one for all; the model's choice if None.
            "deconvnet" is about the strongest unit of a layer instead.
        against: Explain what speaks against the class, or lowers the quantity, instead.
        layer: Name of the layer whose maps are used; None takes the last with maps. Methods of
            pixels leave it aside.
        **options: Further keywords of the method's function.

    Returns:
        float32 `[B, H, W]` or `[B, H, W, C]`, as the method's function gives it.

    Raises:
        InputError: An unknown name, or what the method's function raises.
    """
    if method not in METHODS:
        raise InputError(f"no method {method!r}. There are: {', '.join(METHODS)}.")
    entry = METHODS[method]
    images = as_images(images)  # a generator could not be gone through twice
    function = getattr(importlib.import_module("kerascnn.visualize"), entry.function)
    given = {**entry.options, **options}
    if entry.takes_classes:
        given |= {"classes": classes, "against": against}
    if entry.takes_layer:
        given["layer"] = layer
        if layer is None and not entry.takes_classes:  # deconvnet has no default
            given["layer"] = _last_maps(model, images)
    found = function(model, images, **given)
    return found if entry.result is None else getattr(found, entry.result)


def _last_maps(model: "keras.Model", images: np.ndarray) -> str:
    from kerascnn.inputs.model_inputs import checked_images
    from kerascnn.visualize.attribution.layer_maps import map_layer

    return str(map_layer(model, checked_images(model, images)).name)
