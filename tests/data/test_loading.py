"""`load` for "digits", its arguments, and what comes out as `tf.data`."""

import hashlib
import subprocess
import sys

import fresh
import numpy as np
import pytest

from kerascnn.data import ResizeRule, load
from kerascnn.errors import DataError, InputError


def digest_of_two_epochs() -> str:
    splits = load("digits", seed=5)
    digest = hashlib.sha256()
    for _ in range(2):
        for images, labels in splits.train:
            digest.update(images.numpy().tobytes() + labels.numpy().tobytes())
    return digest.hexdigest()


def stack(dataset) -> tuple[np.ndarray, np.ndarray]:
    images, labels = zip(*dataset.as_numpy_iterator(), strict=True)
    return np.concatenate(images), np.concatenate(labels)


@pytest.fixture(scope="module")
def digits():
    return load("digits")


def test_digits_are_whole_and_real(digits):
    assert digits.class_names == tuple("0123456789")
    assert digits.image_shape == (8, 8, 1)
    assert sum(digits.counts.values()) == 1797
    assert digits.counts["test"] == pytest.approx(0.2 * 1797, abs=5)
    images = np.concatenate([digits.arrays(split)[0] for split in digits.counts])
    assert (images.min(), images.max()) == (0, 255)


def test_digits_keep_the_values_of_the_source(digits):
    from sklearn.datasets import load_digits

    source = np.round(load_digits().images * 255 / 16).sum()
    assert sum(int(digits.arrays(split)[0].sum()) for split in digits.counts) == source


def test_every_split_holds_every_class(digits):
    assert all(min(counts) > 20 for counts in digits.class_counts.values())


