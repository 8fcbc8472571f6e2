"""Losses on embeddings against loops over images, pairs and triplets."""

import math

import keras
import numpy as np
import pytest

from kerascnn.errors import InputError
from kerascnn.transfer import ArcFaceLoss, TripletLoss

RNG = np.random.default_rng(5)
LABELS = np.array([0, 0, 1, 1, 1, 2, 2, 3])


def vectors(count=8, dimensions=4):
    x = RNG.normal(size=(count, dimensions))
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype("float32")


def arcface_by_angles(labels, cosines, margin, scale):
    losses = []
    for label, row in zip(labels, np.asarray(cosines, "float64"), strict=True):
        scores = scale * row
        angle = math.acos(row[label])
        if angle + margin <= math.pi:
            scores[label] = scale * math.cos(angle + margin)
        else:
            scores[label] = scale * (row[label] - margin * math.sin(margin))
        losses.append(np.log(np.exp(scores - scores[label]).sum()))
    return np.mean(losses)


def test_arcface_adds_the_margin_to_the_angle():
    cosines = RNG.uniform(-0.99, 0.99, (8, 4)).astype("float32")
    cosines[0, 0] = -0.99  # beyond a half turn
    wanted = arcface_by_angles(LABELS, cosines, 0.5, 10)
    loss = ArcFaceLoss(0.5, 10)
    assert float(loss(LABELS, cosines)) == pytest.approx(wanted, rel=1e-5)
    assert float(loss(np.eye(4)[LABELS], cosines)) == pytest.approx(wanted, rel=1e-5)
    assert float(loss(LABELS[:, None], cosines)) == pytest.approx(wanted, rel=1e-5)


def test_arcface_without_margin_is_cross_entropy():
    cosines = RNG.uniform(-1, 1, (8, 4)).astype("float32")
    plain = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    assert float(ArcFaceLoss(0.0, 7.0)(LABELS, cosines)) == pytest.approx(
        float(plain(LABELS, 7 * cosines)), rel=1e-5
    )


def test_arcface_has_finite_gradients_at_the_ends():
    import tensorflow as tf

    cosines = tf.constant([[1.0, -1.0], [-1.0, 1.0]])
    with tf.GradientTape() as tape:
        tape.watch(cosines)
        loss = ArcFaceLoss()(np.array([0, 0]), cosines)
    assert np.isfinite(tape.gradient(loss, cosines)).all()


def penalty(difference, margin):
    return np.log1p(np.exp(difference)) if margin is None else max(0.0, difference + margin)


def batch_hard(labels, x, margin):
    losses = []
    for a in range(len(x)):
        distances = [np.linalg.norm(x[a] - other) for other in x]
        same = [distances[p] for p in range(len(x)) if p != a and labels[p] == labels[a]]
        other = [distances[n] for n in range(len(x)) if labels[n] != labels[a]]
        if same and other:
            losses.append(penalty(max(same) - min(other), margin))
    return np.mean(losses)


def semi_hard(labels, x, margin):
    losses = []
    for a in range(len(x)):
        squared = [float(((x[a] - other) ** 2).sum()) for other in x]
        other = [squared[n] for n in range(len(x)) if labels[n] != labels[a]]
        for p in range(len(x)):
            if p == a or labels[p] != labels[a] or not other:
                continue
            farther = [distance for distance in other if distance > squared[p]]
            chosen = min(farther) if farther else max(other)
            losses.append(penalty(squared[p] - chosen, margin))
    return np.mean(losses)


@pytest.mark.parametrize("margin", [0.2, 1.0, None])
@pytest.mark.parametrize(("mining", "by_loops"), [("hard", batch_hard), ("semi-hard", semi_hard)])
def test_triplets_are_chosen_as_by_loops(mining, by_loops, margin):
    for _ in range(5):
        x = vectors()
        found = float(TripletLoss(margin, mining)(LABELS, x))
        assert found == pytest.approx(by_loops(LABELS, x, margin), rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("mining", ["hard", "semi-hard"])
def test_batches_without_triplets_cost_nothing(mining):
    import tensorflow as tf

    for labels in (np.zeros(4), np.arange(4)):
        x = tf.constant(vectors(4))
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = TripletLoss(mining=mining)(labels, x)
        assert float(loss) == 0
        assert np.isfinite(tape.gradient(loss, x)).all()


@pytest.mark.parametrize("mining", ["hard", "semi-hard"])
def test_equal_embeddings_have_finite_gradients(mining):
    import tensorflow as tf

    x = tf.ones((4, 3))
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = TripletLoss(mining=mining)(np.array([0, 0, 1, 1]), x)
    assert float(loss) == pytest.approx(0.2, abs=1e-5)
    assert np.isfinite(tape.gradient(loss, x)).all()


@pytest.mark.parametrize("loss", [ArcFaceLoss(0.3, 20.0), TripletLoss(None, "hard")])
def test_losses_are_serialised(loss):
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(again) is type(loss)
    assert again.get_config() == loss.get_config()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ArcFaceLoss(margin=2.0), "`margin`"),
        (lambda: ArcFaceLoss(scale=0.0), "`scale`"),
        (lambda: TripletLoss(margin=0.0), "`margin`"),
        (lambda: TripletLoss(mining="all"), "`mining`"),
    ],
)
def test_unusable_values_are_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


@pytest.mark.parametrize("label", [4, -1, 0.5, np.nan])
def test_a_label_that_is_no_class_makes_the_loss_nan(label):
    labels = np.array([*LABELS[:7], label], "float32")
    cosines = np.clip(vectors(8, 4), -0.9, 0.9)
    assert np.isnan(float(ArcFaceLoss()(labels, cosines)))
    assert np.isnan(float(TripletLoss()(labels, vectors()))) == np.isnan(label)
