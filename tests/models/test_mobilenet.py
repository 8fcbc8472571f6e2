"""MobileNet against keras.applications, the paper's tables and real photos."""

import keras
import numpy as np
import pytest
from lifecycle import change_by_reloading, losses
from parity import compare_with_keras

from kerascnn import data, profile, weights
from kerascnn.errors import InputError
from kerascnn.models import MobileNet

LOGITS = {"classes": 10, "classifier_activation": None}
STAGES = {
    "stage1": "conv_pw_1_relu",
    "stage2": "conv_pw_3_relu",
    "stage3": "conv_pw_5_relu",
    "stage4": "conv_pw_11_relu",
    "stage5": "conv_pw_13_relu",
}


@pytest.mark.parametrize("choice", [{"alpha": 1.0}, {"alpha": 0.5, "depth_multiplier": 2}])
def test_outputs_and_stages_equal_keras(choice, assert_equal):
    options = {**choice, "input_shape": (64, 64, 3), **LOGITS}
    found = compare_with_keras(
        MobileNet(**options),
        keras.applications.MobileNet(weights=None, **options),
        "mobilenet",
        keras.applications.mobilenet.preprocess_input,
        STAGES,
        files=choice["alpha"] < 1,  # the formats are the same for all families
    )
    assert_equal(found, "MobileNet", **choice)


# Tables 6 and 7: millions of parameters and of multiply-accumulates.
@pytest.mark.parametrize(
    ("alpha", "size", "params", "macs"),
    [
        (1.0, 224, 4.2, 569),
        (0.75, 224, 2.6, 325),
        (0.5, 224, 1.3, 149),
        (0.25, 224, 0.5, 41),
        (1.0, 192, 4.2, 418),
        (1.0, 160, 4.2, 290),
        (1.0, 128, 4.2, 186),
    ],
)
@pytest.mark.usefixtures("symbolic")
def test_counts_are_the_papers(alpha, size, params, macs):
    model = MobileNet(alpha=alpha, input_shape=(size, size, 3))
    assert profile.trainable_parameters(model) / 1e6 == pytest.approx(params, abs=0.06)
    assert profile.macs(model) / 1e6 == pytest.approx(macs, abs=1)


def test_a_few_steps_reduce_the_loss(shallow):
    keras.utils.set_random_seed(0)
    curve = losses(MobileNet(alpha=0.25, input_shape=(32, 32, 3), classes=2))
    assert curve[-1] < 0.5 * curve[0], curve


@pytest.mark.parametrize(
    ("norm", "kind"),
    [("group", keras.layers.GroupNormalization), ("layer", keras.layers.LayerNormalization)],
)
def test_other_normalisations_take_the_place_of_batch_normalisation(norm, kind):
    model = MobileNet(alpha=0.25, input_shape=(32, 32, 3), norm=norm)
    norms = [layer for layer in model.layers if layer.name.endswith("_norm")]
    assert all(isinstance(layer, kind) for layer in norms)
    assert len(norms) == 27
    assert not model.get_layer("stem_conv").use_bias


def test_without_normalisation_convolutions_have_biases():
    model = MobileNet(alpha=0.25, input_shape=(32, 32, 3), norm=None)
    assert model.get_layer("stem_conv").use_bias
    assert model.get_layer("stage1_1_dw_dwconv").use_bias
    assert not [layer for layer in model.layers if layer.name.endswith("_norm")]


def test_a_saved_model_gives_the_same_in_a_fresh_process(tmp_path):
    model = MobileNet(alpha=0.25, input_shape=(32, 32, 3), classes=3)
    assert change_by_reloading(tmp_path, model) < 1e-6


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"alpha": 0}, "`alpha` must be a number above 0"),
        ({"alpha": "1"}, "`alpha` must be a number above 0"),
        ({"depth_multiplier": 0}, "`depth_multiplier` must be a whole number"),
        ({"norm": "lrn"}, "`norm` must be"),
    ],
)
def test_unusable_options_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        MobileNet(**options)


def test_odd_maps_are_padded_as_in_the_authors_code():
    model = MobileNet(alpha=0.25, input_shape=(72, 72, 3), include_top=False)
    sizes = [model.get_layer(f"stage{level}").output.shape[1] for level in range(1, 6)]
    assert sizes == [36, 18, 9, 5, 3]


@pytest.fixture(scope="module")
def published(shared):
    return shared / "weights" / "mobilenet_v1_0.25_224_imagenet.weights.h5"


@pytest.mark.shared
def test_real_weights_load_strictly(published):
    model = MobileNet(alpha=0.25, include_top=True)
    report = weights.load(model, published, family="mobilenet")
    assert set(report.loaded) == {layer.name for layer in model.layers if layer.weights}
    assert report.reinitialised == report.unused == ()
    with pytest.raises(InputError, match="needs shapes"):
        MobileNet(alpha=0.5, weights=published)


@pytest.mark.shared
def test_real_weights_name_daisies(published, shared):
    paths = sorted((shared / "photos" / "tf_flowers" / "daisy").glob("*.jpg"))[:64]
    crop = data.ResizeRule(fit="crop")
    images = np.stack([data.load_image(path, 224, 3, crop) for path in paths])
    scores = MobileNet(alpha=0.25, weights=published).predict(images, verbose=0)
    assert (scores.argmax(axis=1) == 985).mean() > 0.65  # of all 230: 0.75
    assert (scores.argsort(axis=1)[:, -5:] == 985).any(axis=1).mean() > 0.8  # of all: 0.85
