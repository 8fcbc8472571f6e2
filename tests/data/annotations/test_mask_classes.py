"""What values and colours of masks mean: files of classes, ignored values, and what is refused."""

import json

import numpy as np
import pytest
from made_annotations import note, write_picture
from PIL import Image
from test_masks import make, read, write_mask

from kerascnn.data.annotations import read_class_file
from kerascnn.data.annotations.form.mask_table import voc_colours
from kerascnn.errors import DataError, InputError

RED, GREEN, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 0)


def write_colours(root, stripes, name="a", mode="RGB"):
    row = np.repeat(np.array(stripes, np.uint8), 40 // len(stripes), axis=0)
    (root / "masks").mkdir(parents=True, exist_ok=True)
    write_picture(root / f"images/{name}.jpg")
    image = Image.fromarray(row[np.newaxis].repeat(30, axis=0)).convert(mode)
    image.save(root / f"masks/{name}.png")
    return root


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("label_colors.txt", "255 0 0 red\n0 255 0\tgreen\n0 0 0\t\tVoid\n"),  # CamVid
        ("class_dict.csv", "name,r,g,b\nred,255,0,0\ngreen, 0, 255, 0\nVoid,0,0,0\n"),
        (
            "labelmap.txt",
            "# label:color_rgb:parts:actions\nred:255,0,0::\ngreen:0,255,0::\nVoid:0,0,0::\n",
        ),
        ("classes.json", json.dumps({"red": [255, 0, 0], "green": "#00ff00", "void": [0, 0, 0]})),
        (
            "classes.json",
            json.dumps(
                [
                    {"name": "red", "color": "#FF0000"},
                    {"name": "green", "colour": [0, 255, 0]},
                    {"name": "ignore", "color": [0, 0, 0]},
                ]
            ),
        ),
    ],
)
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_colours(tmp_path, name, text, mode):
    write_colours(tmp_path, [RED, BLACK, GREEN, RED], mode=mode)
    (tmp_path / name).write_text(text)
    found = read(tmp_path)
    assert found.class_names == ("red", "green")
    assert found.semantic_mask(0)[0, ::10].tolist() == [0, 255, 1, 0]
    assert "colour 0 0 0, 25.0% of pixels" in note(found, "ignored")


def test_colours_by_argument(tmp_path):
    write_colours(tmp_path, [RED, GREEN])
    found = read(tmp_path, class_names={"red": (255, 0, 0), "green": [0, 255, 0]})
    assert found.semantic_mask(0)[0, ::20].tolist() == [0, 1]


def test_colours_that_nothing_names(tmp_path):
    write_colours(tmp_path, [RED, GREEN, (1, 2, 3), RED])
    with pytest.raises(
        DataError, match=r"colours that nothing names: 255 0 0, .*label_colors\.txt"
    ):
        read(tmp_path)


def test_colours_beyond_the_classes(tmp_path):
    write_colours(tmp_path, [RED, GREEN])
    with pytest.raises(DataError, match=r"beyond its 1 classes: 0 255 0 \(600 pixels, a\.png\)"):
        read(tmp_path, class_names={"red": [255, 0, 0]})


def test_colours_of_voc(tmp_path):
    """The map's colours as in the development kit; border is (224, 224, 192)."""
    colours = voc_colours(21)
    assert [f"{colour:06x}" for colour in colours[:4]] == ["000000", "800000", "008000", "808000"]
    assert f"{colours[15]:06x}" == "c08080"
    write_colours(tmp_path, [(0, 0, 0), (192, 128, 128), (224, 224, 192), (128, 0, 0)])
    found = read(tmp_path)
    assert found.semantic_mask(0)[0, ::10].tolist() == [0, 15, 255, 1]
    assert found.class_names[15] == "person"


def test_a_mask_of_one_grey_colour_among_colours(tmp_path):
    write_colours(tmp_path, [BLACK], "a")
    write_colours(tmp_path, [RED, BLACK], "b")
    found = read(tmp_path, class_names={"sky": [0, 0, 0], "red": [255, 0, 0]})
    assert [np.unique(found.semantic_mask(row)).tolist() for row in (0, 1)] == [[0], [0, 1]]


