"""Images that are enlarged are told from those that are not."""

import pytest
from PIL import Image

from kerascnn import data
from kerascnn.errors import InputError


def test_small_images_are_found_by_their_files(make_folder):
    folder = make_folder({"hill": 4, "lake": 4}, size=(90, 120))
    Image.new("RGB", (120, 32)).save(folder / "hill" / "flat.png")
    Image.new("RGB", (120, 33)).save(folder / "hill" / "almost.png")
    (small,) = data.find_small_images(data.load(folder, 64))
    assert small.image.name == "hill/flat.png"
    assert (small.height, small.width) == (32, 120)


def test_images_of_one_size_are_all_small_or_none():
    assert data.load("digits", 15).own_size == (8, 8)
    assert data.find_small_images(data.load("digits", 15)) == ()
    small = data.find_small_images(data.load("digits", 16))
    assert len(small) == 1797
    assert (small[0].height, small[0].image.path) == (8, None)


def test_a_factor_is_above_one():
    with pytest.raises(InputError, match="must be above 1"):
        data.find_small_images(data.load("digits"), factor=1)
