"""Annotation files that nobody should write: refused in one line, without harm."""

import json

import pytest
from made_annotations import box, voc_object, write_picture

from kerascnn.data.annotations import read_annotations
from kerascnn.errors import DataError

LAUGHS = "".join(
    f'<!ENTITY l{row} "{"&l" + str(row - 1) + ";" if row else "ha"}">'.replace(
        f"&l{row - 1};", f"&l{row - 1};" * 10
    )
    for row in range(12)
)
DOCTYPES = {
    "billion laughs": f"<!DOCTYPE annotation [{LAUGHS}]>",
    "quadratic": f'<!DOCTYPE annotation [<!ENTITY l11 "{"x" * 50_000}">]>',
    "external": '<!DOCTYPE annotation [<!ENTITY l11 SYSTEM "file:///etc/passwd">]>',
    "external subset": '<!DOCTYPE annotation SYSTEM "http://127.0.0.1:9/x.dtd">',
    "plain": "<!DOCTYPE annotation>",
}


@pytest.mark.parametrize("kind", DOCTYPES)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_document_types_are_refused(voc, tmp_path, kind, encoding):
    voc("a", voc_object("cat", 1, 1, 40, 30))
    inner = "" if kind in ("plain", "external subset") else "&l11;"
    text = f'<?xml version="1.0" encoding="{encoding}"?>{DOCTYPES[kind]}'
    text += f"<annotation><filename>{inner}</filename></annotation>"
    (tmp_path / "Annotations/b.xml").write_bytes(text.encode(encoding))
    found = read_annotations(tmp_path)
    assert len(found.images) == 1
    (skipped,) = found.skipped
    assert "has a DOCTYPE" in skipped.reason
    assert "root:" not in skipped.reason


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0\0\0",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"images": ' * 50_000,
        b"null",
        b"[]",
        b"[1, 2, 3]",
        b"5",
        b'"text"',
        b"{}",
        b'{"images": 5, "annotations": {}, "bbox": 1}',
        b'{"images": [], "annotations": [], "categories": [], "bbox": 1}',
        b'{"images": null, "annotations": null, "categories": null, "bbox": 1}',
        b'{"images": [], "annotations": [{"bbox": [1,',
        b'{"shapes": 5, "imagePath": "a"}',
        b'{"filename": "a", "regions": []}',
        b'{"a": {"filename": "a.jpg"}, "b": {"regions": 5}}',
        '{"images": "\u00e9"'.encode("latin-1"),
    ],
)
def test_json_that_is_nothing(tmp_path, content):
    write_picture(tmp_path / "a.jpg")
    path = tmp_path / "a.json"
    path.write_bytes(content)
    for source in (path, tmp_path):
        with pytest.raises(DataError) as caught:
            read_annotations(source)
        assert len(str(caught.value)) < 2000
        assert "\n" not in str(caught.value)


def test_an_integer_of_thousands_of_digits(coco):
    path = coco()
    path.write_text(path.read_text().replace('"bbox": [5', f'"bbox": [{"9" * 5000}'))
    with pytest.raises(DataError, match="not valid JSON"):
        read_annotations(path)


def test_values_are_shortened_in_messages(coco):
    name = "x" * 100_000 + "\x1b[31m\n"
    path = coco(images=[{"id": 1, "file_name": 5, "y": name}], pictures=False)
    with pytest.raises(DataError) as caught:
        read_annotations(path)
    message = str(caught.value)
    assert len(message) < 1000
    assert message.isprintable()


def test_names_of_pictures_that_are_none(coco, tmp_path):
    names = ["", "..", "/", "\0", "a\0b", "x" * 5000, "../" * 50 + "etc/passwd"]
    images = [{"id": 1, "file_name": "a.png"}]
    images += [{"id": row, "file_name": name} for row, name in enumerate(names, 2)]
    write_picture(tmp_path / "a.png")
    found = read_annotations(coco(images=images, pictures=False))
    assert len(found.images) == 1
    assert len(found.skipped) == len(names)


@pytest.mark.parametrize("far", [1e5, 1e8])
def test_polygons_far_away_do_not_take_long(coco, far):
    value = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [5, 6, 10, 20]}
    path = coco([value | {"segmentation": [[5, 6, far, 7, 5, far]]}])
    (thing,) = read_annotations(path).images[0].objects
    assert thing.outline is None


