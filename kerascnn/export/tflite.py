"""One call from a Keras model to a verified `.tflite` file."""

import dataclasses
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascnn import tasks
from kerascnn.errors import InputError, VerificationError
from kerascnn.export import targets
from kerascnn.export.automatic import Trial, choose_recipe
from kerascnn.export.conversion.any_model import (
    float32_model,
    input_shape_of,
    require_tensorflow,
    with_listed_outputs,
    write_errors,
)
from kerascnn.export.conversion.convert import convert_float
from kerascnn.export.describe import describe
from kerascnn.export.export_result import ExportResult
from kerascnn.export.file_arguments import check_class_names, check_images, known_sizes
from kerascnn.export.flatbuffer.file import TFLiteFile
from kerascnn.export.flatbuffer.graph import Graph
from kerascnn.export.layouts import choose_layout, finish
from kerascnn.export.quantize.calibration import Progress
from kerascnn.export.quantize.clipping import check_calibration
from kerascnn.export.quantize.learned_ranges import learned_ranges
from kerascnn.export.quantize.quantizer import quantize
from kerascnn.export.quantize.sensitivity import all_but, tensors_of
from kerascnn.export.quantize.weight_levels import check_clusters
from kerascnn.export.recipes import AUTO, INT8, Recipe, get
from kerascnn.export.runtime.file_kinds import output_kinds
from kerascnn.export.runtime.interpreter import TFLiteModel, inspect
from kerascnn.export.runtime.opening import default_threads
from kerascnn.export.runtime.verify import check_truth, compare_file, keras_outputs, known_kinds
from kerascnn.export.samples import synthetic_images
from kerascnn.files import TFLITE, PathLike, atomic_file, refuse_existing, user_path
from kerascnn.tasks import Output, Report, Tolerance

if TYPE_CHECKING:
    import keras

_FOR_KIND = 2  # images that tell probabilities from logits when nothing is verified
# What to try when a recipe changes the answers too much, closest to the float model last.
_GENTLER = {
    "int8": "more samples, int16x8, weight_only_int8 or float16",
    "dynamic_int8": "weight_only_int8 or float16",
    "int16x8": "more samples, or float16",
    "weight_only_int8": "float16",
    "float16": "float32",
}


