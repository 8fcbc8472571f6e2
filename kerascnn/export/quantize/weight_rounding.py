"""Weights rounded to int8 together: what one rounding gets wrong, the next ones make up for.

Rounding each weight to the nearest step is best for the weight, not for what the layer computes.
Here the columns of a layer's weights are rounded one after another, and each error is spread over
the columns still to come so that the outputs on real inputs change least (Frantar et al. 2023,
"GPTQ", arXiv:2210.17323, section 4). The mean error that is left goes into the bias (Nagel et al.
2019, "Data-Free Quantization Through Weight Equalization and Bias Correction", section 4.2).
Nothing changes on the device.
"""

import re
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from kerascnn.errors import ExportError
from kerascnn.export.flatbuffer.graph import Graph
from kerascnn.export.quantize.layer_inputs import Moments, measure
from kerascnn.export.quantize.layer_weights import float_layers
from kerascnn.export.quantize.weight_levels import LARGEST, nearest, shared_levels

_MOST_INPUTS = 1024  # inputs of one output; more take long, and their errors average out anyway
_ATTEMPTS = 12  # to damp a covariance, each ten times as much as the one before
_DAMPING = 0.01  # of the mean variance, so that inputs that never vary do no harm
_SHARING = 1024  # weights of a layer; with fewer, sharing values saves nothing
_BLOCK = 64  # columns rounded before the others hear of it


def round_weights(
    float_bytes: bytes,
    samples: np.ndarray,
    *,
    scope: str = ".*",
    keep: Collection[str] = (),
    moments: Sequence[Moments] | None = None,
    clusters: int | None = None,
) -> bytes:
    """The float file with weights on the steps of int8, chosen for the outputs they give.

    Weights of layers with more than 1,024 inputs per output, and those that several layers share,
    are left to the quantiser, which takes the nearest step; their biases are corrected as well.
    Weights of 0, such as pruning leaves, stay 0.

    Args:
        float_bytes: A float32 file with batch size 1.
        samples: Raw images [n, height, width, channels]; some dozens of them are used.
        scope: Pattern of the operators whose weights will be int8, by the names of what they make;
            the others keep theirs.
        keep: Names of what operators make that stay in float32 although they are in the scope.
        moments: From `measure_inputs`, to share them among calls.
        clusters: How many steps the weights of a layer may share (`weight_levels.shared_levels`);
            depthwise and small layers, and those with shared weights or no bias, keep all.
    """
    graph = Graph(float_bytes)
    if moments is None:
        moments = measure_inputs(graph, float_bytes, samples)
    for (operator, kind), inputs in zip(float_layers(graph), moments, strict=True):
        name = graph.name(int(operator.outputs[0]))
        if name in keep or not re.search(scope, name):
            continue
        compensated = _is_roundable(graph, operator, kind)
        weights = graph.values(int(operator.inputs[1]))
        rows = _rows(weights, kind)
        mean = _means(inputs.mean, rows, weights.shape[-1], kind)
        levels = None
        if clusters and kind != "depthwise" and rows.size >= _SHARING:
            levels = shared_levels(rows, _scales(rows), clusters)
        if not compensated:
            rounded = _steps(rows, _scales(rows)[:, np.newaxis], levels)
        elif kind == "depthwise":
            repeats = len(rows) // len(inputs.mean)
            rounded = round_each(rows, np.repeat(inputs.covariance, repeats, axis=0))
        else:
            rounded = round_together(rows, inputs.covariance, levels)
        if compensated or (levels is not None and not graph.is_shared(int(operator.inputs[1]))):
            back = rounded.T if kind == "depthwise" else rounded
            graph.set_constant(operator, 1, back.reshape(weights.shape))
        bias = graph.values(int(operator.inputs[2]))
        graph.set_constant(operator, 2, bias - ((rounded - rows) * mean).sum(axis=1))
    return graph.pack()


def measure_inputs(graph: Graph, float_bytes: bytes, samples: np.ndarray) -> list[Moments]:
    """What `round_weights` has to know of the inputs of each layer with weights."""
    layers = float_layers(graph)
    together = [_is_roundable(graph, operator, kind) for operator, kind in layers]
    return measure(graph, float_bytes, layers, together, samples)


def _is_roundable(graph: Graph, operator: Any, kind: str) -> bool:
    entry, kernel = (int(index) for index in operator.inputs[:2])
    if graph.is_shared(kernel):
        return False
    if kind == "depthwise":
        return True
    shape = graph.shape(kernel)
    grouped = kind == "conv" and shape[-1] != graph.shape(entry)[-1]
    return not grouped and int(np.prod(shape[1:])) <= _MOST_INPUTS


def _rows(weights: np.ndarray, kind: str) -> np.ndarray:
    """One row of weights for each output."""
    rows = weights.reshape(-1, weights.shape[-1]).T if kind == "depthwise" else weights
    return rows.reshape(len(rows), -1).astype(np.float64)


