"""Saliency, SmoothGrad, guided backpropagation, integrated gradients and occlusion."""

import keras
import matrices
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from kerascnn.errors import InputError
from kerascnn.visualize import (
    guided_backpropagation,
    integrated_gradients,
    integration_path,
    occlusion,
    saliency,
    smooth_grad,
)

IMAGES, SHAPE, CLASSES = matrices.IMAGES, matrices.SHAPE, matrices.CLASSES


@pytest.fixture(scope="module")
def smooth_model():
    return matrices.network("tanh", layers.Activation("tanh"), keras.ops.tanh)


def slopes(model, images, classes):
    """Derivatives of the scores, by TensorFlow's own means, of a model of logits."""
    images = tf.constant(images)
    with tf.GradientTape() as tape:
        tape.watch(images)
        score = tf.gather(logits(model)(images), classes, axis=1, batch_dims=1)
    return tape.gradient(score, images).numpy()


def logits(model):
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    copy.layers[-1].activation = keras.activations.linear
    return copy


def test_saliency_is_the_largest_difference_quotient(smooth_model):
    found = saliency(smooth_model, IMAGES, [0, 3, 1])
    step, quotients, steps = 1e-5, np.zeros(IMAGES.shape), matrices.matrices(smooth_model)
    for place in np.ndindex(SHAPE):
        moved = np.stack([IMAGES, IMAGES]).astype(np.float64)
        moved[:, :, *place] += np.array([[step], [-step]])
        up, down = (matrices.scores(steps, each, [np.tanh] * 3) for each in moved)
        quotients[:, *place] = ((up - down) / (2 * step))[np.arange(3), [0, 3, 1]]
    assert found.shape == (3, 6, 6)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.abs(quotients).max(-1), rtol=1e-4, atol=1e-6)


def test_without_classes_it_is_the_model_s_choice(smooth_model):
    chosen = np.asarray(smooth_model(IMAGES)).argmax(1)
    np.testing.assert_array_equal(
        saliency(smooth_model, IMAGES), saliency(smooth_model, IMAGES, chosen)
    )


def test_one_class_may_do_for_all(smooth_model):
    found = saliency(smooth_model, IMAGES, 2)
    np.testing.assert_array_equal(found, saliency(smooth_model, IMAGES, [2, 2, 2]))


def test_smooth_grad_without_noise_is_saliency(smooth_model):
    """Many batches: so this compares what is compiled with what is not, too."""
    found = smooth_grad(smooth_model, IMAGES, noise=0, samples=20, batch_size=4)
    np.testing.assert_allclose(found, saliency(smooth_model, IMAGES), rtol=1e-5, atol=1e-7)


def test_smooth_grad_is_the_mean_over_noisy_copies(smooth_model):
    expected = np.zeros(IMAGES.shape)
    spread = 0.2 * (IMAGES.max((1, 2, 3)) - IMAGES.min((1, 2, 3)))
    for number in range(5):
        drawn = np.random.default_rng((9, number)).standard_normal(SHAPE, "float32")
        noisy = (IMAGES + spread[:, None, None, None] * drawn).astype("float32")
        expected += slopes(smooth_model, noisy, [1, 1, 2]) / 5
    found = smooth_grad(smooth_model, IMAGES, [1, 1, 2], noise=0.2, samples=5, seed=9, batch_size=7)
    np.testing.assert_allclose(found, np.abs(expected).max(-1), rtol=1e-4, atol=1e-6)


def test_an_image_meets_the_same_noise_in_any_company(smooth_model):
    together = smooth_grad(smooth_model, IMAGES, samples=3)
    alone = smooth_grad(smooth_model, IMAGES[1:2], samples=3)
    np.testing.assert_allclose(together[1:2], alone, rtol=1e-5)
    assert not np.allclose(together, smooth_grad(smooth_model, IMAGES, samples=3, seed=1))


