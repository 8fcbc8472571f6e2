"""A model without its top takes the weights of one with it."""

import keras
import numpy as np
import pytest
import tiny

import kerascnn
from kerascnn import catalog
from kerascnn.errors import InputError
from kerascnn.weights.apply import match

SMALLEST = {
    entry.family: entry for entry in sorted(catalog.entries(), key=lambda e: e.params, reverse=True)
}


def weighted(model):
    return {layer.name: layer for layer in model.layers if layer.weights}


@pytest.mark.parametrize("entry", SMALLEST.values(), ids=lambda entry: entry.name)
def test_the_whole_top_is_left_out_and_nothing_else(entry, monkeypatch):
    tiny.make_shallow(monkeypatch)
    with keras.StatelessScope(initialize_variables=False):
        full = weighted(kerascnn.create_model(entry.name))
        bare = weighted(kerascnn.create_model(entry.name, include_top=False))
    arrays = {
        name: [np.broadcast_to(np.float32(0), tuple(w.shape)) for w in layer.weights]
        for name, layer in full.items()
    }
    options = {"head": "predictions", "what": ("a file", "the model")}
    _, report = match(bare, arrays, entry.family, **options)
    assert set(report.loaded) == set(bare)
    assert set(report.unused) == set(full) - set(bare)
    with pytest.raises(InputError, match="unexpected layers intruder"):
        match(bare, {**arrays, "intruder": []}, entry.family, **options)


@pytest.mark.shared
def test_a_file_of_keras_with_its_top(shared):
    file = shared / "weights/mobilenet_v1_0.25_224_imagenet.weights.h5"
    full = kerascnn.models.MobileNet(weights=file, alpha=0.25)
    bare = kerascnn.models.MobileNet(weights=file, alpha=0.25, include_top=False)
    for layer in bare.layers:
        for found, expected in zip(
            layer.get_weights(), full.get_layer(layer.name).get_weights(), strict=True
        ):
            np.testing.assert_array_equal(found, expected)
