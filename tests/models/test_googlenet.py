"""GoogLeNet against torchvision, and its auxiliary classifiers against the paper."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from golden import recording
from lifecycle import adam_losses, change_by_reloading
from parity import compare_with_golden, difference, infer, pixels, randomize

from kerascnn import weights
from kerascnn.errors import InputError
from kerascnn.models import GoogLeNet, googlenet
from kerascnn.models.googlenet import LOSS_WEIGHTS, repeat_labels, training, without_aux
from kerascnn.profile import profile, trainable_parameters
from kerascnn.weights.readers import StateDict

SMALL = {"input_shape": (96, 96, 3), "classes": 3}


@pytest.mark.parametrize(
    ("options", "count"),
    [
        ({}, 6_998_552),
        ({"aux": True}, 13_378_280),
        ({"norm": None}, 6_998_552),
        ({"norm": "batch"}, 6_624_904),
        ({"style": "torch", "aux": True}, 13_004_888),
    ],
)
@pytest.mark.usefixtures("symbolic")
def test_parameters(options, count):
    assert trainable_parameters(GoogLeNet(**options)) == count


@pytest.mark.usefixtures("symbolic")
def test_maps_have_the_sizes_and_depths_of_table_1():
    shapes = {row.name: row.output_shape for row in profile(GoogLeNet())}
    expected = {
        "stage1": (112, 112, 64),
        "stage2_0_pool": (56, 56, 64),
        "stage2": (56, 56, 192),
        "stage3_0_pool": (28, 28, 192),
        "stage3_1_concat": (28, 28, 256),
        "stage3": (28, 28, 480),
        "stage4_0_pool": (14, 14, 480),
        "stage4_1_concat": (14, 14, 512),
        "stage4_2_concat": (14, 14, 512),
        "stage4_3_concat": (14, 14, 512),
        "stage4_4_concat": (14, 14, 528),
        "stage4": (14, 14, 832),
        "stage5_0_pool": (7, 7, 832),
        "stage5_1_concat": (7, 7, 832),
        "stage5": (7, 7, 1024),
        "avg_pool": (1024,),
    }
    assert {name: shapes[name] for name in expected} == expected


@pytest.mark.parametrize("norm", ["batch", "lrn"])
def test_equals_torchvision_and_the_paper_s_form_in_torch(norm, assert_equal):
    model = GoogLeNet(norm=norm, aux=True, classes=10, classifier_activation=None)
    found = compare_with_golden(model, f"googlenet_{norm}", "googlenet")
    assert set(found.differences) > {"scores", "aux1", "aux2", "stage1", "stage5"}
    assert_equal(found, "GoogLeNet", norm=norm, aux=True)


def test_torchvision_weights_need_no_auxiliary_classifiers():
    model = GoogLeNet(style="torch", classes=7)
    state = recording.read("googlenet_batch").state
    report = weights.load(model, StateDict(state), family="googlenet")
    assert report.reinitialised == ("predictions",)
    assert "aux1.fc1.weight" in report.unused


def test_weights_go_from_a_model_with_auxiliary_classifiers_to_one_without(tmp_path):
    trained = GoogLeNet(aux=True, **SMALL)
    randomize(trained)
    trained.save_weights(tmp_path / "trained.weights.h5")
    plain = GoogLeNet(weights=tmp_path / "trained.weights.h5", **SMALL)
    x = pixels((96, 96, 3))
    wanted = infer(trained, x)["predictions"]
    assert difference(infer(plain, x), wanted) < 1e-6


def test_an_incomplete_file_is_refused():
    state = recording.read("googlenet_batch").state
    del state["inception4c.branch2.0.conv.weight"]
    with pytest.raises(InputError, match="stage4_3_b1_1_conv"):
        weights.load(GoogLeNet(style="torch"), StateDict(state), family="googlenet")


@pytest.fixture(scope="module")
def auxiliary():
    """A network with its auxiliary classifiers."""
    keras.utils.set_random_seed(0)
    return GoogLeNet(aux=True, **SMALL)


def gradients(model, output):
    """Sum of the absolute gradient of one output's loss for each layer with a kernel."""
    layers = {layer.name: layer.kernel for layer in model.layers if hasattr(layer, "kernel")}
    with tf.GradientTape() as tape:
        scores = model(pixels((96, 96, 3)), training=False)[output]
        loss = -tf.reduce_mean(tf.math.log(scores[:, 1] + 1e-9))
    kernels = [kernel.value for kernel in layers.values()]
    values = tape.gradient(loss, kernels, unconnected_gradients="zero")
    return {k: float(tf.reduce_sum(tf.abs(v))) for k, v in zip(layers, values, strict=True)}


