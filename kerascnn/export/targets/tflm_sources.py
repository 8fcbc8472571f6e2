"""A file as C++ sources for tflite-micro: the model as an array, its operators, its memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

import numpy as np

from kerascnn.errors import InputError
from kerascnn.export.any_model import write_errors
from kerascnn.export.interpreter import TFLiteModel
from kerascnn.export.runtime import read
from kerascnn.export.samples import synthetic_images
from kerascnn.export.targets import require, tflm
from kerascnn.export.targets.arena import Arena, find_arena
from kerascnn.export.targets.graph import FileGraph, read_graph
from kerascnn.files import PathLike, atomic_folder, refuse_existing

_TEMPLATES = Path(__file__).parent / "tflm_templates"
_FILES = ("model_data.h", "model_data.cc", "model.h", "test_image.h", "test_image.cc", "main.cc")
_TYPES = {"int8": "int8_t", "uint8": "uint8_t", "int16": "int16_t", "float32": "float"}
_PER_LINE = 16
_STEPS = 2  # by which another implementation's integers may differ
_FLOATS = 1e-4  # and its real numbers


@dataclass(frozen=True, kw_only=True)
class TFLMSources:
    """C++ sources that were written.

    Attributes:
        folder: Where they are.
        files: Their names.
        operators: Methods of `MicroMutableOpResolver` that the model needs, sorted.
        arena: Memory to reserve, and whether it was measured.
    """

    folder: Path
    files: tuple[str, ...]
    operators: tuple[str, ...]
    arena: Arena


def write_tflm_sources(
    path: PathLike,
    folder: PathLike,
    *,
    image: np.ndarray | None = None,
    overwrite: bool = False,
) -> TFLMSources:
    """Writes a `.tflite` file as C++ sources for tflite-micro.

    `model_data.{h,cc}` hold the file as a constant array, aligned to 16 bytes, which the linker
    keeps in read-only memory. `model.h` registers exactly the operators it uses and says how much
    memory to reserve. `main.cc` is an example: it runs `test_image.{h,cc}` and compares the answer
    with the one LiteRT gave here.

    Args:
        path: A file that runs on tflite-micro.
        folder: The folder to write.
        image: Raw pixels `[height, width, channels]`, 0..255, of the example; a generated image by
            default.
        overwrite: Whether an existing folder may be replaced.

    Raises:
        InputError: No such file, or an image of another shape.
        BundleError: It is no whole `.tflite` model.
        OutputExistsError: `folder` exists and `overwrite` is false.
        ExportError: The file does not run on tflite-micro, or the folder cannot be written.
    """
    folder = Path(folder)
    content, _ = read(path)
    require("tflm", content)
    graph = read_graph(content)
    arena = find_arena(content, graph)
    methods = tuple(sorted({tflm.resolver_method(op.name) for op in graph.operators}))
    values = {
        "source": Path(path).name,
        "bytes": str(len(content)),
        "model_array": c_array(content),
        "arena": str(-(-arena.bytes // 16) * 16),
        "arena_origin": "measured with" if arena.measured else "estimated; not measured with",
        "operator_count": str(len(methods)),
        "operators": "\n".join(
            f"  if (resolver.{m}() != kTfLiteOk) return false;" for m in methods
        ),
        **_example(content, graph, image),
    }
    with write_errors(folder):
        refuse_existing(folder, overwrite)
        with atomic_folder(folder, overwrite=overwrite) as temporary:
            for name in _FILES:
                template = Template((_TEMPLATES / f"{name}.in").read_text(encoding="utf-8"))
                (temporary / name).write_text(template.substitute(values), encoding="utf-8")
    return TFLMSources(folder=folder, files=_FILES, operators=methods, arena=arena)


def c_array(content: bytes) -> str:
    """The bytes as the inside of a C array initialiser, 16 to a line."""
    rows = range(0, len(content), _PER_LINE)
    return "\n".join(
        "    " + ", ".join(f"0x{byte:02x}" for byte in content[row : row + _PER_LINE]) + ","
        for row in rows
    )


def _example(content: bytes, graph: FileGraph, image: np.ndarray | None) -> dict[str, str]:
    """The test image as the input tensor holds it, and LiteRT's answer."""
    model = TFLiteModel(content, delegate=False)
    shape = tuple(model.input.shape[1:])
    pixels = synthetic_images(shape)[0] if image is None else np.asarray(image)
    if pixels.shape != shape:
        raise InputError(f"the image must have the shape {shape}, received {pixels.shape}")
    stored = model.input.quantize(pixels[np.newaxis])
    answer = model.run(stored)[0]
    labels = graph.metadata.labels if graph.metadata else ()
    names = labels or tuple(str(index) for index in range(answer.size))
    return {
        "input_type": _TYPES[model.input.dtype],
        "output_type": _TYPES[model.output.dtype],
        "input_size": str(stored.size),
        "output_size": str(answer.size),
        "input_quantization": _quantization(model.input.scale, model.input.zero_point),
        "output_quantization": _quantization(model.output.scale, model.output.zero_point),
        "image_array": _numbers(stored.ravel().tolist()),
        "answer_array": _numbers(answer.ravel().tolist()),
        "tolerance": f"{_FLOATS}f" if model.output.dtype == "float32" else str(_STEPS),
        "labels": "\n".join(f"    {_c_string(name)}," for name in names),
    }


def _quantization(scale: float | None, zero_point: int | None) -> str:
    if scale is None:
        return "real numbers"
    return f"real value = (stored - {zero_point}) * {scale:.9g}"


def _numbers(values: Sequence[float]) -> str:
    texts = [f"{value!r}f" if isinstance(value, float) else str(value) for value in values]
    rows = range(0, len(texts), _PER_LINE)
    return "\n".join("    " + ", ".join(texts[row : row + _PER_LINE]) + "," for row in rows)


def _c_string(text: str) -> str:
    """A C string literal: bytes beyond plain ASCII in octal, which no digit can extend."""
    escaped = "".join(
        f"\\{byte:03o}" if byte < 32 or byte > 126 or byte in b'"\\?' else chr(byte)
        for byte in text.encode()
    )
    return f'"{escaped}"'
