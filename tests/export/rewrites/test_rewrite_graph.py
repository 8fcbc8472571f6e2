"""The graph that rewrites work on: reading it, changing it, and what is left in the file."""

import numpy as np
import pytest

from kerascnn.export.flatbuffer import structure
from kerascnn.export.flatbuffer.graph import Graph
from kerascnn.export.runtime.interpreter import TFLiteModel

FACTORS = np.linspace(0.5, 1.0, 6).astype("float32")  # one for all would be folded at once


@pytest.fixture(scope="module")
def content(tflite, convolution):
    conv = convolution(3, 6, 4)
    return tflite(lambda x: conv(x * FACTORS))


def test_a_graph_tells_what_its_operators_read_and_write(content):
    graph = Graph(content)
    product, conv = graph.operators[:2]
    assert [graph.kind(operator) for operator in graph.operators[:2]] == ["MUL", "CONV_2D"]
    between = int(product.outputs[0])
    assert graph.producer(between) is product
    assert graph.consumers(between) == [conv]
    assert graph.shape(between) == (1, 9, 8, 6)
    assert graph.is_float(between)
    assert graph.constant(between) is None
    assert np.array_equal(graph.constant(int(product.inputs[1])).ravel(), FACTORS)
    assert graph.constant(int(conv.inputs[1])).shape == (4, 3, 3, 6)
    assert graph.producer(graph.inputs[0]) is None


def test_an_unchanged_graph_is_the_same_file_again(content, pixels):
    again = Graph(content).pack()
    structure.check(again)
    assert np.array_equal(TFLiteModel(again).predict(pixels), TFLiteModel(content).predict(pixels))
    assert Graph(again).pack() == again


def test_what_nothing_reads_any_more_leaves_the_file(content, pixels):
    graph = Graph(content)
    conv = graph.find("CONV_2D")[0]
    weights = graph.constant(int(conv.inputs[1]))
    graph.set_input(conv, 1, graph.add_constant(weights * 2, graph.name(int(conv.inputs[1]))))
    product = graph.find("MUL")[0]
    graph.set_input(product, 1, graph.add_constant(FACTORS / 2, "halves"))
    changed = graph.pack()
    assert abs(len(changed) - len(content)) < 400  # the old weights are 864 bytes
    wanted = TFLiteModel(content).predict(pixels)
    np.testing.assert_allclose(TFLiteModel(changed).predict(pixels), wanted, rtol=1e-5, atol=1e-3)


def test_a_new_operator_and_tensor_can_be_the_output(content, pixels):
    graph = Graph(content)
    last = graph.operators[-1]
    old = graph.outputs[0]
    negated = graph.add_tensor(graph.shape(old), "negated")
    graph.redirect(old, negated)
    graph.add_operator("NEG", [old], [negated], before=last, options="NegOptions")
    neg = graph.operators.pop(-2)  # it has to come after what it reads
    graph.operators.append(neg)
    changed = TFLiteModel(graph.pack()).predict(pixels)
    np.testing.assert_array_equal(changed, -TFLiteModel(content).predict(pixels))


def test_names_stay_unique(content):
    graph = Graph(content)
    first, second = (graph.add_tensor((1,), "again") for _ in range(2))
    assert (graph.name(first), graph.name(second)) == ("again", "again_2")


def test_changes_are_seen_at_once(content):
    graph = Graph(content)
    product, conv = graph.operators[:2]
    between, pixels = int(product.outputs[0]), graph.inputs[0]
    assert graph.consumers(between) == [conv]  # looked up once, and again after each change
    graph.redirect(between, pixels)
    assert (graph.consumers(between), graph.consumers(pixels)) == ([], [product, conv])
    graph.remove(product)
    assert (graph.producer(between), graph.consumers(pixels)) == (None, [conv])
    assert int(conv.inputs[0]) == pixels


def test_a_shared_constant_keeps_its_values_for_the_others(content):
    graph = Graph(content)
    product, conv = graph.operators[:2]
    factors, weights = int(product.inputs[1]), int(conv.inputs[1])
    assert not graph.is_shared(weights)
    graph.set_constant(conv, 1, graph.values(weights) * 2)
    assert int(conv.inputs[1]) == weights
    other = graph.add_tensor(graph.shape(int(product.outputs[0])), "other")
    graph.add_operator("MUL", [graph.inputs[0], factors], [other], before=conv)
    assert graph.is_shared(factors)
    graph.set_constant(product, 1, graph.values(factors) * 3)
    assert int(product.inputs[1]) != factors
    np.testing.assert_array_equal(graph.values(factors).ravel(), FACTORS)
    np.testing.assert_array_equal(graph.values(int(product.inputs[1])).ravel(), FACTORS * 3)
