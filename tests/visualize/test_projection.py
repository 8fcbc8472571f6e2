"""Deconvnet against loops in NumPy, and against the backward pass it is but for its ReLUs."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import kerascnn
from kerascnn.errors import InputError
from kerascnn.visualize import deconvnet, feature_maps
from kerascnn.visualize.inside.gradient import gradient

IMAGES = np.random.default_rng(0).uniform(-1, 1, (3, 9, 9, 2)).astype("float32")


def small_model(separate=False, norm=False):
    keras.utils.set_random_seed(2)
    inputs = x = keras.Input((9, 9, 2))
    for name, options in (
        ("first", {"filters": 4, "kernel_size": 3, "padding": "same"}),
        ("second", {"filters": 5, "kernel_size": 2, "strides": 2}),
    ):
        activation = None if separate or norm else "relu"
        start = {"bias_initializer": keras.initializers.RandomNormal(0.5, 0.3)}
        x = layers.Conv2D(name=name, activation=activation, **options, **start)(x)
        if norm:
            x = layers.BatchNormalization(name=f"{name}_norm")(x)
        if separate or norm:
            x = layers.ReLU(name=f"{name}_act")(x)
        if name == "first":
            x = layers.MaxPooling2D(2, name="pool")(x)
    return keras.Model(inputs, layers.Dropout(0.5, name="drop")(x))


def by_hand(model, image, unit, everywhere=False):
    """Convolution 3x3 same, ReLU, pooling 2x2, convolution 2x2 with step 2, all by loops."""
    k1, b1, k2, b2 = (np.asarray(w, np.float64) for w in model.get_weights())
    padded = np.pad(image, ((1, 1), (1, 1), (0, 0))).astype(np.float64)
    first = np.zeros((9, 9, 4))
    for i, j in np.ndindex(9, 9):
        first[i, j] = np.einsum("hwc,hwcf->f", padded[i : i + 3, j : j + 3], k1) + b1
    first = np.maximum(first, 0)
    pooled, switches = np.zeros((4, 4, 4)), np.zeros((4, 4, 4, 2), int)
    for i, j, f in np.ndindex(4, 4, 4):
        window = first[2 * i : 2 * i + 2, 2 * j : 2 * j + 2, f]
        row, column = np.unravel_index(window.argmax(), (2, 2))
        pooled[i, j, f] = window[row, column]
        switches[i, j, f] = 2 * i + row, 2 * j + column
    second = np.zeros((2, 2, 5))
    for i, j in np.ndindex(2, 2):
        window = pooled[2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
        second[i, j] = np.einsum("hwc,hwcf->f", window, k2) + b2
    second = np.maximum(second, 0)

    signal = np.where(np.arange(5) == unit, second, 0)
    if not everywhere:
        signal = np.where(signal == signal.max(), signal, 0)
    unpooled = np.zeros((9, 9, 4))
    back = np.zeros((4, 4, 4))
    for i, j in np.ndindex(2, 2):  # the ReLU changes nothing: activations are positive
        back[2 * i : 2 * i + 2, 2 * j : 2 * j + 2] += np.einsum("f,hwcf->hwc", signal[i, j], k2)
    for i, j, f in np.ndindex(4, 4, 4):
        unpooled[(*switches[i, j, f], f)] += back[i, j, f]
    rectified = np.maximum(unpooled, 0)
    pixels = np.zeros((11, 11, 2))
    for i, j in np.ndindex(9, 9):
        pixels[i : i + 3, j : j + 3] += np.einsum("f,hwcf->hwc", rectified[i, j], k1)
    return pixels[1:-1, 1:-1]


@pytest.mark.parametrize("separate", [False, True])
@pytest.mark.parametrize("everywhere", [False, True])
def test_it_is_the_paper_by_hand(separate, everywhere):
    model = small_model(separate)
    layer = "second_act" if separate else "second"
    alive = 0
    for unit in range(5):
        position = "all" if everywhere else "strongest"
        found = deconvnet(model, IMAGES, layer, unit, position=position)
        for image, projection in zip(IMAGES, found, strict=True):
            wanted = by_hand(model, image, unit, everywhere)
            alive += bool(np.abs(wanted).max() > 0.01)
            np.testing.assert_allclose(projection, wanted, atol=1e-5)
    assert alive > 7  # of 15: a unit that is silent projects nothing


def test_without_relus_it_is_the_gradient_times_the_activation():
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [
            keras.Input((9, 9, 2)),
            layers.Rescaling(0.5, 1.0),
            layers.Conv2D(3, 3, strides=2, padding="same"),
            layers.MaxPooling2D(3, 2, padding="same"),  # windows overlap
            layers.AveragePooling2D(2),
            layers.Flatten(),
            layers.Dense(4, name="dense"),
        ]
    )
    value = np.asarray(model(IMAGES))[:, 1]
    slopes = gradient(
        lambda x: ops.sum(model(x, training=False)[:, 1]), ops.convert_to_tensor(IMAGES)
    )
    found = deconvnet(model, IMAGES, "dense", 1)
    np.testing.assert_allclose(found, np.asarray(slopes) * value[:, None, None, None], atol=1e-6)


def test_it_is_the_backward_pass_but_for_its_relus():
    """Layer by layer, by each one's own derivative; a ReLU cuts at 0 what comes back."""
    keras.utils.set_random_seed(4)
    chain = [
        layers.Conv2D(6, 3, padding="same"),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.MaxPooling2D(3, 2, padding="same"),
        kerascnn.layers.LocalResponseNormalization(3, alpha=0.1),
        layers.Conv2D(5, 3, strides=2),
        layers.ReLU(max_value=6),
        layers.AveragePooling2D(2, 1),
        layers.Flatten(),
        layers.Dense(4),
    ]
    model = keras.Sequential([keras.Input((9, 9, 2)), *chain])
    rng = np.random.default_rng(2)
    chain[1].set_weights([rng.uniform(0.5, 2, 6) for _ in range(4)])
    inputs = [ops.convert_to_tensor(IMAGES)]
    for layer in chain:
        inputs.append(layer(inputs[-1], training=False))
    top = ops.convert_to_numpy(inputs.pop())
    signal = ops.convert_to_tensor(np.where(top == top.max(1, keepdims=True), top, 0))
    for layer, taken in zip(chain[::-1], inputs[::-1], strict=True):
        if isinstance(layer, layers.ReLU):
            signal = ops.relu(signal)
        else:

            def weighted(x, layer=layer, signal=signal):
                return ops.sum(layer(x, training=False) * signal)

            signal = gradient(weighted, taken)
    wanted = ops.convert_to_numpy(signal)
    peak = np.abs(wanted).max()
    assert peak > 1e-3
    found = deconvnet(model, IMAGES, chain[-1].name)
    np.testing.assert_allclose(found / peak, wanted / peak, atol=1e-5)
    slopes = gradient(lambda x: ops.sum(model(x) * top), ops.convert_to_tensor(IMAGES))
    assert np.abs(ops.convert_to_numpy(slopes) - found).max() > 0.1 * peak  # not the plain one


