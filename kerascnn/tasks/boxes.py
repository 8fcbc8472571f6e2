"""Boxes: rows of objects, overlaps, the best of boxes that overlap."""

from enum import IntEnum

import numpy as np

# What `Row.FLAG` holds.
CROWD = 1  # a group of objects: neither an object to find nor background
DIFFICULT = 2  # an object that counts neither as missed nor as a false alarm


class Row(IntEnum):
    """The numbers of an object in the targets of detection, `[pictures, objects, 9]`.

    The edges are shares of the picture's width and height, 0..1. LABEL is the class, -1 for a row
    without an object; FLAG 0, CROWD or DIFFICULT. AREA is in pixels of the original picture, whose
    WIDTH and HEIGHT every row has.
    """

    LEFT = 0
    TOP = 1
    RIGHT = 2
    BOTTOM = 3
    LABEL = 4
    FLAG = 5
    AREA = 6
    WIDTH = 7
    HEIGHT = 8


def edges_first(boxes: np.ndarray) -> np.ndarray:
    """Boxes (top, left, bottom, right), as models give them, as (left, top, right, bottom).

    It is its own inverse.
    """
    return boxes[..., [1, 0, 3, 2]]


def overlaps(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Intersection over union of each of `[n, 4]` boxes with each of `[m, 4]`: `[n, m]`.

    Any order of edges will do that has both starts before both ends. Two boxes without area have
    an overlap of 0.
    """
    start = np.maximum(first[:, np.newaxis, :2], second[np.newaxis, :, :2])
    end = np.minimum(first[:, np.newaxis, 2:], second[np.newaxis, :, 2:])
    shared = np.clip(end - start, 0, None).prod(axis=-1)
    union = areas(first)[:, np.newaxis] + areas(second)[np.newaxis] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def areas(boxes: np.ndarray) -> np.ndarray:
    """The areas of boxes `[..., 4]`; 0 where an end lies before its start."""
    area: np.ndarray = np.clip(boxes[..., 2:] - boxes[..., :2], 0, None).prod(axis=-1)
    return area


def suppress(boxes: np.ndarray, scores: np.ndarray, most_overlap: float, most: int) -> np.ndarray:
    """Non-maximum suppression: which boxes stay, the best first.

    Each box goes whose overlap with a better one that stays is above `most_overlap`.

    Args:
        boxes: `[n, 4]`.
        scores: `[n]`; of equal ones the first is the better.
        most_overlap: 0..1.
        most: How many stay at most.

    Returns:
        Places in `boxes`.
    """
    order = np.argsort(-scores, kind="stable")
    shared = overlaps(boxes[order], boxes[order])
    alive = np.ones(len(order), bool)
    kept: list[int] = []
    for place in range(len(order)):
        if not alive[place]:
            continue
        kept.append(place)
        if len(kept) == most:
            break
        alive &= shared[place] <= most_overlap
    return order[kept]
