"""Float conversion: a Keras model to a TFLite file of built-in operators, in a child process."""

import contextlib
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kerascnn.errors import ExportError, InputError
from kerascnn.export import rewrites
from kerascnn.export.conversion import conversion_cache
from kerascnn.export.conversion.any_model import float32_model, input_shape_of, require_tensorflow
from kerascnn.export.conversion.frozen import can_freeze, freeze, trace, write_function
from kerascnn.export.flatbuffer.graph import Graph
from kerascnn.files import temporary_folder

if TYPE_CHECKING:
    import keras

_CHILD = Path(__file__).with_name("_child.py")


def convert_float(
    model: "keras.Model",
    input_shape: tuple[int, ...] | None = None,
    *,
    timeout: float = 1800.0,
    cache: bool = True,
) -> bytes:
    """Returns `model` as a float32 TFLite file with batch size 1.

    The input is float32 raw pixels. Only built-in operators are used, so the file runs wherever
    TFLite runs. The converter works in a process of its own, because it leaks memory and can
    abort; a fixed batch lets the CPU delegate take the whole graph, and what stands in its way is
    rewritten (`kerascnn.export.rewrites`).

    Args:
        model: Any Keras model with one image input; several outputs keep their order, those of a
            mapping that of their names.
        input_shape: `(height, width, channels)`, for a model that leaves its size free.
        timeout: Seconds the converter may take.
        cache: Whether a conversion of exactly this graph may come from disk, and is kept there
            (`kerascnn.export.conversion.conversion_cache`); of networks up to 32 MiB.

    Raises:
        InputError: The model's input is not one image of known size.
        ExportError: The model needs an operator TFLite does not have (named, with its layer), or
            the converter failed, crashed or ran out of time.
    """
    shape = input_shape_of(model, input_shape, need_size=True, outputs=None)
    served = float32_model(model)
    require_tensorflow()
    sizes = (1, *(size for size in shape if size is not None))
    try:
        with temporary_folder() as folder, _child(folder / "model.tflite") as child:
            # The child loads TensorFlow while we trace.
            key = ""
            function = trace(served, sizes)
            if can_freeze(served):
                function = freeze(function, model.name)
                key = conversion_cache.key_of(function, _CHILD) if cache else ""
                content = conversion_cache.load(key) if cache else None
                if content is not None:
                    return rewrites.for_all(_in_order(content))
            write_function(function, folder / "saved_model", model.name)
            content = _converted(child, folder, model.name, timeout)
            if key:
                conversion_cache.store(key, content)
    except OSError as error:
        raise ExportError(
            f"conversion could not use the temporary folder {tempfile.gettempdir()}: "
            f"{error.strerror or error}"
        ) from error
    return rewrites.for_all(_in_order(content))


def _in_order(content: bytes) -> Graph:
    """The file with its outputs in the order of the model's, which the converter does not keep."""
    graph = Graph(content)
    if len(graph.outputs) < 2:
        return graph
    named = {
        int(re.sub(rb"\D", b"", entry.name)): entry.tensorIndex
        for entry in graph.model.signatureDefs[0].outputs  # output_0, output_1, ...
    }
    graph.model.subgraphs[0].outputs = np.array([named[place] for place in sorted(named)], np.int32)
    return graph


@contextlib.contextmanager
def _child(output: Path) -> "Iterator[subprocess.Popen[bytes]]":
    """The process that converts, once it is told which SavedModel; stopped at the end."""
    if not sys.executable:
        raise InputError("export starts a Python process, but this interpreter has no executable")
    # -P keeps the folder of the script off the path: its neighbours must not hide other modules.
    command = [sys.executable, "-P", str(_CHILD), str(output)]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry),
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "CUDA_VISIBLE_DEVICES": "-1",
    }
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdin=pipe, stdout=subprocess.DEVNULL, stderr=pipe, env=environment
    ) as process:
        try:
            yield process
        finally:
            process.kill()  # has no effect on one that has ended


def _converted(child: "subprocess.Popen[bytes]", folder: Path, name: str, timeout: float) -> bytes:
    """What the child makes of `folder`/saved_model, in `folder`/model.tflite."""
    try:
        _, stderr = child.communicate(os.fsencode(folder / "saved_model"), timeout=timeout)
    except subprocess.TimeoutExpired as error:
        raise ExportError(
            f"converting {name!r} took more than {timeout:.0f} s and was stopped"
        ) from error
    log = stderr.decode("utf-8", errors="replace")
    output = folder / "model.tflite"
    if child.returncode == 0 and output.is_file():
        return output.read_bytes()
    raise ExportError(explain_failure(name, child.returncode, log))


def explain_failure(name: str, code: int, log: str) -> str:
    """Returns one line that says why the converter failed, from its exit code and its log."""
    missing = missing_operators(log)
    if missing:
        where = ", ".join(
            f"{operator} (in {layer})" if layer else operator for operator, layer in missing.items()
        )
        return (
            f"model {name!r} cannot become a TFLite file of built-in operators: it uses {where}. "
            "Replace the layer, or remove it from the exported model."
        )
    reason = _last_words(log)
    if code < 0:
        return f"the TFLite converter crashed on {name!r} (signal {-code}): {reason}"
    return f"the TFLite converter failed on {name!r}: {reason}"


def missing_operators(log: str) -> dict[str, str]:
    """Returns the TensorFlow operators the converter has no built-in for, with their layers."""
    found: dict[str, str] = {}
    pattern = re.compile(r"""loc\((?P<loc>.*)\): error: 'tf\.(?P<op>\w+)' op is neither""")
    for line in log.splitlines():
        match = pattern.search(line)
        if match:
            operator, layer = match["op"], _layer(match["loc"])
            found[operator] = found.get(operator) or layer
    for names in re.findall(r"Flex ops: ([\w, ]+)", log):
        for operator in names.split(","):
            found.setdefault(operator.strip().removeprefix("Flex"), "")
    return found


def _layer(location: str) -> str:
    """Returns the layer path inside a converter location such as `"model_1/gelu_1/Erf@..."`."""
    for text in re.findall(r'"([^"]+)"', location):
        path = text.split("@")[0].rstrip(":")
        if "/" in path:
            return path.rsplit("/", 1)[0]
    return ""


def _last_words(log: str) -> str:
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    telling = [line for line in lines if re.search(r"error|Error|ERROR|abort|Check failed", line)]
    chosen = telling or lines or ["it said nothing"]
    return chosen[-1][:300]
