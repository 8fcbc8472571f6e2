"""CSV files of boxes: the columns of AutoML and Model Maker, of TensorFlow, and others."""

import numpy as np
import pytest
from made_annotations import boxes_of, names_of, note, write_picture

from kerascnn.data.annotations import read_annotations
from kerascnn.errors import DataError

AUTOML = "TRAIN,a.jpg,cat,0.125,0.2,,,0.375,0.8,,"
AUTOML_BOX = (5.0, 6.0, 15.0, 24.0)
TF_HEADER = "filename,width,height,class,xmin,ymin,xmax,ymax"


def make(folder, text, *names, file="boxes.csv"):
    for name in names or ("a.jpg",):
        write_picture(folder / name)
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_automl(tmp_path):
    rows = [
        AUTOML,
        "VALIDATION,gs://bucket/folder/b.jpg,dog,0,0,,,1,1,,",
        "TEST,c.jpg,cat,0.5,0.5,,,1,1,,",
        "UNASSIGNED,d.jpg,cat,0.5,0.5,0.9,0.5,1.0,1.0,0.5,1.0",
    ]
    path = make(tmp_path, "\n".join(rows), "a.jpg", "b.jpg", "c.jpg", "d.jpg")
    found = read_annotations(path)
    assert found.format == "csv"
    assert {image.path.stem: image.split for image in found.images} == {
        "a": "train",
        "b": "validation",
        "c": "test",
        "d": None,
    }
    assert sorted(boxes_of(found)) == [
        (0, 0, 40, 30),
        AUTOML_BOX,
        (20, 15, 40, 30),
        (20, 15, 40, 30),
    ]
    note(found, "coordinates are shares")


@pytest.mark.parametrize(
    "rows",
    [
        "set,path,label,x_min,y_min,,,x_max,y_max,,\n" + AUTOML,
        AUTOML.removeprefix("TRAIN,"),
        AUTOML.replace("TRAIN", "train"),
        AUTOML.replace("TRAIN", "Training"),
        AUTOML.replace(",", ";"),
        AUTOML.replace(",", "\t"),
        "\ufeff" + AUTOML,
        AUTOML + "\n\n,,,,,,,,,,\n",
    ],
)
def test_forms_of_automl(tmp_path, rows):
    assert boxes_of(read_annotations(make(tmp_path, rows))) == [AUTOML_BOX]


def test_tensorflow(tmp_path):
    rows = [
        TF_HEADER,
        "a.jpg,40,30,cat,5,6,15,24",
        "a.jpg,40,30,dog,1,2,3.5,4",
        "b.jpg,40,30,cat,0,0,40,30",
    ]
    found = read_annotations(make(tmp_path, "\n".join(rows), "a.jpg", "b.jpg"))
    assert [len(image.objects) for image in found.images] == [2, 1]
    assert boxes_of(found) == [(5, 6, 15, 24), (1, 2, 3.5, 4), (0, 0, 40, 30)]
    assert names_of(found) == ["cat", "dog", "cat"]
    note(found, "coordinates are pixels")


def test_headers_in_any_order_and_with_other_names(tmp_path):
    text = "Label,X_Max,Image_ID,YMin,x min,y-max,other\ncat,15,a,6,5,24,9\n"
    assert boxes_of(read_annotations(make(tmp_path, text))) == [(5, 6, 15, 24)]


def test_open_images(tmp_path):
    text = "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsGroupOf\n"
    text += "a,xclick,cat,1,0.125,0.375,0.2,0.8,0,1\n"
    found = read_annotations(make(tmp_path, text))
    assert boxes_of(found) == [AUTOML_BOX]
    assert found.images[0].crowds.tolist() == [True]


def test_keras_retinanet(tmp_path):
    found = read_annotations(make(tmp_path, "a.jpg,5,6,15,24,cat\nb.jpg,,,,,\n", "a.jpg", "b.jpg"))
    assert [len(image.objects) for image in found.images] == [1, 0]
    assert boxes_of(found) == [(5, 6, 15, 24)]


def test_a_row_without_coordinates_is_a_picture_without_objects(tmp_path):
    text = f"{AUTOML}\nTRAIN,b.jpg,,,,,,,,,\n"
    found = read_annotations(make(tmp_path, text, "a.jpg", "b.jpg"))
    assert [len(image.objects) for image in found.images] == [1, 0]


def test_splits_of_files(tmp_path):
    for split, name in (("train", "a.jpg"), ("test", "b.jpg")):
        rows = f"{TF_HEADER}\n{name},40,30,cat,5,6,15,24\n"
        make(tmp_path, rows, f"images/{name}", file=f"data/raccoon_{split}_labels.csv")
    found = read_annotations(tmp_path)
    assert [(image.split, image.path.stem) for image in found.images] == [
        ("train", "a"),
        ("test", "b"),
    ]


def test_several_files_without_splits_are_an_error(tmp_path):
    make(tmp_path, AUTOML)
    make(tmp_path, AUTOML, file="more.csv")
    with pytest.raises(DataError, match=r"2 files of CSV: boxes\.csv, more\.csv\. Expected one"):
        read_annotations(tmp_path)


@pytest.mark.parametrize(
    "row",
    [
        "a.jpg,40,30,cat,5,x,15,24",
        "a.jpg,40,30,cat,5,nan,15,24",
        "a.jpg,40,30,cat,5,,15,24",
        "a.jpg,40,30,,5,6,15,24",
        "a.jpg,40,30,cat,5,6",
    ],
)
def test_rows_that_cannot_be_used(tmp_path, row):
    found = read_annotations(make(tmp_path, f"{TF_HEADER}\na.jpg,40,30,cat,5,6,15,24\n{row}\n"))
    assert len(boxes_of(found)) == 1
    assert "boxes.csv: line 3" in note(found, "rows without a class or four finite numbers")


def test_rows_without_a_picture(tmp_path):
    text = (
        f"{TF_HEADER}\na.jpg,40,30,cat,5,6,15,24\n,40,30,cat,5,6,15,24\ngone.jpg,4,3,cat,1,1,2,2\n"
    )
    found = read_annotations(make(tmp_path, text))
    note(found, "rows without a picture")
    assert "boxes.csv, line 4" in found.skipped[0].reason


def test_corners_in_any_order(tmp_path):
    found = read_annotations(make(tmp_path, f"{TF_HEADER}\na.jpg,40,30,cat,15,24,5,6\n"))
    assert boxes_of(found) == [(5, 6, 15, 24)]


def test_an_unknown_set(tmp_path):
    text = "set,path,label,xmin,ymin,xmax,ymax\nholdout,a.jpg,cat,5,6,15,24\n"
    with pytest.raises(DataError, match="line 2: the set is 'holdout'"):
        read_annotations(make(tmp_path, text))


def test_unknown_columns(tmp_path):
    with pytest.raises(DataError, match="columns that are not known: file, label"):
        read_annotations(make(tmp_path, "file,label\na.jpg,cat\n"))


@pytest.mark.parametrize("text", ["", "\n\n", TF_HEADER])
def test_empty_files(tmp_path, text):
    with pytest.raises(DataError):
        read_annotations(make(tmp_path, text))


def test_shares_just_above_1_are_not_pixels(tmp_path):
    text = "TRAIN,a.jpg,cat,0.125,0.2,,,0.375,1.0,,\nTRAIN,a.jpg,cat,0.5,0.2,,,1.00001,0.8,,\n"
    found = read_annotations(make(tmp_path, text))
    np.testing.assert_allclose(boxes_of(found), [(5, 6, 15, 30), (20, 6, 40, 24)], atol=1e-3)
