"""Editing `.tflite` files: they must still say the same, and run."""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from kerascnn.errors import BundleError
from kerascnn.export.flatbuffer import edit as flatbuffer
from kerascnn.export.runtime.interpreter import TFLiteModel


def test_damaged_bytes_cannot_be_edited(int8_file):
    with pytest.raises(BundleError, match="damaged"):
        flatbuffer.parse(int8_file.read_bytes()[:2000])


def stored_outside(content):
    """`content` as the quantiser writes big models: constants behind the flatbuffer."""
    model = flatbuffer.parse(content)
    constants = {}
    for index, buffer in enumerate(model.buffers):
        if buffer.data is not None and len(buffer.data):
            constants[index] = bytes(buffer.data)
            buffer.data, buffer.offset, buffer.size = None, 1, 1
    places, end = {}, 0
    for _ in range(2):  # the second pass knows how long the flatbuffer is
        for index, (offset, size) in places.items():
            model.buffers[index].offset, model.buffers[index].size = offset, size
        head = flatbuffer.pack(model)
        end = -(-len(head) // 16) * 16
        for index, data in constants.items():
            places[index] = (end, len(data))
            end += -(-len(data) // 16) * 16
    result = bytearray(end)
    result[: len(head)] = head
    for index, (offset, size) in places.items():
        result[offset : offset + size] = constants[index]
    return bytes(result)


def test_constants_behind_the_flatbuffer_are_moved_inside(int8_file):
    content = int8_file.read_bytes()
    outside = stored_outside(content)
    before = TFLiteModel(outside)
    after = TFLiteModel(flatbuffer.pack(flatbuffer.parse(outside)))
    pixels = np.random.default_rng(5).integers(0, 256, (6, *before.input.shape[1:]))
    np.testing.assert_array_equal(after.predict(pixels), before.predict(pixels))
    inside = schema.Model.GetRootAs(flatbuffer.pack(flatbuffer.parse(outside)), 0)
    assert [inside.Buffers(i).Offset() for i in range(inside.BuffersLength())] == [
        0
    ] * inside.BuffersLength()


@pytest.mark.parametrize("name", ["int8_file", "grey_int8_file", "float_file"])
def test_packed_constants_are_aligned_to_16_bytes(name, request):
    content = flatbuffer.pack(flatbuffer.parse(request.getfixturevalue(name).read_bytes()))
    model = schema.Model.GetRootAs(content, 0)
    positions = []
    for i in range(model.BuffersLength()):
        table = model.Buffers(i)._tab
        if table.Offset(4) and model.Buffers(i).DataLength():
            positions.append(table.Vector(table.Offset(4)))
    assert len(positions) > 3
    assert [position % 16 for position in positions] == [0] * len(positions)


def test_packing_what_was_parsed_keeps_the_outputs(float_file, tiny_images):
    content = float_file.read_bytes()
    again = flatbuffer.pack(flatbuffer.parse(content))
    np.testing.assert_array_equal(
        TFLiteModel(again).predict(tiny_images), TFLiteModel(content).predict(tiny_images)
    )