def export_tflite(
    model: "keras.Model",
    path: PathLike,
    recipe: str | Recipe = "float32",
    samples: np.ndarray | None = None,
    labels: np.ndarray | None = None,
    verify: bool = True,
    overwrite: bool = False,
    *,
    task: str = "classification",
    io: str = "uint8",
    class_names: Sequence[str] | None = None,
    name: str | None = None,
    description: str | None = None,
    input_shape: tuple[int, int, int] | None = None,
    tolerance: Tolerance | None = None,
    float_model: bytes | None = None,
    reference: Any = None,
    outputs: Sequence[Output] | None = None,
    calibration: str = "auto",
    clusters: int | None = None,
    float_layers: Sequence[str] = (),
    accuracy_drop: float = 0.01,
    evaluation: tuple[np.ndarray, np.ndarray | None] | None = None,
    target: str | None = None,
    layout: str | None = None,
    progress: Progress | None = None,
) -> ExportResult:
    """Writes `model` as a `.tflite` file that was checked against it.

    The file takes one raw image, 0..255, and has TFLite Metadata and labels inside. It appears at
    `path` only after it passed; a failure leaves nothing there.

    Args:
        model: Any Keras model with one image input and the outputs of the task: one, for those that
            kerascnn brings. Of a quantisation-aware one (`kerascnn.quantization`), int8 takes the
            learned ranges, and is compared with it.
        path: The file to write.
        recipe: float32, float16, dynamic_int8, weight_only_int8, int8, int16x8, or a Recipe; or
            "auto": the smallest and fastest file that loses at most `accuracy_drop`, see
            `automatic.choose_recipe`.
        samples: Raw images [n, height, width, channels], 0..255, such as the model will see: they
            set the ranges of int8 and int16x8 and verify every recipe. 100 to 500 are good. Or
            batches of images or of (images, labels), such as a `tf.data.Dataset`, up to 1 GiB;
            their labels are left out.
        labels: True class of each sample, or rows of 0 and 1 of a multi-label classifier;
            verification then limits the loss of accuracy too.
        verify: Whether to compare the file with the model. Without samples a float recipe is
            compared on generated images.
        overwrite: Whether an existing file may be replaced.
        task: What the outputs are, which decides how they are compared: "classification" (scores
            of classes; one sigmoid stands for two), "multi_label" (a probability for each label),
            "regression" (quantities; such a file has no metadata, since those of TFLite are for
            classifiers) or another of `kerascnn.tasks.names()`.
        io: Input and output type of int8 (uint8, int8 or float32) and int16x8 (float32 or int16);
            a recipe without the type keeps its own, float32.
        class_names: One name per output, embedded as labels.
        name: Name in the metadata, the model's own by default.
        description: Description in the metadata.
        input_shape: `(height, width, channels)`, for a model that leaves its size free.
        tolerance: Limits in place of the recipe's.
        float_model: Bytes from `convert_float(model)`, to share one conversion among recipes.
        reference: Keras outputs for `samples`, to share one pass among recipes.
        outputs: What these are, where it is known already.
        calibration: How int8 and int16x8 set ranges: "auto" (two ways are tried), "minmax",
            "percentile" or "mse", see `clipping.check_calibration`.
        clusters: How many values the 8-bit weights of a layer may share, 4 to 255: with 16, a zip
            archive of an int8 file is a third smaller or more, see docs/quantization.md. The file
            itself, and its speed, stay as they are.
        float_layers: Layers that stay in float, named as by `measure_sensitivity`.
        accuracy_drop: For "auto": the most accuracy that may be lost; 0.01 is one point.
        evaluation: Images and labels that "auto" measures on, and its file is verified on; the
            samples by default, which flatter it a little.
        target: Name of the device client it must run on, such as "tflm"; its own recipes and io are
            in `kerascnn.export.TARGETS`.
        layout: How a detector's file gives its answers: "objects", boxes, classes, scores and their
            count after non-maximum suppression, which MediaPipe's ObjectDetector opens; or "raw",
            scores and boxes of all points. By default "objects" where the target and io allow it.
        progress: Called with (images done, images in all) while ranges are measured.

    Raises:
        InputError: Unknown recipe, io or calibration, samples missing or unfit, labels unfit, a
            model with several inputs or outputs or a free input size.
        OutputExistsError: `path` exists and `overwrite` is false.
        ExportError: Conversion, quantisation or writing failed, or the file does not run on the
            target.
        VerificationError: The file answers differently from the model; it was not kept.
    """
    start = time.perf_counter()
    path = user_path(path)
    automatic = str(recipe).lower() == AUTO
    recipe = INT8 if automatic else get(recipe)
    recipe.choose_io(io)
    if target is not None:
        targets.find(target)
    check_calibration(calibration)
    check_clusters(clusters, recipe, learned=False)
    if automatic and clusters is not None:
        raise InputError('clusters= goes with a recipe of 8-bit weights, not with "auto"')
    found = tasks.get(task)
    if automatic and not found.accuracy:
        raise InputError(
            f'recipe "auto" measures classifiers, not the task {task!r}: name a recipe'
        )
    layout = choose_layout(found, layout, target, [recipe.choose_io(io)])
    shape = input_shape_of(model, input_shape, need_size=True, outputs=len(found.roles))
    samples = check_images(recipe, shape, samples, labels, found)
    if evaluation is not None:
        if not automatic:
            raise InputError('evaluation= goes with recipe "auto"; other recipes take samples=')
        pixels = check_images(recipe, shape, *evaluation, found)
    with write_errors(path):
        refuse_existing(path, TFLITE, overwrite)
    require_tensorflow()
    from kerascnn.quantization import has_fake_quantization

    served = with_listed_outputs(float32_model(model), found.roles)
    images = synthetic_images(known_sizes(shape)) if samples is None else samples
    if evaluation is not None and pixels is not None:
        images, reference = pixels, None
    if reference is None or samples is None:
        reference = keras_outputs(served, images if verify else images[:_FOR_KIND])
    wanted = found.arrays(reference, f"model {model.name!r}")
    if outputs is None:
        kinds = known_kinds(served, found)
        if None in kinds:  # the operators of the file may tell what the layers do not
            float_model = float_model or convert_float(served, input_shape)
            kinds = known_kinds(served, found, output_kinds(TFLiteFile(float_model)))
        outputs = found.describe(wanted, kinds, f"model {model.name!r}")
    check_class_names(class_names, shape, found, outputs)
    truth = check_truth(found, labels, 0 if samples is None else len(samples), outputs)
    judged = truth
    if evaluation is not None:
        judged = check_truth(found, evaluation[1], len(images), outputs)
    float_model = float_model or convert_float(served, input_shape)
    learned = None
    trials: tuple[Trial, ...] = ()
    if samples is not None and recipe.activations == "int8" and has_fake_quantization(model):
        learned = learned_ranges(model, float_model, samples[0])
    if automatic:
        trials = choose_recipe(
            float_model,
            samples,
            truth,
            accuracy_drop,
            task=found,
            outputs=outputs,
            evaluation=None if evaluation is None else (images, judged),
            io=io,
            calibration=calibration,
            learned=learned,
        )
        recipe, float_layers = get(trials[-1].recipe), trials[-1].float_layers
    if learned and recipe.activations == "int8":  # the file computes what the rounded model does
        rounded = keras_outputs(model, images if verify else images[:_FOR_KIND])
        wanted = found.arrays(rounded, f"model {model.name!r}")
    content = quantize(
        float_model,
        recipe,
        samples,
        io,
        progress=progress,
        calibration=calibration,
        clusters=clusters,
        scope=all_but(tensors_of(float_model, float_layers)),
        learned=learned,
    )
    graph = Graph(finish(content, outputs, layout))
    targets.prepare(target, graph)
    content = describe(
        *(graph, name or model.name, description, recipe.name, class_names, found),
        found.laid_out(wanted, outputs, layout)[1] if layout else outputs,
    )
    written = TFLiteFile(content, "the file")
    if target is not None:
        targets.require(target, written)
    report = None
    if verify:
        limits = tolerance or recipe.tolerance
        if automatic and tolerance is None:
            limits = dataclasses.replace(limits, accuracy_drop=accuracy_drop)
        file = TFLiteModel(written, threads=default_threads())
        got = found.arrays(file.predict(images), "the file")
        report = compare_file(
            *(found, file, str(path), wanted, got, outputs, judged, limits),
            synthetic=samples is None,
        )
        _judge(report, recipe)
    with write_errors(path), atomic_file(path, TFLITE, overwrite=overwrite) as temporary:
        temporary.write_bytes(content)
    seconds = time.perf_counter() - start
    return ExportResult(
        **vars(inspect(written)),
        path=path,
        recipe=recipe.name,
        report=report,
        seconds=seconds,
        trials=trials,
    )


def _judge(report: Report, recipe: Recipe) -> None:
    try:
        report.raise_if_failed()
    except VerificationError as error:
        hint = _GENTLER.get(recipe.name)
        advice = f" Try {hint}." if hint else ""
        raise VerificationError(f"{error}{advice} The file was not written.") from error
