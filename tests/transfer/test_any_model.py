"""Other people's models go the whole way: fine-tuned, reported, exported."""

import functools

import keras
import pytest
from backbones import backbone, of_keras
from keras import layers

from kerascnn import data
from kerascnn.export import export_tflite
from kerascnn.training import write_report
from kerascnn.transfer import Phase, fine_tune

PHASES = (
    Phase(name="head", until="head", epochs=1, learning_rate=1e-2, augment=False),
    Phase(name="all", until=0.0, epochs=1, learning_rate=1e-3),
)


def nested_in_sequential():
    return keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            backbone(),
            layers.GlobalAveragePooling2D(),
            layers.Dense(10, activation="softmax"),
        ],
        name="mine",
    )


@pytest.mark.parametrize(
    "make", [nested_in_sequential, functools.partial(of_keras, 10)], ids=["nested", "of_keras"]
)
def test_fine_tuned_reported_exported(make, tmp_path):
    model = make()
    splits = data.load("digits", model.input_shape[1], channels=3, test_split=0.7)
    result = fine_tune(model, splits.train, splits.validation, phases=PHASES)
    assert [row["phase"] for row in result.history] == [1, 2]
    page = write_report(model, splits, tmp_path / "report.html", history=result.history)
    assert model.name in page.read_text(encoding="utf-8")
    images, labels = splits.sample("validation", 20)
    exported = export_tflite(model, tmp_path / "model.tflite", samples=images, labels=labels)
    assert exported.path.is_file()
