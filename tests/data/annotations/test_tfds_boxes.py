"""Sets of TensorFlow Datasets with boxes and with masks, made here."""

import gc
from pathlib import Path

import numpy as np
import pytest
from made_annotations import boxes_of, names_of, note

from kerascnn.data.annotations import read_annotations
from kerascnn.errors import DataError, InputError

BOXES = [
    # y0, x0, y1, x1 as shares; class; crowd
    [([0.2, 0.125, 0.8, 0.375], 1, False), ([0.0, 0.0, 0.5, 0.5], 0, True)],
    [],
    [([0.1, 0.1, 0.1, 0.5], 0, False), ([0.5, 0.5, 1.0, 1.0], 0, False)],
]


def pixels():
    return np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)


def trimap():
    return np.repeat(np.array([1, 2, 3, 2], np.uint8), 10)[np.newaxis, :, np.newaxis].repeat(30, 0)


def store(folder, name, features, examples, signature):
    import tensorflow as tf
    import tensorflow_datasets as tfds

    splits = {
        split: tf.data.Dataset.from_generator(lambda: iter(examples), output_signature=signature)
        for split in ("train", "validation")
    }
    tfds.dataset_builders.store_as_tfds_dataset(
        name=name,
        version="1.0.0",
        features=tfds.features.FeaturesDict(features),
        split_datasets=splits,
        data_dir=folder,
        disable_shuffling=True,
    )


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Path:
    """A folder of sets: boxes of objects, one box for each picture, masks, and classes alone."""
    import tensorflow as tf
    import tensorflow_datasets as tfds

    folder = tmp_path_factory.mktemp("tfds")
    f = tfds.features
    picture = tf.TensorSpec((None, None, 3), tf.uint8)
    label = f.ClassLabel(names=["cat", "dog"])
    objects = {
        "bbox": tf.TensorSpec((None, 4), tf.float32),
        "label": tf.TensorSpec((None,), tf.int64),
        "is_crowd": tf.TensorSpec((None,), tf.bool),
    }
    store(
        folder,
        "many",
        {
            "image": f.Image(shape=(None, None, 3)),
            "objects": f.Sequence({"bbox": f.BBoxFeature(), "label": label, "is_crowd": np.bool_}),
        },
        [
            {
                "image": pixels(),
                "objects": {
                    "bbox": np.array([box for box, _, _ in row], np.float32).reshape(-1, 4),
                    "label": np.array([name for _, name, _ in row], np.int64),
                    "is_crowd": np.array([crowd for _, _, crowd in row], bool),
                },
            }
            for row in BOXES
        ],
        {"image": picture, "objects": objects},
    )
    store(
        folder,
        "single",
        {"image": f.Image(shape=(None, None, 3)), "bbox": f.BBoxFeature(), "label": label},
        [{"image": pixels(), "bbox": np.array(BOXES[0][0][0], np.float32), "label": 1}],
        {
            "image": picture,
            "bbox": tf.TensorSpec((4,), tf.float32),
            "label": tf.TensorSpec((), tf.int64),
        },
    )
    for name in ("oxford_iiit_pet_some", "plain_masks"):
        values = trimap() if name == "oxford_iiit_pet_some" else trimap() % 2
        store(
            folder,
            name,
            {
                "image": f.Image(shape=(None, None, 3)),
                "segmentation_mask": f.Image(shape=(None, None, 1)),
                "file_name": f.Text(),
            },
            [
                {"image": pixels(), "segmentation_mask": values, "file_name": file}
                for file in ("Bengal_7.jpg", "beagle_7.jpg")
            ],
            {
                "image": picture,
                "segmentation_mask": tf.TensorSpec((None, None, 1), tf.uint8),
                "file_name": tf.TensorSpec((), tf.string),
            },
        )
    return folder


def test_boxes(prepared):
    found = read_annotations("tfds:many", data_dir=prepared)
    assert (found.format, found.class_names) == ("tfds", ("cat", "dog"))
    assert {split: len(rows) for split, rows in found.official.items()} == {"train": 3, "test": 3}
    train = found.subset(found.official["train"])
    assert [len(image.objects) for image in train.images] == [2, 0, 1]
    expected = [(5, 6, 15, 24), (0, 0, 20, 15), (20, 15, 40, 30)]
    np.testing.assert_allclose(boxes_of(train), expected, atol=1e-5)
    assert names_of(train) == ["dog", "cat", "cat"]
    assert train.images[0].crowds.tolist() == [False, True]
    assert ": 2 (" in note(found, "boxes without area")


def test_one_box_for_each_picture(prepared):
    found = read_annotations("tfds:single", data_dir=prepared)
    np.testing.assert_allclose(boxes_of(found)[0], (5, 6, 15, 24), atol=1e-5)
    assert names_of(found) == ["dog", "dog"]


def test_trimaps_of_pets(prepared):
    found = read_annotations("tfds:oxford_iiit_pet_some", "segmentation", data_dir=prepared)
    assert found.class_names == ("background", "pet")
    assert found.semantic_mask(0)[0, ::10].tolist() == [1, 0, 255, 0]
    species = read_annotations(
        "tfds:oxford_iiit_pet_some", "segmentation", foreground="species", data_dir=prepared
    )
    assert species.class_names == ("background", "cat", "dog")
    assert [species.semantic_mask(row)[0, 0] for row in (0, 1)] == [1, 2]


def test_masks(prepared):
    found = read_annotations("tfds:plain_masks", "segmentation", data_dir=prepared)
    np.testing.assert_array_equal(found.semantic_mask(0), trimap()[..., 0] % 2)


def test_pictures_are_files_as_long_as_the_set_lives(prepared):
    found = read_annotations("tfds:single", data_dir=prepared)
    path = found.images[0].path
    assert path.is_file()
    part = found.subset([0])
    del found
    gc.collect()
    assert path.is_file()
    del part
    gc.collect()
    assert not path.parent.parent.exists()


@pytest.mark.parametrize(
    ("name", "task", "problem"),
    [
        ("many", "segmentation", "has no masks"),
        ("plain_masks", "detection", "has no boxes"),
        ("nonsense_", "detection", "no set named"),
    ],
)
def test_sets_without_them(prepared, name, task, problem):
    with pytest.raises(DataError, match=problem):
        read_annotations(f"tfds:{name}", task, data_dir=prepared)


def test_arguments_that_do_not_belong(prepared, tmp_path):
    with pytest.raises(InputError, match="format is for folders"):
        read_annotations("tfds:many", format="coco", data_dir=prepared)
    with pytest.raises(InputError, match="data_dir belongs to"):
        read_annotations(tmp_path, data_dir=prepared)
