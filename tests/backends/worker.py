"""Runs every layer and nine families on the backend of this process: `worker.py FOLDER`.

Reads FOLDER/layers/NAME.keras, written by another backend, and the images beside it. Writes the
outputs of each layer and family, and the attributions of FOLDER/explained.keras, to NAME.npz, the
state of each network to NAME.keras, and what a training step did to NAME.json, or, where something
failed, the traceback to NAME.error. The name of the backend goes to FOLDER/backend.txt.
"""

import json
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tiny
from parity import pixels, randomize

import kerascnn
from kerascnn.visualize import METHODS, attribute

# Families that take a training step as well. Every layer does; what a family adds is how they are
# put together, which its outputs tell.
TRAINED = ("cifar_resnet", "convnext", "lenet", "mobilenet_v3", "squeezenet")


def layer(path: Path) -> None:
    """The layer saved as `path`."""
    model = kerascnn.load_model(path)
    images = np.load(path.with_suffix(".images.npy"))
    outputs = forward(model, images)
    np.savez(path.with_suffix(".npz"), outputs=outputs)
    step(model, "mse", images, np.zeros_like(outputs), path)


def family(path: Path) -> None:
    """The tiny network of the family that `path` is named after."""
    if keras.backend.backend() == "jax":
        # JAX would compile the drawing of the first weights, which nobody needs, for each shape.
        with keras.StatelessScope(initialize_variables=False):
            model = tiny.create(path.name)
        keras.backend.clear_session()
        for variable in model.variables:
            if "seed" in variable.path:
                variable.assign(np.arange(2))
    else:
        model = tiny.create(path.name)
    randomize(model)
    images = pixels(model.input_shape[1:])
    model.save(path.with_suffix(".keras"))
    np.savez(path.with_suffix(".npz"), images=images, outputs=forward(model, images))
    if path.name not in TRAINED:
        return
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    step(model, loss, images, np.arange(len(images)) % tiny.CLASSES, path)


def explain(path: Path) -> None:
    """What every attribution method says about the network saved as `path`."""
    model = kerascnn.load_model(path)
    images = np.load(path.with_suffix(".images.npy"))
    np.savez(path.with_suffix(".npz"), **attributions(model, images))


def attributions(model: keras.Model, images: np.ndarray) -> dict[str, np.ndarray]:
    """Results of all methods; those of many batches, SmoothGrad and occlusion, are compiled."""
    options = {"smooth-grad": {"samples": 8}, "integrated": {"steps": 1}}
    options["score-cam"] = {"channels": 1}
    return {
        name: attribute(model, images, name, **{"batch_size": len(images), **options.get(name, {})})
        for name in METHODS
        if name != "deconvnet"  # takes no batches
    }


def forward(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Outputs of an inference."""
    return np.asarray(model.predict_on_batch(images))


def step(
    model: keras.Model,
    loss: str | keras.losses.Loss,
    images: np.ndarray,
    targets: np.ndarray,
    path: Path,
) -> None:
    """One training step: which weights it left as they were, and the loss."""
    model.compile(keras.optimizers.SGD(0.1), loss)
    before = [np.array(value) for value in model.get_weights()]
    value = float(model.train_on_batch(images, targets))
    trainable = {variable.path for variable in model.trainable_variables}
    still = [
        variable.path
        for variable, old in zip(model.weights, before, strict=True)
        if variable.path in trainable and np.array_equal(keras.ops.convert_to_numpy(variable), old)
    ]
    path.with_suffix(".json").write_text(json.dumps({"loss": value, "still": still}))


def attempt(run: Callable[[Path], None], path: Path) -> None:
    try:
        run(path)
    except Exception:  # noqa: BLE001 - reported as a failure of this one layer or family
        path.with_suffix(".error").write_text(traceback.format_exc())


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    (folder / "backend.txt").write_text(keras.backend.backend())
    for file in sorted((folder / "layers").glob("*.keras")):
        attempt(layer, file)
    attempt(explain, folder / "explained.keras")
    (folder / "families").mkdir()
    for name in tiny.FAMILIES:
        attempt(family, folder / "families" / name)