def test_grey_stored_as_rgb(tmp_path):
    write_colours(tmp_path, [(0, 0, 0), (1, 1, 1), (2, 2, 2), (255, 255, 255)])
    found = read(tmp_path, class_names=["a", "b", "c"])
    assert found.semantic_mask(0)[0, ::10].tolist() == [0, 1, 2, 255]
    note(found, "masks stored as RGB hold grey")


def test_colours_and_values_mixed(tmp_path):
    write_colours(tmp_path, [RED, GREEN])
    make(tmp_path, {"b": [0, 1]})
    with pytest.raises(DataError, match="masks of colours and masks of values"):
        read(tmp_path, class_names={"red": [255, 0, 0], "green": [0, 255, 0]})


def test_jpeg_masks_are_refused(tmp_path):
    make(tmp_path, {"a": [0, 1]})
    (tmp_path / "masks/a.png").unlink()
    Image.fromarray(np.zeros((30, 40), np.uint8)).save(tmp_path / "masks/a.jpg")
    with pytest.raises(DataError, match="a JPEG file, whose compression changes values"):
        read(tmp_path)


def test_half_transparent_masks_are_refused(tmp_path):
    make(tmp_path, {"a": [0, 1]})
    pixels = np.zeros((30, 40, 4), np.uint8)
    pixels[:, 20:, 3] = 255
    Image.fromarray(pixels).save(tmp_path / "masks/a.png")
    with pytest.raises(DataError, match="transparent and opaque"):
        read(tmp_path)


@pytest.mark.parametrize(("bits", "top"), [(1, 1), (2, 3), (4, 15)])
def test_masks_of_few_bits(tmp_path, bits, top):
    """Pillow spreads grey of 2 and 4 bits to 0..255; the classes are 0 to 3, and 0 to 15."""
    import struct
    import zlib

    values = np.arange(40) % (top + 1)
    packed = np.packbits(np.unpackbits(values.astype(np.uint8)[:, np.newaxis], axis=1)[:, -bits:])
    rows = (b"\0" + packed.tobytes()) * 30

    def chunk(kind, data):
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", 40, 30, bits, 0, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows))
    write_picture(tmp_path / "images/a.jpg")
    (tmp_path / "masks").mkdir()
    (tmp_path / "masks/a.png").write_bytes(content + chunk(b"IEND", b""))
    found = read(tmp_path, class_names=[f"c{value}" for value in range(top + 1)])
    np.testing.assert_array_equal(found.semantic_mask(0)[5], values)


def test_masks_of_16_bits(tmp_path):
    write_picture(tmp_path / "images/a.jpg")
    (tmp_path / "masks").mkdir()
    values = np.repeat(np.array([0, 300, 7, 65535], np.uint16), 10)[np.newaxis].repeat(30, axis=0)
    Image.fromarray(values).save(tmp_path / "masks/a.png")
    names = {"sky": 0, "road": 300, "tree": 7, "void": 65535}
    found = read(tmp_path, class_names=names)
    assert found.class_names == ("sky", "road", "tree")
    assert found.semantic_mask(0)[0, ::10].tolist() == [0, 1, 2, 255]


def test_255_is_ignored_and_said(tmp_path):
    make(tmp_path, {"a": [0, 1, 2, 255]})
    found = read(tmp_path, class_names=["background", "cat", "dog"])
    assert found.semantic_mask(0)[0, ::10].tolist() == [0, 1, 2, 255]
    assert note(found, "ignored") == "ignored: value 255, 25.0% of pixels"
    assert found.pixel_counts == (300, 300, 300)


def test_255_is_ignored_without_names(tmp_path):
    make(tmp_path, {"a": [0, 1, 2, 255]})
    found = read(tmp_path)
    assert found.class_names == ("background", "class_1", "class_2")
    note(found, "ignored: value 255")


def test_two_values_are_background_and_foreground(tmp_path):
    make(tmp_path, {"a": [0, 255], "b": [0, 0]})
    found = read(tmp_path)
    assert found.semantic_mask(0)[0, ::20].tolist() == [0, 1]
    assert not any(text.startswith("ignored") for text in found.notes)
    for names in (["cell"], ["background", "cell"]):
        again = read(tmp_path, class_names=names)
        assert again.class_names == ("background", "cell")
        assert again.semantic_mask(0)[0, ::20].tolist() == [0, 1]


