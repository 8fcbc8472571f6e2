"""Where rounding stands, what it learns, and that a model is trained, saved and stripped whole."""

import keras
import numpy as np
import pytest
from keras import layers

import kerascnn
from kerascnn.errors import InputError
from kerascnn.quantization import (
    FakeQuantize,
    FoldedBatchNormalization,
    FreezeStatistics,
    QuantizedWeights,
    freeze_statistics,
    has_fake_quantization,
    learned_ranges,
    observe,
    quantize_aware,
    strip,
    with_ranges,
)

SHAPE = (12, 12, 3)


def block(x, filters):
    """Convolution, batch normalisation, ReLU."""
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
    return layers.ReLU()(layers.BatchNormalization()(x))


@pytest.fixture(scope="module")
def model():
    """A bit of everything, with a nested model and one called twice."""
    keras.utils.set_random_seed(3)
    inner = keras.Input((12, 12, 4))
    backbone = keras.Model(inner, block(inner, 4), name="backbone")
    inputs = keras.Input(SHAPE, name="image")
    x = layers.Rescaling(1 / 127.5, offset=-1.0, name="pixels")(inputs)
    x = layers.Conv2D(4, 3, padding="same", activation="relu", name="first")(x)
    x = backbone(backbone(x))
    y = layers.DepthwiseConv2D(3, padding="same", use_bias=False)(x)
    y = kerascnn.layers.BatchNormalization()(y)
    x = layers.Add(name="sum")([x, y])
    branches = [layers.AveragePooling2D(2)(x), layers.MaxPooling2D(2)(x)]
    branches += [layers.SeparableConv2D(3, 3, strides=2, padding="same", name="separable")(x)]
    branches += [layers.Conv2D(3, 1, strides=2, activation="silu", name="swish")(x)]
    x = layers.Concatenate(name="joined")(branches)
    x = layers.Dropout(0.1)(layers.Conv2DTranspose(4, 2, strides=2)(x))
    x = layers.Dense(5, activation="softmax", name="answers")(layers.Flatten()(x))
    model = keras.Model(inputs, x, name="everything")
    for weight in model.weights:  # away from the initial values that hide mistakes
        if "moving" in weight.path or "gamma" in weight.path or "beta" in weight.path:
            weight.assign(np.random.default_rng(len(weight.path)).uniform(0.5, 1.5, weight.shape))
    return model


@pytest.fixture(scope="module")
def pixels():
    return np.random.default_rng(0).integers(0, 256, (24, *SHAPE)).astype(np.float32)


@pytest.fixture(scope="module")
def aware(model, pixels):
    return quantize_aware(model, pixels)


def layers_of(model, kind):
    return [layer.name for layer in model.layers if isinstance(layer, kind)]


def test_rounding_moves_the_answers_a_little(model, aware, pixels):
    difference = np.abs(np.asarray(aware(pixels)) - np.asarray(model(pixels)))
    assert 1e-4 < difference.max() < 0.1


def test_every_layer_with_weights_is_rounded(aware):
    rounded = layers_of(aware, QuantizedWeights)
    assert {"first", "separable", "separable_depthwise", "swish", "answers"} <= set(rounded)
    assert len(rounded) == 8
    assert len(layers_of(aware, FoldedBatchNormalization)) == 2


def test_rounding_stands_where_the_file_has_tensors(aware):
    names = set(layers_of(aware, FakeQuantize))
    assert {"pixels_quantize", "first_quantize", "sum_quantize", "joined_quantize"} <= names
    assert {"swish_quantize", "answers_quantize"} <= names  # before silu and softmax
    assert not any(name.startswith(("max_pooling", "flatten", "dropout")) for name in names)


