"""From boxes and scores of many points to objects, inside the file: non-maximum suppression.

The outputs become those of TensorFlow's detection models, which MediaPipe's ObjectDetector opens:
boxes `[1, N, 4]`, classes `[1, N]`, scores `[1, N]` and their count `[1]`, float32 each. The
operators are built-in ones and compute in float32, in files of 8 bits too: rounded scores tie, and
rounded boxes overlap otherwise.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerascnn.export.flatbuffer.graph import Graph

BOXES, CLASSES, SCORES, COUNT = "boxes", "classes", "scores", "count"
_APART = 2.0  # boxes lie within 0..1: those of two classes, moved by it, never overlap


@dataclass(frozen=True, kw_only=True)
class Suppression:
    """Which of the boxes are objects.

    Attributes:
        most: Objects of a picture: the fixed size N of the outputs.
        most_overlap: Of two boxes of a class that both stay.
        candidates: The best so many pairs of a point and a class are looked at.
        least_score: And of these, those with a higher score.
    """

    most: int
    most_overlap: float
    candidates: int
    least_score: float


def add_objects_tail(content: bytes, rule: Suppression, *, logits: bool = False) -> bytes:
    """A detector's file with objects as its outputs, in place of scores and boxes of all points.

    Args:
        content: A file with the outputs scores `[1, points, classes]` and boxes
            `[1, points, 4]`, top, left, bottom and right edge as shares of the picture; of any
            type.
        rule: Which boxes stay.
        logits: Whether the scores are logits, which a sigmoid then brings to 0..1.

    Raises:
        ValueError: A file with other outputs.
    """
    graph = Graph(content)
    shapes = [graph.shape(tensor) for tensor in graph.outputs]
    fits = len(shapes) == 2 and len(shapes[0]) == 3 and shapes[1] == (1, shapes[0][1], 4)
    if not fits or shapes[0][0] != 1:
        raise ValueError(f"scores [1, points, classes] and boxes [1, points, 4], not {shapes}")
    _Tail(graph, rule, *shapes[0][1:]).add(*graph.outputs, logits=logits)
    return graph.pack()


class _Tail:
    """The operators, one method for each step. `k` candidates are looked at, `n` objects stay."""

    def __init__(self, graph: Graph, rule: Suppression, points: int, classes: int):
        self.graph, self.rule, self.points, self.classes = graph, rule, points, classes
        self.k, self.n = min(rule.candidates, points * classes), rule.most

    def add(self, scores: int, boxes: int, *, logits: bool) -> None:
        scores, boxes = self._float(scores, "scores"), self._float(boxes, "boxes")
        if logits:
            scores = self._made("LOGISTIC", [scores], self.graph.shape(scores), "sigmoid")
        flat = self._reshaped(scores, (self.points * self.classes,), "flat_scores")
        best, places = self._best(flat)
        classes = self._int(self.classes, "classes")
        point = self._made("FLOOR_DIV", [places, classes], (self.k,), "point", "INT32", "FloorDiv")
        label = self._made("FLOOR_MOD", [places, classes], (self.k,), "label", "INT32", "FloorMod")
        label = self._made("CAST", [label], (self.k,), "label_float", "FLOAT32", "Cast")
        rows = self._reshaped(boxes, (self.points, 4), "rows")
        own = self._gathered(rows, point, (self.k, 4), "candidates")
        low, high = self._number(0.0, "low"), self._number(1.0, "high")
        own = self._made("MAXIMUM", [own, low], (self.k, 4), "from_0", options="MaximumMinimum")
        own = self._made("MINIMUM", [own, high], (self.k, 4), "to_1", options="MaximumMinimum")
        chosen, count = self._suppressed(self._apart(own, label), self._ranks(best))
        is_kept = self._kept(count)
        mask = self._reshaped(is_kept, (self.n, 1), "mask")
        kept = self._gathered(own, chosen, (self.n, 4), "kept_boxes")
        outputs = {
            BOXES: self._result(self._product(kept, mask, (self.n, 4)), (1, self.n, 4), BOXES),
            CLASSES: self._row(label, chosen, is_kept, CLASSES),
            SCORES: self._row(best, chosen, is_kept, SCORES),
        }
        number = self._made("CAST", [count], (), "count_float", "FLOAT32", "Cast")
        outputs[COUNT] = self._result(number, (1,), COUNT)
        self.graph.set_outputs(outputs)

    def _float(self, tensor: int, name: str) -> int:
        if self.graph.is_float(tensor):
            return tensor
        shape = self.graph.shape(tensor)
        return self._made("DEQUANTIZE", [tensor], shape, f"{name}_float", options="Dequantize")

    def _best(self, flat: int) -> tuple[int, int]:
        values = self.graph.add_tensor((self.k,), "tail/best")
        places = self.graph.add_tensor((self.k,), "tail/places", "INT32")
        k = self._int(self.k, "k")
        self.graph.add_operator("TOPK_V2", [flat, k], [values, places], options="TopKV2Options")
        return values, places

    def _apart(self, boxes: int, label: int) -> int:
        """Boxes moved by their class: suppression then leaves other classes alone."""
        step = self._number(_APART, "apart")
        away = self._product(label, step, (self.k,))
        away = self._reshaped(away, (self.k, 1), "away")
        return self._made("ADD", [boxes, away], (self.k, 4), "moved", options="Add")

    def _ranks(self, best: int) -> int:
        """Falling numbers above 0 for the candidates, 0 for those whose score is too low.

        The operator takes boxes of equal scores, of which 8 bits give many, in no certain order;
        by ranks the first one goes first, as in `kerascnn.tasks.detections`.
        """
        least = self._number(self.rule.least_score, "least_score")
        able = self._made("GREATER", [best, least], (self.k,), "able", "BOOL", "Greater")
        able = self._made("CAST", [able], (self.k,), "able_float", "FLOAT32", "Cast")
        falling = np.arange(self.k, 0, -1, dtype=np.float32) / np.float32(self.k)
        ranks = self.graph.add_constant(falling, "tail/falling")
        return self._product(able, ranks, (self.k,))

    def _suppressed(self, boxes: int, scores: int) -> tuple[int, int]:
        chosen = self.graph.add_tensor((self.n,), "tail/chosen", "INT32")
        count = self.graph.add_tensor((), "tail/count", "INT32")
        limits = [
            self._int(self.n, "most"),
            self._number(self.rule.most_overlap, "most_overlap"),
            self._number(0.0, "least_rank"),
        ]
        self.graph.add_operator(
            "NON_MAX_SUPPRESSION_V4",
            [boxes, scores, *limits],
            [chosen, count],
            options="NonMaxSuppressionV4Options",
        )
        return chosen, count

    def _kept(self, count: int) -> int:
        """1 for each place that holds an object, 0 for those that are left over."""
        places = self.graph.add_constant(np.arange(self.n, dtype=np.int32), "tail/numbers")
        used = self._made("LESS", [places, count], (self.n,), "used", "BOOL", "Less")
        return self._made("CAST", [used], (self.n,), "used_float", "FLOAT32", "Cast")

    def _row(self, values: int, chosen: int, is_kept: int, name: str) -> int:
        found = self._gathered(values, chosen, (self.n,), f"kept_{name}")
        return self._result(self._product(found, is_kept, (self.n,)), (1, self.n), name)

    def _gathered(self, values: int, places: int, shape: Sequence[int], name: str) -> int:
        return self._made("GATHER", [values, places], shape, name, options="Gather")

    def _product(self, first: int, second: int, shape: Sequence[int]) -> int:
        return self._made("MUL", [first, second], shape, "product", options="Mul")

    def _reshaped(self, tensor: int, shape: Sequence[int], name: str) -> int:
        size = self.graph.add_constant(np.array(shape, np.int32), f"tail/{name}/shape")
        values = {"newShape": np.array(shape, np.int32)}
        return self._made("RESHAPE", [tensor, size], shape, name, options="Reshape", values=values)

    def _result(self, tensor: int, shape: Sequence[int], name: str) -> int:
        return self._reshaped(tensor, shape, f"{name}_of_objects")

    def _made(
        self,
        kind: str,
        inputs: Sequence[int],
        shape: Sequence[int],
        name: str,
        dtype: str = "FLOAT32",
        options: str = "",
        values: Any = None,
    ) -> int:
        made = self.graph.add_tensor(shape, f"tail/{name}", dtype)
        table = f"{options}Options" if options else None
        self.graph.add_operator(kind, inputs, [made], options=table, values=values)
        return made

    def _int(self, value: int, name: str) -> int:
        return self.graph.add_constant(np.array(value, np.int32), f"tail/{name}")

    def _number(self, value: float, name: str) -> int:
        return self.graph.add_constant(np.array(value, np.float32), f"tail/{name}")
