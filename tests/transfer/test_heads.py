"""New heads: what they compute, on every kind of backbone, saved, trained and exported."""

import keras
import numpy as np
import pytest
from backbones import SIZE, Subclassed, backbone, images, sequential
from keras import layers

import kerascnn
from kerascnn.errors import InputError
from kerascnn.transfer import HEADS, attach_head, split


def weights(model, name):
    return [np.array(weight) for weight in model.get_layer(name).get_weights()]


def softmax(scores):
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def test_linear_is_average_and_dense():
    base = backbone()
    model = attach_head(base, 4)
    kernel, bias = weights(model, "predictions")
    wanted = softmax(np.asarray(base(images(3))).mean(axis=(1, 2)) @ kernel + bias)
    np.testing.assert_allclose(model(images(3)), wanted, atol=1e-6)


def test_conv_averages_maps_of_each_class():
    base = backbone()
    model = attach_head(base, 4, "conv")
    kernel, bias = weights(model, "head_maps")
    maps = np.asarray(base(images(3))) @ kernel[0, 0] + bias
    np.testing.assert_allclose(model(images(3)), softmax(maps.mean(axis=(1, 2))), atol=1e-6)
    assert model.get_layer("head_maps").output.shape == (None, 1, 1, 4)


def test_concat_pool_joins_average_and_maximum():
    base = backbone()
    model = attach_head(base, 4, "concat_pool")
    keras.utils.set_random_seed(0)
    norm = [np.random.rand(24).astype("float32") + 0.5 for _ in range(4)]
    model.get_layer("head_norm").set_weights(norm)
    maps = np.asarray(base(images(3)))
    x = np.concatenate([maps.mean(axis=(1, 2)), maps.max(axis=(1, 2))], axis=1)
    x = (x - norm[2]) / np.sqrt(norm[3] + 1e-3) * norm[0] + norm[1]
    kernel, bias = weights(model, "predictions")
    np.testing.assert_allclose(model(images(3)), softmax(x @ kernel + bias), atol=1e-6)


def test_cosine_scores_are_scaled_cosines_of_any_length_of_features():
    model = attach_head(backbone(), 4, "cosine", activation=None, cut="stage3")
    features = np.asarray(split(model).features.shape)
    assert features[-1] == 12
    kernel, scale = weights(model, "predictions")
    assert scale == 10
    layer = model.get_layer("predictions")
    x = np.random.default_rng(0).normal(size=(5, 12)).astype("float32")
    cosines = (x / np.linalg.norm(x, axis=1, keepdims=True)) @ (
        kernel / np.linalg.norm(kernel, axis=0)
    )
    np.testing.assert_allclose(layer(x), 10 * cosines, atol=1e-5)
    np.testing.assert_allclose(layer(1000 * x), layer(x), atol=1e-5)


@pytest.mark.parametrize(
    ("head", "hidden", "names"),
    [
        ("mlp", None, ["head_dense1", "head_norm1", "head_relu1"]),
        ("mlp", (7, 5), ["head_dense1", "head_dense2", "head_relu2"]),
        ("conv", 7, ["head_conv1", "head_norm1", "head_relu1", "head_maps"]),
        ("concat_pool", 7, ["head_norm", "head_dense1", "head_norm1"]),
    ],
)
def test_hidden_layers(head, hidden, names):
    model = attach_head(backbone(), 4, head, hidden=hidden)
    assert set(names) <= {layer.name for layer in model.layers}
    widths = (512,) if hidden is None else np.atleast_1d(hidden)
    kind = "conv" if head == "conv" else "dense"
    for i, width in enumerate(widths, start=1):
        assert model.get_layer(f"head_{kind}{i}").output.shape[-1] == width


@pytest.mark.parametrize("head", HEADS)
def test_the_head_is_found_again(head):
    base = backbone()
    model = attach_head(base, 4, head)
    parts = split(model)
    assert [layer.name for layer in parts.backbone][:2] == ["scale", "conv2"]
    assert parts.head[-1].name == "predictions"
    assert model.get_layer("conv2") is base.get_layer("conv2")
    mine = {id(weight) for layer in parts.head for weight in layer.weights}
    assert mine == {id(w) for w in model.weights} - {id(w) for w in base.weights}


@pytest.mark.parametrize(
    ("task", "activation", "head"),
    [
        ("classification", "softmax", "linear"),
        ("multi_label", "sigmoid", "mlp"),
        ("multi_label", "sigmoid", "cosine"),
        ("regression", "linear", "conv"),
    ],
)
def test_each_task_has_its_activation(task, activation, head):
    classes = 1 if task == "regression" else 4
    model = attach_head(backbone(), classes, head, task=task)
    assert model.get_layer("predictions").activation.__name__ == activation
    assert model.output_shape == (None, classes)


