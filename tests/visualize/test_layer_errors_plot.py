"""The picture of layer errors: one row per layer, whatever their number and size."""

import pytest
from PIL import Image

from kerascnn.errors import InputError
from kerascnn.visualize import plot_layer_errors


def test_more_layers_make_a_taller_picture(tmp_path):
    heights = []
    for count in (3, 60):
        path = tmp_path / f"{count}.png"
        errors = [10.0**-i if i % 7 else 0.0 for i in range(count)]
        plot_layer_errors([f"layer{i}" for i in range(count)], errors, path, "title")
        heights.append(Image.open(path).height)
    assert heights[1] > 4 * heights[0]


def test_an_error_for_each_layer_is_asked_for(tmp_path):
    with pytest.raises(InputError, match=r"one error per layer\. Received: 2 and 1"):
        plot_layer_errors(["a", "b"], [1.0], tmp_path / "x.png")
