"""How well embeddings tell who is who: verification of pairs, identification in a gallery."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kerascnn.errors import InputError
from kerascnn.inputs.arrays import as_array, numbers


@dataclass(frozen=True)
class Verification:
    """Same or not, over all pairs of a set.

    Attributes:
        auc: Area under the ROC curve: how often a pair of one class is more alike than a pair of
            two; 0.5 is chance.
        eer: Equal error rate, in 0..1: share of wrong answers where pairs of one class are refused
            as often as pairs of two are accepted.
        threshold: Least cosine of "same" at that point.
        same: Pairs of one class.
        different: Pairs of two classes.
    """

    auc: float
    eer: float
    threshold: float
    same: int
    different: int


@dataclass(frozen=True)
class Identification:
    """Cumulative match characteristic of a closed set.

    Attributes:
        rates: Rank -> share of queries, in 0..1, with an entry of their class among that many of
            the most similar entries.
        queries: How many were judged.
    """

    rates: dict[int, float]
    queries: int


def verification(embeddings: np.ndarray, labels: Sequence[object]) -> Verification:
    """Judges all pairs of a set by their cosine; memory grows with the square of its size.

    Args:
        embeddings: (images, dimensions), of any length above 0.
        labels: Class of each image.

    Raises:
        InputError: Shapes that do not fit, or no pair of one class, or none of two.
    """
    vectors = unit(embeddings)
    classes = _classes(labels, vectors, "labels")
    rows, columns = np.triu_indices(len(vectors), 1)
    similarity = (vectors @ vectors.T)[rows, columns]
    same = classes[rows] == classes[columns]
    positives, negatives = int(same.sum()), int((~same).sum())
    if not positives or not negatives:
        raise InputError(
            "verification needs at least one pair of one class and one of two classes. "
            f"Received: {positives} and {negatives}."
        )
    order = np.argsort(-similarity, kind="stable")
    ranked, hits = similarity[order], np.cumsum(same[order])
    ends = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)  # of equal similarities
    found = hits[ends] / positives
    accepted = (ends + 1 - hits[ends]) / negatives
    at = int(np.argmin(np.abs(accepted - (1 - found))))
    x, y = np.append(0.0, accepted), np.append(0.0, found)
    return Verification(
        auc=float(((x[1:] - x[:-1]) * (y[1:] + y[:-1]) / 2).sum()),
        eer=float((accepted[at] + 1 - found[at]) / 2),
        threshold=float(ranked[ends[at]]),
        same=positives,
        different=negatives,
    )


def identification(
    gallery: np.ndarray,
    gallery_labels: Sequence[object],
    queries: np.ndarray,
    query_labels: Sequence[object],
    ranks: Sequence[int] = (1, 5),
) -> Identification:
    """Looks for the class of each query among the most similar entries of a gallery.

    Args:
        gallery: (entries, dimensions).
        gallery_labels: Class of each entry.
        queries: (queries, dimensions).
        query_labels: Class of each query, which must be in the gallery.
        ranks: How many entries to look at, each at least 1.

    Raises:
        InputError: Shapes that do not fit, a bad rank, or a query of a class without an entry.
    """
    entries, asked = unit(gallery), unit(queries)
    if entries.shape[1] != asked.shape[1]:
        raise InputError(
            f"gallery and queries must have equal dimensions. Received: {entries.shape[1]} and "
            f"{asked.shape[1]}."
        )
    known = _classes(gallery_labels, entries, "gallery_labels")
    wanted = _classes(query_labels, asked, "query_labels")
    absent = sorted({str(label) for label in wanted} - {str(label) for label in known})
    if absent:
        raise InputError(f"the gallery has no entry of these classes of queries: {absent[:8]}.")
    if not ranks or not all(isinstance(rank, int) and rank >= 1 for rank in ranks):
        raise InputError(f"`ranks` must be whole numbers of at least 1. Received: {ranks!r}.")
    order = np.argsort(-(asked @ entries.T), axis=1, kind="stable")
    first = (known[order] == wanted[:, None]).argmax(axis=1)  # place of the first right entry
    rates = {rank: float((first < rank).mean()) for rank in ranks}
    return Identification(rates, len(asked))


def unit(vectors: np.ndarray) -> np.ndarray:
    """The vectors, (n, dimensions), divided by their lengths, in float64.

    Raises:
        InputError: Another shape, or a vector without a direction.
    """
    vectors = numbers(vectors, "the embeddings", finite=False).astype("float64")
    if vectors.ndim != 2 or not vectors.size:
        raise InputError(f"embeddings must have the shape (n, dimensions), not {vectors.shape}.")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or not lengths.all():
        raise InputError("an embedding is zero or not finite, and has no direction.")
    return vectors / lengths


def _classes(labels: Sequence[object], vectors: np.ndarray, name: str) -> np.ndarray:
    classes = as_array(labels, f"`{name}`")
    if classes.shape != (len(vectors),):
        raise InputError(
            f"`{name}` must be one label for each of {len(vectors)} embeddings. "
            f"Received the shape {classes.shape}."
        )
    return classes
