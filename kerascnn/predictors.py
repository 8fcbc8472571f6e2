"""One interface over everything that classifies.

Runs, .keras and .h5 files, SavedModels, .tflite files, and architectures with weights.
"""

import difflib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascnn import model_file
from kerascnn.errors import InputError
from kerascnn.files import PathLike, check_file, user_path

if TYPE_CHECKING:
    from kerascnn.data import ResizeRule, Splits
    from kerascnn.export import TFLiteModel
    from kerascnn.training import Run

# Rows of quantised probabilities sum to 1 only roughly: each class is off by half a step at most.
SUM_TOLERANCE = 0.1
BATCH = 256
# First labels of published files for the class "none of these": 1001 outputs for ImageNet.
BACKGROUND = {"background", "dummy", "???"}
_log = logging.getLogger(__name__)


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
        kind: "probabilities" or "logits" where the file says what its outputs are; None where
            their values have to tell.
        columns: Outputs that stand for the classes, in their order; None for all of them.
        first: Without columns, the first output that stands for a class.
        model: The Keras model, or None where the file holds none.
        pixel_range: Of image files with more than 8 bits, the values that become 0 and 255; None
            where they are taken as `kerascnn.data.load` does.
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
    kind: str | None = None
    columns: tuple[int, ...] | None = None
    first: int = 0
    model: Any = None
    pixel_range: tuple[float, float] | None = None

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
        values = self._values(outputs)
        return values[:, self.first :] if self.columns is None else values[:, self.columns]

    def _values(self, outputs: np.ndarray) -> np.ndarray:
        """What the task makes of the outputs: all of them, since they may sum to 1 together."""
        if self.task == "regression":
            return outputs
        if self.task == "multi_label":
            inside = outputs.min() >= 0 and outputs.max() <= 1
            return outputs if inside else 1 / (1 + np.exp(-outputs))
        return outputs if self._gives_probabilities(outputs) else _softmax(outputs)

    def _gives_probabilities(self, outputs: np.ndarray) -> bool:
        if self.kind is not None:
            return self.kind == "probabilities"
        sums = outputs.sum(axis=1)
        return bool(outputs.min() >= 0 and np.all(np.abs(sums - 1) < SUM_TOLERANCE))

    def for_classes(self, names: tuple[str, ...], source: str = "the data") -> "Predictor":
        """This classifier with its outputs in the order of `names`.

        Files made elsewhere may know the same classes in another order, or one more in front, a
        background class that stands for none of them.

        Raises:
            InputError: It knows other classes, or without labels another number of them.
        """
        from kerascnn.data.names import same_form

        if self.labels is None:
            return self
        labels = tuple(map(same_form, self.labels))  # those of other makers may be in NFD
        if labels == names:
            return replace(self, labels=names)
        known = labels[1:] if is_background(labels[0]) else labels
        if set(known) == set(names) and len(set(known)) == len(known) == len(names):
            first = len(labels) - len(known)
            columns = tuple(first + known.index(name) for name in names)
            return replace(self, labels=names, columns=columns)
        raise InputError(
            f"{self.path} knows the classes {_some(labels)}, but {source} has {_some(names)}: "
            "the accuracy would mean nothing."
        )

    def without_first(self) -> "Predictor":
        """This classifier without its first output, a background class.

        Raises:
            InputError: It has labels, which say themselves what its first output is.
        """
        if self.labels is not None:
            raise InputError(f"{self.path} has labels: its first output is {self.labels[0]!r}.")
        return replace(self, first=1)

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
            pixel_range=self.pixel_range,
        )
        self.for_classes(splits.class_names, source)
        return splits

    def load_images(self, paths: Sequence[PathLike]) -> np.ndarray:
        """Reads image files as this classifier takes them."""
        from kerascnn import data

        height, width, channels = self.input_shape
        rule = self.resize or data.ResizeRule()
        size, pixels = (height, width), self.pixel_range
        return np.stack([data.load_image(path, size, channels, rule, pixels) for path in paths])


def is_background(label: str) -> bool:
    """Whether the first label of a file stands for none of its classes."""
    return label.strip().lower() in BACKGROUND


def _softmax(outputs: np.ndarray) -> np.ndarray:
    powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    shares: np.ndarray = powers / powers.sum(axis=1, keepdims=True)
    return shares


def open_predictors(
    path: PathLike,
    *,
    recipe: str | None = None,
    weights: str | None = None,
    options: Mapping[str, Any] | None = None,
    pixel_range: tuple[float, float] | None = None,
) -> tuple[Predictor, ...]:
    """Opens a run folder, a `.keras` or `.h5` file, a SavedModel, a `.tflite` file or a bundle.

    A bundle gives one predictor for each of its files, or the one of `recipe`. A name of the
    catalogue is opened with `weights`, a weight file or the tag of published weights, and with the
    `options` of the architecture. For a `.tflite` file made elsewhere that does not say how pixels
    enter it, `pixel_range` is what 0 and 255 become, such as (0, 1) or (-1, 1).

    Raises:
        InputError: Nothing there that can be opened; weights or options for a file or folder, no
            weights for an architecture, or a pixel range for what says its own.
        BundleError: A damaged bundle or `.tflite` file.
    """
    path = check_request(
        path, recipe=recipe, weights=weights, options=options, pixel_range=pixel_range
    )
    if not path.exists():
        return (_from_catalogue(str(path), weights, options or {}),)
    if (path / "manifest.json").is_file():
        return _from_bundle(path, recipe)
    if (path / "config.json").is_file():
        return (_from_run(path),)
    if (path / "saved_model.pb").is_file():
        return (_from_saved_model(path),)
    if path.is_file() and path.suffix in model_file.SUFFIXES:
        from kerascnn.serialization import load_model

        return (_from_keras(load_model(path, compile=False), path),)
    if path.is_file() and path.suffix == ".tflite":
        return (_from_tflite(path, pixel_range),)
    if not path.is_dir():
        check_file(path, "model file")
    raise InputError(
        f"cannot tell what {path} is. Expected a run folder, a bundle, a SavedModel folder, a "
        ".keras or .h5 file or a .tflite file."
    )


