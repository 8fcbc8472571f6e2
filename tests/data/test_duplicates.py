"""Planted copies are found, other images are not taken for copies."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from scipy.fft import dctn

from kerascnn import data
from kerascnn.data.perceptual_hash import perceptual_hashes
from kerascnn.errors import InputError


def scene(seed, size=(120, 90)):
    """An image with the large and small forms of a photo: blurred noise at several scales."""
    random = np.random.default_rng(seed)
    total = np.zeros((size[1], size[0], 3))
    for cells in (3, 6, 12, 24):
        noise = random.integers(0, 256, (cells, cells, 3), dtype=np.uint8)
        total += np.asarray(Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC)) / cells
    return Image.fromarray(np.uint8(255 * total / total.max()))


def brighter(image):
    return image.point(lambda value: min(255, value + 25))


@pytest.fixture
def folder(tmp_path):
    """Two classes of 30 scenes each, all different."""
    for label, name in enumerate(("hill", "lake")):
        (tmp_path / name).mkdir()
        for number in range(30):
            image = scene(1000 * label + number)
            image.save(tmp_path / name / f"{number:02d}.jpg", quality=92)
    return tmp_path


def plant(folder, how, name="lake/copy.jpg"):
    source = folder / "hill" / "03.jpg"
    if how == "file":
        shutil.copy(source, folder / name)
        return
    with Image.open(source) as image:
        if how == "compressed":
            image.save(folder / name, quality=35)
        elif how == "resized":
            image.resize((70, 52)).save(folder / name, quality=85)
        elif how == "brighter":
            brighter(image).save(folder / name)
        elif how == "png":
            image.save(folder / (name.removesuffix(".jpg") + ".png"))


def names(pair):
    return {pair.first.name, pair.second.name}


@pytest.mark.parametrize("how", ["file", "png", "compressed", "resized", "brighter"])
def test_a_planted_copy_is_the_only_pair(folder, how):
    plant(folder, how)
    found = data.find_duplicates(data.load(folder, 64))
    (pair,) = found.pairs
    assert {name.split(".")[0] for name in names(pair)} == {"hill/03", "lake/copy"}
    assert pair.exact == (how in ("file", "png"))
    assert pair.labels_differ
    assert (found.images, found.compared, found.near) == (61, 61, True)


def test_different_images_are_no_copies(folder):
    assert data.find_duplicates(data.load(folder, 64)).pairs == ()


def split_folder(root):
    seed = 0
    for split in ("train", "validation", "test"):
        for name in ("hill", "lake"):
            (root / split / name).mkdir(parents=True)
            for number in range(10):
                seed += 1
                scene(seed).save(root / split / name / f"{number:02d}.jpg")
    return root


def test_copies_across_splits_come_first(tmp_path):
    root = split_folder(tmp_path)
    shutil.copy(root / "train/hill/01.jpg", root / "train/hill/zz.jpg")  # within one split
    shutil.copy(root / "train/hill/01.jpg", root / "test/hill/aa.jpg")
    with Image.open(root / "train/lake/02.jpg") as image:
        brighter(image).save(root / "validation/hill/bb.jpg", quality=60)
    pairs = data.find_duplicates(data.load(root, 64)).pairs
    told = [(p.first.split, p.second.split, p.exact, p.labels_differ) for p in pairs]
    assert told == [
        ("train", "validation", False, True),
        ("train", "test", True, False),
        ("train", "train", True, False),
    ]
    assert names(pairs[0]) == {"lake/02.jpg", "hill/bb.jpg"}


def test_a_large_source_is_sampled(folder):
    plant(folder, "file")
    found = data.find_duplicates(data.load(folder, 64), most=20)
    assert found.compared <= 20 < found.images


def test_very_small_images_are_compared_for_equality_only():
    found = data.find_duplicates(data.load("digits", 64))
    assert not found.near
    assert all(pair.exact for pair in found.pairs)


def test_images_of_one_colour_are_no_near_copies(tmp_path):
    for name, shade in (("dark", 10), ("light", 200)):
        (tmp_path / name).mkdir()
        for number in range(4):
            color = (shade + number, shade, shade)
            Image.new("RGB", (40, 40), color).save(tmp_path / name / f"{number}.png")
    assert data.find_duplicates(data.load(tmp_path, 40)).pairs == ()


def test_small_images_are_found_by_their_files(folder):
    scene(1, (120, 32)).save(folder / "hill" / "flat.jpg")
    scene(2, (120, 33)).save(folder / "hill" / "almost.jpg")
    (small,) = data.find_small_images(data.load(folder, 64))
    assert small.image.name == "hill/flat.jpg"
    assert (small.height, small.width) == (32, 120)


def test_images_of_one_size_are_all_small_or_none():
    assert data.load("digits", 15).own_size == (8, 8)
    assert data.find_small_images(data.load("digits", 15)) == ()
    small = data.find_small_images(data.load("digits", 16))
    assert len(small) == 1797
    assert (small[0].height, small[0].image.path) == (8, None)


def test_paths_labels_and_places_belong_together(folder):
    splits = data.load(folder, 32)
    paths, labels = splits.paths("validation"), splits.labels("validation")
    assert [path.parent.name for path in paths] == [splits.class_names[label] for label in labels]
    images, taken = splits.take("validation", [3, 0])
    everything, _ = splits.arrays("validation")
    np.testing.assert_array_equal(images, everything[[3, 0]])
    np.testing.assert_array_equal(taken, labels[[3, 0]])
    assert data.load("digits").paths("test") == ()


def test_the_hash_is_that_of_scipys_cosine_transform():
    images = np.stack([np.asarray(scene(seed, (50, 44))) for seed in range(6)])
    grey = images @ np.array([0.299, 0.587, 0.114])
    for hashed, image in zip(perceptual_hashes(images), grey, strict=True):
        block = dctn(image, type=2)[1:9, 1:9].ravel()
        np.testing.assert_array_equal(hashed, block > np.median(block))


def test_other_images_differ_in_half_of_the_bits():
    hashes = perceptual_hashes(np.stack([np.asarray(scene(seed)) for seed in range(40)]))
    distances = [(a != b).sum() for i, a in enumerate(hashes) for b in hashes[:i]]
    assert np.mean(distances) == pytest.approx(32, abs=2)


@pytest.mark.shared
def test_real_photos(shared, tmp_path):
    """The flowers hold no copies but those planted here."""
    for path in sorted((shared / "photos" / "tf_flowers").rglob("*.jpg"))[::10]:
        (tmp_path / path.parent.name).mkdir(exist_ok=True)
        shutil.copy(path, tmp_path / path.parent.name)
    photos = sorted(tmp_path.rglob("*.jpg"))
    with Image.open(photos[0]) as image:
        image.resize((150, 110)).save(photos[-1].parent / "copy.jpg", quality=60)
    (pair,) = data.find_duplicates(data.load(tmp_path, 128)).pairs
    assert names(pair) == {
        f"{photos[0].parent.name}/{photos[0].name}",
        f"{photos[-1].parent.name}/copy.jpg",
    }


@pytest.mark.parametrize(
    "search",
    [lambda s: data.find_duplicates(s, most=1), lambda s: data.find_small_images(s, factor=1)],
)
def test_bad_numbers_are_errors(search):
    with pytest.raises(InputError, match="must be"):
        search(data.load("digits"))


def test_images_with_quantities_have_copies_too(folder):
    plant(folder, "compressed")
    splits = data.load(folder, 64)
    quantities = np.random.default_rng(0).normal(size=(61, 2)).astype("float32")
    (pair,) = data.find_duplicates(replace(splits, task="regression", _labels=quantities)).pairs
    assert pair.first.label is None
    assert not pair.labels_differ
