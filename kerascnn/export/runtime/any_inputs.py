"""Running a `.tflite` file of any inputs and outputs on random values: what is timed, not read."""

import numpy as np

from kerascnn.errors import BundleError
from kerascnn.export.flatbuffer.file import open_file
from kerascnn.export.flatbuffer.reading import one_line
from kerascnn.export.flatbuffer.tensors import TensorSpec
from kerascnn.export.runtime.interpreter import check_pixels
from kerascnn.export.runtime.opening import open_runtime
from kerascnn.files import PathLike

_TYPES = {"bool": np.bool_, "string": np.bytes_}


class AnyFile:
    """A `.tflite` file with its inputs filled with seeded random values of their types.

    Args:
        path_or_bytes: The file, or its content.
        threads: CPU threads of the kernels.
        delegate: Whether XNNPACK takes what it can.

    Raises:
        InputError: No such file.
        BundleError: The content is no whole `.tflite` model, its metadata are damaged, or the
            runtime refuses it.
    """

    def __init__(self, path_or_bytes: PathLike | bytes, *, threads: int, delegate: bool):
        file = open_file(path_or_bytes)
        self.source, inputs = file.source, [tensor.spec for tensor in file.inputs]
        known = file.metadata  # damaged ones are a damaged file
        if len(inputs) == 1:
            check_pixels(inputs[0], known, None, self.source)
        self._interpreter = open_runtime(
            file.content, self.source, threads=threads, delegate=delegate
        )
        generator = np.random.default_rng(0)
        details = self._interpreter.get_input_details()
        self._given = [
            (detail["index"], _random(tensor, detail["shape"].tolist(), generator))
            for detail, tensor in zip(details, inputs, strict=True)
        ]
        self._outputs = [detail["index"] for detail in self._interpreter.get_output_details()]

    def run(self) -> None:
        """One pass: the inputs copied in, the outputs copied out.

        Raises:
            BundleError: The runtime failed while running.
        """
        try:
            for index, values in self._given:
                self._interpreter.set_tensor(index, values)
            self._interpreter.invoke()
            for index in self._outputs:
                self._interpreter.get_tensor(index)
        except (RuntimeError, ValueError, MemoryError) as error:
            raise BundleError(f"{self.source} cannot be run: {one_line(error)}.") from error


def _random(tensor: TensorSpec, shape: list[int], generator: np.random.Generator) -> np.ndarray:
    """Pixels 0..255 for an image, small whole numbers for anything else: valid as indices too."""
    if tensor.dtype in _TYPES:
        return np.zeros(shape, _TYPES[tensor.dtype])
    if len(shape) == 4:
        return tensor.quantize(generator.integers(0, 256, shape))
    if tensor.dtype in ("int32", "int64", "uint32", "uint64"):
        return np.zeros(shape, tensor.dtype)
    return tensor.quantize(generator.integers(0, 2, shape))
