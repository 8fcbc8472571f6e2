"""Grad-CAM and SmoothGrad of a batch of photos: against tf-keras-vis and the loop of tutorials.

    python benchmarks/visualize.py PHOTOS [--model MobileNet] [--option alpha=0.25]
        [--weights FILE|imagenet] [--size 224] [--images 32] [--samples 10] [--rounds 5]

PHOTOS is a folder of images, also in folders below. All explain the class that the same model
chooses, in one process, in turns:

- kerascnn: `grad_cam` and `smooth_grad` of all photos at once, with their own defaults but for the
  number of samples;
- tf-keras-vis, where it is installed: `Gradcam` and `Saliency` of all photos at once;
- loop: what tutorials show, image by image: a model with two outputs and a `tf.GradientTape`; for
  SmoothGrad one noisy copy at a time.

Everything that a user waits for is counted, compiling too; building the models is not.
`agreement` is the mean correlation of the maps with ours, image by image; that of SmoothGrad cannot
be 1, since each draws its own noise: the row of another seed of ours says how near it can come.
Writes benchmarks/results/visualize.json.
"""

import argparse
import functools
import importlib.metadata
import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import arguments
import keras
import numpy as np
import record
import tensorflow as tf
import turns

import kerascnn
from kerascnn import data, visualize
from kerascnn.visualize.attribution.layer_maps import map_layer

PEER, NOISE = "tf-keras-vis", 0.15
Explain = Callable[[], np.ndarray]


def loop(model: keras.Model, layer: str, images: np.ndarray, samples: int) -> dict[str, Explain]:
    """Image by image."""
    outputs = [model.get_layer(layer).output, model.output]
    both = keras.Model(model.inputs, outputs)

    def grad_cam() -> np.ndarray:
        heat = []
        for image in images:
            with tf.GradientTape() as tape:
                maps, scores = both(image[None], training=False)
                score = scores[:, int(tf.argmax(scores[0]))]
            weights = tf.reduce_mean(tape.gradient(score, maps), axis=(0, 1, 2))
            one = tf.nn.relu(tf.reduce_sum(maps[0] * weights, axis=-1))
            one = tf.image.resize(one[..., None], images.shape[1:3])[..., 0]
            heat.append((one / tf.reduce_max(one)).numpy())
        return np.stack(heat)

    def smooth_grad() -> np.ndarray:
        heat = []
        for image in images:
            chosen = int(tf.argmax(model(image[None], training=False)[0]))
            spread, total = NOISE * np.ptp(image), 0
            for _ in range(samples):
                noisy = tf.constant(
                    image[None] + np.random.normal(0, spread, image.shape), "float32"
                )
                with tf.GradientTape() as tape:
                    tape.watch(noisy)
                    score = model(noisy, training=False)[:, chosen]
                total += tape.gradient(score, noisy)[0] / samples
            heat.append(tf.reduce_max(tf.abs(total), axis=-1).numpy())
        return np.stack(heat)

    return {"grad_cam": grad_cam, "smooth_grad": smooth_grad}


def peer(model: keras.Model, layer: str, images: np.ndarray, samples: int) -> dict[str, Explain]:
    """tf-keras-vis, which takes the sign off each sample, before the mean."""
    from tf_keras_vis.gradcam import Gradcam
    from tf_keras_vis.saliency import Saliency
    from tf_keras_vis.utils.scores import CategoricalScore

    gradcam, saliency = Gradcam(model), Saliency(model)

    def chosen() -> Any:
        return CategoricalScore(np.asarray(model(images, training=False)).argmax(1).tolist())

    def grad_cam() -> np.ndarray:
        return gradcam(chosen(), images, penultimate_layer=layer)

    def smooth_grad() -> np.ndarray:
        return saliency(chosen(), images, smooth_samples=samples, smooth_noise=NOISE)

    return {"grad_cam": grad_cam, "smooth_grad": smooth_grad}


def ours(model: keras.Model, layer: str, images: np.ndarray, samples: int) -> dict[str, Explain]:
    """All photos at once."""
    return {
        "grad_cam": functools.partial(visualize.grad_cam, model, images, layer=layer),
        "smooth_grad": functools.partial(
            visualize.smooth_grad, model, images, noise=NOISE, samples=samples
        ),
    }


def agreement(found: np.ndarray, expected: np.ndarray) -> float:
    """Mean correlation over the images; maps that are the same everywhere have none."""
    pairs = zip(found.reshape(len(found), -1), expected.reshape(len(found), -1), strict=True)
    varied = [pair for pair in pairs if min(map(np.ptp, pair)) > 0]
    return round(float(np.mean([np.corrcoef(*pair)[0, 1] for pair in varied])), 5)


def read(folder: Path, size: int, count: int) -> np.ndarray:
    """Photos from everywhere below a folder, float32 in 0..255."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".jpg", ".png"))
    if len(paths) < count:
        raise SystemExit(f"{folder} has {len(paths)} photos, {count} are needed.")
    chosen = paths[:: len(paths) // count][:count]
    rule = data.ResizeRule(fit="crop")
    return np.stack([data.load_image(path, size, 3, rule) for path in chosen]).astype("float32")


def main() -> None:
    """Measures, prints and writes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", type=Path)
    parser.add_argument("--model", default="MobileNet")
    parser.add_argument("--option", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--weights", help="file or published tag; random without")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--images", type=int, default=32)
    parser.add_argument("--samples", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    images = read(args.photos, args.size, args.images)
    # No softmax: all explain the same score.
    model = kerascnn.create_model(
        args.model,
        weights=args.weights,
        input_shape=images.shape[1:],
        classifier_activation=None,
        **arguments.options(args.option),
    )
    layer = map_layer(model, images).name
    contenders = {"kerascnn": ours, "loop": loop}
    if importlib.util.find_spec("tf_keras_vis"):
        contenders[PEER] = peer
    ready = {name: make(model, layer, images, args.samples) for name, make in contenders.items()}
    methods: dict[str, Any] = {}
    for method in ("grad_cam", "smooth_grad"):
        actions = {name: made[method] for name, made in ready.items()}
        maps = {name: action() for name, action in actions.items()}  # also the warm-up
        taken = turns.race(actions, args.rounds, 0, 600.0)
        methods[method] = {
            "libraries": {name: turns.figures(each, len(images)) for name, each in taken.items()},
            "advantage": {
                name: turns.advantage(taken["kerascnn"], each)
                for name, each in taken.items()
                if name != "kerascnn"
            },
            "agreement": {
                name: agreement(each, maps["kerascnn"])
                for name, each in maps.items()
                if name != "kerascnn"
            },
        }
        if method == "smooth_grad":
            other = visualize.smooth_grad(model, images, noise=NOISE, samples=args.samples, seed=1)
            methods[method]["agreement"]["kerascnn, another seed"] = agreement(
                other, maps["kerascnn"]
            )
        for name, row in methods[method]["advantage"].items():
            agree = methods[method]["agreement"][name]
            print(f"{method:<12} {name:<13} {row}  agreement {agree}", flush=True)
    figures = {
        "benchmark": "visualize",
        "model": args.model,
        "options": args.option,
        "pretrained": args.weights is not None,
        "size": args.size,
        "images": args.images,
        "samples": args.samples,
        "layer": layer,
        "peer_versions": {PEER: importlib.metadata.version(PEER)} if PEER in ready else {},
        "load_average": [round(value, 2) for value in os.getloadavg()],
        "methods": methods,
    }
    print(record.write("visualize", figures))


if __name__ == "__main__":
    main()
