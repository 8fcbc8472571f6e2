"""EfficientNet against keras.applications, torchvision, timm and the paper."""

import sys

import fresh
import keras
import numpy as np
import pytest
from lifecycle import change_by_reloading, configurations, losses
from parity import (
    arrays_of,
    compare_with_golden,
    compare_with_keras,
    difference,
    infer,
    pixels,
    randomize,
)

from kerascnn import catalog, layers, models, profile, weights
from kerascnn.errors import InputError
from kerascnn.models import EfficientNetB0, EfficientNetB1, EfficientNetB5, EfficientNetLite0
from kerascnn.models.compound_scaling import SCALINGS, Scaling, compound_scaling
from kerascnn.models.efficientnet import EfficientNet

SMALL = {"input_shape": (64, 64, 3), "classes": 10, "classifier_activation": None}
MEAN, DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
STAGES = {
    "stage1": "block1a_project_bn",
    "stage2": "block2b_add",
    "stage3": "block3b_add",
    "stage4": "block5c_add",
    "stage5": "top_activation",
}
TINY = Scaling(width=0.25, depth=0.3, resolution=32)


def normalise_with(variance):
    """Gives their model's normalisation of pixels ImageNet's mean and a variance."""

    def prepare(theirs):
        layer = next(x for x in theirs.layers if isinstance(x, keras.layers.Normalization))
        mean, spread, count = layer.weights
        mean.assign(MEAN.reshape(mean.shape))
        spread.assign(variance.reshape(spread.shape))
        count.assign(0)
        layer.finalize_state()

    return prepare


def test_outputs_and_stages_equal_keras(assert_equal):
    found = compare_with_keras(
        EfficientNetB0(**SMALL),
        keras.applications.EfficientNetB0(weights=None, **SMALL),
        "efficientnet",
        taps=STAGES,
        prepare=normalise_with(DEVIATION**2),
    )
    assert_equal(found, "EfficientNetB0")


def test_published_weights_give_what_keras_gives(tmp_path, monkeypatch):
    """keras.applications adds a second rescaling with them; the file has a wrong variance."""
    size = {"input_shape": (32, 32, 3), "include_top": False, "pooling": "avg"}
    file = keras.applications.EfficientNetB0(weights=None, **size)
    randomize(file)
    normalise_with(DEVIATION)(file)
    file.save_weights(tmp_path / "b0.weights.h5")
    module = sys.modules["keras.src.applications.efficientnet"]
    monkeypatch.setattr(
        module.file_utils, "get_file", lambda *_, **__: str(tmp_path / "b0.weights.h5")
    )
    theirs = keras.applications.EfficientNetB0(weights="imagenet", **size)
    rescalings = [x for x in theirs.layers if isinstance(x, keras.layers.Rescaling)]
    assert len(rescalings) == 2
    ours = EfficientNetB0(**size)
    weights.load(ours, arrays_of(theirs), family="efficientnet")
    images = pixels((32, 32, 3))
    wanted = infer(theirs, images)
    assert difference(infer(ours, images), wanted) < 1e-4


def test_weights_for_other_pixels_are_refused():
    theirs = keras.applications.EfficientNetB0(weights=None, **SMALL)
    with pytest.raises(InputError, match=r"saw pixels times 0\.0039.* does not give"):
        weights.load(EfficientNetB0(**SMALL), arrays_of(theirs), family="efficientnet")


@pytest.mark.parametrize(
    ("file", "build", "style"),
    [
        ("efficientnet_b0", EfficientNetB0, "torch"),
        ("efficientnet_b0_timm", EfficientNetB0, "torch"),
        ("efficientnet_lite0_timm", EfficientNetLite0, "torch"),
        ("tf_efficientnet_lite0_timm", EfficientNetLite0, None),
    ],
)
def test_outputs_and_stages_equal_the_torch_libraries(file, build, style, assert_equal):
    family = catalog.find(build.__name__).family
    found = compare_with_golden(build(style=style, **SMALL), file, family)
    assert_equal(found, build.__name__, **({"style": style} if style else {}))


@pytest.mark.usefixtures("symbolic")
def test_torchvision_keeps_the_authors_epsilon_from_b5_on():
    epsilons = {
        build: build(style="torch", input_shape=(32, 32, 3)).get_layer("stem_norm").epsilon
        for build in (EfficientNetB1, EfficientNetB5)
    }
    assert list(epsilons.values()) == [1e-5, 1e-3]


# Table 2 of the paper, and the authors' repository for Lite: millions of parameters, and thousands
# of millions of operations, of which those of the normalisation are not ours.
@pytest.mark.parametrize(
    ("name", "params", "operations"),
    [
        ("EfficientNetB0", 5.3, 0.39),
        ("EfficientNetB1", 7.8, 0.70),
        ("EfficientNetB2", 9.2, 1.0),
        ("EfficientNetB3", 12, 1.8),
        ("EfficientNetB4", 19, 4.2),
        ("EfficientNetB5", 30, 9.9),
        ("EfficientNetB6", 43, 19),
        ("EfficientNetB7", 66, 37),
        ("EfficientNetLite0", 4.7, 0.407),
        ("EfficientNetLite1", 5.4, 0.631),
        ("EfficientNetLite2", 6.1, 0.899),
        ("EfficientNetLite3", 8.2, 1.44),
        ("EfficientNetLite4", 13.0, 2.64),
    ],
)
def test_counts_are_the_papers(name, params, operations):
    entry = catalog.find(name)
    assert entry.params / 1e6 == pytest.approx(params, rel=0.03)
    assert entry.macs / 1e9 == pytest.approx(operations, rel=0.06)


