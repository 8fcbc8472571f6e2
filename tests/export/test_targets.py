"""Which clients run which file, found in the file: each rule met, and each rule broken."""

import dataclasses

import numpy as np
import pytest
from ai_edge_litert.schema_py_generated import BufferT, BuiltinOperator, TensorT

from kerascnn.cli import targets as command
from kerascnn.errors import ExportError, InputError
from kerascnn.export import export_tflite, runs_on
from kerascnn.export.bundle.report.targets import section
from kerascnn.export.flatbuffer import edit as flatbuffer
from kerascnn.export.flatbuffer import metadata
from kerascnn.export.flatbuffer.file import Operator, Tensor, open_file
from kerascnn.export.flatbuffer.graph import Graph
from kerascnn.export.quantize.quantizer import quantize
from kerascnn.export.recipes import RECIPES
from kerascnn.export.runtime.interpreter import TFLiteModel
from kerascnn.export.targets import TARGETS, coral, find, prepare, require, tflm
from kerascnn.export.targets.dense_scale import with_one_scale
from kerascnn.export.targets.rules import unsupported

LABELS = ["a", "b", "c", "d", "e"]


@pytest.fixture(scope="session")
def files(float_file, tiny_images):
    """`tiny_model` by recipe and io, packed with metadata as `export_tflite` does."""
    content = float_file.read_bytes()
    made = {"float32": content, "int8_raw": None}
    for name in ("float16", "dynamic_int8"):
        made[name] = quantize(content, RECIPES[name], None)
    for io in ("uint8", "int8", "float32"):
        made[f"int8_{io}"] = quantize(content, RECIPES["int8"], tiny_images, io=io)
    return {
        name: metadata.embed(file, name="tiny", description="tiny", labels=LABELS)
        for name, file in made.items()
        if file is not None
    }


def altered(content, edit):
    """The file with `edit` applied to its tree."""
    model = flatbuffer.parse(content)
    edit(model)
    packed = flatbuffer.pack(model)
    return metadata.embed(packed, name="tiny", description="tiny", labels=LABELS)


def answers(content):
    return {verdict.target: verdict for verdict in runs_on(content)}


@pytest.mark.parametrize(
    ("file", "runs"),
    [
        ("float32", {"mediapipe", "litert-js", "android", "tflm"}),
        ("float16", {"mediapipe", "litert-js", "android"}),
        ("dynamic_int8", {"mediapipe", "litert-js", "android"}),
        ("int8_uint8", {"mediapipe", "litert-js", "tflm"}),
        ("int8_int8", {"android", "tflm"}),
        ("int8_float32", {"mediapipe", "litert-js", "android", "tflm"}),
    ],
)
def test_who_runs_what(files, file, runs):
    found = answers(files[file])
    assert {name for name, verdict in found.items() if verdict.runs} == runs
    assert all(verdict.because for verdict in found.values())


@pytest.mark.parametrize("name", list(TARGETS))
def test_what_a_target_exports_it_runs(files, name):
    target = find(name)
    for recipe in target.recipes:
        file = recipe if recipe == "float32" else f"{recipe}_{target.io}"
        graph = Graph(files[file])
        prepare(name, graph)
        content = metadata.embed(graph, name="tiny", description="tiny", labels=LABELS)
        assert require(name, content).runs


def test_coral_says_what_its_compiler_would_not_take(files):
    with pytest.raises(ExportError, match="FULLY_CONNECTED has a scale for each output"):
        require("coral", files["int8_uint8"])


def test_the_command_line_offers_the_targets_and_serving():
    assert (*TARGETS, "serving") == command.NAMES


def test_a_file_that_does_not_run_is_refused_before_it_is_written(
    tiny_model, tiny_images, float_file, tmp_path
):
    path = tmp_path / "model.tflite"
    rest = {"float_model": float_file.read_bytes(), "io": "int8"}
    with pytest.raises(ExportError, match="its input is int8, and uint8 or float32 is expected"):
        export_tflite(tiny_model, path, "int8", tiny_images, target="mediapipe", **rest)
    assert not path.exists()
    export_tflite(tiny_model, path, "int8", tiny_images, target="tflm", **rest)
    assert path.exists()


