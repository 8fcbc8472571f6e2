"""`kerascnn export --sensitivity`: which layers lose accuracy in int8."""

from typing import TYPE_CHECKING

from kerascnn.cli import console

if TYPE_CHECKING:
    import keras
    import numpy as np


def show(
    model: "keras.Model", images: "np.ndarray", float_model: bytes, path: str, as_json: bool
) -> None:
    """Measures each layer; the worst in a table, unless JSON is wanted, all in a picture at `path`.

    An empty path is none.
    """
    from kerascnn.export import measure_sensitivity
    from kerascnn.visualize import plot_layer_errors

    with console.err.status("measuring each layer"):
        found = measure_sensitivity(model, images, float_model=float_model)
    if path:
        title = "mean change of the outputs with one layer in int8, as a share of their range"
        names = [layer.layer for layer in found.layers]
        plot_layer_errors(names, [layer.error for layer in found.layers], path, title)
    if as_json:
        return
    console.show_table(
        f"the layers that lose most in int8, each alone, on {found.images} images",
        ("layer", "operators", "error", "agreement"),
        [
            (
                layer.layer,
                " ".join(layer.operators),
                f"{layer.error:.2e}",
                console.percent(layer.agreement),
            )
            for layer in found.worst(10)
        ],
        texts=("operators",),
    )
    if path:
        console.note(f"all layers: {path}")
