"""Which clients run which file, found in the file: each rule met, and each rule broken."""

import dataclasses

import numpy as np
import pytest

from kerascnn.cli import targets as command
from kerascnn.errors import ExportError, InputError
from kerascnn.export import flatbuffer, metadata, runs_on
from kerascnn.export.quantize import quantize
from kerascnn.export.recipes import RECIPES
from kerascnn.export.report_targets import section
from kerascnn.export.targets import TARGETS, coral, find, require, tflm
from kerascnn.export.targets.graph import Operator, Tensor, read_graph
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
    """Coral excepted: its compiler knows no dense layer with a scale for each output."""
    target = find(name)
    for recipe in target.recipes:
        file = recipe if recipe == "float32" else f"{recipe}_{target.io}"
        if name == "coral":
            with pytest.raises(ExportError, match="FULLY_CONNECTED has a scale for each output"):
                require(name, files[file])
        else:
            assert require(name, files[file]).runs


def test_the_command_line_offers_the_targets_and_serving():
    assert (*TARGETS, "serving") == command.NAMES


def test_a_single_file_that_does_not_run_is_removed(files, tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(files["int8_int8"])
    command.require("tflm", path)
    command.require(None, path)
    assert path.exists()
    with pytest.raises(ExportError, match="its input is int8, and uint8 or float32 is expected"):
        command.require("mediapipe", path)
    assert not path.exists()


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
    graph = read_graph(content)
    verdict = answers(content)["tflm"]
    if graph.outside:
        assert "behind the flatbuffer" in verdict.because[0]
    else:
        assert graph.misaligned
        assert "not aligned to 16 bytes" in verdict.because[0]
    packed = read_graph(flatbuffer.pack(flatbuffer.parse(content)))
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
    count = len(read_graph(files["int8_uint8"]).operators)
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
