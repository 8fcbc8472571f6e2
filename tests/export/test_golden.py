"""Golden inputs are those that every file answers as the Keras model does."""

import numpy as np
import pytest

from kerascnn.errors import VerificationError
from kerascnn.export.golden import COUNT, GoldenFile, agrees, choose, narrowed
from kerascnn.export.manifest import Tolerance

STRICT = Tolerance(max_abs=0.1, mean_abs=0.1, top1_agreement=1.0)


@pytest.fixture
def known():
    """40 numbered images and their outputs over 4 classes, every class ten times."""
    pixels = np.arange(40, dtype=np.uint8).reshape(40, 1, 1, 1)
    random = np.random.default_rng(0)
    outputs = random.uniform(0, 0.2, (40, 4)).astype(np.float32)
    outputs[np.arange(40), np.arange(40) % 4] += np.linspace(0.1, 0.8, 40, dtype=np.float32)
    return pixels, outputs


def file(outputs, change=lambda values: values):
    """A file that answers like the model, but for `change`."""
    return GoldenFile(lambda pixels: change(outputs[pixels[:, 0, 0, 0]].copy()), STRICT)


def test_all_classes_are_among_them(known):
    pixels, outputs = known
    inputs, chosen = choose(pixels, outputs, [file(outputs)])
    assert len(inputs) == COUNT
    assert set(chosen.argmax(-1)) == {0, 1, 2, 3}


def test_no_image_is_chosen_twice(known):
    inputs, _ = choose(*known, [file(known[1])])
    assert len(np.unique(inputs)) == COUNT


def test_outputs_belong_to_their_inputs(known):
    inputs, chosen = choose(*known, [file(known[1])])
    np.testing.assert_array_equal(chosen, known[1][inputs[:, 0, 0, 0]])


def test_images_that_one_file_answers_otherwise_are_left_out(known):
    pixels, outputs = known
    other = outputs.copy()
    other[outputs.argmax(-1) == 2] = [1, 0, 0, 0]
    _, chosen = choose(pixels, outputs, [file(outputs), file(other)])
    assert set(chosen.argmax(-1)) == {0, 1, 3}


def test_a_file_beyond_its_limit_everywhere_is_an_error(known):
    with pytest.raises(VerificationError, match="golden input"):
        choose(*known, [file(known[1], lambda values: values + 0.11)])


def test_fewer_images_than_wanted_are_all_taken():
    pixels = np.arange(3, dtype=np.uint8).reshape(3, 1, 1, 1)
    outputs = np.eye(3, dtype=np.float32)
    assert len(choose(pixels, outputs, [file(outputs)])[0]) == 3


def test_one_class_only_is_no_obstacle():
    outputs = np.ones((4, 1), np.float32)
    pixels = np.arange(4, dtype=np.uint8).reshape(4, 1, 1, 1)
    assert len(choose(pixels, outputs, [file(outputs)])[0]) == 4


def test_a_tie_with_the_best_class_agrees():
    wanted = np.array([[0.1, 0.9], [0.9, 0.1], [0.9, 0.1]])
    got = np.array([[0.5, 0.5], [0.2, 0.8], [0.8, 0.2]])
    assert agrees(wanted, got).tolist() == [True, False, True]


def test_self_test_limits_are_twice_what_the_file_does_here(known):
    pixels, outputs = known
    off = file(outputs, lambda values: values + 0.03)
    limits = narrowed(off, pixels, outputs, unit=1.0)
    assert limits.max_abs == pytest.approx(0.06, rel=1e-3)
    assert limits.mean_abs == pytest.approx(0.06, rel=1e-3)


def test_self_test_limits_have_a_floor_and_never_exceed_the_files_own(known):
    pixels, outputs = known
    assert narrowed(file(outputs), pixels, outputs, unit=1.0).max_abs == 0.05
    assert narrowed(file(outputs), pixels, outputs, unit=10.0).max_abs == STRICT.max_abs
    float32 = GoldenFile(
        file(outputs).predict, Tolerance(max_abs=1e-4, mean_abs=1e-5, top1_agreement=1.0)
    )
    assert narrowed(float32, pixels, outputs, unit=1.0) == float32.tolerance