@pytest.mark.parametrize(
    ("output", "reached", "not_reached"),
    [
        ("aux1", ["stem_1", "stage3_1_b1_2", "stage4_1_b0_1"], ["stage4_2_b0_1", "stage5_1_b0_1"]),
        ("aux2", ["stem_1", "stage4_1_b0_1", "stage4_4_b0_1"], ["stage4_5_b0_1", "stage5_1_b0_1"]),
        ("predictions", ["stem_1", "stage4_4_b0_1", "stage5_2_b3_1"], ["aux1", "aux2"]),
    ],
)
def test_each_loss_reaches_the_layers_below_it_and_no_others(
    output, reached, not_reached, auxiliary
):
    found = gradients(auxiliary, output)
    assert all(found[f"{name}_conv"] > 0 for name in reached)
    assert all(found[f"{name}_conv"] == 0 for name in not_reached)


def test_auxiliary_losses_count_three_tenths(auxiliary):
    model = auxiliary
    model.compile("sgd", run_eagerly=True, **training("sparse_categorical_crossentropy"))
    x, y = pixels((96, 96, 3)), np.array([0, 2])
    found = model.evaluate(x, repeat_labels(y), verbose=0, return_dict=True)
    parts = {key: found[f"{key}_loss"] for key in LOSS_WEIGHTS}
    assert list(LOSS_WEIGHTS.values()) == [1, 0.3, 0.3]
    assert found["loss"] == pytest.approx(sum(LOSS_WEIGHTS[k] * v for k, v in parts.items()), 1e-5)
    assert "predictions_accuracy" in found


def test_trains_with_plain_fit_on_a_dataset_and_reloads_in_a_fresh_process(tmp_path, monkeypatch):
    # The auxiliary classifiers need the modules of stage 4.
    for modules in ("STAGE3", "STAGE5"):
        monkeypatch.setattr(googlenet, modules, getattr(googlenet, modules)[:1])
    keras.utils.set_random_seed(0)
    model = GoogLeNet(aux=True, norm="batch", **SMALL)
    x, y = pixels((96, 96, 3), count=6), np.arange(6) % 3
    data = tf.data.Dataset.from_tensor_slices((x, y)).batch(6)
    data = data.map(lambda image, label: (image, repeat_labels(label)))
    model.compile(keras.optimizers.SGD(0.03), **training("sparse_categorical_crossentropy"))
    loss = model.fit(data, epochs=6, shuffle=False, verbose=0).history["loss"]
    assert loss[-1] < 0.7 * loss[0]

    assert change_by_reloading(tmp_path, without_aux(model)) < 1e-6


def test_the_paper_s_form_learns_too(shallow):
    keras.utils.set_random_seed(0)
    model = GoogLeNet(**SMALL, dropout=0.0)
    x, y = pixels((96, 96, 3), count=3), np.arange(3)
    loss = adam_losses(model, x, y, steps=10, rate=3e-4)
    assert min(loss[-3:]) < 0.7 * loss[0]


@pytest.mark.usefixtures("symbolic")
def test_the_exported_model_has_no_auxiliary_classifiers():
    model = GoogLeNet(aux=True, **SMALL)
    classifier = without_aux(model)
    assert not [layer.name for layer in classifier.layers if layer.name.startswith("aux")]
    assert [layer.name for layer in classifier.layers] == [
        layer.name for layer in GoogLeNet(**SMALL).layers
    ]
    assert classifier.get_layer("stem_1_conv") is model.get_layer("stem_1_conv")
    assert classifier.output_shape == (None, 3)
    assert without_aux(classifier) is classifier


@pytest.mark.parametrize(
    ("options", "kinds"),
    [
        ({}, {"LocalResponseNormalization"}),
        ({"norm": None}, set()),
        ({"norm": "batch"}, {"BatchNormalization"}),
        ({"norm": "group"}, {"GroupNormalization"}),
        ({"style": "torch", "norm": "lrn"}, {"LocalResponseNormalization"}),
    ],
)
@pytest.mark.usefixtures("symbolic")
def test_normalisations(options, kinds):
    found = {type(layer).__name__ for layer in GoogLeNet(**options, **SMALL).layers}
    assert {kind for kind in found if kind.endswith("Normalization")} == kinds


@pytest.mark.usefixtures("symbolic")
def test_every_classifier_stays_in_float32():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = GoogLeNet(aux=True, **SMALL)
    finally:
        keras.config.set_dtype_policy("float32")
    assert {tensor.dtype for tensor in model.outputs} == {"float32"}


@pytest.mark.usefixtures("symbolic")
def test_windows_of_five_are_the_paper_s_and_of_three_torchvision_s():
    def window(**options):
        return GoogLeNet(**options, **SMALL).get_layer("stage3_1_b2_2_conv").kernel_size

    assert window() == window(norm="batch", style="paper") == (5, 5)
    assert window(norm="batch") == window(style="torch") == (3, 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"norm": "instance"}, "`norm` must be one of"),
        ({"style": "keras"}, "`style` must be one of"),
        ({"aux": True, "include_top": False}, "`aux=True` needs"),
        ({"aux": True, "input_shape": (64, 64, 3)}, "too small"),
        ({"aux": True, "input_shape": (None, None, 3)}, "known image size"),
    ],
)
@pytest.mark.usefixtures("symbolic")
def test_unusable_options_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        GoogLeNet(**options)
