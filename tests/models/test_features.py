"""Feature maps by level, and names of ImageNet's classes."""

import keras
import numpy as np
import pytest

import kerascnn
from kerascnn.errors import InputError
from kerascnn.models import decode_predictions, features


@pytest.fixture(scope="module")
def model():
    return kerascnn.create_model("MobileNet", alpha=0.25, input_shape=(64, 96, 3), classes=3)


def test_the_default_levels_are_2_to_5(model):
    maps = features(model)
    sizes = [shape[1:3] for shape in maps.output_shape]
    assert sizes == [(16, 24), (8, 12), (4, 6), (2, 3)]
    assert maps.name == "mobilenet_features"


def test_the_maps_are_those_of_the_layers_in_the_order_asked_for(model):
    x = np.random.default_rng(0).integers(0, 256, (2, 64, 96, 3)).astype("float32")
    deep, shallow = features(model, levels=(4, 1)).predict_on_batch(x)
    for got, name in ((deep, "stage4"), (shallow, "stage1")):
        wanted = keras.Model(model.inputs, model.get_layer(name).output).predict_on_batch(x)
        np.testing.assert_array_equal(got, wanted)


def test_one_level_is_a_list_of_one(model):
    assert len(features(model, levels=[3]).outputs) == 1


def test_weights_are_shared_and_the_rest_is_left_out(model):
    maps = features(model, levels=(2, 3))
    assert maps.get_layer("stem_conv") is model.get_layer("stem_conv")
    assert "predictions" not in {layer.name for layer in maps.layers}
    assert maps.count_params() < model.count_params()


def test_a_model_without_its_top_has_the_same_levels():
    bare = kerascnn.create_model("MobileNet", alpha=0.25, include_top=False)
    assert len(features(bare).outputs) == 4


def test_networks_for_small_images_have_level_0():
    maps = features(kerascnn.models.ResNet20(), levels=(0, 2))
    assert maps.output_shape == [(None, 32, 32, 16), (None, 8, 8, 64)]


def test_features_are_saved_and_loaded(model, tmp_path):
    x = np.zeros((1, 64, 96, 3), "float32")
    maps = features(model, levels=(2, 5))
    maps.save(tmp_path / "maps.keras")
    loaded = kerascnn.load_model(tmp_path / "maps.keras")
    for got, wanted in zip(loaded.predict_on_batch(x), maps.predict_on_batch(x), strict=True):
        np.testing.assert_allclose(got, wanted, atol=1e-6)


def test_levels_a_model_does_not_have_are_named(model):
    with pytest.raises(InputError, match=r"levels \[1, 2, 3, 4, 5\]\. Received: levels=\(5, 6\)"):
        features(model, levels=(5, 6))
    with pytest.raises(InputError, match="at least one level"):
        features(model, levels=())


def test_a_model_without_stages_is_refused():
    with pytest.raises(InputError, match="'lenet5' has no layers named stage0"):
        features(kerascnn.models.LeNet5())


def test_decode_predictions_names_the_best_first():
    scores = np.zeros((2, 1000))
    scores[0, [0, 985, 281]] = 0.2, 0.5, 0.3
    scores[1, 999] = 1.0
    first, second = decode_predictions(scores, top=3)
    assert first == [
        ("n11939491", "daisy", 0.5),
        ("n02123045", "tabby", 0.3),
        ("n01440764", "tench", 0.2),
    ]
    assert second[0][:2] == ("n15075141", "toilet tissue")


def test_decode_predictions_takes_tensors_and_logits():
    scores = keras.ops.convert_to_tensor(-np.arange(1000.0)[None])
    assert [name for _, name, _ in decode_predictions(scores, top=2)[0]] == ["tench", "goldfish"]


@pytest.mark.parametrize("shape", [(1, 10), (1000,), (1, 1, 1000)])
def test_decode_predictions_refuses_other_shapes(shape):
    with pytest.raises(InputError, match="1000 classes of ImageNet"):
        decode_predictions(np.zeros(shape))


@pytest.mark.parametrize("top", [0, 1001])
def test_decode_predictions_refuses_other_numbers(top):
    with pytest.raises(InputError, match="`top` must be in"):
        decode_predictions(np.zeros((1, 1000)), top=top)
