"""Weights rounded together: by hand, against rounding one by one, and in the file that runs."""

import itertools

import keras
import numpy as np
import pytest
from keras import layers

from kerascnn.errors import ExportError
from kerascnn.export.conversion.convert import convert_float
from kerascnn.export.flatbuffer import edit as flatbuffer
from kerascnn.export.flatbuffer.graph import Graph
from kerascnn.export.quantize import quantizer as quantizing
from kerascnn.export.quantize.layer_weights import float_layers
from kerascnn.export.quantize.weight_rounding import round_each, round_together, round_weights
from kerascnn.export.runtime.interpreter import TFLiteModel

SAMPLES = np.random.default_rng(0).integers(0, 256, (24, 8, 8, 3)).astype("uint8")


def nearest(rows):
    scales = np.abs(rows).max(axis=1, keepdims=True) / 127
    return np.round(rows / scales) * scales


def on_the_grid(rounded, rows):
    steps = rounded / (np.abs(rows).max(axis=1, keepdims=True) / 127)
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-6)
    # The quantiser finds the same scale again.
    np.testing.assert_allclose(np.abs(rounded).max(axis=1), np.abs(rows).max(axis=1), rtol=1e-12)


def output_error(rounded, rows, covariance):
    difference = rounded - rows
    return np.einsum("oi,...ij,oj->o", difference, covariance, difference)


def test_two_equal_inputs_share_their_errors():
    """0.4 + 0.4 steps are nearer to 1 step than to none."""
    rows = np.array([[127.0, 0.4, 0.4]])
    covariance = np.array([[1.0, 0, 0], [0, 1, 1], [0, 1, 1]])
    assert nearest(rows)[0, 1:].sum() == 0
    assert round_together(rows, covariance)[0, 1:].sum() == pytest.approx(1)
    assert round_each(rows, covariance[np.newaxis])[0, 1:].sum() == pytest.approx(1)


def test_independent_inputs_are_rounded_to_the_nearest_step():
    rows = np.random.default_rng(1).normal(size=(6, 100))
    np.testing.assert_allclose(round_together(rows, np.eye(100)), nearest(rows), atol=1e-12)
    np.testing.assert_allclose(
        round_each(rows, np.broadcast_to(np.eye(100), (6, 100, 100))), nearest(rows), atol=1e-12
    )


@pytest.mark.parametrize("inputs", [9, 150])  # one block of columns, and several
def test_outputs_change_less_than_with_the_nearest_steps(inputs):
    random = np.random.default_rng(2)
    rows = random.normal(size=(16, inputs))
    seen = random.normal(size=(2000, inputs // 3)) @ random.normal(size=(inputs // 3, inputs))
    covariance = np.cov(seen.T) + 0.01 * np.eye(inputs)
    together = round_together(rows, covariance)
    each = round_each(rows, np.broadcast_to(covariance, (16, inputs, inputs)))
    plain = output_error(nearest(rows), rows, covariance).mean()
    for rounded in (together, each):
        on_the_grid(rounded, rows)
        assert output_error(rounded, rows, covariance).mean() < 0.5 * plain


def test_it_comes_close_to_the_best_there_is():
    """All roundings up or down of five weights, tried."""
    random = np.random.default_rng(3)
    seen = random.normal(size=(500, 5)) @ random.normal(size=(5, 5))
    covariance = np.cov(seen.T)
    rows = np.concatenate([np.full((20, 1), 127.0), random.uniform(-9, 9, (20, 5))], axis=1)
    full = np.zeros((6, 6))
    full[0, 0], full[1:, 1:] = 1, covariance
    rounded = round_together(rows, full)
    best = []
    for row in rows:
        choices = itertools.product(*[(np.floor(w), np.ceil(w)) for w in row[1:]])
        tried = np.array([[row[0], *choice] for choice in choices])
        best.append(output_error(tried, np.broadcast_to(row, tried.shape), full).min())
    plain = output_error(nearest(rows), rows, full).mean()
    ours = output_error(rounded, rows, full).mean()
    assert ours < np.mean(best) + 0.3 * (plain - np.mean(best))


def network():
    """Every kind of layer with weights; padding, stride, dilation and groups among them."""
    keras.utils.set_random_seed(4)
    inputs = keras.Input((8, 8, 3))
    x = layers.Rescaling(1 / 255)(inputs)
    x = layers.Conv2D(8, 3, padding="same", activation="relu", name="conv")(x)
    x = layers.DepthwiseConv2D(3, dilation_rate=2, padding="same", depth_multiplier=2, name="dw")(x)
    x = layers.ReLU()(x)
    x = layers.Conv2D(8, 3, strides=2, padding="same", groups=2, name="grouped")(x)
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(x))
    model = keras.Model(inputs, layers.Dense(5, name="dense")(x))
    for name in ("conv", "dw", "grouped", "dense"):
        bias = model.get_layer(name).bias
        bias.assign(0.1 * np.arange(bias.shape[0]))
    return model


def test_every_layer_keeps_the_mean_of_its_outputs():
    """Measured at every place of every image: borders, strides and groups have their own means."""
    content = convert_float(network())
    rounded = round_weights(content, SAMPLES)
    before, after = Graph(content), Graph(rounded)
    kinds = []
    for (old, kind), (new, _) in zip(float_layers(before), float_layers(after), strict=True):
        kinds.append(kind)
        seen = inputs_of(content, int(old.inputs[0]))
        options = old.builtinOptions
        results = []
        for graph, operator in ((before, old), (after, new)):
            weights = graph.values(int(operator.inputs[1]))
            if operator is new:  # the quantiser's part; it finds all but grouped ones done
                weights = as_quantised(weights, kind)
            bias = graph.values(int(operator.inputs[2]))
            results.append(apply(seen, weights, kind, options) + bias)
        axes = tuple(range(results[0].ndim - 1))
        assert np.abs(results[0] - results[1]).max() > 1e-5, kind
        means = [result.mean(axes, dtype=np.float64) for result in results]
        np.testing.assert_allclose(*means, atol=2e-6)
    assert kinds == ["conv", "depthwise", "conv", "dense"]


def test_the_quantiser_finds_the_weights_on_its_steps():
    """What is stored, times its scale, is what was chosen here."""
    from ai_edge_litert import schema_py_generated as schema

    content = round_weights(convert_float(network()), SAMPLES)
    chosen = Graph(content)
    kernels = {}
    for operator, kind in float_layers(chosen):
        values = chosen.values(int(operator.inputs[1]))
        kernels[values.shape] = as_quantised(values, kind)
    stored = flatbuffer.parse(quantizing.quantize(content, "weight_only_int8"))
    found = 0
    for tensor in stored.subgraphs[0].tensors:
        shape = tuple(int(size) for size in tensor.shape)
        if tensor.type != schema.TensorType.INT8 or shape not in kernels:
            continue
        data = np.asarray(stored.buffers[tensor.buffer].data, np.uint8).view(np.int8)
        axis = [1] * len(shape)
        axis[tensor.quantization.quantizedDimension] = -1
        values = data.reshape(shape) * np.reshape(tensor.quantization.scale, axis)
        np.testing.assert_allclose(values, kernels[shape], atol=1e-6)
        found += 1
    assert found == len(kernels) == 4


def as_quantised(weights, kind):
    rows = weights.reshape(-1, weights.shape[-1]).T if kind == "depthwise" else weights
    rounded = nearest(rows.reshape(len(rows), -1).astype(np.float64))
    back = rounded.T if kind == "depthwise" else rounded
    return back.reshape(weights.shape).astype(np.float32)


def inputs_of(content, index):
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_content=content,
        experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
        experimental_preserve_all_tensors=True,
    )
    interpreter.allocate_tensors()
    values = []
    for image in SAMPLES:
        interpreter.set_tensor(
            interpreter.get_input_details()[0]["index"], image[np.newaxis].astype(np.float32)
        )
        interpreter.invoke()
        values.append(interpreter.get_tensor(index))
    return np.concatenate(values)