def test_batch_normalisation_is_part_of_the_filters_before_it():
    normed = small_model(norm=True)
    rng = np.random.default_rng(1)
    for name in ("first_norm", "second_norm"):
        values = [rng.uniform(0.5, 1, w.shape) for w in normed.get_layer(name).weights]
        normed.get_layer(name).set_weights(values)
    folded = small_model()
    for name in ("first", "second"):
        kernel, bias = normed.get_layer(name).get_weights()
        gamma, beta, mean, variance = normed.get_layer(f"{name}_norm").get_weights()
        factor = gamma / np.sqrt(variance + 1e-3)
        folded.get_layer(name).set_weights([kernel * factor, (bias - mean) * factor + beta])
    found = deconvnet(normed, IMAGES, "second_act", 0, position="all")
    assert np.abs(found).max() > 0
    np.testing.assert_allclose(
        found, deconvnet(folded, IMAGES, "second", 0, position="all"), atol=1e-5
    )


def test_units_and_positions_can_be_one_for_each_image():
    model = small_model()
    together = deconvnet(model, IMAGES, "second", [0, 1, 2], position=[(0, 0), (0, 1), (1, 1)])
    for number, place in enumerate([(0, 0), (0, 1), (1, 1)]):
        alone = deconvnet(model, IMAGES[number : number + 1], "second", number, position=place)
        np.testing.assert_allclose(together[number], alone[0], atol=1e-6)
    # A 2x2 window over 2x2 poolings of 3x3 windows sees 6x6 pixels, one of them padding.
    corner = deconvnet(model, IMAGES, "second", [0, 1, 2], position=(0, 0))
    assert np.abs(corner[:, :6, :6]).max() > 0
    assert not corner[:, 5:].any()
    assert not corner[:, :, 5:].any()


def test_the_default_is_the_strongest_unit_at_its_strongest_position():
    model = small_model()
    maps = feature_maps(model, IMAGES, ["second"])["second"]
    units = maps.max((1, 2)).argmax(-1)
    places = [
        np.unravel_index(m[..., u].argmax(), (2, 2)) for m, u in zip(maps, units, strict=True)
    ]
    np.testing.assert_array_equal(
        deconvnet(model, IMAGES, "second"),
        deconvnet(model, IMAGES, "second", units, position=places),
    )


