"""Augmentation: kerascnn, Keras's layers, torchvision v2 and albumentations, in turns.

    python benchmarks/augment.py [TASK ...] [--size 224] [--batch 32] [--batches 16] [--rounds 5]
        [--photos FOLDER] [--name augment]

Each turn augments the same uint8 photos with two threads: kerascnn and Keras in `tf.data`, the
others image by image in a pool of two threads (their kernels let go of Python's lock). torchvision
and albumentations take part where they are installed. `cpu` compares the seconds of all cores
together, that is, images per core. Writes benchmarks/results/NAME.json.
"""

import argparse
import functools
import importlib
import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import record
import tensorflow as tf
import turns

from kerascnn import augment

THREADS = 2
CLASSES = 5
Action = Callable[[], Any]

OURS: dict[str, Callable[[int], list[augment.Step]]] = {
    "flip": lambda size: [augment.Flip()],
    "rotation": lambda size: [augment.Rotate(30)],
    "colour jitter": lambda size: [augment.ColorJitter(0.4, 0.4, 0.4, 0.1)],
    "random resized crop": lambda size: [augment.RandomResizedCrop(size)],
    "standard": lambda size: [
        augment.RandomResizedCrop(size),
        augment.Flip(),
        augment.ColorJitter(0.4, 0.4, 0.4, 0.1),
    ],
    "RandAugment": lambda size: [augment.RandAugment()],
    "TrivialAugmentWide": lambda size: [augment.TrivialAugmentWide()],
    "AugMix": lambda size: [augment.AugMix()],
    "MixUp": lambda size: [augment.MixUp(CLASSES)],
    "CutMix": lambda size: [augment.CutMix(CLASSES)],
    "1 + 1 steps": lambda size: [augment.Rotate(), augment.Gamma()],
    "8 + 8 steps": lambda size: [
        *(augment.Rotate(), augment.Shear(), augment.Zoom(), augment.Translate()) * 2,
        *(augment.Gamma(), augment.Brightness(), augment.Posterize(), augment.Solarize()) * 2,
    ],
}


def keras_layers(task: str) -> list[Any] | None:
    """The same task of Keras's own layers; None where it has none."""
    layers, known = keras.layers, {"value_range": (0, 255)}
    # Keras has no random resized crop. RandomZoom takes its place: one bilinear warp, too.
    jitter = {"brightness_factor": 0.4, "contrast_factor": 0.4, "saturation_factor": (0.3, 0.7)}
    tasks: dict[str, Callable[[], list[Any]]] = {
        "flip": lambda: [layers.RandomFlip("horizontal")],
        "rotation": lambda: [layers.RandomRotation(30 / 360, fill_mode="constant")],
        "colour jitter": lambda: [layers.RandomColorJitter(hue_factor=0.1, **jitter, **known)],
        "standard": lambda: [
            layers.RandomZoom((-0.6, 0.0), fill_mode="constant"),
            layers.RandomFlip("horizontal"),
            layers.RandomColorJitter(hue_factor=0.1, **jitter, **known),
        ],
        "RandAugment": lambda: [layers.RandAugment(num_ops=2, **known)],
        "AugMix": lambda: [layers.AugMix(**known)],
        "MixUp": lambda: [layers.MixUp()],
        "CutMix": lambda: [layers.CutMix()],
    }
    return tasks[task]() if task in tasks else None


def torchvision_transform(task: str, size: int) -> Any:
    """The same task of torchvision v2; None where it has none."""
    from torchvision.transforms import v2

    jitter = v2.ColorJitter(0.4, 0.4, 0.4, 0.1)
    return {
        "flip": v2.RandomHorizontalFlip(),
        "rotation": v2.RandomRotation(30, v2.InterpolationMode.BILINEAR),
        "colour jitter": jitter,
        "random resized crop": v2.RandomResizedCrop(size),
        "standard": v2.Compose([v2.RandomResizedCrop(size), v2.RandomHorizontalFlip(), jitter]),
        "RandAugment": v2.RandAugment(),
        "TrivialAugmentWide": v2.TrivialAugmentWide(),
        "AugMix": v2.AugMix(),
    }.get(task)


def albumentations_transform(task: str, size: int) -> Any:
    """The same task of albumentations; None where it has none."""
    import albumentations as A

    jitter = A.ColorJitter((0.6, 1.4), (0.6, 1.4), (0.6, 1.4), (-0.1, 0.1), p=1)
    crop = A.RandomResizedCrop((size, size), p=1)
    return {
        "flip": A.HorizontalFlip(p=0.5),
        "rotation": A.Rotate(30, border_mode=0, p=1),
        "colour jitter": jitter,
        "random resized crop": crop,
        "standard": A.Compose([crop, A.HorizontalFlip(p=0.5), jitter]),
    }.get(task)


