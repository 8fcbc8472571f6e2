"""Golden inputs are those that every file answers as the Keras model does."""

import numpy as np
import pytest

from kerascnn import tasks
from kerascnn.errors import VerificationError
from kerascnn.export.bundle.golden import COUNT, GoldenFile, choose, narrowed
from kerascnn.export.contract.manifest import Output, Tolerance

STRICT = Tolerance(max_abs=0.1, mean_abs=0.1, agreement=1.0)
CLASSES = Output(role="scores", shape=(1, 4), kind="probabilities")


def chosen_of(pixels, outputs, files, output=CLASSES, task="classification"):
    """The golden inputs and outputs among images."""
    places = choose(pixels, {output.role: outputs}, files, tasks.get(task), [output])
    return pixels[places], outputs[places]


def narrowed_of(file, pixels, wanted, output=CLASSES, unit=1.0, task="classification"):
    outputs = {output.role: wanted}
    return narrowed(file, pixels, outputs, tasks.get(task), [output], [unit])[0]


def answering(predict, limits, role="scores"):
    return GoldenFile(lambda pixels: {role: predict(pixels)}, (limits,))


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
    return answering(lambda pixels: change(outputs[pixels[:, 0, 0, 0]].copy()), STRICT)


def test_all_classes_are_among_them(known):
    pixels, outputs = known
    inputs, chosen = chosen_of(pixels, outputs, [file(outputs)])
    assert len(inputs) == COUNT
    assert set(chosen.argmax(-1)) == {0, 1, 2, 3}


def test_no_image_is_chosen_twice(known):
    inputs, _ = chosen_of(*known, [file(known[1])])
    assert len(np.unique(inputs)) == COUNT


def test_outputs_belong_to_their_inputs(known):
    inputs, chosen = chosen_of(*known, [file(known[1])])
    np.testing.assert_array_equal(chosen, known[1][inputs[:, 0, 0, 0]])


def test_images_that_one_file_answers_otherwise_are_left_out(known):
    pixels, outputs = known
    other = outputs.copy()
    other[outputs.argmax(-1) == 2] = [1, 0, 0, 0]
    _, chosen = chosen_of(pixels, outputs, [file(outputs), file(other)])
    assert set(chosen.argmax(-1)) == {0, 1, 3}


def test_a_file_beyond_its_limit_everywhere_is_an_error(known):
    with pytest.raises(VerificationError, match="golden input"):
        chosen_of(*known, [file(known[1], lambda values: values + 0.11)])


def test_fewer_images_than_wanted_are_all_taken():
    pixels = np.arange(3, dtype=np.uint8).reshape(3, 1, 1, 1)
    outputs = np.eye(3, dtype=np.float32)
    assert len(chosen_of(pixels, outputs, [file(outputs)])[0]) == 3


def test_one_class_only_is_no_obstacle():
    outputs = np.ones((4, 1), np.float32)
    pixels = np.arange(4, dtype=np.uint8).reshape(4, 1, 1, 1)
    assert len(chosen_of(pixels, outputs, [file(outputs)])[0]) == 4


def test_a_tie_with_the_best_class_agrees():
    wanted = np.array([[0.1, 0.9], [0.9, 0.1], [0.9, 0.1]])
    got = np.array([[0.5, 0.5], [0.2, 0.8], [0.8, 0.2]])
    output = Output(role="scores", shape=(1, 2), kind="probabilities")
    assert output.agrees(wanted, got).tolist() == [True, False, True]


def test_self_test_limits_are_twice_what_the_file_does_here(known):
    pixels, outputs = known
    off = file(outputs, lambda values: values + 0.03)
    limits = narrowed_of(off, pixels, outputs)
    assert limits.max_abs == pytest.approx(0.06, rel=1e-3)
    assert limits.mean_abs == pytest.approx(0.06, rel=1e-3)


def test_self_test_limits_have_a_floor_and_never_exceed_the_files_own(known):
    pixels, outputs = known
    assert narrowed_of(file(outputs), pixels, outputs).max_abs == 0.05
    assert narrowed_of(file(outputs), pixels, outputs, unit=10.0).max_abs == STRICT.max_abs
    tight = Tolerance(max_abs=1e-4, mean_abs=1e-5, agreement=1.0)
    float32 = GoldenFile(file(outputs).predict, (tight,))
    assert narrowed_of(float32, pixels, outputs) == tight


def test_all_sets_of_labels_are_among_them_and_a_threshold_is_no_answer(known):
    pixels, outputs = known
    labels = Output(role="scores", shape=(1, 4), kind="independent", thresholds=(0.5,) * 4)
    outputs = np.where(np.arange(40)[:, None] // [1, 2, 4, 8] % 2, 0.9, 0.1).astype(np.float32)
    limits = Tolerance(max_abs=1, mean_abs=1, agreement=1.0)
    crossing = outputs.copy()
    crossing[:20, 3] = 0.5  # not above the threshold
    files = [answering(lambda images: crossing[images[:, 0, 0, 0]], limits)]
    inputs, chosen = chosen_of(pixels, outputs, files, labels, "multi_label")
    assert len(inputs) == len(np.unique(chosen > 0.5, axis=0)) == COUNT
    numbers = inputs[:, 0, 0, 0]
    assert not ((outputs[numbers, 3] > 0.5) & (numbers < 20)).any()


def test_quantities_are_golden_from_end_to_end_and_compared_in_their_own_ranges(known):
    pixels, _ = known
    outputs = np.stack([np.arange(40) / 39, 2000 + np.arange(40)[::-1]], axis=1).astype(np.float32)
    values = tasks.quantities("values", outputs)
    assert values.ranges == ((0, 1), (2000, 2039))
    # A hundredth of the values, where the range is narrower than that.
    np.testing.assert_allclose(values.units, [1, 39])
    narrow = tasks.quantities("values", outputs[:2] + np.array([0, 7]))
    np.testing.assert_allclose(narrow.units[1], 20.46)
    limits = Tolerance(max_abs=0.1, mean_abs=0.1, agreement=None)

    def shifted(by):
        return answering(lambda images: outputs[images[:, 0, 0, 0]] + by, limits, "values")

    off = shifted(np.array([0.01, 0.78]))
    inputs, chosen = chosen_of(pixels, outputs, [off], values, "regression")
    assert len(inputs) == COUNT
    assert chosen[:, 0].min() < 0.2 < 0.8 < chosen[:, 0].max()
    found = narrowed_of(off, inputs, chosen, values, task="regression")
    assert found.max_abs == 0.05
    assert found.mean_abs == pytest.approx((0.01 + 0.02), rel=1e-3)
    with pytest.raises(VerificationError, match="golden input"):
        chosen_of(pixels, outputs, [shifted(np.array([0.0, 4.0]))], values, "regression")