def test_compound_scaling_multiplies_the_three_dimensions():
    assert compound_scaling(0) == Scaling(1.0, 1.0, 224, 0.2)
    assert compound_scaling(1) == Scaling(1.1, 1.2, 258, 0.243)
    other = compound_scaling(2, alpha=1.5, beta=1.0, gamma=1.0)
    assert (other.depth, other.width, other.resolution) == (2.25, 1.0, 224)


@pytest.mark.parametrize(
    ("name", "phi"), [("B1", 0.5), ("B2", 1), ("B3", 2), ("B4", 3.5), ("B5", 5), ("B6", 6)]
)
def test_published_coefficients_are_about_those_of_a_phi(name, phi):
    rule, published = compound_scaling(phi), SCALINGS[f"EfficientNet{name}"]
    assert published.depth == pytest.approx(rule.depth, rel=0.15)
    assert published.width == pytest.approx(rule.width, rel=0.06)
    assert published.resolution == pytest.approx(rule.resolution, rel=0.06)
    assert published.dropout == pytest.approx(rule.dropout, abs=0.06)


@pytest.mark.usefixtures("symbolic")
def test_a_new_phi_builds_and_costs_what_the_rule_says():
    base, scaled = (EfficientNet(scaling=compound_scaling(phi)) for phi in (0, 2))
    assert scaled.input_shape == (None, 296, 296, 3)
    growth = profile.macs(scaled) / profile.macs(base)  # blocks and channels are rounded up
    assert growth == pytest.approx((1.2 * 1.1**2 * 1.15**2) ** 2, rel=0.3)


@pytest.mark.parametrize("values", [{"phi": 40}, {"phi": 1, "beta": 0}])
def test_a_senseless_scaling_is_refused(values):
    with pytest.raises(InputError, match=r"`(phi|beta)` must be"):
        compound_scaling(**values)


@pytest.mark.usefixtures("symbolic")
def test_lite_fits_devices():
    model = models.EfficientNetLite4(input_shape=(32, 32, 3))
    names = [layer.name for layer in model.layers]
    assert not [name for name in names if "_se_" in name]
    activations = [layer for layer in model.layers if layer.name.endswith("_act")]
    assert {layer.activation.__name__ for layer in activations} == {"relu6"}
    assert model.get_layer("stem_conv").filters == 32
    assert model.get_layer("top_conv").filters == 1280
    assert sum(name.startswith("stage5b") and name.endswith("_add") for name in names) == 0


@pytest.mark.usefixtures("symbolic")
def test_drop_rates_rise_linearly_with_depth():
    model = EfficientNetB0(input_shape=(32, 32, 3))
    rates = [x.rate for x in model.layers if isinstance(x, layers.StochasticDepth)]
    blocks = [2, 4, 6, 7, 9, 10, 12, 13, 14]  # of 16, those that are added to their input
    assert rates == pytest.approx([0.2 * block / 16 for block in blocks])
    without = EfficientNetB0(input_shape=(32, 32, 3), drop_connect_rate=0.0)
    assert not [x for x in without.layers if isinstance(x, layers.StochasticDepth)]
    with pytest.raises(InputError, match="`drop_connect_rate` must be"):
        EfficientNetB0(drop_connect_rate=1.0)


@pytest.mark.parametrize(
    ("weights_name", "lite", "expected"),
    [
        ("tf_efficientnet_b0.safetensors", False, 1e-3),
        ("efficientnet_b0.safetensors", False, 1e-5),
        ("tf_efficientnet_lite0.safetensors", True, 1e-3),
        ("efficientnet_lite0.safetensors", True, 1e-5),
        ("model.safetensors", True, 1e-3),
    ],
)
def test_the_name_of_a_weight_file_tells_whose_details_it_has(weights_name, lite, expected):
    from kerascnn.models import efficientnet, efficientnet_lite

    styles = (efficientnet_lite if lite else efficientnet).STYLES
    style = styles.choose({"style": None}, weights_name, torch=True)
    assert efficientnet.details(style, "batch", lite=lite, width=1.0).norm.epsilon == expected


def test_a_few_steps_reduce_the_loss():
    keras.utils.set_random_seed(0)
    curve = losses(EfficientNet(scaling=TINY, classes=2, dropout=0.0))
    assert curve[-1] < 0.5 * curve[0], curve


def test_a_saved_model_gives_the_same_in_a_fresh_process(tmp_path):
    model = EfficientNet(scaling=TINY, classes=3)
    assert change_by_reloading(tmp_path, model) < 1e-6


def test_as_stock_layers_it_loads_where_kerascnn_is_not_known(tmp_path):
    model = EfficientNet(scaling=TINY, classes=3)
    stock = layers.to_stock(model)
    stock.save(tmp_path / "stock.keras")
    (config, *_) = fresh.call(configurations, "_drop", tmp_path / "stock.keras")
    assert tuple(config["noise_shape"]) == (None, 1, 1, 1)
    images = pixels((32, 32, 3))
    np.testing.assert_allclose(
        stock(images, training=False), model(images, training=False), atol=1e-6
    )
