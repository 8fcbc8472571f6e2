"""One interface over everything that classifies.

Runs, .keras files, SavedModels, .tflite files, and architectures with weights.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascnn.errors import InputError
from kerascnn.files import PathLike

if TYPE_CHECKING:
    from kerascnn.data import ResizeRule, Splits
    from kerascnn.training import Run

# Rows of quantised probabilities sum to 1 only roughly: each class is off by half a step at most.
SUM_TOLERANCE = 0.1
BATCH = 256


@dataclass(frozen=True)
class Predictor:
    """A classifier or regressor of raw images, whatever file it comes from.

    Attributes:
        name: How to call it in a table: a file name or a recipe.
        path: Where it comes from.
        input_shape: (height, width, channels) of the images it takes.
        labels: Class names in the order of the outputs, or None where the file has none.
        resize: How images are brought to size, or None where the file does not say.
        run: The run it belongs to, or None.
        outputs: Raw images (n, height, width, channels) to outputs (n, classes).
        task: "classification", "multi_label" or "regression"; None where the file does not say:
            classification, unless the data it is measured on is of another task.
        thresholds: Of a bundle in multi-label classification: a label is given above its own.
    """

    name: str
    path: Path
    input_shape: tuple[int, int, int]
    labels: tuple[str, ...] | None
    resize: "ResizeRule | None"
    outputs: Callable[[np.ndarray], np.ndarray]
    run: "Run | None" = None
    task: str | None = None
    thresholds: tuple[float, ...] | None = None

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Class probabilities (n, classes) of raw uint8 images (n, height, width, channels).

        In multi-label classification, those of each label; in regression, the values.
        """
        if images.shape[1:] != self.input_shape:
            raise InputError(
                f"{self.path} takes images of {self.input_shape}, received {images.shape[1:]}."
            )
        parts = [
            np.asarray(self.outputs(images[start : start + BATCH]), dtype="float32")
            for start in range(0, len(images), BATCH)
        ]
        outputs = np.concatenate(parts)
        if outputs.ndim != 2:
            raise InputError(
                f"{self.path} is no classifier: its output has the shape {outputs.shape[1:]}, "
                "expected one score per class."
            )
        if self.task == "regression":
            return outputs
        if self.task == "multi_label":
            inside = outputs.min() >= 0 and outputs.max() <= 1
            return outputs if inside else 1 / (1 + np.exp(-outputs))
        sums = outputs.sum(axis=1)
        if outputs.min() >= 0 and np.all(np.abs(sums - 1) < SUM_TOLERANCE):
            return outputs
        powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)

    def load_data(
        self,
        source: str,
        *,
        image_size: tuple[int, int] | None = None,
        seed: int = 0,
        data_dir: str | None = None,
    ) -> "Splits":
        """Loads `source` as this classifier takes it: its size, colour and resize rule.

        Args:
            image_size: Another size, for test-time crops of larger images.
        """
        from kerascnn import data

        height, width, channels = self.input_shape
        splits = data.load(
            source,
            image_size or (height, width),
            task=self.task or "auto",
            channels=channels,
            resize=self.resize or "auto",
            seed=seed,
            data_dir=data_dir,
        )
        if self.labels is not None and splits.class_names != self.labels:
            raise InputError(
                f"{self.path} knows the classes {_some(self.labels)}, but {source} has "
                f"{_some(splits.class_names)}: the accuracy would mean nothing."
            )
        return splits

    def load_images(self, paths: Sequence[PathLike]) -> np.ndarray:
        """Reads image files as this classifier takes them."""
        from kerascnn import data

        height, width, channels = self.input_shape
        rule = self.resize or data.ResizeRule()
        return np.stack([data.load_image(path, (height, width), channels, rule) for path in paths])


