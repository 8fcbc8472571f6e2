"""The layer that int8 ruins is found, named, and can be left in float."""

import numpy as np
import pytest

from kerascnn.errors import InputError
from kerascnn.export import TFLiteModel, export_tflite, measure_sensitivity
from kerascnn.export.quantize.quantizer import quantize
from kerascnn.export.quantize.sensitivity import all_but, tensors_of


@pytest.fixture(scope="module")
def sensitivity(hard_model, hard_file, grey_images):
    return measure_sensitivity(hard_model, grey_images, float_model=hard_file.read_bytes())


def test_layers_are_named_in_the_order_of_computation(sensitivity):
    names = [layer.layer for layer in sensitivity.layers if "CONV_2D" in layer.operators]
    assert names == ["stem", "one", "two", "hard", "three", "four"]
    assert sensitivity.images == 48


def test_the_hard_layer_is_the_worst(sensitivity):
    worst, second = sensitivity.worst(2)
    assert worst.layer == "hard"
    assert worst.error > 5 * second.error
    assert worst.agreement < 1


def test_leaving_it_in_float_keeps_the_answers(hard_file, grey_images):
    content = hard_file.read_bytes()
    wanted = TFLiteModel(content).predict(grey_images)

    def error(layers):
        scope = all_but(tensors_of(content, layers))
        file = quantize(content, "int8", grey_images, scope=scope)
        return np.abs(TFLiteModel(file).predict(grey_images) - wanted).mean()

    assert error(["hard"]) < 0.2 * error([])
    assert error(["one"]) > 0.5 * error([])


def test_progress_counts_layers(hard_model, hard_file, grey_images):
    seen = []
    measure_sensitivity(
        hard_model,
        grey_images[:2],
        float_model=hard_file.read_bytes(),
        progress=lambda *pair: seen.append(pair),
    )
    assert seen == [(i, seen[0][1]) for i in range(1, seen[0][1] + 1)]


def test_an_unknown_layer_is_refused(hard_model, hard_file, grey_images, tmp_path):
    with pytest.raises(InputError, match=r"no layer 'heart'.*stem, one, two, hard"):
        export_tflite(
            hard_model,
            tmp_path / "x.tflite",
            "int8",
            grey_images,
            float_layers=["heart"],
            float_model=hard_file.read_bytes(),
        )