def steady(
    photos: np.ndarray, batch: int, augmented: Callable[[tf.data.Dataset], tf.data.Dataset]
) -> Action:
    """All photos once, batch by batch, out of an endless dataset with two threads.

    The start of a pass over a dataset, some tenths of a second, is not in it. A dataset computes up
    to two batches ahead, between turns: with 16 batches a turn, at most an eighth of the work.
    """
    labels = np.arange(len(photos), dtype=np.int32) % CLASSES
    dataset = tf.data.Dataset.from_tensor_slices((photos, labels))
    dataset = augmented(dataset.batch(batch, drop_remainder=True).cache().repeat())
    options = tf.data.Options()
    options.threading.private_threadpool_size = THREADS
    options.threading.max_intra_op_parallelism = 1
    options.autotune.enabled = False
    iterator = iter(dataset.with_options(options))

    def action() -> None:
        for _ in range(len(photos) // batch):
            next(iterator)

    return action


def ours(task: str, photos: np.ndarray, batch: int) -> Action:
    """kerascnn in `tf.data`."""
    pipeline = augment.Compose(OURS[task](photos.shape[1]))
    return steady(photos, batch, pipeline.map)


def of_keras(layers: list[Any], task: str, photos: np.ndarray, batch: int) -> Action:
    """Keras's layers in `tf.data`."""
    mixing = task in ("MixUp", "CutMix")

    def apply(images: Any, labels: Any) -> Any:
        if mixing:
            rows = tf.one_hot(labels, CLASSES)
            return layers[0]({"images": images, "labels": rows}, training=True)
        for layer in layers:
            images = layer(images, training=True)
        return images, labels

    return steady(photos, batch, lambda dataset: dataset.map(apply, num_parallel_calls=THREADS))


def pooled(function: Callable[[Any], Any], images: list[Any]) -> Action:
    """Image by image in a pool of threads."""
    pool = ThreadPoolExecutor(THREADS)
    return lambda: list(pool.map(function, images))


def contenders(task: str, photos: np.ndarray, batch: int) -> dict[str, Action]:
    """Who can do a task here."""
    size, actions = photos.shape[1], {"kerascnn": ours(task, photos, batch)}
    layers = keras_layers(task)
    if layers is not None:
        actions["keras"] = of_keras(layers, task, photos, batch)
    if installed("torchvision") and torchvision_transform(task, size) is not None:
        import torch

        torch.set_num_threads(1)
        tensors = [torch.from_numpy(photo).permute(2, 0, 1).contiguous() for photo in photos]
        actions["torchvision"] = pooled(torchvision_transform(task, size), tensors)
    if installed("albumentations") and albumentations_transform(task, size) is not None:
        import cv2

        cv2.setNumThreads(1)
        transform = albumentations_transform(task, size)
        actions["albumentations"] = pooled(lambda image: transform(image=image), list(photos))
    return actions


@functools.cache
def installed(name: str) -> bool:
    """Whether a library can be imported."""
    try:
        if name == "torchvision":
            import torch

            if not hasattr(torch.ops.torchvision, "nms"):  # a torchvision without its operators
                library = torch.library.Library("torchvision", "DEF")
                for operator in ("nms", "qnms"):
                    library.define(f"{operator}(Tensor a) -> Tensor")
                _KEPT.append(library)
        importlib.import_module(name)
    except ImportError:
        return False
    return True


_KEPT: list[Any] = []  # operators vanish with their library


def load(folder: Path | None, count: int, size: int) -> np.ndarray:
    """uint8 `[count, size, size, 3]`: photos of a folder, or noise of several scales."""
    from PIL import Image

    if folder is None:
        noise = np.random.default_rng(0).integers(0, 256, (count, 16, 16, 3)).astype(np.uint8)
        return np.stack([np.asarray(Image.fromarray(n).resize((size, size))) for n in noise])
    files = sorted(folder.rglob("*.jpg"))[:count]
    images = [np.asarray(Image.open(f).convert("RGB").resize((size, size))) for f in files]
    return np.stack([images[i % len(images)] for i in range(count)])


def main() -> None:
    """Measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tasks", nargs="*", help=f"of: {', '.join(OURS)}")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--batches", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--budget", type=float, default=60, help="seconds per task")
    parser.add_argument("--photos", type=Path, help="folder of photos; noise without")
    parser.add_argument("--name", default="augment")
    options = parser.parse_args()
    unknown = sorted(set(options.tasks) - set(OURS))
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}. Known: {', '.join(OURS)}")

    count = options.batch * options.batches
    photos = load(options.photos, count, options.size)
    figures: dict[str, Any] = {"size": options.size, "batch": options.batch, "threads": THREADS}
    chosen = options.tasks or list(OURS)
    together = [task for task in chosen if not task.endswith("steps")]
    for task in together:
        race = turns.race(
            contenders(task, photos, options.batch), options.rounds, 1, options.budget
        )
        report(figures, task, race, count, "kerascnn")
    steps = {task: ours(task, photos, options.batch) for task in chosen if task.endswith("steps")}
    if steps:
        race = turns.race(steps, options.rounds, 1, options.budget)
        report(figures, "number of steps", race, count, next(iter(steps)))
    print(record.write(options.name, figures))


def report(figures: dict[str, Any], task: str, race: Any, count: int, reference: str) -> None:
    """Adds a task's figures and prints them."""
    figures[task] = {
        name: {
            **turns.figures(measured, count),
            "kerascnn_is_faster_by": turns.advantage(race[reference], measured),
        }
        for name, measured in race.items()
    }
    for name, found in figures[task].items():
        faster = json.dumps(found["kerascnn_is_faster_by"])
        print(f"{task:22s} {name:16s} {found['images_per_second']:10.1f} images/s  {faster}")


if __name__ == "__main__":
    main()