def test_runs_of_an_enormous_mask(coco):
    size = 2**31 - 1
    value = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [5, 6, 10, 20]}
    runs = {"size": [size, size], "counts": [size * size]}
    (thing,) = read_annotations(coco([value | {"segmentation": runs}])).images[0].objects
    assert thing.outline is None


def test_a_picture_of_too_many_pixels_is_skipped(coco, tmp_path):
    path = coco(images=[{"id": 1, "file_name": "a.png"}, {"id": 2, "file_name": "b.png"}])
    content = bytearray((tmp_path / "b.png").read_bytes())
    content[16:24] = (60_000).to_bytes(4, "big") * 2
    (tmp_path / "b.png").write_bytes(content)
    found = read_annotations(path)
    assert [file.path.name for file in found.skipped] == ["b.png"]


def test_deep_xml(tmp_path):
    path = tmp_path / "a.xml"
    path.write_text("<annotation>" + "<a>" * 200_000 + "</a>" * 200_000 + "</annotation>")
    with pytest.raises(DataError, match="no picture that is there"):
        read_annotations(path)


def test_names_of_classes_with_line_breaks(voc, tmp_path):
    voc("a", voc_object("cat\ndog", 1, 1, 5, 5))
    with pytest.raises(DataError, match="class name"):
        read_annotations(tmp_path)


def test_a_set_of_one_picture_and_one_object(coco):
    assert len(read_annotations(coco()).images) == 1


def test_json_with_a_key_that_stands_twice(coco):
    path = coco()
    text = json.dumps({"id": 1, "file_name": "a.png"})
    path.write_text(path.read_text().replace('"images": [', f'"images": [{text}], "images": ['))
    assert len(read_annotations(path).images) == 1


DOCUMENTS = {
    "coco": {
        "images": [{"id": 1, "file_name": "a.png", "width": 40, "height": 30}],
        "annotations": [
            box(1, 1, segmentation=[[5, 6, 15, 6, 15, 26]], area=3),
            box(2, 1, segmentation={"size": [30, 40], "counts": [100, 50, 1050]}, iscrowd=1),
        ],
        "categories": [{"id": 1, "name": "cat", "supercategory": "animal"}],
    },
    "labelme": {
        "imagePath": "a.png",
        "imageWidth": 40,
        "imageHeight": 30,
        "shapes": [
            {"label": "cat", "points": [[1, 2], [5, 6]], "shape_type": "rectangle"},
            {
                "label": "cat",
                "points": [[1, 2], [5, 6], [9, 1]],
                "shape_type": "polygon",
                "group_id": 1,
            },
        ],
    },
    "via": {
        "a.png5": {
            "filename": "a.png",
            "regions": [
                {
                    "shape_attributes": {
                        "name": "polygon",
                        "all_points_x": [1, 5, 9],
                        "all_points_y": [1, 8, 2],
                    },
                    "region_attributes": {"name": "cat"},
                },
                {
                    "shape_attributes": {"name": "circle", "cx": 9, "cy": 9, "r": 4},
                    "region_attributes": {"name": {"cat": True}},
                },
            ],
        }
    },
}
ODDITIES = (None, True, -1, float("nan"), 10**400, "x\0\n", [], [[1, 2], [3]], {"size": [2, 2]})


def places(value, path=()):
    """The path to each value inside a value."""
    yield path
    if isinstance(value, (dict, list)):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], (*path, key))


@pytest.mark.parametrize("format", DOCUMENTS)
def test_any_value_may_be_anything(format, tmp_path):
    """An oddity in each place gives a set whose boxes are valid, or an error of one line.

    Each place has a third of the oddities, the next place the next third.
    """
    write_picture(tmp_path / "a.png")
    path = tmp_path / "a.json"
    read, refused = 0, []
    for number, place in enumerate(list(places(DOCUMENTS[format]))[1:]):
        for oddity in ODDITIES[number % 3 :: 3]:
            document = json.loads(json.dumps(DOCUMENTS[format]))
            inner = document
            for key in place[:-1]:
                inner = inner[key]
            inner[place[-1]] = oddity
            path.write_text(json.dumps(document))
            try:
                found = read_annotations(path, decode=False)
            except DataError as error:
                refused.append(str(error))
                continue
            read += 1
            boxes = [thing.box for image in found.images for thing in image.objects]
            assert all(0 <= x0 < x1 <= 40 and 0 <= y0 < y1 <= 30 for x0, y0, x1, y1 in boxes)
            assert all(line.isprintable() for line in found.notes)
    assert read > 15
    assert len(refused) > 3
    assert not any("\n" in message for message in refused)