def test_11_of_camvid(tmp_path):
    values = np.arange(12).repeat(3)
    mask = np.pad(values, (0, 4))[np.newaxis].repeat(30, axis=0)
    make(tmp_path, {"a": mask}, "train", "trainannot")
    make(tmp_path, {"b": mask}, "test", "testannot")
    found = read(tmp_path)
    assert len(found.class_names) == 11
    assert found.class_names[0] == "sky"
    assert found.semantic_mask(0)[0, 33:36].tolist() == [255] * 3
    assert "value 11, one beyond the 11 classes" in note(found, "ignored")


def test_twelve_values_that_may_be_camvid(tmp_path):
    mask = np.pad(np.arange(12).repeat(3), (0, 4))[np.newaxis].repeat(30, axis=0)
    make(tmp_path, {"a": mask})
    found = read(tmp_path)
    assert len(found.class_names) == 12
    note(found, "11 is taken as a class; in CamVid it is unlabelled")
    assert len(read(tmp_path, ignore=[11]).class_names) == 11


def test_one_beyond_the_classes_of_a_street(tmp_path):
    make(tmp_path, {"a": [0, 1, 2, 3]})
    (tmp_path / "classes.txt").write_text("Sky\nBuilding\nPole\n")
    found = read(tmp_path)
    assert found.semantic_mask(0)[0, ::10].tolist() == [0, 1, 2, 255]
    note(found, "ignored: value 3, one beyond the 3 classes")


def test_one_beyond_the_classes_that_may_be_background(tmp_path):
    make(tmp_path, {"a": [0, 1, 2, 2]})
    with pytest.raises(
        DataError, match=r"either 0 is background.*or 2 is to be ignored.*ignore=\[2\]"
    ):
        read(tmp_path, class_names=["cat", "dog"])
    found = read(tmp_path, class_names=["cat", "dog"], ignore=[2])
    assert found.semantic_mask(0)[0, ::10].tolist() == [0, 1, 255, 255]
    found = read(tmp_path, class_names=["background", "cat", "dog"])
    assert found.semantic_mask(0)[0, ::10].tolist() == [0, 1, 2, 2]


@pytest.mark.parametrize("name", ["Void", "unlabelled", "__ignore__", "ignore", "don't care"])
def test_classes_called_void_are_ignored(tmp_path, name):
    make(tmp_path, {"a": [0, 1, 2, 3]})
    found = read(tmp_path, class_names=["a", name, "b", "c"])
    assert found.class_names == ("a", "b", "c")
    assert found.semantic_mask(0)[0, ::10].tolist() == [0, 255, 1, 2]


def test_labels_from_1(tmp_path):
    make(tmp_path, {"a": [1, 2, 3, 2]})
    found = read(tmp_path, class_names=["a", "b", "c"])
    assert found.semantic_mask(0)[0, ::10].tolist() == [0, 1, 2, 1]
    note(found, "labels begin at 1")
    unnamed = read(tmp_path)
    assert unnamed.class_names == ("class_1", "class_2", "class_3")
    note(unnamed, "labels begin at 1")


def test_ignore_as_told(tmp_path):
    make(tmp_path, {"a": [0, 1, 2, 7]})
    found = read(tmp_path, ignore=[7, 0])
    assert found.semantic_mask(0)[0, ::10].tolist() == [255, 0, 1, 255]
    assert sum(text.startswith("ignored as told") for text in found.notes) == 2


@pytest.mark.parametrize("ignore", ["255", [-1], [1.5], [True]])
def test_ignore_that_is_none(tmp_path, ignore):
    make(tmp_path, {"a": [0, 1]})
    with pytest.raises(InputError, match="ignore must be a list of values"):
        read(tmp_path, ignore=ignore)


def test_values_beyond_the_classes(tmp_path):
    make(tmp_path, {"a": [0, 1], "b": [0, 9]})
    with pytest.raises(DataError, match=r"beyond its 2 classes: 9 \(600 pixels, b\.png\)"):
        read(tmp_path, class_names=["background", "cat"])


