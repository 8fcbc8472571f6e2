"""`kerascnn augment`."""

import json

import numpy as np
import pytest
from PIL import Image


def test_a_picture_and_the_speed(call, tmp_path):
    out = tmp_path / "preview.png"
    code, text, err = call(
        *("augment", "digits", "--policy", "LeNet", "--out", out, "--images", 3, "--draws", 2),
        *("--image-size", "32", "--stats", "--seconds", 0.1, "--json"),
    )
    assert code == 0, err
    report = json.loads(text)
    assert report["policy"] == "lenet"
    assert report["passes"] == ["warp"]
    assert report["images_per_second"] > 0
    picture = np.asarray(Image.open(out))
    tiles = [picture[32 + 48 * row : 64 + 48 * row, 4:36] for row in range(3)]
    assert tiles[0].max() > 200  # a digit
    assert (tiles[0] != tiles[1]).any()
    assert (tiles[1] != tiles[2]).any()
    code, text, err = call("augment", "digits", "--policy", "lenet", "--out", out)
    assert (code, text) == (2, "")
    assert "output exists" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["digits"], "nothing to do"),
        (["digits", "--stats", "--policy", "wild"], "Known: none, light"),
        (["digits", "--out", "preview.jpg"], "must be a .png"),
    ],
)
def test_bad_arguments(call, arguments, message):
    code, out, err = call("augment", *arguments)
    assert code == 2
    assert out == ""
    assert message in err


def test_the_help_names_every_policy(call):
    from kerascnn import augment

    _, out, _ = call("augment", "--help")
    named = out.split("Names:")[1].split("Options:")[0]
    assert {name.strip(" .\n") for name in named.split(",")} == set(augment.NAMES)


def test_boxes_are_drawn_where_the_pixels_went(call, tmp_path):
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[8:24, 8:40] = 255
    shape = {"label": "box", "shape_type": "rectangle", "points": [[8, 8], [40, 24]]}
    for name in "abcd":
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
        page = {"imagePath": f"{name}.png", "imageWidth": 64, "imageHeight": 64, "shapes": [shape]}
        (tmp_path / f"{name}.json").write_text(json.dumps(page))
    out = tmp_path / "out" / "preview.png"
    out.parent.mkdir()
    options = ("--boxes", "--image-size", "64", "--policy", "light", "--images", 1, "--draws", 2)
    code, _, err = call("augment", tmp_path, "--out", out, *options)
    assert code == 0, err
    picture = np.asarray(Image.open(out)).astype(int)
    for row in range(3):
        tile = picture[32 + 80 * row : 96 + 80 * row, 4:68]
        # The colour of the first class, around what is white.
        edge = (np.abs(tile - (230, 159, 0)).max(axis=-1) < 8).nonzero()
        white = (tile.min(axis=-1) > 120).nonzero()
        for axis in (0, 1):
            assert abs(edge[axis].min() - white[axis].min()) <= 2
            assert abs(edge[axis].max() - white[axis].max()) <= 2
