"""Kernels above 32 MiB: litert-quantizer 0.11 fails on them, so it gets them in parts.

It takes large tensors as rows, and then cannot spread the scales of a kernel [outputs, height,
width, inputs] over them. Wide ResNets have such kernels in 3x3, large ConvNeXts in 1x1.
"""

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np

LARGEST = 32 * 2**20  # bytes; the quantiser's own limit


@contextlib.contextmanager
def large_kernels() -> Iterator[None]:
    """While open, the quantiser takes kernels of any size, in every thread of the process."""
    from litert_quantizer.algorithms.uniform_quantize import uniform_quantize_tensor as quantizer

    whole = quantizer.uniform_quantize

    def in_parts(tensor_data: np.ndarray, quantization_params: Any, *rest: Any) -> np.ndarray:
        along = quantization_params.quantized_dimension
        if tensor_data.ndim <= 2 or tensor_data.nbytes <= LARGEST or along != 0:
            return whole(tensor_data, quantization_params, *rest)
        count = -(-tensor_data.nbytes // LARGEST)
        made = [
            whole(
                tensor_data[rows],
                dataclasses.replace(
                    quantization_params,
                    scale=quantization_params.scale[rows],
                    zero_point=quantization_params.zero_point[rows],
                ),
                *rest,
            )
            for rows in np.array_split(np.arange(len(tensor_data)), count)
        ]
        return np.concatenate(made)

    quantizer.uniform_quantize = in_parts
    try:
        yield
    finally:
        quantizer.uniform_quantize = whole