@pytest.mark.parametrize(
    ("scale", "offset", "rounded"),
    [(1 / 255, 0.0, False), (1 / 127.5, -1.0, True), ([0.1, 0.2, 0.3], [1.0, 2.0, 3.0], False)],
)
def test_scaled_pixels_are_rounded_where_the_file_shifts_them(scale, offset, rounded):
    inputs = keras.Input(SHAPE)
    x = layers.Rescaling(scale, offset, name="pixels")(inputs)
    model = keras.Model(inputs, layers.Conv2D(2, 3)(x))
    assert ("pixels_quantize" in layers_of(quantize_aware(model), FakeQuantize)) == rounded


def test_the_range_of_shifted_pixels_is_that_before_scaling_too(aware, pixels):
    plain, spans = with_ranges(aware)
    outputs = plain(pixels)
    first = next(i for i, span in enumerate(spans) if span.layer == "pixels_quantize")
    np.testing.assert_allclose(outputs[first], pixels / 127.5 - 1, atol=1e-5)
    np.testing.assert_allclose(outputs[-1], pixels - 127.5, atol=1e-3)
    assert spans[-1].scale == pytest.approx(127.5 * spans[first].scale)
    assert spans[-1].zero_point == spans[first].zero_point


def test_joined_tensors_share_a_grid_and_pooled_ones_keep_theirs():
    inputs = keras.Input(SHAPE)
    x = block(inputs, 4)
    left, right = block(x, 4), block(x, 4)
    joined = layers.Concatenate(name="joined")([left, right])
    again = layers.Concatenate(name="again")([joined, block(joined, 2)])
    model = keras.Model(inputs, layers.AveragePooling2D(2)(again))
    aware = quantize_aware(model, np.random.default_rng(0).uniform(0, 255, (8, *SHAPE)))
    names = layers_of(aware, FakeQuantize)
    assert len(names) == 2  # after the first block, and one for all that is joined
    assert "again_quantize" in names
    span = learned_ranges(aware)["again_quantize"]
    steps = np.asarray(aware(np.full((1, *SHAPE), 99.0))) / span.scale
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-3)


def test_ranges_are_moving_averages_of_batches():
    layer = FakeQuantize(momentum=0.9)
    batches = [np.array([-1.0, 2.0]), np.array([-3.0, 4.0]), np.array([-2.0, 9.0])]
    for batch in batches:
        layer(batch.astype(np.float32), training=True)
    assert float(layer.low.numpy()) == pytest.approx(-2.0)
    assert float(layer.high.numpy()) == pytest.approx(5.0)
    for _ in range(20):
        layer(batches[0].astype(np.float32), training=True)
    # Equal weights until momentum is reached at ten batches, 0.9 from there on.
    mean = (2 * 8 + 4 + 9) / 10
    assert float(layer.high.numpy()) == pytest.approx(2 + (mean - 2) * 0.9**13, rel=1e-4)


def test_inference_learns_nothing(aware, pixels):
    before = learned_ranges(aware)
    aware(2 * pixels)
    assert learned_ranges(aware) == before


def test_unseen_ranges_leave_activations_alone():
    x = np.random.default_rng(0).normal(size=(2, 5)).astype(np.float32)
    np.testing.assert_array_equal(FakeQuantize()(x), x)


def test_probabilities_are_rounded_in_inference_only(aware, pixels):
    steps = np.asarray(aware(pixels)) * 256
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-4)
    steps = np.asarray(aware(pixels, training=True)) * 256
    assert np.abs(steps - np.round(steps)).max() > 0.01


def test_stripping_gives_the_first_model_back(model, pixels):
    plain = strip(quantize_aware(model), rounded=False)
    assert not has_fake_quantization(plain)
    np.testing.assert_allclose(plain(pixels), model(pixels), atol=1e-6)


def test_stripped_weights_are_rounded(aware):
    kernel = np.asarray(strip(aware).get_layer("first").kernel)
    steps = kernel / np.abs(kernel).max((0, 1, 2)) * 127
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-3)


