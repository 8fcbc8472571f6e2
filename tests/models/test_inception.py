"""InceptionV3, InceptionV4 and Inception-ResNet-v2 against Keras, torchvision and timm."""

import subprocess
import sys

import keras
import numpy as np
import pytest
from golden import inception_recording as recording
from parity import compare_with_keras, difference

from kerascnn import weights
from kerascnn.errors import InputError
from kerascnn.models import InceptionResNetV2, InceptionV3, InceptionV4
from kerascnn.profile import trainable_parameters
from kerascnn.weights.names import inception as names
from kerascnn.weights.names import numbered
from kerascnn.weights.readers import StateDict

TOLERANCE = 1e-4
SMALL = {"input_shape": (107, 107, 3), "classes": 10, "classifier_activation": None}
PEERS = {
    "InceptionV3": {"stage3": "mixed2", "stage4": "mixed7", "stage5": "mixed10"},
    "InceptionResNetV2": {
        "stage3_1_concat": "mixed_5b",
        "stage3": "block35_10_ac",
        "stage4": "block17_20_ac",
        "stage5": "conv_7b_ac",
    },
}


@pytest.mark.parametrize(
    ("kind", "layers_before"),
    [(InceptionV3, 0), (InceptionV3, 7), (InceptionResNetV2, 1)],
)
def test_equals_keras_applications_whatever_was_numbered_before(kind, layers_before):
    keras.backend.clear_session()
    for _ in range(layers_before):
        keras.layers.Conv2D(1, 1)
        keras.layers.BatchNormalization()
    theirs = getattr(keras.applications, kind.__name__)(weights=None, **SMALL)
    activations = [layer.name for layer in theirs.layers if type(layer).__name__ == "Activation"]
    taps = {"stage1": activations[2], "stage2": activations[4], **PEERS[kind.__name__]}
    preprocess = keras.applications.inception_v3.preprocess_input
    found = compare_with_keras(kind(**SMALL), theirs, "inception", preprocess, taps)
    assert max(found.values()) < TOLERANCE, found


def golden(name, model):
    """The differences between `model` with the golden weights and what was recorded."""
    state, recorded, image = recording.read(name)
    weights.load(model, StateDict(state), family="inception")
    stages = [key for key in recorded if key.startswith("stage")]
    taps = keras.Model(model.inputs, [model.output, *(model.get_layer(n).output for n in stages)])
    logits, *maps = taps.predict_on_batch(image)
    found = {"predictions": difference(logits, recorded["predictions"][0])}
    for key, value in zip(stages, maps, strict=True):
        pairs = zip(recording.averages(value), recorded[key], strict=True)
        found[key] = max(difference(got, wanted) for got, wanted in pairs)
    return found


def test_v3_equals_torchvision():
    found = golden("inception_v3", InceptionV3(style="torch", **SMALL))
    assert len(found) == 6
    assert max(found.values()) < TOLERANCE, found


def test_v4_equals_timm():
    found = golden("inception_v4", InceptionV4(**SMALL))
    assert len(found) == 6
    assert max(found.values()) < TOLERANCE, found


def test_all_parameters_are_those_of_keras():
    assert InceptionV3().count_params() == 23_851_784


def test_torchvision_v3_has_gammas():
    assert trainable_parameters(InceptionV3(style="torch", classes=1000)) == 23_834_568


def test_maps_have_the_papers_sizes():
    model = InceptionV4()
    sizes = [model.get_layer(f"stage{s}").output.shape[1] for s in range(1, 6)]
    assert sizes == [147, 71, 35, 17, 8]
    assert model.get_layer("stage5").output.shape[-1] == 1536
    assert model.get_layer("dropout").rate == 0.2


def test_the_scales_of_the_residual_branches_are_the_published_ones():
    model = InceptionResNetV2(include_top=False, input_shape=(75, 75, 3))
    scales = {layer.name: layer.scale for layer in model.layers if layer.name.endswith("_scale")}
    assert len(scales) == 40
    assert (scales["stage3_2_scale"], scales["stage4_1_scale"]) == (0.17, 0.1)
    assert (scales["stage5_9_scale"], scales["stage5_10_scale"]) == (0.2, 1.0)


def test_numbered_names_are_put_in_the_order_of_creation():
    given = ["conv2d_10", "conv2d_transpose", "batch_normalization", "conv2d_9", "conv2d"]
    assert numbered(given, "conv2d") == ["conv2d", "conv2d_9", "conv2d_10"]


def test_weights_of_another_inception_are_refused():
    state, *_ = recording.read("inception_v4")
    with pytest.raises(InputError, match="do not fit model 'inceptionv3'"):
        weights.load(InceptionV3(style="torch", **SMALL), StateDict(state), family="inception")


def test_a_features_model_takes_weights_with_a_head():
    state, *_ = recording.read("inception_v3")
    auxiliary = {"AuxLogits.fc.weight": np.zeros((10, 768), "float32")}
    model = InceptionV3(include_top=False, style="torch")
    report = weights.load(model, StateDict(state | auxiliary), family="inception")
    assert report.reinitialised == ()
    assert {"fc.weight", "AuxLogits.fc.weight"} <= set(report.unused)


def test_names_of_forks_and_pools():
    assert names.torchvision_v3("stage5_2_b2_3b_norm") == "Mixed_7c.branch3x3dbl_3b.bn"
    assert names.torchvision_v3("stage3_1_b3_1_conv") == "Mixed_5b.branch_pool.conv"
    assert names.timm_v4("stage5_1_b2_4a_conv") == "features.19.branch2_3a.conv"
    assert names.timm_v4("stage4_7_b3_1_norm") == "features.17.branch3.1.bn"


@pytest.mark.parametrize("norm", ["group", "layer", None])
def test_other_normalisations(norm):
    model = InceptionV3(norm=norm, classes=2, input_shape=(75, 75, 3))
    assert model.get_layer("stem_1_conv").use_bias is (norm is None)
    kinds = {type(layer).__name__ for layer in model.layers}
    assert "BatchNormalization" not in kinds


def test_a_few_steps_reduce_the_loss_and_a_fresh_process_reloads_the_model(tmp_path):
    keras.utils.set_random_seed(0)
    model = InceptionV3(input_shape=(75, 75, 3), classes=3)
    x = recording.pixels(75).repeat(6, axis=0) * np.linspace(0.2, 1, 6)[:, None, None, None]
    y = np.arange(6) % 3
    # Eager: tracing and compiling the graph of a step would take longer than the steps.
    model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", run_eagerly=True)
    loss = [float(model.train_on_batch(x, y)) for _ in range(4)]
    assert loss[-1] < 0.7 * loss[0]
    model.save(tmp_path / "model.keras")
    np.save(tmp_path / "x.npy", x)
    code = (
        "import kerascnn, numpy as np; "
        f"model = kerascnn.load_model({str(tmp_path / 'model.keras')!r}); "
        f"y = model.predict_on_batch(np.load({str(tmp_path / 'x.npy')!r})); "
        f"np.save({str(tmp_path / 'y.npy')!r}, y)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    assert difference(np.load(tmp_path / "y.npy"), model.predict_on_batch(x)) < 1e-6
