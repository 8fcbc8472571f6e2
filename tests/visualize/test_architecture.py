"""The diagram as a reader and an XML parser see it."""

import functools
import re
import xml.etree.ElementTree as ElementTree

import keras
import pytest
from keras import layers, ops

import kerascnn
from kerascnn.errors import InputError
from kerascnn.visualize import architecture_diagram
from kerascnn.visualize.diagram_blocks import Block, Step, diagram_items

SVG = "{http://www.w3.org/2000/svg}"
LETTER = 0.602  # width of the letters of Menlo and DejaVu Sans Mono, as a share of their size
MODELS = ["LeNet5", "ResNet20", "GoogLeNet", "MobileNetV3Small", "SqueezeNet1_1", "InceptionV3"]


@functools.cache
def built(name):
    with keras.StatelessScope(initialize_variables=False):
        return kerascnn.create_model(name)


def boxes(root, kind):
    found = []
    for rect in root.iter(f"{SVG}rect"):
        if kind in rect.get("class").split():
            x, y, width, height = (float(rect.get(k)) for k in ("x", "y", "width", "height"))
            found.append((x, y, x + width, y + height))
    return found


def within(inner, outer, tolerance=0.2):
    return (
        outer[0] - tolerance <= inner[0]
        and outer[1] - tolerance <= inner[1]
        and inner[2] <= outer[2] + tolerance
        and inner[3] <= outer[3] + tolerance
    )


def overlap(a, b):
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def extent(text):
    """Left, top, right and bottom of the letters."""
    size, x, y = float(text.get("font-size")), float(text.get("x")), float(text.get("y"))
    width = LETTER * size * len(text.text)
    left = x - width / 2 if text.get("text-anchor") == "middle" else x
    return left, y - 0.75 * size, left + width, y + 0.2 * size


@pytest.mark.parametrize("name", MODELS)
def test_boxes_are_apart_and_texts_lie_inside(name):
    root = ElementTree.fromstring(architecture_diagram(built(name)))
    page = (0, 0, float(root.get("width")), float(root.get("height")))
    large, small = boxes(root, "box"), boxes(root, "cell")
    assert len(large) > 5
    for several in (large, small):
        for number, box in enumerate(several):
            assert within(box, page)
            assert not any(overlap(box, other) for other in several[:number])
    for cell in small:
        assert sum(within(cell, box) for box in large) == 1
    for text in root.iter(f"{SVG}text"):
        letters = extent(text)
        assert within(letters, page), text.text
        for box in large + small:  # a text that touches a box belongs into it
            if overlap(letters, box):
                assert within(letters, box), text.text


def numbers(svg):
    texts = [text.text for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]
    return [int(t.split()[0].replace(",", "")) for t in texts if re.match(r"[\d,]+ params", t)]


def test_lenet_has_its_layers_shapes_and_parameters():
    svg = architecture_diagram(kerascnn.models.LeNet5())
    texts = [text.text for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]
    for expected in ("5x5 conv, 6", "tanh", "c1", "28x28x6", "2x2 average pool, /2", "14x14x6"):
        assert expected in texts
    assert numbers(svg) == [156, 2416, 48120, 10164, 850]
    assert "61,706 parameters" in texts


def test_equal_blocks_are_drawn_once():
    groups = diagram_items(built("ResNet20"))
    assert [group.times for group in groups] == [1, 1, 1, 3, 1, 2, 1, 2, 1, 1]
    block = groups[3].items[0]
    assert isinstance(block, Block)
    assert block.name == "stage0_0"
    assert groups[3].last[0].name == "stage0_2"
    main, identity = sorted(block.branches, key=len, reverse=True)
    assert identity == ()
    assert [(step.text, step.suffix) for step in main] == [
        ("3x3 conv, 16", ("BN", "ReLU")),
        ("3x3 conv, 16", ("BN",)),
    ]
    assert (block.merge.text, block.merge.suffix) == ("add", ("ReLU",))


def test_a_pattern_of_two_steps_is_folded():
    groups = diagram_items(built("MobileNet"))
    (five,) = [group for group in groups if group.times > 1]
    assert five.times == 5  # table 1 of its paper
    assert [item.text for item in five.items] == ["3x3 depthwise", "1x1 conv, 512"]


@pytest.mark.parametrize("name", [*MODELS, "MobileNet", "DenseNet121"])
def test_no_parameter_is_lost(name):
    groups = diagram_items(built(name))
    total = sum(group.times * item.params for group in groups for item in group.items)
    assert total == built(name).count_params()


def test_inception_has_its_four_branches():
    modules = [
        g.items[0] for g in diagram_items(built("GoogLeNet")) if isinstance(g.items[0], Block)
    ]
    assert len(modules) == 9
    texts = [[step.text for step in branch] for branch in modules[0].branches]
    assert texts == [
        ["1x1 conv, 64"],
        ["1x1 conv, 96", "3x3 conv, 128"],
        ["1x1 conv, 16", "5x5 conv, 32"],
        ["3x3 max pool", "1x1 conv, 32"],
    ]


def test_nested_models_operations_and_odd_names_are_drawn():
    inner = keras.Sequential([keras.Input((8, 8, 4)), layers.Conv2D(4, 3, 2, name="a<b&c")])
    inputs = keras.Input((16, 16, 3))
    x = layers.Conv2D(4, 3, strides=2, padding="same", activation="gelu")(inputs / 255.0)
    x = ops.relu(inner(x) + 1.0)
    model = keras.Model(inputs, layers.Dense(3)(layers.GlobalAveragePooling2D()(x)))
    steps = [item for group in diagram_items(model) for item in group.items]
    assert all(isinstance(step, Step) for step in steps)
    assert "a<b&c" in [step.name for step in steps]
    texts = [t.text for t in ElementTree.fromstring(architecture_diagram(model)).iter(f"{SVG}text")]
    assert "a<b&c" in texts
    assert "3x3 conv, 4, /2" in texts


def test_it_knows_light_and_dark():
    assert "prefers-color-scheme: dark" in architecture_diagram(built("LeNet5"))


class Subclassed(keras.Model):
    def call(self, inputs):
        return inputs


def test_a_model_without_a_graph_is_an_error():
    with pytest.raises(InputError, match="functional or Sequential"):
        architecture_diagram(Subclassed())