def check_request(
    path: PathLike,
    *,
    recipe: str | None = None,
    weights: str | None = None,
    options: Mapping[str, Any] | None = None,
    pixel_range: tuple[float, float] | None = None,
) -> Path:
    """The file or folder to open, or the name of an architecture; nothing is loaded yet.

    Arguments are those of `open_predictors`.

    Raises:
        InputError: What can be said at once of arguments that do not go together.
    """
    place = user_path(path, "model")
    if not place.exists():
        _check_architecture(str(path), weights, options or {})
        return place
    if weights is not None or options:
        raise InputError(
            f"weights and options are for architectures; {path} is a file or folder, which has its "
            "own."
        )
    if recipe is not None and not (place / "manifest.json").is_file():
        raise InputError(f"a recipe can be chosen from a bundle only; {path} is none.")
    if pixel_range is not None and place.suffix != ".tflite":
        raise InputError(f"a pixel range is for .tflite files; {path} says itself what it takes.")
    return place


def _check_architecture(name: str, weights: str | None, options: Mapping[str, Any]) -> None:
    """Raises InputError unless this is an architecture with options and weights that it has."""
    from kerascnn import catalog
    from kerascnn.catalog import published

    known = {model.lower(): model for model in catalog.list_models()}
    if weights is None and name.lower() not in known:
        near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.8)
        hint = f" Did you mean the architecture {known[near[0]]}?" if near else ""
        raise InputError(f"no such file or folder: {name}.{hint}")
    entry = catalog.find(name)
    catalog.check_options(entry, options)
    if weights is None:
        tags = ", ".join(entry.weights) or "none"
        raise InputError(
            f"{entry.name} is an architecture, and names nothing without weights: give a weight "
            f"file, or published weights ({tags})."
        )
    published.local_file(entry.name, weights)


def _from_catalogue(name: str, weights: str | None, options: Mapping[str, Any]) -> Predictor:
    from kerascnn import catalog
    from kerascnn.data import ResizeRule
    from kerascnn.weights import imagenet

    entry = catalog.find(name)
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
    known_shape = getattr(model, "input_shape", None)  # models that were never called have none
    shape = tuple(known_shape[1:]) if isinstance(known_shape, tuple) else ()
    if len(shape) != 3 or None in shape:
        raise InputError(
            f"{path} must take one image of a known size (height, width, channels). Its input "
            f"shape is {str(known_shape)[:120]}."
        )
    return Predictor(
        name=path.name,
        path=path,
        input_shape=shape,
        labels=known.get("labels"),
        resize=known.get("resize"),
        run=known.get("run"),
        task=known.get("task"),
        pixel_range=known.get("pixel_range"),
        outputs=lambda images: model.predict_on_batch(images),
        model=model,
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
        pixel_range=run.config.pixel_range,
    )


def _from_saved_model(path: Path) -> Predictor:
    from kerascnn.export.saved_model import open_saved_model

    served, shape = open_saved_model(path)
    return Predictor(path.name, path, shape, None, None, served)


def _from_tflite(path: Path, pixel_range: tuple[float, float] | None) -> Predictor:
    from kerascnn.export import TFLiteModel, manifest

    folder = path.parent
    if (folder / manifest.FILE_NAME).is_file():
        described = manifest.read(folder)
        for file in described.files:
            if file.path == path.name:
                return _from_bundle(folder, file.recipe)[0]
    model = TFLiteModel(path, pixel_range=pixel_range)
    if not model.pixels.known:
        _log.info(
            "%s does not say how pixels enter it: taken to be %s. Where it wants them scaled, say "
            "so, such as --pixels 0,1 or --pixels -1,1.",
            path.name,
            "stored as pixel - 128" if model.pixels.as_stored else "raw, 0 to 255",
        )
    if model.metadata and model.metadata.calibrates_scores:
        _log.info(
            "%s asks MediaPipe to calibrate its scores; here they are as the model computes them.",
            path.name,
        )
    labels = model.metadata.labels if model.metadata and model.metadata.labels else None
    count = model.output.shape[-1] if model.output.shape else 0
    if labels is not None and len(labels) != count:
        raise InputError(
            f"{path} has {len(labels)} labels for {count} outputs: expected one for each. Its "
            "metadata belong to another model."
        )
    shape = _image_shape(model, path)
    return Predictor(path.name, path, shape, labels, None, model.predict, kind=_kind(model))


def _kind(model: "TFLiteModel") -> str | None:
    """What the outputs of a `.tflite` file are, where it says so."""
    output, known = model.output, model.metadata
    if output.scale is not None and output.dtype in ("uint8", "int8"):
        # The one quantisation that the 8-bit SOFTMAX and LOGISTIC have (TFLite 8-bit spec).
        whole = abs(output.scale - 1 / 256) < 1e-9
        if whole and output.zero_point == np.iinfo(output.dtype).min:
            return "probabilities"
    if known is not None and known.output_range == (0.0, 1.0):
        return "probabilities"
    return None


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
