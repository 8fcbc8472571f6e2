"""The good files that bad ones are made from: photos, a table, a run, a bundle, model files."""

import csv
import os
import shutil
import sys
from pathlib import Path

import bad_models
import numpy as np
from PIL import Image

CLASSES = ("daisy", "rose", "tulip")
PHOTOS, SIDE = 10, 32


def make(world: Path) -> None:
    """Writes them, in a forked process: TensorFlow must not have worked in one that is forked."""
    world.mkdir(parents=True)
    write_photos(world / "photos")
    shutil.copy(world / "photos" / "rose" / "3.jpg", world / "photo.jpg")
    with (world / "photos" / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["image", "flower"])
        rows.writerows([f"{name}/{i}.jpg", name] for name in CLASSES for i in range(PHOTOS))
    (world / "mine").mkdir()
    (world / "mine" / "thesis.tex").write_text("mine")
    in_fork(lambda: _models(world))


def write_photos(folder: Path) -> None:
    """Photos whose colour is their class's."""
    rng = np.random.default_rng(0)
    for number, name in enumerate(CLASSES):
        (folder / name).mkdir(parents=True)
        for place in range(PHOTOS):
            pixels = rng.integers(0, 80, (SIDE, SIDE + 8, 3), np.uint8)
            pixels[..., number] += 120
            Image.fromarray(pixels).save(folder / name / f"{place}.jpg", quality=95)


def in_fork(work) -> None:
    """Does `work` in a forked process; raises where it fails."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        except SystemExit as stop:
            code = stop.code or 0
        except BaseException:  # noqa: BLE001
            import traceback

            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
        raise RuntimeError("the good files could not be made")


def _models(world: Path) -> None:
    import keras

    import kerascnn
    from kerascnn.training import open_run

    (world / "good.keras").write_bytes(bad_models.good())
    data = str(world / "photos")
    kerascnn.train(data, "LeNet5", world / "run", epochs=8, batch_size=4, image_size=32)
    run = open_run(world / "run")
    splits = run.data()
    images, labels = splits.sample("train", 20)
    kerascnn.export.export_bundle(
        run.load_model(),
        world / "bundle",
        recipes=["float32", "int8"],
        samples=images,
        labels=labels,
        class_names=splits.class_names,
        resize=splits.resize.to_dict(),
    )
    shutil.copy(world / "bundle" / "lenet5_float32.tflite", world / "model.tflite")
    run.load_model().save_weights(world / "lenet.weights.h5")
    model = keras.saving.load_model(world / "good.keras")
    model.save(world / "good.h5")
    model.save_weights(world / "good.weights.h5")