def test_the_given_model_stays_as_it_is(model, pixels):
    before = [weight.copy() for weight in model.get_weights()]
    aware = quantize_aware(model, pixels[:4])
    aware.compile("sgd", "mse")
    aware.train_on_batch(pixels[:4], np.zeros((4, 5)))
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_training_learns_and_frozen_statistics_stay(model, pixels):
    aware = quantize_aware(model)
    labels = np.arange(24) % 5
    aware.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    seen = []

    class Record(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            moving = [w.numpy().copy() for w in aware.weights if "moving" in w.path]
            gammas = [w.numpy().copy() for w in aware.weights if "gamma" in w.path]
            seen.append((learned_ranges(aware), moving, gammas))

    history = aware.fit(
        pixels, labels, batch_size=8, epochs=4, verbose=0, callbacks=[FreezeStatistics(2), Record()]
    )
    assert history.history["loss"][-1] < history.history["loss"][0]
    assert seen[0][0] != seen[1][0]
    assert seen[1][0] == seen[2][0] == seen[3][0]
    assert np.abs(seen[1][1][0] - seen[0][1][0]).max() > 0
    np.testing.assert_array_equal(seen[1][1], seen[3][1])
    assert np.abs(seen[3][2][0] - seen[1][2][0]).max() > 0  # gamma learns on


def test_a_saved_model_trains_on_where_it_was(model, pixels, tmp_path):
    aware = quantize_aware(model, pixels[:8])
    aware.compile(keras.optimizers.SGD(0.01, momentum=0.9), "mse")
    aware.train_on_batch(pixels[:8], np.zeros((8, 5)))
    freeze_statistics(aware)
    aware.save(tmp_path / "aware.keras")
    loaded = kerascnn.load_model(tmp_path / "aware.keras")
    assert learned_ranges(loaded) == learned_ranges(aware)
    assert all(layer.frozen for layer in loaded.layers if isinstance(layer, FakeQuantize))
    np.testing.assert_array_equal(loaded(pixels), aware(pixels))
    for ours, theirs in zip(aware.optimizer.variables, loaded.optimizer.variables, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_model_without_a_graph_is_refused():
    class Subclass(keras.Model):
        pass

    with pytest.raises(InputError, match="no graph of layers"):
        quantize_aware(Subclass())


def test_a_second_round_is_refused(aware):
    with pytest.raises(InputError, match="quantisation-aware already"):
        quantize_aware(aware)


@pytest.mark.parametrize("function", [strip, freeze_statistics, lambda m: observe(m, np.ones(1))])
def test_a_plain_model_is_refused(model, function):
    with pytest.raises(InputError, match=r"kerascnn\.quantization\.quantize_aware"):
        function(model)


def test_an_activation_inside_is_refused():
    with pytest.raises(InputError, match="has an activation"):
        QuantizedWeights(layers.Dense(2, activation="relu"))


def test_biases_take_up_the_mean_error_of_rounded_weights():
    keras.utils.set_random_seed(6)
    inputs = keras.Input((6, 6, 3))
    x = layers.Conv2D(4, 1, name="biased")(inputs)
    x = layers.Conv2D(4, 1, use_bias=False, name="bare")(x)
    model = keras.Model(inputs, layers.BatchNormalization(name="norm")(x))
    for name in ("biased", "bare"):  # rounding that all goes one way
        kernel = np.full(model.get_layer(name).kernel.shape, 0.013, np.float32)
        kernel[0, 0, 0] = 1.0
        model.get_layer(name).kernel.assign(kernel)
    samples = np.random.default_rng(0).uniform(1, 3, (64, 6, 6, 3)).astype(np.float32)
    aware = quantize_aware(model, samples)
    errors = np.asarray(aware(samples)) - np.asarray(model(samples))
    uncorrected = quantize_aware(model)
    observe(uncorrected, samples)
    before = np.asarray(uncorrected(samples)) - np.asarray(model(samples))
    assert np.abs(errors.mean((0, 1, 2))).max() < 0.2 * np.abs(before.mean((0, 1, 2))).max()
    moved = aware.get_layer("norm").layer.moving_mean.numpy()
    assert np.abs(moved).max() > 0
    assert not np.array_equal(aware.get_layer("biased").layer.bias.numpy(), np.zeros(4))