def open_predictors(
    path: PathLike,
    *,
    recipe: str | None = None,
    weights: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> tuple[Predictor, ...]:
    """Opens a run folder, a `.keras` file, a SavedModel, a `.tflite` file or a bundle.

    A bundle gives one predictor for each of its files, or the one of `recipe`. A name of the
    catalogue is opened with `weights`, a weight file or the tag of published weights, and with the
    `options` of the architecture.

    Raises:
        InputError: Nothing there that can be opened; weights or options for a file or folder, or
            no weights for an architecture.
        BundleError: A damaged bundle or `.tflite` file.
    """
    path = Path(path)
    if not path.exists() and (weights is not None or _is_architecture(path)):
        return (_from_catalogue(str(path), weights, options or {}),)
    if weights is not None or options:
        raise InputError(
            f"weights and options are for architectures; {path} is a file or folder, which has its "
            "own."
        )
    if recipe is not None and not (path / "manifest.json").is_file():
        raise InputError(f"a recipe can be chosen from a bundle only; {path} is none.")
    if (path / "manifest.json").is_file():
        return _from_bundle(path, recipe)
    if (path / "config.json").is_file():
        return (_from_run(path),)
    if (path / "saved_model.pb").is_file():
        return (_from_saved_model(path),)
    if path.is_file() and path.suffix == ".keras":
        from kerascnn.serialization import load_model

        return (_from_keras(load_model(path, compile=False), path),)
    if path.is_file() and path.suffix == ".tflite":
        return (_from_tflite(path),)
    if not path.exists():
        raise InputError(f"no such file or folder: {path}.")
    raise InputError(
        f"cannot tell what {path} is. Expected a run folder, a bundle, a SavedModel folder, a "
        ".keras file or a .tflite file."
    )


def _is_architecture(path: Path) -> bool:
    from kerascnn import catalog

    return str(path).lower() in {name.lower() for name in catalog.list_models()}


def _from_catalogue(name: str, weights: str | None, options: Mapping[str, Any]) -> Predictor:
    from kerascnn import catalog
    from kerascnn.data import ResizeRule
    from kerascnn.weights import imagenet

    entry = catalog.find(name)
    if weights is None:
        known = ", ".join(entry.weights) or "none"
        raise InputError(
            f"{entry.name} is an architecture, and names nothing without weights: give a weight "
            f"file, or published weights ({known})."
        )
    shape = options.get("input_shape")
    if isinstance(shape, list):  # as the command line reads it
        options = {**options, "input_shape": tuple(shape)}
    model = catalog.create_model(entry.name, weights=weights, **options)
    classes = imagenet.classes()
    named = model.output_shape[1:] == (len(classes),)
    return _from_keras(
        model,
        Path(entry.name),
        labels=tuple(known.name for known in classes) if named else None,
        # Published accuracies are of the middle of each image.
        resize=ResizeRule(fit="crop"),
    )


def _from_keras(model: Any, path: Path, **known: Any) -> Predictor:
    shape = tuple(model.input_shape[1:]) if isinstance(model.input_shape, tuple) else ()
    if len(shape) != 3 or None in shape:
        raise InputError(
            f"{path} must take one image of a known size (height, width, channels). Its input "
            f"shape is {model.input_shape}."
        )
    return Predictor(
        name=path.name,
        path=path,
        input_shape=shape,
        labels=known.get("labels"),
        resize=known.get("resize"),
        run=known.get("run"),
        task=known.get("task"),
        outputs=lambda images: model.predict_on_batch(images),
    )


def _from_run(path: Path) -> Predictor:
    from kerascnn.data import ResizeRule
    from kerascnn.serialization import load_model
    from kerascnn.training import open_run

    run = open_run(path)
    return _from_keras(
        load_model(run.model_path, compile=False),
        run.model_path,
        labels=run.config.class_names,
        resize=ResizeRule.from_dict(run.config.resize),
        run=run,
        task=run.config.task,
    )


def _from_saved_model(path: Path) -> Predictor:
    from kerascnn.export.saved_model import open_saved_model

    served, shape = open_saved_model(path)
    return Predictor(path.name, path, shape, None, None, served)


def _from_tflite(path: Path) -> Predictor:
    from kerascnn.export import TFLiteModel, manifest, metadata

    folder = path.parent
    if (folder / manifest.FILE_NAME).is_file():
        described = manifest.read(folder)
        for file in described.files:
            if file.path == path.name:
                return _from_bundle(folder, file.recipe)[0]
    model = TFLiteModel(path)
    known = metadata.read(path)
    labels = known.labels if known and known.labels else None
    return Predictor(path.name, path, _image_shape(model, path), labels, None, model.predict)


def _from_bundle(folder: Path, recipe: str | None) -> tuple[Predictor, ...]:
    from dataclasses import asdict

    from kerascnn.data import ResizeRule
    from kerascnn.export import TFLiteModel, manifest

    described = manifest.read(folder)
    labels = manifest.read_labels(folder, described)
    task = described.model.task.removeprefix("image-").replace("-", "_")
    files = described.files if recipe is None else (described.file(recipe),)
    predictors = []
    for file in files:
        model = TFLiteModel(folder / file.path)
        predictors.append(
            Predictor(
                name=file.recipe,
                path=folder / file.path,
                input_shape=_image_shape(model, folder / file.path),
                labels=labels,
                resize=ResizeRule.from_dict(asdict(described.input.resize)),
                outputs=model.predict,
                task=task,
                thresholds=described.output.thresholds,
            )
        )
    return tuple(predictors)


def _image_shape(model: Any, path: Path) -> tuple[int, int, int]:
    shape = tuple(int(size) for size in model.input.shape[1:])
    if len(shape) != 3 or min(shape) < 1:
        raise InputError(
            f"{path} must take one image of a known size. Its input shape is {model.input.shape}."
        )
    return shape[0], shape[1], shape[2]


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
