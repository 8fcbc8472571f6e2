"""C++ sources for tflite-micro: compiled by the host's compiler against stand-ins for its headers.

The stand-ins check what kerascnn wrote (array, alignment, operators, test image); they compute
nothing. tflite-micro's own interpreter runs the files in tests/kits/test_micro_kit.py.
"""

import os
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from kerascnn.errors import ExportError, InputError, OutputExistsError
from kerascnn.export import write_tflm_sources
from kerascnn.export.flatbuffer import metadata
from kerascnn.export.flatbuffer.file import Operator, Tensor, open_file
from kerascnn.export.quantize.quantizer import quantize
from kerascnn.export.recipes import RECIPES
from kerascnn.export.runtime.interpreter import TFLiteModel
from kerascnn.export.targets import arena, tflm

STUB = Path(__file__).parent / "tflm_stub"
LABELS = ["one", 'two "quoted" \\ back', "drei", "été", "what??!"]
COMPILER = shutil.which("g++") or shutil.which("clang++")


@pytest.fixture(scope="session")
def micro_file(float_file, tiny_images, tmp_path_factory):
    """`tiny_model` in int8 with int8 input and output, constants in place, labels inside."""
    content = quantize(float_file.read_bytes(), RECIPES["int8"], tiny_images, io="int8")
    path = tmp_path_factory.mktemp("micro") / "tiny.tflite"
    path.write_bytes(metadata.embed(content, name="tiny", description="tiny", labels=LABELS))
    return path


@pytest.fixture(autouse=True)
def no_interpreter(monkeypatch):
    """The estimate everywhere, whatever is installed."""
    monkeypatch.setattr(arena, "measure", lambda content: None)


def build(folder, *options):
    program = folder / "example"
    command = [COMPILER, "-std=c++17", "-Wall", "-Wextra", "-Werror", *options, f"-I{STUB}"]
    command += [str(path) for path in sorted(folder.glob("*.cc"))]
    done = subprocess.run([*command, "-o", str(program)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[:2000]
    return program


def run(program, content, answer, folder):
    (folder / "answer").write_bytes(answer.tobytes())
    values = {"COPY": "copy", "INPUT": "input", "ANSWER": "answer"}
    environment = {key: str(folder / name) for key, name in values.items()}
    environment["BYTES"] = str(len(content))
    return subprocess.run(
        [program], capture_output=True, text=True, env={**os.environ, **environment}, check=False
    )


@pytest.mark.skipif(COMPILER is None, reason="no C++ compiler (g++ or clang++) on this machine")
def test_the_sources_compile_and_hold_the_file_the_operators_and_the_image(
    micro_file, tiny_images, tmp_path
):
    made = write_tflm_sources(micro_file, tmp_path / "tflm", image=tiny_images[3])
    program, content = build(made.folder), micro_file.read_bytes()
    model = TFLiteModel(micro_file, delegate=False)
    stored = model.input.quantize(tiny_images[3:4])
    answer = model.run(stored)[0]
    done = run(program, content, answer, tmp_path)
    first, operators, verdict = done.stdout.splitlines()
    assert (
        first == f"model 0 arena 0 {made.arena.bytes // 16 * 16 + 16 * (made.arena.bytes % 16 > 0)}"
    )
    kinds = {operator.name for operator in open_file(micro_file).operators}
    assert kinds == {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "MEAN", "MUL", "ADD"} | {
        "SOFTMAX"
    }
    assert set(operators.split()[1:]) == {
        *("Conv2D", "DepthwiseConv2D", "FullyConnected", "Mean", "Mul", "Add", "Softmax")
    }
    assert (tmp_path / "copy").read_bytes() == content
    assert (tmp_path / "input").read_bytes()[: stored.size] == stored.tobytes()
    assert done.returncode == 0
    assert verdict == f"ok {LABELS[int(answer.argmax())]}, largest difference 0 (limit 2)"
    wrong = run(
        program, content, (answer.astype(np.int16) - 5).clip(-128).astype(np.int8), tmp_path
    )
    assert wrong.returncode == 1
    assert "FAIL" in wrong.stdout


@pytest.mark.skipif(COMPILER is None, reason="no C++ compiler (g++ or clang++) on this machine")
def test_every_operator_of_the_table_is_a_method_of_the_resolver(tmp_path):
    calls = "\n".join(f"  r.{tflm.resolver_method(name)}();" for name in tflm.OPERATORS)
    (tmp_path / "all.cc").write_text(
        '#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"\n'
        f"int main() {{\n  tflite::micro::MicroMutableOpResolver<200> r;\n{calls}\n}}\n"
    )
    build(tmp_path)


def chain(*sizes):
    """A graph of one operator after another, with int8 tensors of these sizes."""
    tensors = [Tensor(i, f"t{i}", (1, size), "int8", False, 1) for i, size in enumerate(sizes)]
    operators = tuple(
        Operator("RELU", False, 1, (source,), (target,)) for source, target in pairwise(tensors)
    )
    ends = (tensors[0],), (tensors[-1],)
    return SimpleNamespace(operators=operators, inputs=ends[0], outputs=ends[1])


@pytest.mark.parametrize(
    ("sizes", "planned"),
    [
        # 64 at 0; 48 beside it, from 64 on; 32 lives with 64 only, so also from 64 on; 16 at 0.
        ((32, 64, 48, 16), 112),
        # Sizes count in steps of 16: 33 takes 48.
        ((33, 17), 80),
        # Of equal sizes the last comes first: t3 (with t4) at 64, t2 (with t3) at 0, t1 at 64.
        ((32, 32, 32, 32, 64), 96),
    ],
)
def test_tensors_are_laid_out_as_by_hand(sizes, planned):
    assert arena._planned(chain(*sizes)) == planned


def test_bookkeeping_comes_on_top_of_the_tensors(micro_file):
    graph = open_file(micro_file)
    assert arena._planned(graph) < arena.estimate(graph) < arena._planned(graph) + 8192


def test_a_file_that_tflite_micro_does_not_run_is_refused(float_file, tmp_path):
    hybrid = quantize(float_file.read_bytes(), RECIPES["dynamic_int8"], None)
    (tmp_path / "hybrid.tflite").write_bytes(hybrid)
    with pytest.raises(ExportError, match="CONV_2D does not take float32 with weights in int8"):
        write_tflm_sources(tmp_path / "hybrid.tflite", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_image_of_another_shape_and_an_existing_folder_are_refused(micro_file, tmp_path):
    with pytest.raises(InputError, match=r"shape \(24, 24, 3\)\. Received: \(3, 3, 3\)"):
        write_tflm_sources(micro_file, tmp_path / "out", image=np.zeros((3, 3, 3), np.uint8))
    write_tflm_sources(micro_file, tmp_path / "out")
    with pytest.raises(OutputExistsError):
        write_tflm_sources(micro_file, tmp_path / "out")