def test_files_for_coral_have_one_scale_in_dense_layers_and_answer_alike(
    tiny_model, tiny_images, float_file, tmp_path
):
    path = tmp_path / "model.tflite"
    content = float_file.read_bytes()
    result = export_tflite(
        tiny_model, path, "int8", tiny_images, target="coral", float_model=content
    )
    assert answers(path)["coral"].runs
    assert result.report.metrics  # it was verified as it is
    usual = quantize(content, RECIPES["int8"], tiny_images, io="uint8")
    ours, theirs = (TFLiteModel(file).predict(tiny_images) for file in (path, usual))
    assert np.abs(ours - theirs).mean() < 0.02
    assert (ours.argmax(-1) == theirs.argmax(-1)).mean() > 0.95


def dense(model):
    """The tensors of the one dense layer after its input: weights and, where it has one, bias."""
    graph = model.subgraphs[0]
    (operator,) = (
        operator
        for operator in graph.operators
        if model.operatorCodes[operator.opcodeIndex].builtinCode == BuiltinOperator.FULLY_CONNECTED
    )
    return operator, [graph.tensors[index] for index in operator.inputs[1:] if index >= 0]


def reals(content):
    """(weights, biases, scales of the weights) of a quantised file's dense layer."""
    model = flatbuffer.parse(content)
    _, (weights, bias) = dense(model)
    values = []
    for tensor, kind in ((weights, np.int8), (bias, np.int32)):
        data = np.asarray(model.buffers[tensor.buffer].data, np.uint8).view(kind)
        scale = np.asarray(tensor.quantization.scale, np.float64)
        values.append(data.reshape(tensor.shape[0], -1) * scale[:, np.newaxis])
    return (*values, np.asarray(weights.quantization.scale))


def test_one_scale_keeps_the_real_weights_and_biases_to_half_a_step(float_file, tiny_images):
    model = flatbuffer.parse(float_file.read_bytes())
    operator, _ = dense(model)
    bias = np.array([3.0, -1.0, 0.25, 0.0, -7.0], np.float32)
    model.buffers.append(BufferT(data=np.frombuffer(bias.tobytes(), np.uint8)))
    like = TensorT(name="bias", shape=np.array([5], np.int32), buffer=len(model.buffers) - 1)
    model.subgraphs[0].tensors.append(like)
    operator.inputs = [*operator.inputs[:2], len(model.subgraphs[0].tensors) - 1]
    usual = quantize(flatbuffer.pack(model), RECIPES["int8"], tiny_images, io="uint8")
    weights, biases, scales = reals(usual)
    graph = Graph(usual)
    with_one_scale(graph)
    content = graph.pack()
    after, biases_after, (one,) = reals(content)
    assert len(scales) == 5
    assert one == scales.max()
    assert np.abs(after - weights).max() <= 0.5 * one * 1.001
    np.testing.assert_allclose(biases_after.ravel(), biases.ravel(), atol=1e-3)
    np.testing.assert_allclose(biases.ravel(), bias, atol=0.1)
    ours, theirs = (TFLiteModel(file).predict(tiny_images) for file in (content, usual))
    assert np.abs(ours - theirs).mean() < 0.02


def test_float_files_are_left_as_they_are(files):
    graph = Graph(files["float32"])
    before = graph.pack()
    with_one_scale(graph)
    assert graph.pack() == before


def test_an_unknown_target_is_refused_with_the_nearest():
    with pytest.raises(InputError, match="Did you mean mediapipe"):
        find("media-pipes")


def test_float_files_without_normalisation_are_not_for_mediapipe(float_file):
    verdict = answers(float_file)["mediapipe"]
    assert not verdict.runs
    assert "normalisation" in verdict.because[0]


def test_grey_images_are_not_for_mediapipe(grey_float_file):
    content = metadata.embed(
        grey_float_file.read_bytes(), name="g", description="g", labels=[str(i) for i in range(10)]
    )
    assert answers(content)["mediapipe"].because == (
        "it takes images of 1 channel(s), and RGB is expected",
    )