@pytest.mark.parametrize("capped", [False, True])
def test_guided_backpropagation_equals_the_one_by_hand(capped):
    """ReLUs inside a convolution, as a layer and as an operation; each lets pass what is
    positive, of inputs that were open."""
    top = 6.0 if capped else np.inf
    names = ("relu6", layers.ReLU(6.0), keras.ops.relu6)
    names = names if capped else ("relu", layers.ReLU(), keras.ops.relu)
    model, images = matrices.network(*names), 3 * IMAGES
    x, opened = images.astype(np.float64).reshape(3, -1), []
    *hidden, (last, _) = matrices.matrices(model)
    for matrix, bias in hidden:
        x = x @ matrix + bias
        opened.append((x > 0) & (x < top))
        x = np.clip(x, 0, top)
    capped_ones = sum(int((~each).sum()) for each in opened)
    back = last[:, [2, 0, 3]].T
    for (matrix, _), gate in zip(reversed(hidden), reversed(opened), strict=True):
        back = (np.maximum(back, 0) * gate) @ matrix.T
    found = guided_backpropagation(model, images, [2, 0, 3])
    assert capped_ones > 20
    assert found.shape == images.shape
    assert np.abs(back).max() > 0.1
    np.testing.assert_allclose(found, back.reshape(images.shape), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(
        slopes(model, images, [2, 0, 3]), slopes(logits(model), images, [2, 0, 3])
    )  # and the model is as it was


class Block(layers.Layer):
    """A layer of a user, made of others."""

    def __init__(self):
        super().__init__()
        self.inner = layers.Conv2D(4, 3, padding="same")
        self.ReLU = layers.ReLU()

    def call(self, inputs):
        return self.ReLU(self.inner(inputs))


def test_guided_backpropagation_finds_relus_inside_layers_and_nested_models():
    keras.utils.set_random_seed(2)
    inner = keras.Sequential([keras.Input(SHAPE), Block(), layers.Conv2D(3, 3, activation="relu")])
    last = [layers.Flatten(), layers.Dense(CLASSES)]
    model = keras.Sequential([keras.Input(SHAPE), inner, *last])
    x = tf.constant(IMAGES)
    block, second = inner.layers

    @tf.custom_gradient
    def guided(x):
        return tf.nn.relu(x), lambda up: tf.where((up > 0) & (x > 0), up, 0.0)

    with tf.GradientTape() as tape:
        tape.watch(x)
        y = guided(tf.nn.conv2d(x, block.inner.kernel, 1, "SAME") + block.inner.bias)
        y = guided(tf.nn.conv2d(y, second.kernel, 1, "VALID") + second.bias)
        score = tf.reduce_sum(last[1](last[0](y))[:, 1])
    expected = tape.gradient(score, x).numpy()
    np.testing.assert_allclose(
        guided_backpropagation(model, IMAGES, [1, 1, 1]), expected, rtol=1e-4, atol=1e-5
    )


def test_a_network_without_relus_cannot_be_guided(smooth_model):
    with pytest.raises(InputError, match=r"a ReLU hands back, and .* shows none"):
        guided_backpropagation(smooth_model, IMAGES)


@pytest.mark.parametrize(("rule", "steps"), [("gauss-legendre", 500), ("trapezoid", 1000)])
def test_integrated_gradients_add_up_to_the_score(digit_network, rule, steps):
    model, images, _ = digit_network
    images = images[:4]
    found = integrated_gradients(model, images, steps=steps, rule=rule)
    scores, black = (np.asarray(logits(model)(each)) for each in (images, 0 * images))
    chosen = scores.argmax(1)
    gains = (scores - black)[np.arange(len(images)), chosen]
    sums = found.attributions.sum((1, 2, 3))
    np.testing.assert_allclose(found.gains, gains, rtol=1e-4)
    assert np.abs(sums / gains - 1).max() < 1e-3
    np.testing.assert_allclose(found.errors, np.abs(sums - gains) / gains, atol=1e-5)
    assert found.attributions.shape == images.shape
    assert np.all(found.attributions[images == 0] == 0)  # a pixel like the baseline adds nothing


def test_integrated_gradients_of_a_linear_model_are_exact():
    """Weights times the way from the baseline, whatever the number of steps."""
    model = keras.Sequential([keras.Input(SHAPE), layers.Flatten(), layers.Dense(2)])
    kernel = np.asarray(model.layers[-1].kernel)
    baseline = np.full(SHAPE, 0.5, "float32")
    found = integrated_gradients(model, IMAGES, [1, 0, 1], baseline=baseline, steps=1)
    expected = (IMAGES - baseline) * kernel[:, [1, 0, 1]].T.reshape(IMAGES.shape)
    np.testing.assert_allclose(found.attributions, expected, atol=1e-5)


def test_the_way_ends_where_integrated_gradients_end(digit_network):
    model, images, labels = digit_network
    frames = integration_path(model, images[:2], labels[:2], frames=4, steps=25)
    assert frames.shape == (4, 16, 16, 3)
    whole = integrated_gradients(model, images[:2], labels[:2], steps=100).attributions
    for image in range(2):
        heat = frames[-1, 8 * image : 8 * image + 8, 8:, 0]
        unclipped = heat < 1
        assert unclipped.sum() > 50
        expected = np.abs(whole[image, ..., 0][unclipped])
        np.testing.assert_allclose(
            heat[unclipped] / heat[unclipped].sum(), expected / expected.sum(), atol=2e-3
        )
    np.testing.assert_allclose(frames[1, :, :8, 2], images[:2].reshape(16, 8) / 32, atol=1e-6)
    with pytest.raises(InputError, match="at least one frame"):
        integration_path(model, images, frames=0)


@pytest.mark.parametrize("batch_size", [4, 64])
def test_occlusion_is_a_slow_loop(smooth_model, batch_size):
    classes, activations = [2, 1, 0], [np.tanh] * 3
    steps = matrices.matrices(smooth_model)
    whole = matrices.scores(steps, IMAGES, activations)
    expected = np.zeros((3, 6, 6))
    for image in range(3):
        falls = [[[] for _ in range(6)] for _ in range(6)]
        for y in (0, 2, 3):
            for x in (0, 2, 3):
                covered = IMAGES[image : image + 1].copy()
                covered[:, y : y + 3, x : x + 3] = (0.5, -0.25)
                score = matrices.scores(steps, covered, activations)[0]
                fall = whole[image, classes[image]] - score[classes[image]]
                for row in range(y, y + 3):
                    for column in range(x, x + 3):
                        falls[row][column].append(fall)
        expected[image] = [[np.mean(cell) for cell in row] for row in falls]
    found = occlusion(
        *(smooth_model, IMAGES, classes),
        **{"patch": 3, "stride": 2, "fill": (0.5, -0.25), "batch_size": batch_size},
    )
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_occlusion_covers_with_the_mean_colour():
    """A model that adds up its pixels: what falls is what the patch had above the mean."""
    model = keras.Sequential([keras.Input((4, 4, 1)), layers.Flatten(), layers.Dense(1)])
    model.layers[-1].set_weights([np.ones((16, 1)), np.zeros(1)])
    image = np.arange(16, dtype="float32").reshape(1, 4, 4, 1)
    np.testing.assert_allclose(occlusion(model, image)[..., None], image - 7.5, atol=1e-4)


@pytest.mark.parametrize(
    ("function", "options", "message"),
    [
        (smooth_grad, {"noise": -0.1}, "`noise` of 0 or more"),
        (smooth_grad, {"samples": 0}, "at least one of `samples`"),
        (integrated_gradients, {"steps": 0}, "at least 1 step"),
        (integrated_gradients, {"rule": "simpson"}, "'simpson'"),
        (integrated_gradients, {"baseline": np.zeros(5)}, "must be a number or fit images"),
        (occlusion, {"patch": 2, "stride": 3}, "every pixel is covered"),
        (occlusion, {"patch": 7}, "a patch of 1 to 6 pixels"),
        (occlusion, {"fill": (1, 2, 3)}, "one per channel"),
        (saliency, {"classes": [0, 1]}, "must hold 3 whole numbers"),
        (saliency, {"classes": [0, 1, 4]}, "from 0 to 3"),
        (saliency, {"classes": -1}, "from 0 to 3"),
        (saliency, {"classes": 1.5}, "one for all"),
    ],
)
def test_what_does_not_fit_is_said(smooth_model, function, options, message):
    with pytest.raises(InputError, match=message):
        function(smooth_model, IMAGES, **options)


def test_images_without_a_batch_are_an_error(smooth_model):
    with pytest.raises(InputError, match=r"expected images \[B, H, W, C\]"):
        saliency(smooth_model, IMAGES[0])


def test_whole_numbers_have_no_derivatives():
    inputs = keras.Input(SHAPE, dtype="uint8")
    x = layers.Flatten()(layers.Rescaling(1 / 255)(inputs))
    model = keras.Model(inputs, layers.Dense(2)(x))
    images = np.full((1, *SHAPE), 7, np.uint8)
    with pytest.raises(InputError, match="takes uint8 pixels"):
        saliency(model, images)
    assert occlusion(model, images).shape == (1, 6, 6)