def test_nested_models_and_operations_are_passed():
    model = small_model()
    inputs = keras.Input((9, 9, 2))
    x = ops.relu(model(inputs * 2.0 - 0.5))
    outer = keras.Model(inputs, layers.GlobalMaxPooling2D(name="top")(ops.multiply(x, 3.0)))
    inside = deconvnet(model, IMAGES * 2 - 0.5, "second", 1)
    np.testing.assert_allclose(deconvnet(outer, IMAGES, "second", 1), 2 * inside, atol=1e-5)
    np.testing.assert_allclose(deconvnet(outer, IMAGES, "top", 1), 18 * inside, atol=1e-4)


def test_the_model_is_left_as_it_was():
    model = small_model()
    before, config = np.asarray(model(IMAGES)), model.get_config()
    deconvnet(model, IMAGES, "second")
    np.testing.assert_array_equal(np.asarray(model(IMAGES)), before)
    assert model.get_config() == config
    assert model.get_layer("first").activation is keras.activations.relu


MODELS = {
    "LeNet5": ({"activation": "relu", "pool": "max"}, "f6"),
    "AlexNet": ({"input_shape": (67, 67, 3), "hidden": (8, 8)}, "predictions"),
    "ZFNet": ({"input_shape": (53, 53, 3), "hidden": (8, 8)}, "conv5_conv"),
    "VGG11": ({"input_shape": (32, 32, 3), "include_top": False}, "stage5"),
    "ResNet20": ({}, "stage2"),
}


@pytest.mark.parametrize("name", MODELS)
def test_published_networks_are_projected(name):
    options, layer = MODELS[name]
    model = kerascnn.create_model(name, **options)
    images = np.random.default_rng(0).uniform(0, 255, (2, *model.input_shape[1:]))
    projection = deconvnet(model, images, layer)
    assert projection.shape == images.shape
    assert (np.abs(projection).max((1, 2, 3)) > 0).all()


def sequential(*middle):
    start = [keras.Input((9, 9, 2)), layers.Conv2D(4, 3, activation="relu", name="start")]
    return keras.Sequential([*start, *middle, layers.Conv2D(2, 1, name="end")])


@pytest.mark.parametrize(
    ("middle", "message"),
    [
        (layers.Conv2D(3, 3, activation="tanh", name="bad"), r"'bad' \(Conv2D with tanh\)"),
        (layers.ReLU(negative_slope=0.1, name="bad"), r"'bad' \(ReLU\)"),
        (layers.Activation("sigmoid", name="bad"), r"'bad' \(Activation with sigmoid\)"),
        (layers.LayerNormalization(name="bad"), r"'bad' \(LayerNormalization\)"),
        (layers.Lambda(lambda x: x * x, name="bad"), r"'bad' \(Lambda\)"),
    ],
)
def test_a_layer_that_cannot_be_passed_is_named(middle, message):
    model = sequential(middle)
    with pytest.raises(InputError, match=message):
        deconvnet(model, IMAGES, "end")
    deconvnet(model, IMAGES, "start")  # it lies behind


def test_a_tensor_times_a_tensor_is_an_error():
    inputs = keras.Input((9, 9, 2))
    x = layers.Conv2D(2, 3, name="conv")(inputs)
    model = keras.Model(inputs, layers.Conv2D(2, 1, name="end")(x * x))
    with pytest.raises(InputError, match=r"\(Multiply\)"):
        deconvnet(model, IMAGES, "end")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layer": "absent"}, "no layer 'absent'"),
        ({"layer": "second", "units": 5}, "from 0 to 4"),
        ({"layer": "second", "units": [0, 1]}, "one for each of 3"),
        ({"layer": "second", "units": 0, "position": (2, 0)}, r"row and column in \(2, 2\)"),
        ({"layer": "second", "units": 0, "position": "top"}, "strongest"),
    ],
)
def test_what_does_not_fit_is_said(options, message):
    with pytest.raises(InputError, match=message):
        deconvnet(small_model(), IMAGES, **options)


def test_batches_change_nothing():
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(4, 3, activation="relu", name="early"),
            layers.MaxPooling2D(),
            layers.Conv2D(5, 2, activation="relu", name="late"),
        ]
    )
    images = np.random.default_rng(0).uniform(0, 1, (5, 8, 8, 1)).astype("float32")
    whole = deconvnet(model, images, "late", [0, 1, 2, 3, 4])
    assert np.abs(whole).max() > 0
    parts = deconvnet(model, images, "late", [0, 1, 2, 3, 4], batch_size=2)
    np.testing.assert_allclose(parts, whole, rtol=1e-5, atol=1e-6)