def test_no_activation_gives_logits():
    base = backbone()
    logits = attach_head(base, 4, activation=None)
    model = attach_head(base, 4)
    model.get_layer("predictions").set_weights(weights(logits, "predictions"))
    np.testing.assert_allclose(model(images(3)), softmax(np.asarray(logits(images(3)))), atol=1e-6)


def test_ordinal_head_gives_probabilities():
    model = attach_head(backbone(), 5, task="ordinal", head="mlp", hidden=6)
    outputs = np.asarray(model(images(3)))
    assert outputs.shape == (3, 5)
    np.testing.assert_allclose(outputs.sum(axis=1), 1, atol=1e-6)
    model.compile("adam", "sparse_categorical_crossentropy", run_eagerly=True)
    assert np.isfinite(model.train_on_batch(images(3), np.array([0, 2, 4]))).all()


def tokens():
    inputs = keras.Input((SIZE, SIZE, 3))
    x = layers.Conv2D(6, 8, 8, name="patches")(inputs)
    return keras.Model(inputs, layers.Reshape((4, 6), name="tokens")(x))


@pytest.mark.parametrize("head", ["linear", "mlp", "concat_pool", "cosine"])
def test_tokens_are_averaged(head):
    base = tokens()
    model = attach_head(base, 4, head)
    assert model.output_shape == (None, 4)
    average = model.get_layer("head_pool")(base(images(2)))
    np.testing.assert_allclose(average, np.asarray(base(images(2))).mean(axis=1), atol=1e-5)


def test_vectors_are_taken_as_they_are():
    base = keras.Sequential([keras.Input((4,)), layers.Dense(3)])
    model = attach_head(base, 2, dropout=0)
    assert [layer.name for layer in model.layers[-1:]] == ["predictions"]
    with pytest.raises(InputError, match="'conv' takes maps"):
        attach_head(base, 2, "conv")
    with pytest.raises(InputError, match="takes tokens or maps"):
        attach_head(base, 2, "concat_pool")


def test_a_sequential_backbone_gives_its_layers():
    base = sequential()
    model = attach_head(base, 4)
    assert model.get_layer("conv2") is base.get_layer("conv2")
    cut = attach_head(sequential(), 4, cut="conv1")
    assert "conv2" not in [layer.name for layer in cut.layers]


def test_a_subclassed_backbone_becomes_one_layer():
    base = Subclassed(name="own")
    with pytest.raises(InputError, match="Build it first"):
        attach_head(base, 4)
    base(images(1))
    model = attach_head(base, 4, preprocessing="unit")
    assert model.get_layer("own") is base
    assert [layer.name for layer in split(model).backbone][-3:-1] == ["conv", "norm"]
    features = np.asarray(base(images(2) / 255)).mean(axis=(1, 2))
    kernel, bias = weights(model, "predictions")
    np.testing.assert_allclose(model(images(2)), softmax(features @ kernel + bias), atol=1e-5)
    with pytest.raises(InputError, match="needs a graph"):
        attach_head(base, 4, cut="conv")


def test_models_of_ours_and_of_keras_applications():
    ours = kerascnn.models.ResNet20(include_top=False, input_shape=(32, 32, 3))
    assert attach_head(ours, 4).get_layer("stage1") is ours.get_layer("stage1")
    convnext = kerascnn.models.LeNet5(input_shape=(32, 32, 1))
    last = convnext.layers[-2].name
    assert attach_head(convnext, 4, cut=last).output_shape == (None, 4)
    theirs = keras.applications.MobileNetV2(
        (32, 32, 3), alpha=0.35, include_top=False, weights=None
    )
    model = attach_head(theirs, 4, "conv", preprocessing="signed")
    raw = images(2).repeat(2, axis=1).repeat(2, axis=2)
    maps = np.asarray(theirs(raw / 127.5 - 1)) @ weights(model, "head_maps")[0][0, 0]
    np.testing.assert_allclose(model(raw), softmax(maps.mean(axis=(1, 2))), atol=1e-5)


def test_an_old_head_must_be_cut_off():
    once = attach_head(backbone(), 4)
    with pytest.raises(InputError, match=r"head_pool.*cut=NAME"):
        attach_head(once, 3)
    again = attach_head(once, 3, cut="stage3")
    assert again.output_shape == (None, 3)
    assert again.get_layer("conv3") is once.get_layer("conv3")


