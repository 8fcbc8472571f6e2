"""A photo that vanishes while training is a clear error, not a crash in epoch 3."""

import keras
import numpy as np
import pytest
from PIL import Image

from kerascnn import data
from kerascnn.errors import DataError
from kerascnn.models import LeNet5


def test_a_file_lost_while_training_is_named(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("cats", "dogs"):
        (tmp_path / name).mkdir()
        for index in range(6):
            pixels = rng.integers(0, 256, (32, 32, 3)).astype("uint8")
            Image.fromarray(pixels).save(tmp_path / name / f"{index}.png")
    splits = data.load(tmp_path, 32, cache=False, seed=0)
    for path in (tmp_path / "cats").iterdir():
        path.write_text("gone")
    model = LeNet5(input_shape=splits.image_shape, classes=2)
    model.compile(keras.optimizers.SGD(), "sparse_categorical_crossentropy")
    with (
        pytest.raises(DataError, match=r"cats/\d\.png could be read when.*scanned"),
        data.reading(),
    ):
        model.fit(splits.train, verbose=0)
