"""Running any `.tflite` file with the device's own interpreter."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from kerascnn.errors import BundleError, InputError
from kerascnn.export.flatbuffer.file import TFLiteFile, open_file
from kerascnn.export.flatbuffer.metadata_schema import Metadata
from kerascnn.export.flatbuffer.reading import one_line
from kerascnn.export.flatbuffer.tensors import TensorSpec
from kerascnn.export.runtime.file_kinds import output_kinds
from kerascnn.export.runtime.opening import open_runtime
from kerascnn.export.runtime.pixels import PixelRule, rule_for
from kerascnn.export.runtime.summary import FileSummary, inspect
from kerascnn.files import PathLike
from kerascnn.inputs.images import stacked

__all__ = ["FileSummary", "TFLiteModel", "TensorSpec", "inspect"]

NUMERIC = ("float32", "float16", "uint8", "int8", "int16", "int32", "int64")


class TFLiteModel:
    """A `.tflite` file with one image input, ready to run on raw images.

    Files made elsewhere too: `pixels` says how raw pixels enter the file, by its metadata, and
    `kinds` what its outputs are, by its last operators and its metadata.

    Args:
        path_or_bytes: The file, or its content.
        threads: CPU threads of the kernels; None leaves it to the runtime (one).
        delegate: Whether XNNPACK takes what it can, as on a device. False runs the built-in
            kernels only.
        pixel_range: What 0 and 255 become before a real-valued input, such as (0, 1) or (-1, 1),
            for a file that does not say it.

    Raises:
        InputError: No such file, `threads` out of 1..1024, a model with several inputs or without
            outputs, or a pixel range for a file that says its own.
        BundleError: The content is no whole `.tflite` model, its metadata are damaged, or the
            runtime refuses it.
    """

    def __init__(
        self,
        path_or_bytes: PathLike | bytes | TFLiteFile,
        *,
        threads: int | None = None,
        delegate: bool = True,
        pixel_range: tuple[float, float] | None = None,
    ):
        self.file = open_file(path_or_bytes)
        self.source = source = self.file.source
        inputs = tuple(tensor.spec for tensor in self.file.inputs)
        outputs = tuple(tensor.spec for tensor in self.file.outputs)
        if len(inputs) != 1 or not outputs:
            raise InputError(
                f"{source} has {len(inputs)} inputs ({_named(inputs)}) and {len(outputs)} outputs: "
                "expected exactly one input, an image. Export a model with a single input."
            )
        for kind, tensor in (("input", inputs[0]), *(("output", one) for one in outputs)):
            if tensor.dtype not in NUMERIC:
                raise InputError(
                    f"{source} has an {kind} of type {tensor.dtype}: expected one of "
                    f"{', '.join(NUMERIC)}. Export an image model."
                )
        self.input: TensorSpec = inputs[0]
        self.outputs: tuple[TensorSpec, ...] = outputs
        self.metadata = self.file.metadata
        self.kinds = output_kinds(self.file)
        self.pixels: PixelRule = check_pixels(self.input, self.metadata, pixel_range, source)
        self._interpreter = open_runtime(
            self.file.content, source, threads=threads, delegate=delegate
        )
        self._in = self._interpreter.get_input_details()[0]["index"]
        self._out = [detail["index"] for detail in self._interpreter.get_output_details()]

    @property
    def output(self) -> TensorSpec:
        """The output of a file with one.

        Raises:
            InputError: It has several.
        """
        if len(self.outputs) != 1:
            raise InputError(
                f"{self.source} has {len(self.outputs)} outputs ({_named(self.outputs)}): expected "
                "exactly one. Export a keras.Model between two of its tensors."
            )
        return self.outputs[0]

    @property
    def steps(self) -> tuple[float, ...]:
        """The smallest step of each output, 0 for floats."""
        return tuple(output.scale or 0.0 for output in self.outputs)

    def run(self, array: np.ndarray) -> Any:
        """One pass over an array of exactly the input's type and shape; the raw output.

        A first dimension of size 1 may be left out. Of a file with several outputs it is a list.

        Raises:
            InputError: Another type or shape.
            BundleError: The runtime failed while running.
        """
        array = np.asarray(array)
        shape = tuple(1 if size == -1 else size for size in self.input.shape)
        if array.shape == shape[1:] and shape[0] == 1:
            array = array[np.newaxis]
        if array.dtype != np.dtype(self.input.dtype) or array.shape != shape:
            raise InputError(
                f"{self.source} takes {self.input.dtype} of shape {shape}. Received: "
                f"{array.dtype} of shape {array.shape}."
            )
        try:
            self._interpreter.set_tensor(self._in, np.ascontiguousarray(array))
            self._interpreter.invoke()
            found = [self._interpreter.get_tensor(index) for index in self._out]
        except (RuntimeError, ValueError, MemoryError) as error:
            raise BundleError(
                f"{self.source} cannot be run: {one_line(error)}. Export the model again."
            ) from error
        return found[0] if len(found) == 1 else found

    def predict(self, images: np.ndarray) -> Any:
        """Outputs for raw images, one by one, as real numbers; `pixels` says how they enter.

        Args:
            images: `[n, H, W, C]`, uint8 or float, values 0..255 as the model's pixels are.

        Returns:
            float32 `[n, ...]`, dequantised where the model is quantised; a list of such arrays for
            a file with several outputs.

        Raises:
            InputError: The images have another shape than the model takes, or are no numbers.
        """
        images = stacked(images)
        expected = self.input.shape[1:]
        if images.ndim != len(self.input.shape) or any(
            want not in (-1, got) for want, got in zip(expected, images.shape[1:], strict=True)
        ):
            raise InputError(
                f"{self.source} takes images of shape {('n', *expected)}, "
                f"received an array of shape {images.shape}. Resize them, or add the batch axis."
            )
        if self.input.shape[0] not in (1, -1) or -1 in expected:
            raise InputError(
                f"{self.source} has the input shape {self.input.shape}: expected batch 1 and a "
                "fixed size. Export it with a batch of 1."
            )
        if images.dtype.kind not in "uif" or images.dtype.itemsize > 8:
            raise InputError(
                f"{self.source} takes images of numbers 0..255. Received: {images.dtype}."
            )
        runs = [self.run(self.pixels.enter(image, self.input)) for image in images]
        if len(self.outputs) == 1:
            return self._real(self.outputs[0], runs)
        columns = list(zip(*runs, strict=True)) or [()] * len(self.outputs)
        return [self._real(one, column) for one, column in zip(self.outputs, columns, strict=True)]

    def _real(self, output: TensorSpec, stored: Sequence[np.ndarray]) -> np.ndarray:
        if not stored:
            return np.empty((0, *output.shape[1:]), np.float32)
        return output.dequantize(np.concatenate(stored))


def _named(tensors: Sequence[TensorSpec]) -> str:
    return ", ".join(f"{tensor.name} {list(tensor.shape)}" for tensor in tensors) or "none"


def check_pixels(
    tensor: TensorSpec,
    known: Metadata | None,
    pixel_range: tuple[float, float] | None,
    source: str,
) -> PixelRule:
    """`pixels.rule_for` with the name of the file in its messages."""
    try:
        return rule_for(tensor, known, pixel_range)
    except BundleError as error:
        raise BundleError(f"{source}: {error}") from None
    except InputError as error:
        raise InputError(f"{source}: {error}") from None
