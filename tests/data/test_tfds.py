"""TensorFlow Datasets: sets made here, and the real ones where they are."""

import io
import socket
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kerascnn.data import load, load_image
from kerascnn.errors import DataError


def pictures(count: int, size: tuple[int, int]) -> np.ndarray:
    generator = np.random.default_rng(count)
    return generator.integers(0, 256, (count, *size, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Path:
    """A folder of three prepared sets: of one size, of various sizes, and without class labels."""
    import tensorflow as tf
    import tensorflow_datasets as tfds

    folder = tmp_path_factory.mktemp("tfds")
    features = tfds.features

    def store(name, shape, split_images, label):
        splits = {}
        for split, images in split_images.items():
            splits[split] = tf.data.Dataset.from_generator(
                lambda images=images: (
                    {"image": image, "label": number % 2} for number, image in enumerate(images)
                ),
                output_signature={
                    "image": tf.TensorSpec(shape, tf.uint8),
                    "label": tf.TensorSpec([], tf.int64),
                },
            )
        tfds.dataset_builders.store_as_tfds_dataset(
            name=name,
            version="1.0.0",
            features=features.FeaturesDict({"image": features.Image(shape=shape), "label": label}),
            split_datasets=splits,
            data_dir=folder,
            disable_shuffling=True,
        )

    names = features.ClassLabel(names=["cat", "dog"])
    fixed = {"train": pictures(20, (28, 28)), "validation": pictures(6, (28, 28))}
    store("fixed_size", (28, 28, 3), fixed, names)
    various = [*pictures(6, (10, 20)), *pictures(6, (40, 30))]
    store("various_sizes", (None, None, 3), {"train": various}, names)
    store("numbers", (28, 28, 3), fixed, features.Scalar(np.int64))
    return folder


def content(folder: Path) -> list[tuple[str, int]]:
    return sorted((str(path), path.stat().st_mtime_ns) for path in folder.rglob("*"))


def test_images_labels_and_names_are_those_of_the_set(prepared):
    before = content(prepared)
    splits = load("tfds:fixed_size", data_dir=prepared)
    images, labels = splits.arrays("test")
    np.testing.assert_array_equal(images, pictures(6, (28, 28)))
    assert labels.tolist() == [0, 1, 0, 1, 0, 1]
    assert splits.class_names == ("cat", "dog")
    assert splits.counts == {"train": 16, "validation": 4, "test": 6}
    assert splits.class_counts["validation"] == (2, 2)
    assert "test: the official split 'validation'" in splits.notes
    assert content(prepared) == before


def test_the_variable_names_the_folder_too(prepared, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(prepared))
    assert load("tfds:fixed_size").counts["test"] == 6


def test_the_resize_rule_is_applied(prepared):
    splits = load("tfds:fixed_size", 32, channels=1, data_dir=prepared)
    assert splits.resize.fit == "pad"
    images, _ = splits.arrays("test")
    expected = np.asarray(Image.fromarray(pictures(6, (28, 28))[0]).convert("L"))
    np.testing.assert_array_equal(images[0, 2:30, 2:30, 0], expected)
    assert images[:, :2].max() == 0


def test_images_of_various_sizes_are_fitted(prepared):
    splits = load("tfds:various_sizes", 16, data_dir=prepared, test_split=0.2)
    assert splits.image_shape == (16, 16, 3)
    rows = splits._rows
    first = np.concatenate(list(rows.values())).argmin()
    images = np.concatenate([splits.arrays(split)[0] for split in rows])
    source = Image.fromarray(pictures(6, (10, 20))[0])
    np.testing.assert_array_equal(
        images[first], np.asarray(source.resize((16, 16), Image.Resampling.BILINEAR))
    )


def test_without_cache_the_pixels_are_the_same(prepared):
    cached = load("tfds:fixed_size", data_dir=prepared)
    mapped = load("tfds:fixed_size", data_dir=prepared, cache=False)
    assert any("temporary file" in note for note in mapped.notes)
    assert mapped.train.element_spec == cached.train.element_spec
    for left, right in zip(cached.train, mapped.train, strict=True):
        np.testing.assert_array_equal(left[0], right[0])
        np.testing.assert_array_equal(left[1], right[1])


def test_too_small_a_disk_is_refused(prepared, monkeypatch):
    from kerascnn.data import stores

    monkeypatch.setattr(stores.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 10}))
    with pytest.raises(DataError, match=r"GiB are free\. Use a smaller image_size, or set TMPDIR"):
        load("tfds:fixed_size", data_dir=prepared, cache=False)