def test_datasets_have_static_shapes_and_a_length(digits):
    images, labels = digits.train.element_spec
    assert (images.shape.as_list(), images.dtype.name) == ([None, 8, 8, 1], "uint8")
    assert (labels.shape.as_list(), labels.dtype.name) == ([None], "int32")
    assert int(digits.train.cardinality()) == -(-digits.counts["train"] // 32)
    assert len(list(digits.train)) == int(digits.train.cardinality())


def test_training_order_changes_with_the_epoch_but_not_the_content(digits):
    splits = load("digits")
    first, second = stack(splits.train), stack(splits.train)
    assert first[1].tolist() != second[1].tolist()
    for images, labels in (first, second):
        assert np.bincount(labels).tolist() == list(splits.class_counts["train"])
        assert int(images.sum()) == int(splits.arrays("train")[0].sum())


@pytest.mark.parametrize("split", ["validation", "test"])
def test_other_splits_are_never_shuffled(digits, split):
    for found, expected in zip(stack(getattr(digits, split)), digits.arrays(split), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_training_can_be_left_in_order():
    splits = load("digits", shuffle=False)
    np.testing.assert_array_equal(stack(splits.train)[0], splits.arrays("train")[0])


def test_the_same_seed_gives_the_same_batches_in_any_process():
    import tensorflow as tf

    tf.random.set_seed(99)  # must not matter
    assert fresh.call(digest_of_two_epochs) == digest_of_two_epochs()


def test_another_seed_gives_other_splits(digits):
    other = load("digits", seed=1)
    assert other.arrays("test")[1].tolist() != digits.arrays("test")[1].tolist()


def test_importing_the_package_leaves_tensorflow_alone():
    code = "import sys, kerascnn.data; sys.exit('tensorflow' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("cache", [True, False])
def test_both_ways_of_reading_give_the_same_pixels(make_folder, cache):
    root = make_folder({"a": 9, "b": 14}, size=(40, 30))
    reference = load(root, 16, batch_size=4, seed=2)
    splits = load(root, 16, batch_size=4, seed=2, cache=cache)
    for split in ("train", "validation"):
        for left, right in zip(
            stack(getattr(reference, split)), stack(getattr(splits, split)), strict=True
        ):
            np.testing.assert_array_equal(left, right)
        np.testing.assert_array_equal(reference.arrays(split)[0], splits.arrays(split)[0])
    assert splits.train.element_spec == reference.train.element_spec


def test_a_file_lost_after_the_scan_is_named(make_folder):
    import tensorflow as tf

    root = make_folder({"a": 3, "b": 3})
    splits = load(root, cache=False, shuffle=False)
    for path in (root / "b").iterdir():
        path.write_bytes(b"")
    message = r"b/\d+\.png could be read when the source was scanned and now cannot: .*empty"
    with pytest.raises(tf.errors.OpError, match=message):
        list(splits.train)
    with pytest.raises(DataError, match=message):
        splits.arrays("train")


def test_a_sample_is_stratified_and_seeded(digits):
    images, labels = digits.sample("train", 50, seed=3)
    assert images.shape == (50, 8, 8, 1)
    assert images.dtype == np.uint8
    assert labels.dtype == np.int32
    assert np.bincount(labels, minlength=10).tolist() == [5] * 10
    np.testing.assert_array_equal(digits.sample("train", 50, seed=3)[0], images)
    assert not np.array_equal(digits.sample("train", 50, seed=4)[0], images)


def test_batches_are_the_arrays_in_parts(digits):
    parts = list(digits.batches("test", 100))
    assert [len(labels) for _, labels in parts][:-1] == [100] * (len(parts) - 1)
    images, labels = digits.arrays("test")
    np.testing.assert_array_equal(np.concatenate([part[0] for part in parts]), images)
    np.testing.assert_array_equal(np.concatenate([part[1] for part in parts]), labels)


def test_a_changed_sample_leaves_the_data_alone(digits):
    before = digits.arrays("test")[0].copy()
    digits.sample("test", 10)[0][...] = 0
    digits.arrays("test")[0][...] = 0
    np.testing.assert_array_equal(digits.arrays("test")[0], before)


def test_an_unknown_split_is_refused(digits):
    with pytest.raises(InputError, match=r"train, validation, test\. Received: 'val'"):
        digits.sample("val", 3)


def test_a_split_that_is_not_there_is_refused(make_folder):
    with pytest.raises(DataError, match=r"has no test split\. Load it with test_split"):
        load(make_folder({"a": 2, "b": 2})).arrays("test")


def test_a_sample_of_nothing_is_refused(digits):
    with pytest.raises(InputError, match=r"count must be an integer of 1 or more\. Received: 0"):
        digits.sample("train", 0)


def test_a_given_rule_is_kept():
    rule = ResizeRule(fit="pad", pad_value=9)
    splits = load("digits", 10, resize=rule)
    assert splits.resize == rule
    assert np.unique(splits.arrays("test")[0][:, 0]).tolist() == [9]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"image_size": 0}, "image_size must be"),
        ({"image_size": 2**14 + 1}, "image_size must be"),
        ({"batch_size": 0}, "batch_size must be"),
        ({"batch_size": 2.0}, "batch_size must be"),
        ({"channels": 4}, "channels must be 1"),
        ({"validation_split": 0}, "validation_split must be above 0"),
        ({"validation_split": 1.0}, "validation_split must be above 0"),
        ({"validation_split": "0.2"}, "validation_split must be above 0"),
        ({"test_split": -0.1}, "test_split must be 0 or more"),
        ({"validation_split": 0.5, "test_split": 0.5}, "leave no training images"),
        ({"seed": -1}, "`seed` must be"),
        ({"seed": 2**32}, "`seed` must be"),
        ({"resize": "squash"}, 'resize must be "auto", one of stretch, crop, pad'),
        ({"cache": "disk"}, 'cache must be "auto", True or False'),
        ({"data_dir": "somewhere"}, "data_dir belongs to sources"),
    ],
)
def test_a_bad_argument_is_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        load("digits", **arguments)


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        ("digit", 'Did you mean "digits"'),
        ("Digits", 'Did you mean "digits"'),
        ("tdfs:mnist", 'Did you mean "tfds:NAME"'),
        ("hub:mnist", "A source is a folder of class folders, a .csv file"),
        ("", r"no such folder or source: ''. A source is"),
        ("no/such/folder", r"no such folder or source: 'no/such/folder'. A source is"),
    ],
)
def test_an_unknown_source_lists_the_four_forms(source, hint):
    with pytest.raises(DataError, match=hint):
        load(source)


def test_a_large_source_is_not_cached_by_itself(make_folder, monkeypatch):
    from kerascnn.data import stores

    monkeypatch.setattr(stores, "CACHE_LIMIT", 12 * 16 * 3 * 4 - 1)
    splits = load(make_folder({"a": 2, "b": 2}))
    assert isinstance(splits._store, stores.FileStore)


def test_no_validation_share_means_a_fifth(monkeypatch):
    assert load("digits", validation_split=None).counts == load("digits").counts


def test_no_validation_share_is_capped_for_large_sets(monkeypatch):
    monkeypatch.setattr("kerascnn.data.loading.MOST_VALIDATION", 100)
    assert load("digits", validation_split=None).counts["validation"] == pytest.approx(100, abs=5)