@pytest.mark.parametrize(
    ("kind", "mode"), [("signed", "tf"), ("imagenet", "torch"), ("caffe", "caffe")]
)
def test_preprocessing_is_that_of_keras_applications(kind, mode):
    from keras.src.applications.imagenet_utils import preprocess_input

    base = keras.Sequential([keras.Input((SIZE, SIZE, 3)), layers.Conv2D(3, 1, name="conv")])
    base.layers[0].set_weights([np.eye(3)[None, None], np.zeros(3)])
    model = attach_head(base, 2, preprocessing=kind)
    prepared = keras.Model(model.input, model.get_layer("conv").output)(images(2))
    wanted = preprocess_input(images(2), data_format="channels_last", mode=mode)
    np.testing.assert_allclose(prepared, wanted, rtol=1e-5, atol=1e-4)


def test_preprocessing_copies_the_backbone_and_can_be_any_layer():
    base = backbone()
    model = attach_head(base, 4, preprocessing=layers.Rescaling(0.5), cut="pool3")
    own, copied = base.get_layer("conv2"), model.get_layer("conv2")
    assert own is not copied
    np.testing.assert_array_equal(own.get_weights()[0], copied.get_weights()[0])
    taps = [keras.Model(m.input, m.get_layer("pool3").output) for m in (base, model)]
    np.testing.assert_allclose(taps[0](images(2) / 2), taps[1](images(2)), atol=1e-5)
    unit = attach_head(base, 4, preprocessing="unit")
    np.testing.assert_allclose(
        unit.get_layer("preprocessing")(images(1)), images(1) / 255, atol=1e-6
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"head": "round"}, "`head` must be one of"),
        ({"task": "detection"}, "`task` must be one of"),
        ({"classes": 1}, "at least 2 with task 'classification'"),
        ({"classes": 2.0}, "whole number"),
        ({"dropout": 1.0}, r"\[0, 1\)"),
        ({"hidden": 4}, "no hidden layers"),
        ({"head": "mlp", "hidden": (4, 0)}, "at least 1"),
        ({"head": "cosine", "task": "regression"}, "one score per class"),
        ({"head": "conv", "task": "ordinal"}, "one score per class"),
        ({"task": "ordinal", "activation": None}, "gives probabilities"),
        ({"preprocessing": "bgr"}, "`preprocessing` must be"),
        ({"cut": "stag3"}, "Did you mean 'stage3'"),
        ({"cut": "nowhere"}, "no layer 'nowhere'"),
    ],
)
def test_unusable_arguments_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        attach_head(backbone(), **{"classes": 4, **options})


def test_preprocessing_is_not_done_twice():
    ours = kerascnn.models.ResNet20(include_top=False, input_shape=(32, 32, 3))
    with pytest.raises(InputError, match="takes raw pixels"):
        attach_head(ours, 4, preprocessing="imagenet")


def test_unusable_backbones_are_refused():
    with pytest.raises(InputError, match=r"must be a keras\.Model"):
        attach_head("resnet", 4)
    with pytest.raises(InputError, match="RGB"):
        attach_head(backbone(channels=1), 4, preprocessing="caffe")
    inputs = [keras.Input((3,)), keras.Input((3,))]
    with pytest.raises(InputError, match="one input"):
        attach_head(keras.Model(inputs, layers.Add()(inputs)), 4)
    base = backbone()
    two = keras.Model(base.input, [base.get_layer("stage2").output, base.output])
    with pytest.raises(InputError, match="2 outputs"):
        attach_head(two, 4)
    assert attach_head(two, 4, cut="stage2").output_shape == (None, 4)


@pytest.mark.parametrize(
    ("head", "task", "preprocessing"),
    [
        ("cosine", "classification", "caffe"),
        ("concat_pool", "ordinal", "imagenet"),
        ("conv", "multi_label", None),
    ],
)
def test_models_are_saved_and_loaded(head, task, preprocessing, tmp_path):
    model = attach_head(backbone(), 4, head, task=task, preprocessing=preprocessing)
    model.save(tmp_path / "model.keras")
    again = kerascnn.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(model(images(2)), again(images(2)))
    assert [layer.name for layer in again.layers] == [layer.name for layer in model.layers]


def test_heads_are_exported_with_built_in_operations(tmp_path):
    from kerascnn.export import export_tflite

    model = attach_head(backbone(), 4, "cosine", preprocessing="caffe")
    in_order = kerascnn.layers.OrdinalOutput(5)(split(model).features)
    both = keras.Model(model.input, layers.Concatenate()([model.output, in_order]))
    # Only built-in operations can be converted, and the file's answers are compared.
    result = export_tflite(both, tmp_path / "both.tflite", samples=images(8).astype("uint8"))
    assert result.report.passed
