"""`kerascnn augment`."""

import time
from typing import TYPE_CHECKING, Any

import click

from kerascnn.cli import checks, console, keras_backend, options

if TYPE_CHECKING:
    import numpy as np

    from kerascnn.augment import Compose
    from kerascnn.data import Splits

WARM_UP = 10  # batches before the clock runs: every pass over the pixels has been compiled by then


@click.command(short_help="Show what an augmentation does to images.")
@click.argument("source")
@click.option("--policy", metavar="NAME", default="standard", show_default=True)
@click.option("--out", metavar="FILE.png", help="Draw originals and augmented images.")
@click.option("--images", type=click.IntRange(1, 16), default=6, show_default=True)
@click.option("--draws", type=click.IntRange(1, 32), default=4, show_default=True)
@click.option("--boxes", is_flag=True, help="SOURCE is pictures with boxes: draw them too.")
@click.option("--image-size", metavar="SIZE", help="Such as 224 or 48x64; by default as in train.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--stats", is_flag=True, help="Measure images per second on this machine.")
@click.option("--seconds", type=options.NumberInRange(0.1), default=3.0, show_default=True)
@options.pixel_range
@options.data_dir
@options.overwrite
@options.as_json
def command(
    source: str,
    policy: str,
    out: str | None,
    images: int,
    draws: int,
    boxes: bool,
    image_size: str | None,
    seed: int,
    stats: bool,
    seconds: float,
    pixel_range: str | None,
    data_dir: str | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Show what augmentation NAME does to the images of SOURCE, and how fast it is.

    SOURCE is what `kerascnn train` takes: a folder of class folders, a .csv file, tfds:NAME or
    digits; with --boxes a folder or file of annotated boxes. Names: none, light, standard, strong,
    lenet, alexnet, inception, resnet, cifar, randaugment, trivial, augmix, detection.
    """
    from kerascnn import augment, data
    from kerascnn.errors import InputError
    from kerascnn.files import PNG

    if out is None and not stats:
        raise InputError("nothing to do. Give --out FILE.png for a picture, --stats for the speed.")
    task = "detection" if boxes else "auto"
    checks.check_data(source, task, data_dir)
    augment.get(policy, 32)
    size = options.parse_size(image_size)
    data.check_arguments(image_size=size, seed=seed)
    if out is not None:
        checks.check_output(out, PNG, overwrite, (".png",))
    deep = options.parse_pixel_range(pixel_range)
    keras_backend.import_tensorflow()
    splits = data.load(source, size, task=task, data_dir=data_dir, seed=seed, pixel_range=deep)
    pipeline = augment.get(policy, splits.image_shape[:2])
    report: dict[str, Any] = {
        "policy": policy.lower(),
        "image_shape": list(splits.image_shape),
        "pipeline": augment.to_config(pipeline),
        "passes": [group.kind for group in pipeline.plan],
    }
    if out is not None:
        _draw(pipeline, splits, out, images, draws, seed, policy.lower(), overwrite)
        report["picture"] = out
    if stats:
        report["images_per_second"] = _measure(pipeline, splits, seconds)
    if as_json:
        console.show_json(report)
        return
    console.say(f"{report['policy']}: {augment.NAMES[report['policy']].about}")
    console.say(f"passes over the pixels: {', '.join(report['passes']) or 'none'}")
    if stats:
        console.say(f"speed: {report['images_per_second']:,.0f} images/s")
    if out is not None:
        console.say(f"picture: {out}")
    console.next_steps(f"kerascnn augment {source} --policy strong --out strong.png --stats")


def _draw(
    pipeline: "Compose",
    splits: "Splits",
    out: str,
    count: int,
    draws: int,
    seed: int,
    title: str,
    overwrite: bool,
) -> None:
    from PIL import Image

    from kerascnn.augment.preview import preview
    from kerascnn.files import PNG, atomic_file

    images, labels = splits.sample("train", count, seed=seed)
    more = _boxes(images, labels) if splits.task == "detection" else {}
    page = preview(pipeline, images, draws=draws, seed=seed, title=title, **more)
    with atomic_file(out, PNG, overwrite=overwrite) as path:
        Image.fromarray(page).save(path, "PNG")


def _boxes(images: "np.ndarray", rows: "np.ndarray") -> dict[str, Any]:
    """What `preview` takes to draw objects: their boxes in pixels, and how."""
    import numpy as np

    from kerascnn.pages.boxes import draw_boxes
    from kerascnn.tasks.boxes import Row

    edges = np.array([images.shape[2], images.shape[1]] * 2, np.float32)

    def draw(image: np.ndarray, boxes: np.ndarray, place: int) -> np.ndarray:
        labels = rows[place, :, Row.LABEL]
        shown = (labels >= 0) & (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
        return draw_boxes(image, boxes[shown] / edges, labels[shown].astype(int).tolist())

    return {"boxes": rows[..., : Row.BOTTOM + 1] * edges, "draw": draw}


def _measure(pipeline: "Compose", splits: "Splits", seconds: float) -> float:
    """Images per second of the pipeline in `tf.data`, on one batch again and again."""
    import tensorflow as tf

    images, _ = next(iter(splits.train))
    batches = tf.data.Dataset.from_tensors(images).cache().repeat()
    iterator = iter(pipeline.map(batches))
    for _ in range(WARM_UP):
        next(iterator)
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        next(iterator)
        count += int(images.shape[0])
    return round(count / (time.perf_counter() - start), 1)
