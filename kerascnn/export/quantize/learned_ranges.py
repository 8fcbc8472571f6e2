"""Where the ranges of a quantisation-aware model belong in its float file.

The converter fuses, renames and moves operators, so tensors are found by what they hold: the plain
model and the file compute the same image, and equal values are the same tensor.
"""

from typing import TYPE_CHECKING

import numpy as np

from kerascnn.errors import ExportError
from kerascnn.export import rewrites
from kerascnn.export.conversion.any_model import float32_model

if TYPE_CHECKING:
    import keras

_CLOSE = 1e-3  # of the largest value; the same arithmetic in another order


def learned_ranges(
    model: "keras.Model", float_bytes: bytes, image: np.ndarray
) -> dict[str, tuple[float, float]]:
    """The learned (low, high) of the tensors that int8 makes of a float file, by their names.

    Tensors that no range was learned for, such as those inside an activation function, are not
    among them.

    Args:
        model: A quantisation-aware model.
        float_bytes: The file that `convert_float` made from it.
        image: One raw image [height, width, channels], rich enough to tell tensors apart.

    Raises:
        ExportError: None of the ranges has a tensor in this file.
    """
    from kerascnn.quantization import with_ranges

    plain, ranges = with_ranges(model)
    pixels = image[np.newaxis].astype(np.float32)
    outputs = float32_model(plain)(pixels, training=False)
    by_size: dict[int, list[tuple[np.ndarray, tuple[float, float]]]] = {}
    for output, span in zip(outputs, ranges, strict=True):
        values = np.asarray(output, np.float32).ravel()
        by_size.setdefault(values.size, []).append((values, (span.low, span.high)))
    found = {}
    for name, values in _tensors(rewrites.for_int8(float_bytes).content, pixels):
        rivals = by_size.get(values.size, [])
        errors = [float(np.abs(values - known).max()) for known, _ in rivals]
        if errors and min(errors) <= _CLOSE * max(float(np.abs(values).max()), 1e-6):
            found[name] = rivals[int(np.argmin(errors))][1]
    if not found:
        raise ExportError(
            f"none of the {len(ranges)} ranges that {model.name!r} learned has a tensor in the "
            "float file. Was the file made from another model, or from other weights?"
        )
    return found


def _tensors(float_bytes: bytes, pixels: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """Name and flat values of each float tensor that the file computes from an image."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_content=float_bytes,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        experimental_preserve_all_tensors=True,
    )
    interpreter.allocate_tensors()
    entry = interpreter.get_input_details()[0]["index"]
    interpreter.set_tensor(entry, pixels)
    interpreter.invoke()
    made = {int(i) for op in interpreter._get_ops_details() for i in op["outputs"]}
    return [
        (detail["name"], interpreter.get_tensor(detail["index"]).ravel())
        for detail in interpreter.get_tensor_details()
        if detail["index"] in made and detail["dtype"] is np.float32
    ]