def test_photos_instead_of_masks(tmp_path):
    make(tmp_path, {"a": np.arange(1200).reshape(30, 40) % 256})
    with pytest.raises(DataError, match="256 different values that nothing names"):
        read(tmp_path)


def test_255_among_grey_levels_is_not_guessed(tmp_path):
    make(tmp_path, {"a": [0, 128, 200, 255]})
    with pytest.raises(DataError, match="255 may be a class or to be ignored"):
        read(tmp_path)
    found = read(tmp_path, class_names={"bg": 0, "road": 128, "car": 200, "sky": 255})
    assert found.semantic_mask(0)[0, ::10].tolist() == [0, 1, 2, 3]


def test_classes_without_a_pixel_are_said(tmp_path):
    make(tmp_path, {"a": [0, 1]})
    found = read(tmp_path, class_names=["background", "cat", "dog"])
    assert note(found, "classes without any pixel") == "classes without any pixel: dog"


def test_names_of_voc(tmp_path):
    make(tmp_path, {"a": [0, 1, 15, 255]}, "JPEGImages", "SegmentationClass", palette=True)
    found = read(tmp_path)
    assert (len(found.class_names), found.class_names[15]) == (21, "person")


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (
            "a.txt",
            "background\n cat \n\n# note\ndog\n",
            [("background", None), ("cat", None), ("dog", None)],
        ),
        ("a.txt", "0 background\n7: cat dog\n", [("background", 0), ("cat dog", 7)]),
        ("a.txt", "7 up\n7 down\n", [("7 up", None), ("7 down", None)]),
        ("a.txt", "__ignore__\n_background_\ncat\n", [("_background_", 0), ("cat", 1)]),
        ("a.txt", "\ufeffcat\r\ndog\r\n", [("cat", None), ("dog", None)]),
        ("a.json", '["cat", "dog"]', [("cat", None), ("dog", None)]),
        ("a.json", '{"0": "cat", "2": "dog"}', [("cat", 0), ("dog", 2)]),
        ("a.json", '{"cat": 0, "dog": "2"}', [("cat", 0), ("dog", 2)]),
        ("a.json", '[{"name": "cat", "id": 3}]', [("cat", 3)]),
    ],
)
def test_forms_of_class_files(tmp_path, name, text, expected):
    path = tmp_path / name
    path.write_text(text)
    assert [(entry.name, entry.value) for entry in read_class_file(path)] == expected


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("a.txt", "", "names no class"),
        ("a.txt", "cat\ncat\n", "class name twice: cat"),
        ("a.txt", "1 2 3 cat\n1 2 3 dog\n", "class colour twice"),
        ("a.txt", "1 2 300 cat\n", r"colour \[1, 2, 300\]"),
        ("a.json", "{}", "does not name classes"),
        ("a.json", "null", "does not name classes"),
        ("a.json", '{"cat": 0, "dog": 0}', "class value twice"),
        ("a.json", '{"cat": true}', "does not name classes"),
        ("a.json", '{"cat": -1}', "does not name classes"),
        ("a.json", '{"cat": [1, 2]}', "Expected three numbers"),
        ("a.json", '{"cat": [1, 2, 3], "dog": 5}', "gives no colour to: dog"),
        ("a.json", "[[1]]", "does not name classes"),
    ],
)
def test_class_files_that_cannot_be_read(tmp_path, name, text, problem):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(DataError, match=problem):
        read_class_file(path)


def test_class_names_that_are_no_file(tmp_path):
    make(tmp_path, {"a": [0, 1]})
    with pytest.raises(InputError, match="which is no file"):
        read(tmp_path, class_names=str(tmp_path / "gone.txt"))


def test_palettes_are_not_looked_at(tmp_path):
    """Two values of one colour stay two classes."""
    make(tmp_path, {"a": [0, 1]})
    path = write_mask(tmp_path / "masks/a.png", [0, 1, 2, 3], palette=True)
    image = Image.open(path)
    image.putpalette([9] * 12)
    image.save(path)
    found = read(tmp_path, class_names=["a", "b", "c", "d"])
    assert found.semantic_mask(0)[0, ::10].tolist() == [0, 1, 2, 3]
