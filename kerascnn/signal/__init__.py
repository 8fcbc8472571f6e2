"""Convolution as signal processing knows it, in NumPy: to see, to compute by hand and to check.

Importing it does not load NumPy.
"""

from typing import TYPE_CHECKING

from kerascnn.lazy import public

if TYPE_CHECKING:
    from kerascnn.signal.conv_layer import ConvGradients as ConvGradients
    from kerascnn.signal.conv_layer import conv2d as conv2d
    from kerascnn.signal.conv_layer import conv2d_backward as conv2d_backward
    from kerascnn.signal.conv_layer import filter_bank as filter_bank
    from kerascnn.signal.conv_layer import (
        kernel_gradient_by_position as kernel_gradient_by_position,
    )
    from kerascnn.signal.convolution import convolve as convolve
    from kerascnn.signal.convolution import correlate as correlate
    from kerascnn.signal.filters import box_blur as box_blur
    from kerascnn.signal.filters import edge as edge
    from kerascnn.signal.filters import emboss as emboss
    from kerascnn.signal.filters import filter_image as filter_image
    from kerascnn.signal.filters import gabor as gabor
    from kerascnn.signal.filters import gabor_bank as gabor_bank
    from kerascnn.signal.filters import gaussian as gaussian
    from kerascnn.signal.filters import identity as identity
    from kerascnn.signal.filters import laplacian as laplacian
    from kerascnn.signal.filters import laplacian_of_gaussian as laplacian_of_gaussian
    from kerascnn.signal.filters import scharr as scharr
    from kerascnn.signal.filters import sharpen as sharpen
    from kerascnn.signal.filters import sobel as sobel
    from kerascnn.signal.frequency import FrequencyResponse as FrequencyResponse
    from kerascnn.signal.frequency import frequency_response as frequency_response
    from kerascnn.signal.matrix import convolution_matrix as convolution_matrix
    from kerascnn.signal.pooling import average_pool2d as average_pool2d
    from kerascnn.signal.pooling import average_pool2d_backward as average_pool2d_backward
    from kerascnn.signal.pooling import max_pool2d as max_pool2d
    from kerascnn.signal.pooling import max_pool2d_backward as max_pool2d_backward

_WHERE = {
    "ConvGradients": "conv_layer",
    "FrequencyResponse": "frequency",
    "average_pool2d": "pooling",
    "average_pool2d_backward": "pooling",
    "box_blur": "filters",
    "conv2d": "conv_layer",
    "conv2d_backward": "conv_layer",
    "convolution_matrix": "matrix",
    "convolve": "convolution",
    "correlate": "convolution",
    "edge": "filters",
    "emboss": "filters",
    "filter_bank": "conv_layer",
    "filter_image": "filters",
    "frequency_response": "frequency",
    "gabor": "filters",
    "gabor_bank": "filters",
    "gaussian": "filters",
    "identity": "filters",
    "kernel_gradient_by_position": "conv_layer",
    "laplacian": "filters",
    "laplacian_of_gaussian": "filters",
    "max_pool2d": "pooling",
    "max_pool2d_backward": "pooling",
    "scharr": "filters",
    "sharpen": "filters",
    "sobel": "filters",
}

__getattr__, __dir__, __all__ = public(globals(), _WHERE)