def test_a_set_without_class_labels_is_refused(prepared):
    with pytest.raises(DataError, match="no image classification set: exactly one image and one"):
        load("tfds:numbers", data_dir=prepared)


def test_an_official_test_set_cannot_be_drawn_again(prepared):
    with pytest.raises(DataError, match="has a test set of its own"):
        load("tfds:fixed_size", data_dir=prepared, test_split=0.3)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("mnits", "Did you mean mnist"),
        ("fixed_siz", "Did you mean fixed_size"),
        ("qqqqqqqqq", r"See tfds\.list_builders"),
    ],
)
def test_an_unknown_name_gets_close_ones(prepared, name, hint):
    with pytest.raises(DataError, match=f"no set named '{name}'.*{hint}"):
        load(f"tfds:{name}", data_dir=prepared)


def test_an_unknown_configuration_is_refused(prepared):
    with pytest.raises(DataError, match=r"tfds:mnist/big cannot be opened: .*big"):
        load("tfds:mnist/big", data_dir=prepared)


def test_a_missing_name_is_refused():
    with pytest.raises(DataError, match="a name is missing"):
        load("tfds:")


def test_offline_a_set_that_is_not_prepared_says_what_to_do(tmp_path, monkeypatch):
    def refuse(*_: object) -> None:
        raise socket.gaierror("no network")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr("urllib.request.getproxies", dict)
    with pytest.raises(DataError, match=r"the machine is offline. Prepare it .* TFDS_DATA_DIR"):
        load("tfds:kmnist", data_dir=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_download_is_one_clear_error(tmp_path, monkeypatch):
    import tensorflow_datasets as tfds

    def fail(*_: object, **__: object) -> None:
        raise OSError("the server said 503\nand more")

    monkeypatch.setattr("kerascnn.data.tfds_builder._unreachable_host", lambda _: None)
    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", fail)
    with pytest.raises(DataError, match="prepared: the server said 503 Prepare it where"):
        load("tfds:kmnist", data_dir=tmp_path)


def test_a_damaged_copy_is_refused(prepared, tmp_path):
    import shutil

    folder = shutil.copytree(prepared / "fixed_size", tmp_path / "fixed_size")
    record = next(folder.rglob("*train*tfrecord*"))
    record.write_bytes(record.read_bytes()[:-100])
    with pytest.raises(DataError, match=r"the copy in .* damaged"):
        load("tfds:fixed_size", data_dir=tmp_path)


@pytest.mark.shared
def test_mnist_is_whole_and_centred(shared):
    splits = load("tfds:mnist", 32, data_dir=shared / "tfds")
    assert splits.counts == {"train": 48000, "validation": 12000, "test": 10000}
    assert splits.resize.fit == "pad"
    images, labels = splits.arrays("test")
    assert labels[:5].dtype == np.int32
    assert np.bincount(labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert images[:, :2].max() == images[:, 30:].max() == 0


@pytest.mark.shared
def test_jpeg_records_are_decoded_as_pillow_does(shared, tmp_path):
    import tensorflow_datasets as tfds

    decoders = {"image": tfds.decode.SkipDecoding()}
    builder = tfds.builder("cifar10", data_dir=shared / "tfds")
    raw = builder.as_dataset(split="test[:200]", decoders=decoders, shuffle_files=False)
    ours = load("tfds:cifar10", data_dir=shared / "tfds").arrays("test")[0]
    for image, example in zip(ours, raw.as_numpy_iterator(), strict=False):
        with Image.open(io.BytesIO(example["image"])) as expected:
            np.testing.assert_array_equal(image, np.asarray(expected))


@pytest.mark.shared
def test_real_photos_load_without_a_special_argument(shared):
    splits = load(shared / "photos" / "tf_flowers", 32)
    assert splits.class_names == ("daisy", "dandelion", "roses", "sunflowers", "tulips")
    assert sum(splits.counts.values()) == 1146
    assert splits.class_counts["validation"] == (46, 46, 46, 46, 45)
    assert [file.path.name for file in splits.skipped] == ["LICENSE.txt"]
    path = min((shared / "photos" / "tf_flowers" / "daisy").iterdir())
    pixels = load_image(path, 32, 3, splits.resize)
    everything = np.concatenate([splits.arrays(split)[0] for split in splits.counts])
    assert any(np.array_equal(pixels, image) for image in everything)
