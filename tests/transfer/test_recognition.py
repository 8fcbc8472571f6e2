"""Verification and identification against loops over all pairs, and scikit-learn."""

import numpy as np
import pytest

from kerascnn.errors import InputError
from kerascnn.transfer import identification, verification

RNG = np.random.default_rng(8)
LABELS = np.repeat(["ann", "bob", "cleo", "dan"], 6)


def vectors():
    centres = RNG.normal(size=(4, 5))
    return np.repeat(centres, 6, axis=0) + RNG.normal(size=(24, 5))


def cosine(a, b):
    return a @ b / np.sqrt((a @ a) * (b @ b))


def test_verification_equals_loops_and_scikit_learn():
    from sklearn.metrics import roc_auc_score

    x = vectors()
    scores, truths = [], []
    for i in range(len(x)):
        for j in range(i):
            scores.append(cosine(x[i], x[j]))
            truths.append(LABELS[i] == LABELS[j])
    found = verification(x, LABELS)
    assert found.auc == pytest.approx(roc_auc_score(truths, scores))
    assert (found.same, found.different) == (sum(truths), len(truths) - sum(truths))
    scores, truths = np.array(scores), np.array(truths)
    gaps = []
    for threshold in scores:
        accepted = (scores[~truths] >= threshold - 1e-12).mean()
        refused = (scores[truths] < threshold - 1e-12).mean()
        gaps.append((abs(accepted - refused), (accepted + refused) / 2))
    assert found.eer == pytest.approx(min(gaps)[1])
    accepted = (scores[~truths] >= found.threshold - 1e-12).mean()
    refused = (scores[truths] < found.threshold - 1e-12).mean()
    assert (accepted + refused) / 2 == pytest.approx(found.eer)


def test_verification_of_known_embeddings():
    # Cosines: 1 and 1 within the classes, 0 and -1 between them: none is wrong.
    perfect = verification([[1, 0], [2, 0], [-1, 0], [-3, 0]], [0, 0, 1, 1])
    assert (perfect.auc, perfect.eer, perfect.threshold) == (1, 0, 1)
    equal = verification(np.ones((4, 2)), [0, 0, 1, 1])
    assert equal.auc == 0.5  # ties count half


def test_identification_equals_loops():
    gallery, queries = vectors(), vectors()[::-2]
    asked = LABELS[::-2]
    found = identification(gallery, LABELS, queries, asked, ranks=(1, 3, 24))
    for rank, rate in found.rates.items():
        right = 0
        for query, label in zip(queries, asked, strict=True):
            best = sorted(range(24), key=lambda i, q=query: -cosine(q, gallery[i]))[:rank]
            right += label in LABELS[best]
        assert rate == pytest.approx(right / len(queries))
    assert found.rates[24] == 1
    assert found.queries == 12


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: verification(vectors(), LABELS[1:]), "one label for each of 24"),
        (lambda: verification(vectors(), [0] * 24), "at least one pair"),
        (lambda: verification(np.zeros((2, 3)), [0, 0]), "no direction"),
        (lambda: verification(np.ones(3), [0, 0, 0]), "shape"),
        (lambda: identification(vectors(), LABELS, np.ones((1, 4)), ["ann"]), "equal dim"),
        (lambda: identification(vectors(), LABELS, np.ones((1, 5)), ["eve"]), "eve"),
        (lambda: identification(vectors(), LABELS, np.ones((1, 5)), ["ann"], (0,)), "`ranks`"),
    ],
)
def test_unusable_values_are_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()
