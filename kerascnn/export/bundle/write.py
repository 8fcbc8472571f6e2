"""A bundle: one folder with a model's files, what a device must know to use them, and the proof."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascnn import tasks
from kerascnn.errors import BundleError, InputError, VerificationError
from kerascnn.export import targets
from kerascnn.export.bundle.arguments import check_names, check_recipes, raw_pixels, slug
from kerascnn.export.bundle.golden import GoldenFile, choose, narrowed
from kerascnn.export.bundle.measure import File, Images, Meaning, build_report
from kerascnn.export.bundle.report.page import to_html
from kerascnn.export.bundle.report.pictures import pictures
from kerascnn.export.bundle.report.values import BundleReport, RecipeReport, to_json
from kerascnn.export.contract import manifest as contract
from kerascnn.export.contract.resize import STRETCH, check_resize
from kerascnn.export.conversion.any_model import (
    float32_model,
    input_shape_of,
    with_listed_outputs,
    write_errors,
)
from kerascnn.export.conversion.convert import convert_float
from kerascnn.export.describe import can_be_labelled
from kerascnn.export.flatbuffer.file import TFLiteFile
from kerascnn.export.layouts import choose_layout
from kerascnn.export.quantize.clipping import check_calibration
from kerascnn.export.recipes import Recipe
from kerascnn.export.runtime.file_kinds import output_kinds
from kerascnn.export.runtime.interpreter import TFLiteModel
from kerascnn.export.runtime.verify import check_truth, keras_outputs, known_kinds
from kerascnn.export.tflite import export_tflite
from kerascnn.files import PathLike, atomic_folder, refuse_existing, user_path
from kerascnn.tasks.comparison import output_range

if TYPE_CHECKING:
    import keras

_LABELS, _GOLDEN, _JSON, _HTML = "labels.txt", "golden.npz", "report.json", "report.html"

Progress = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class BundleResult:
    """A bundle that was written.

    Attributes:
        folder: Where it is.
        manifest: What `manifest.json` says.
        report: Everything measured, as in `report.json`.
    """

    folder: Path
    manifest: contract.Manifest
    report: BundleReport

    def __str__(self) -> str:
        files = (
            f"{file.recipe} {file.bytes:,} bytes"
            + ("" if file.score is None else f", {file.score.title} {file.score.lines()[0]}")
            for file in self.report.files
        )
        return f"{self.folder}: {'; '.join(files)}"

    @property
    def reports(self) -> Mapping[str, RecipeReport]:
        """Accuracy, agreement, size, latency, partitions and operators of each file, by recipe."""
        return {file.recipe: file for file in self.report.files}


def export_bundle(
    model: "keras.Model",
    folder: PathLike,
    *,
    recipes: Sequence[str | Recipe] = ("float32", "int8"),
    samples: np.ndarray,
    labels: np.ndarray | None = None,
    class_names: Sequence[str] | None = None,
    resize: Mapping[str, Any] | None = None,
    evaluation: tuple[np.ndarray, np.ndarray] | None = None,
    evaluation_outputs: Any = None,
    task: str = "classification",
    threshold: float | None = None,
    io: str = "uint8",
    calibration: str = "auto",
    clusters: int | None = None,
    name: str | None = None,
    input_shape: tuple[int, int, int] | None = None,
    target: str | None = None,
    layout: str | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> BundleResult:
    """Writes verified `.tflite` files, their manifest, labels, golden data and reports.

    The folder appears only when everything in it is written and checked; a failure at any moment
    leaves nothing of it behind.

    Args:
        model: Any Keras model with one image input and the outputs of the task: one [batch,
            outputs], for those that kerascnn brings.
        folder: The bundle to write.
        recipes: One file for each. The first is what a device kit runs unless told otherwise.
        samples: Raw images [n, height, width, channels], 0..255, such as the model will see: they
            set the ranges of int8 and int16x8, verify every file, and give the golden inputs.
        labels: True class of each sample, or rows of 0 and 1 of a multi-label classifier;
            verification then limits the loss of accuracy too. None for quantities.
        class_names: One name per output, two for one sigmoid; "0", "1", ... by default.
        resize: The rule by which images were brought to the model's size, in the manifest's
            form; plain stretching by default.
        evaluation: Held-out (images, labels), on which the report measures accuracy and
            agreement, or with rows of true values, errors; the samples by default.
        evaluation_outputs: The model's outputs for the images of `evaluation`, to share a pass that
            was made before. Those of a model that is not float32 throughout are computed anew.
        task: What the outputs are: "classification" (scores of classes), "multi_label" (a
            probability for each label), "regression" (quantities) or another of
            `kerascnn.tasks.names()`.
        threshold: The score, 0..1, from which on labels or objects are given; by default what the
            task says. The manifest holds it.
        io: Input and output type of the integer files, as in `export_tflite`.
        calibration: How their ranges are set, as in `export_tflite`.
        clusters: How many values the 8-bit weights of a layer may share, as in `export_tflite`;
            files with other weights keep theirs.
        name: Name of the model in the bundle, its own by default.
        input_shape: `(height, width, channels)`, for a model that leaves its size free.
        target: Name of the device client that every file must run on, such as "tflm"; its own
            recipes and io are in `kerascnn.export.TARGETS`.
        layout: How the files of a detector give their answers, as in `export_tflite`.
        overwrite: Whether an existing bundle may be replaced.
        progress: Called with a few words at the start of each step.

    Raises:
        InputError: An argument that cannot be used; nothing was converted.
        OutputExistsError: `folder` exists and `overwrite` is false.
        ExportError: Conversion, quantisation or writing failed, or a file does not run on `target`.
        VerificationError: A file answers differently from the model.
    """
    folder, say = user_path(folder), progress or _silent
    found = tasks.get(task)
    if target is not None:
        targets.find(target)
    chosen = check_recipes(recipes, io)
    layout = choose_layout(found, layout, target, [recipe.choose_io(io) for recipe in chosen])
    check_calibration(calibration)
    if evaluation is None and evaluation_outputs is not None:
        raise InputError("evaluation_outputs= needs evaluation=, the images that they are of")
    shape = input_shape_of(model, input_shape, need_size=True, outputs=len(found.roles))
    sizes = tuple(size for size in shape if size is not None)
    samples = raw_pixels(samples, sizes)
    rule = check_resize(STRETCH if resize is None else resize)
    with write_errors(folder):
        refuse_existing(folder, contract.BUNDLE, overwrite)

    from kerascnn.quantization import has_fake_quantization

    if sizes[2] not in (1, 3):
        raise InputError(f"a bundle is for grey or RGB images, but the model takes {sizes}")
    say("running the Keras model")
    plain = float32_model(model)
    served = with_listed_outputs(plain, found.roles)
    source = f"model {model.name!r}"
    arrays, kinds = found.arrays(keras_outputs(served, samples), source), known_kinds(served, found)
    float_model = None
    if None in kinds:  # the operators of the file may tell what the layers do not
        float_model = convert_float(served, input_shape)
        kinds = known_kinds(served, found, output_kinds(TFLiteFile(float_model)))
    outputs = found.describe(arrays, kinds, source)
    if threshold is not None:
        outputs = tasks.with_threshold(outputs, threshold, source)
    names = check_names(class_names, found.names(outputs))
    meaning = Meaning(found, outputs, names)
    try:
        found.check_outputs(outputs, len(names))
    except InputError as error:
        raise InputError(f"{source}: {error}") from None
    known = Images(samples, check_truth(found, labels, len(samples), outputs), arrays)
    held_out = known
    if evaluation is not None:
        given = evaluation_outputs if plain is model else None
        held_out = _held_out(served, sizes, evaluation, meaning, given)
    say("converting to float32")
    float_model = float_model or convert_float(served, input_shape)
    writing = atomic_folder(folder, contract.BUNDLE, overwrite=overwrite)
    with write_errors(folder), writing as temporary:
        files = []
        for recipe in chosen:
            say(f"writing and verifying {recipe.name}")
            path = temporary / f"{slug(name or model.name)}_{slug(recipe.name)}.tflite"
            try:
                result = export_tflite(
                    model if has_fake_quantization(model) else served,
                    path,
                    recipe,
                    known.pixels,
                    known.labels,
                    task=task,
                    io=io,
                    class_names=names if can_be_labelled(outputs) else None,
                    name=name or model.name,
                    input_shape=input_shape,
                    float_model=float_model,
                    reference=known.outputs,
                    outputs=outputs,
                    calibration=calibration,
                    clusters=clusters if recipe.weights == "int8" else None,
                    target=target,
                    layout=layout,
                )
            except VerificationError as error:  # name the place the user knows
                raise VerificationError(str(error).replace(str(temporary), str(folder))) from error
            say(f"running {recipe.name} on {len(held_out.pixels):,} images")
            opened = TFLiteModel(result.path)
            answers = found.arrays(opened.predict(held_out.pixels), recipe.name)
            files.append(File(recipe, result, opened, answers))
        known, held_out = (one.laid_out(meaning, layout) for one in (known, held_out))
        meaning = meaning.laid_out(arrays, layout)
        say("measuring the files")
        report = build_report(
            model=name or model.name,
            parameters=int(model.count_params()),
            meaning=meaning,
            inputs=_input(sizes, rule),
            images=held_out,
            evaluation="samples" if evaluation is None else "held-out images",
            files=files,
        )
        say("writing the manifest")
        manifest = _write(temporary, report, files, known, held_out, meaning)
        if contract.read(temporary) != manifest:
            raise BundleError(f"{temporary} does not read back as it was written")
    return BundleResult(folder=folder, manifest=manifest, report=report)


def _silent(_: str) -> None:
    """For callers who want no progress."""


def _held_out(
    served: "keras.Model",
    sizes: tuple[int, ...],
    evaluation: tuple[np.ndarray, np.ndarray],
    meaning: Meaning,
    given: Any,
) -> Images:
    """The evaluation images with what the Keras model says: `given`, or computed."""
    task, images = meaning.task, raw_pixels(evaluation[0], sizes)
    truth = task.check_targets(evaluation[1], len(images), len(meaning.names))
    found = task.arrays(keras_outputs(served, images) if given is None else given, served.name)
    if {len(values) for values in found.values()} != {len(images)}:
        raise InputError(f"evaluation_outputs= must be {len(images)} rows, one for each image")
    return Images(images, truth, found)


def _input(shape: tuple[int, ...], rule: contract.Resize) -> contract.Input:
    height, width, channels = shape
    return contract.Input(
        shape=(1, height, width, channels),
        layout="NHWC",
        color="grayscale" if channels == 1 else "rgb",
        range=(0, 255),
        resize=rule,
    )


def _write(
    folder: Path,
    report: BundleReport,
    files: Sequence[File],
    known: Images,
    held_out: Images,
    meaning: Meaning,
) -> contract.Manifest:
    """Writes everything but the `.tflite` files, the manifest last."""
    task, outputs = meaning.task, meaning.outputs
    (folder / _LABELS).write_bytes(contract.label_lines(meaning.names).encode("utf-8"))
    ranges = [output_range(output, known.outputs[output.role]) for output in outputs]
    replayed = [_golden_file(file, meaning, ranges) for file in files]
    chosen = choose(known.pixels, known.outputs, replayed, task, outputs)
    inputs = known.pixels[chosen]
    wanted = {role: values[chosen] for role, values in known.outputs.items()}
    np.savez_compressed(folder / _GOLDEN, inputs=inputs, **wanted)
    (folder / _JSON).write_bytes(to_json(report).encode("utf-8"))
    shown = pictures(
        held_out,
        {"Keras": held_out.outputs, **{file.recipe.name: file.outputs for file in files}},
        meaning,
    )
    hashes = {name: contract.sha256_of(folder / name) for name in (_LABELS, _GOLDEN)}
    (folder / _HTML).write_bytes(to_html(report, shown, hashes).encode("utf-8"))

    def reference(name: str) -> contract.FileRef:
        return contract.FileRef(path=name, sha256=contract.sha256_of(folder / name))

    manifest = contract.Manifest(
        schema_version=contract.SCHEMA_VERSION,
        versions=report.versions,
        model=contract.Model(
            name=report.model,
            task=task.name,
            classes=len(meaning.names),
            parameters=report.parameters,
        ),
        input=report.input,
        outputs=tuple(outputs),
        labels=reference(_LABELS),
        golden=contract.Golden(path=_GOLDEN, sha256=hashes[_GOLDEN], count=len(inputs)),
        files=tuple(
            _model_file(file, narrowed(golden, inputs, wanted, task, outputs, ranges))
            for file, golden in zip(files, replayed, strict=True)
        ),
        reports=contract.Reports(json=reference(_JSON), html=reference(_HTML)),
    )
    contract.write(manifest, folder)
    return manifest


def _model_file(file: File, tolerances: tuple[contract.Tolerance, ...]) -> contract.ModelFile:
    taken, *given = (
        contract.TensorIO(dtype=_dtype(spec.dtype), scale=spec.scale, zero_point=spec.zero_point)
        for spec in (file.result.input, *file.result.outputs)
    )
    return contract.ModelFile(
        recipe=file.recipe.name,
        path=file.result.path.name,
        bytes=file.result.bytes,
        sha256=file.result.sha256,
        input=taken,
        outputs=tuple(given),
        tolerances=tolerances,
    )


def _golden_file(file: File, meaning: Meaning, ranges: Sequence[float]) -> GoldenFile:
    """The recipe's limits in the outputs' own units."""
    limits, model = file.recipe.tolerance, file.model
    return GoldenFile(
        lambda images: meaning.task.arrays(model.predict(images), file.recipe.name),
        tuple(
            contract.Tolerance(
                max_abs=limits.max_abs * unit,
                mean_abs=limits.mean_abs * unit,
                agreement=limits.top1_agreement if output.decides else None,
            )
            for output, unit in zip(meaning.outputs, ranges, strict=True)
        ),
    )


def _dtype(name: str) -> contract.DType:
    for known in contract.DTYPES:
        if name == known:
            return known
    raise BundleError(f"a bundle cannot hold a file with tensors of type {name}")