def apply(seen, weights, kind, options):
    """The layer as Keras computes it, without bias and activation."""
    if kind == "dense":
        return seen @ weights.T
    padding = "same" if options.padding == 0 else "valid"
    strides = (options.strideH, options.strideW)
    dilation = (options.dilationHFactor, options.dilationWFactor)
    if kind == "conv":
        kernel = weights.transpose(1, 2, 3, 0)
        return np.asarray(keras.ops.conv(seen, kernel, strides, padding, dilation_rate=dilation))
    kernel = weights[0].reshape(*weights.shape[1:3], seen.shape[-1], -1)
    return np.asarray(
        keras.ops.depthwise_conv(seen, kernel, strides, padding, dilation_rate=dilation)
    )


@pytest.mark.parametrize("recipe", ["int8", "int16x8"])
def test_the_quantised_file_comes_closer_to_the_float_one(recipe, monkeypatch):
    model = network()
    # Rounding that all goes one way, as a few large weights among small ones make it.
    kernel = np.abs(model.get_layer("conv").kernel.numpy()) * 0.01
    kernel[0, 0, 0] = 1.5
    model.get_layer("conv").kernel.assign(kernel)
    content = convert_float(model)
    wanted = TFLiteModel(content).predict(SAMPLES)

    def mean_error():
        done = quantizing.quantize(content, recipe, SAMPLES, io="float32")
        return np.abs((TFLiteModel(done).predict(SAMPLES) - wanted).mean(axis=0)).max()

    together = mean_error()
    monkeypatch.setattr(quantizing, "round_weights", lambda content, *_, **__: content)
    assert together < 0.5 * mean_error()


def test_constants_that_layers_share_are_not_mixed_up():
    """The converter keeps equal constants once."""
    keras.utils.set_random_seed(4)
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(3, 1, name="one")(layers.Rescaling(1 / 255)(inputs))
    model = keras.Model(inputs, layers.Conv2D(3, 1, name="two")(layers.ReLU()(x)))
    model.get_layer("two").set_weights(model.get_layer("one").get_weights())
    content = convert_float(model)
    found = TFLiteModel(round_weights(content, SAMPLES)).predict(SAMPLES)
    wanted = TFLiteModel(content).predict(SAMPLES)
    np.testing.assert_allclose(found.mean(axis=(0, 1, 2)), wanted.mean(axis=(0, 1, 2)), atol=1e-3)
    np.testing.assert_allclose(found, wanted, atol=0.02)


def test_covariances_that_rounding_has_bent_are_damped_until_they_hold():
    """Few places, almost constant: in float32 their smallest eigenvalues come out negative."""
    random = np.random.default_rng(0)
    inputs = random.normal(0, 1e-3, (12, 1)) * random.normal(0, 1, (1, 40))
    covariance = np.cov(inputs.T)
    bent = covariance - 1e-3 * np.linalg.eigvalsh(covariance)[-1] * np.eye(40)
    rows = random.normal(0, 1, (4, 40))
    rounded = round_together(rows, bent)
    steps = np.abs(rows).max(axis=1, keepdims=True) / 127
    assert np.abs(rounded - rows).max() <= 3 * steps.max()
    np.testing.assert_allclose(rounded / steps, np.rint(rounded / steps), atol=1e-6)
    with pytest.raises(ExportError, match="no usable covariance"):
        round_together(rows, -1e6 * np.eye(40))
