"""Measuring the files of a bundle on images whose Keras outputs are known."""

import datetime
import importlib
import importlib.metadata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kerascnn.errors import VerificationError
from kerascnn.export.bundle.golden import extent
from kerascnn.export.bundle.report.values import (
    BundleReport,
    RecipeReport,
    this_machine,
)
from kerascnn.export.contract.manifest import Input, Versions
from kerascnn.export.export_result import ExportResult
from kerascnn.export.recipes import Recipe
from kerascnn.export.runtime.benchmark import compare
from kerascnn.export.runtime.interpreter import TFLiteModel
from kerascnn.export.targets import runs_on
from kerascnn.tasks import Arrays, Metrics, Output, Report, Task

RUNS = 50


@dataclass(frozen=True)
class Meaning:
    """What the outputs of a bundle's files mean: their task, what they are, and their names."""

    task: Task
    outputs: tuple[Output, ...]
    names: tuple[str, ...]

    def score(self, arrays: Arrays, targets: np.ndarray | None, step: float) -> Metrics | None:
        """How good outputs are; None without targets."""
        if targets is None:
            return None
        predictions = self.task.predictions(arrays, self.outputs)
        return self.task.score(predictions, targets, self.outputs, self.names, step)

    def laid_out(self, arrays: Arrays, layout: str | None) -> "Meaning":
        """The same of files in a layout; `arrays` are the model's."""
        if layout is None:
            return self
        outputs = self.task.laid_out(arrays, self.outputs, layout)[1]
        return Meaning(self.task, outputs, self.names)


@dataclass(frozen=True)
class Images:
    """Images with the Keras model's outputs for them, and their targets where known."""

    pixels: np.ndarray
    labels: np.ndarray | None
    outputs: Arrays

    def laid_out(self, meaning: Meaning, layout: str | None) -> "Images":
        """The same with outputs as files of a layout give them; `meaning` is of the model's."""
        if layout is None:
            return self
        outputs = meaning.task.laid_out(self.outputs, meaning.outputs, layout)[0]
        return Images(self.pixels, self.labels, outputs)


@dataclass(frozen=True)
class File:
    """One written file: its recipe, how its export went, and its answers to the images."""

    recipe: Recipe
    result: ExportResult
    model: TFLiteModel
    outputs: Arrays

    @property
    def check(self) -> Report:
        """The verification it passed."""
        if self.result.report is None:
            raise VerificationError(f"{self.result.path} was not verified")
        return self.result.report


def build_report(
    *,
    model: str,
    parameters: int,
    meaning: Meaning,
    inputs: Input,
    images: Images,
    evaluation: str,
    files: Sequence[File],
) -> BundleReport:
    """Times the files, and compares their outputs with the Keras model's.

    Args:
        model: Name of the model.
        parameters: Number of all its weights.
        meaning: Of the outputs.
        inputs: What the files take.
        images: The evaluation images.
        evaluation: Where these come from, in words.
        files: The files, in the order of the manifest.
    """
    times = compare([file.result.path for file in files], runs=RUNS)
    recipes = [file.recipe.name for file in files]
    base = recipes.index("float32") if "float32" in recipes else 0
    reports = []
    for file, time in zip(files, times.results, strict=True):
        differences = meaning.task.differences(images.outputs, file.outputs, meaning.outputs)
        extents = [extent(differences[one.role]) for one in meaning.outputs]
        result = file.result
        reports.append(
            RecipeReport(
                recipe=file.recipe.name,
                description=file.recipe.description,
                best_for=file.recipe.best_for,
                path=result.path.name,
                bytes=result.bytes,
                sha256=result.sha256,
                size_ratio=result.bytes / files[base].result.bytes,
                input_dtype=result.input.dtype,
                output_dtypes=tuple(output.dtype for output in result.outputs),
                score=meaning.score(file.outputs, images.labels, file.model.steps[0]),
                agreement=_agreement(meaning, images.outputs, file.outputs),
                max_abs=max(largest for largest, _ in extents),
                mean_abs=max(mean for _, mean in extents),
                median_ms=time.median_ms,
                p10_ms=time.p10_ms,
                p90_ms=time.p90_ms,
                latency_ratio=time.median_ms / times.results[base].median_ms,
                delegate_partitions=result.delegate_partitions,
                operators=dict(result.operators),
                undelegated_operators=dict(result.undelegated_operators),
                undelegated_reasons=dict(result.undelegated_reasons),
                checks=file.check.metrics,
                checked_images=file.check.samples,
                seconds=result.seconds,
                runs_on=runs_on(file.model.file),
            )
        )
    return BundleReport(
        model=model,
        parameters=parameters,
        task=meaning.task.name,
        class_names=meaning.names,
        input=inputs,
        outputs=meaning.outputs,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        evaluation=evaluation,
        images=len(images.pixels),
        keras=meaning.score(images.outputs, images.labels, 0.0),
        baseline=recipes[base],
        runs=RUNS,
        files=tuple(reports),
        versions=_versions(),
        machine=this_machine(times.results[0].cpu),
    )


def _agreement(meaning: Meaning, wanted: Arrays, got: Arrays) -> float | None:
    """The share of images with all decisions alike; None where nothing is decided."""
    same = meaning.task.same(wanted, got, meaning.outputs)
    return None if same is None else float(same.mean())


def _versions() -> Versions:
    import keras
    import tensorflow as tf

    import kerascnn

    return Versions(
        kerascnn=kerascnn.__version__,
        keras=keras.__version__,
        tensorflow=tf.__version__,
        ai_edge_litert=_version_of("ai_edge_litert"),
        litert_quantizer=_version_of("litert_quantizer"),
    )


def _version_of(module: str) -> str:
    """The version of an installed module, whatever package it came in: there are nightly ones."""
    stated = getattr(importlib.import_module(module), "__version__", None)
    if stated is not None:
        return str(stated)
    packages = importlib.metadata.packages_distributions().get(module, [])
    return importlib.metadata.version(packages[0]) if packages else "unknown"