def _means(mean: np.ndarray, rows: np.ndarray, read: int, kind: str) -> np.ndarray:
    """The mean of what each weight is multiplied by, one row or one for each output."""
    if kind == "depthwise":  # output c * multiplier + m sees channel c alone
        return np.repeat(mean, len(rows) // len(mean), axis=0)
    groups = mean.size // rows.shape[1]
    if groups == 1:
        return mean
    places = rows.shape[1] // read
    by_group = mean.reshape(places, groups, read).transpose(1, 0, 2).reshape(groups, -1)
    return np.repeat(by_group, len(rows) // groups, axis=0)


def _scales(rows: np.ndarray) -> np.ndarray:
    scales = np.abs(rows).max(axis=-1) / LARGEST
    return np.where(scales > 0, scales, 1.0)


def _steps(values: np.ndarray, scales: np.ndarray, levels: np.ndarray | None = None) -> np.ndarray:
    if levels is not None:
        return nearest(values, scales, levels)
    return np.clip(np.rint(values / scales), -LARGEST, LARGEST) * scales


def _compensation(covariance: np.ndarray) -> np.ndarray:
    """How the error of a column is spread: U of inverse(covariance) = U'U, upper triangular.

    With the covariance written from its last input to its first, U is the inverse of its Cholesky
    factor, written back the same way: a third of the work of inverting first.
    """
    size = covariance.shape[-1]
    variance = np.trace(covariance, axis1=-2, axis2=-1) / size
    damping = np.maximum(_DAMPING * variance, 1e-12)[..., np.newaxis, np.newaxis]
    for _ in range(_ATTEMPTS):
        try:
            lower = np.linalg.cholesky((covariance + damping * np.eye(size))[..., ::-1, ::-1])
        except np.linalg.LinAlgError:  # sums in float32 leave some eigenvalues below zero
            damping = damping * 10
        else:
            return _inverse_of_lower(lower)[..., ::-1, ::-1]
    raise ExportError(
        "the inputs of a layer have no usable covariance. Expected finite activations: check the "
        "weights and the samples."
    )


def _inverse_of_lower(lower: np.ndarray) -> np.ndarray:
    if lower.ndim > 2:
        return np.linalg.inv(lower)
    from scipy.linalg import solve_triangular

    inverse: np.ndarray = solve_triangular(lower, np.eye(len(lower)), lower=True)
    return inverse


def round_together(
    rows: np.ndarray, covariance: np.ndarray, levels: np.ndarray | None = None
) -> np.ndarray:
    """Rounds the rows of a layer whose outputs all see the same inputs.

    Args:
        rows: Weights, [outputs, d].
        covariance: Of the inputs, [d, d].
        levels: The steps that may be taken, in ascending order; all of them by default.
    """
    order = np.argsort(-np.diag(covariance))  # the columns that matter most come first
    spread = _compensation(covariance[order][:, order])
    scales, rest = _scales(rows), np.ascontiguousarray(rows[:, order].T)  # a column lies together
    largest, zeros = np.abs(rest).argmax(axis=0), rest == 0
    # The largest weight of a row sets its scale: it stays what it is.
    fixed = rest[largest, np.arange(len(rows))]
    rounded = np.empty_like(rest)
    for start in range(0, len(rest), _BLOCK):
        stop = min(start + _BLOCK, len(rest))
        errors = np.empty((stop - start, len(rows)))
        for column in range(start, stop):
            chosen = np.where(zeros[column], 0.0, _steps(rest[column], scales, levels))
            rounded[column] = np.where(largest == column, fixed, chosen)
            error = (rest[column] - rounded[column]) / spread[column, column]
            errors[column - start] = error
            later = slice(column + 1, stop)
            rest[later] -= spread[column, later, np.newaxis] * error
        rest[stop:] -= spread[start:stop, stop:].T @ errors
    result = np.empty_like(rows)
    result[:, order] = rounded.T
    return result


def round_each(rows: np.ndarray, covariances: np.ndarray) -> np.ndarray:
    """Rounds rows that have inputs of their own.

    Args:
        rows: Weights, [outputs, d].
        covariances: Of the inputs of each output, [outputs, d, d].
    """
    order = np.argsort(-np.abs(rows), axis=1)  # the largest first: it sets the scale and is exact
    ordered = np.take_along_axis(covariances, order[:, :, np.newaxis], axis=1)
    spread = _compensation(np.take_along_axis(ordered, order[:, np.newaxis], axis=2))
    scales, rest = _scales(rows), np.take_along_axis(rows, order, axis=1)
    rounded, zeros = np.empty_like(rest), rest == 0
    for column in range(rest.shape[1]):
        rounded[:, column] = np.where(zeros[:, column], 0.0, _steps(rest[:, column], scales))
        error = (rest[:, column] - rounded[:, column]) / spread[:, column, column]
        rest[:, column + 1 :] -= error[:, np.newaxis] * spread[:, column, column + 1 :]
    result = np.empty_like(rounded)
    np.put_along_axis(result, order, rounded, axis=1)
    return result