def test_constants_behind_the_flatbuffer_are_not_for_microcontrollers(int8_file):
    content = int8_file.read_bytes()  # as the quantiser leaves it
    graph = open_file(content)
    verdict = answers(content)["tflm"]
    if graph.outside:
        assert "behind the flatbuffer" in verdict.because[0]
    else:
        assert graph.misaligned
        assert "not aligned to 16 bytes" in verdict.because[0]
    packed = open_file(flatbuffer.pack(flatbuffer.parse(content)))
    assert (packed.outside, packed.misaligned) == (0, 0)


def test_an_open_batch_is_named(files):
    def open_batch(model):
        tensor = model.subgraphs[0].tensors[model.subgraphs[0].inputs[0]]
        tensor.shapeSignature = np.array([-1, *tensor.shape[1:]], np.int32)

    verdict = answers(altered(files["float32"], open_batch))["litert-js"]
    assert not verdict.runs
    assert "[?, 24, 24, 3]" in verdict.because[0]


def test_newer_operator_versions_are_not_for_coral_and_refused_by_litert(files):
    def renew(model):
        for code in model.operatorCodes:
            code.version = 99

    found = answers(altered(files["int8_uint8"], renew))
    assert "version 99" in found["coral"].because[0]
    assert "LiteRT refuses it" in found["mediapipe"].because[0]
    assert found["tflm"].runs  # does not look at versions


def tensor(dtype, shape=(1, 8, 8, 4), *, constant=False, scales=1):
    return Tensor(0, "t", shape, dtype, constant, scales)


def operator(name, source="int8", target="int8", weights=None, custom=False, version=1):
    inputs = [tensor(source)]
    if weights:
        inputs.append(tensor(weights, constant=True))
    return Operator(name, custom, version, tuple(inputs), (tensor(target),))


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (operator("GELU"), "it has no operator GELU"),
        (operator("CONV_2D", custom=True), "it has no custom operator CONV_2D"),
        (operator("ADD", "int64", "int64"), "ADD does not compute in int64"),
        (operator("HARD_SWISH", "int16", "int16"), "HARD_SWISH does not compute in int16"),
        (operator("CONV_2D", "float32", "float32", "int8"), "CONV_2D does not take float32 with"),
        (operator("QUANTIZE", "int64", "int8"), "QUANTIZE does not turn int64 into int8"),
    ],
)
def test_operators_beyond_the_table_are_named(wrong, reason):
    (found,) = unsupported(wrong, tflm.OPERATORS)
    assert found.startswith(reason) or reason in found


@pytest.mark.parametrize(
    ("limited", "reason"),
    [
        (
            Operator("SOFTMAX", False, 1, (tensor("int8", (1, 20_000)),), (tensor("int8"),)),
            "16000 is the most",
        ),
        (
            Operator("ADD", False, 1, (tensor("int8", (2, 8, 8, 4)),), (tensor("int8"),)),
            "more than three dimensions",
        ),
        (operator("CONCATENATION", weights="int8"), "appends constants"),
    ],
)
def test_corals_known_limitations(limited, reason):
    assert reason in next(coral.limits(limited))


def test_coral_says_where_the_cpu_takes_over(files):
    (reason,) = answers(files["int8_uint8"])["coral"].because
    count = len(open_file(files["int8_uint8"]).operators)
    assert reason.endswith(f"of {count} operators run on the CPU")


def test_the_report_shows_yes_and_every_reason(files):
    class File:
        recipe, runs_on = "int8", runs_on(files["int8_int8"])

    class Report:
        files = (File,)

    html = section(Report)
    assert html.count("<tr>") == 1 + len(TARGETS)
    assert "its input is int8, and uint8 or float32 is expected" in html
    assert html.count(">yes<") == sum(verdict.runs for verdict in File.runs_on)
    File.runs_on = ()
    assert section(Report) == ""


def test_verdicts_read_as_sentences(files):
    verdict = answers(files["int8_int8"])["tflm"]
    assert str(verdict) == (
        "microcontrollers (tflite-micro): yes, it has all 7 kinds of operators, takes int8 and "
        "gives int8"
    )
    assert dataclasses.is_dataclass(verdict)
