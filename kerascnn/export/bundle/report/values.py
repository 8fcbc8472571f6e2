"""What was measured on the files of a bundle, as values and as `report.json`."""

import dataclasses
import json
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerascnn.export.contract.manifest import Input, Versions
from kerascnn.export.targets.verdict import Verdict
from kerascnn.tasks import Metric, Metrics, Output


@dataclass(frozen=True, kw_only=True)
class RecipeReport:
    """Everything measured on one file.

    Attributes:
        recipe: Name of the recipe.
        description: What the recipe does.
        best_for: Where it is the right choice.
        path: Name of the file in the bundle.
        bytes: Its size.
        sha256: Its hash.
        size_ratio: Size divided by the size of the bundle's baseline file.
        input_dtype: Type of the input tensor.
        output_dtypes: Types of the output tensors.
        score: How good it is on the evaluation images, as the task measures it; None where they
            have no labels.
        agreement: Share of evaluation images with the same answer as the Keras model: the same best
            class, all labels alike; None of quantities.
        max_abs: Largest difference from the Keras model's outputs; of quantities, as a share of
            the range of each.
        mean_abs: Mean difference.
        median_ms: Median time of one image on this machine, one thread.
        p10_ms: One run in ten was faster.
        p90_ms: Nine runs in ten were faster.
        latency_ratio: Median divided by the baseline file's.
        delegate_partitions: How many parts of the graph the CPU delegate runs; 1 is best.
        operators: Operators of the file, with counts.
        undelegated_operators: Those outside the delegate, with counts.
        undelegated_reasons: Why they are outside, one sentence for each.
        checks: What `verify_tflite` measured, each with its limit.
        checked_images: Number of images of that verification.
        seconds: Wall time of the export, without the shared float conversion.
        runs_on: Whether each kind of device client runs it, found in the file.
    """

    recipe: str
    description: str
    best_for: str
    path: str
    bytes: int
    sha256: str
    size_ratio: float
    input_dtype: str
    output_dtypes: tuple[str, ...]
    score: Metrics | None
    agreement: float | None
    max_abs: float
    mean_abs: float
    median_ms: float
    p10_ms: float
    p90_ms: float
    latency_ratio: float
    delegate_partitions: int
    operators: Mapping[str, int]
    undelegated_operators: Mapping[str, int]
    undelegated_reasons: Mapping[str, str]
    checks: tuple[Metric, ...]
    checked_images: int
    seconds: float
    runs_on: tuple[Verdict, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Where the times were measured."""

    cpu: str
    cores: int
    system: str
    python: str


@dataclass(frozen=True, kw_only=True)
class BundleReport:
    """Everything measured on a bundle.

    Attributes:
        model: Name of the model.
        parameters: Number of all its weights.
        task: One of `kerascnn.tasks.names()`.
        class_names: Names of the outputs, in order.
        input: What the files take.
        outputs: What the files give, as in the manifest.
        created: Time of the export, UTC, ISO 8601.
        evaluation: Where the evaluation images come from: `held-out images` or `samples`.
        images: Number of evaluation images.
        keras: How good the Keras model is on them; None where they have no labels.
        baseline: Recipe that ratios refer to: float32, or else the first.
        runs: Timed runs of each file.
        files: One report per file, in the order of the manifest.
        versions: Libraries that made the bundle.
        machine: Where the times were measured.
    """

    model: str
    parameters: int
    task: str
    class_names: tuple[str, ...]
    input: Input
    outputs: tuple[Output, ...]
    created: str
    evaluation: str
    images: int
    keras: Metrics | None
    baseline: str
    runs: int
    files: tuple[RecipeReport, ...]
    versions: Versions
    machine: Machine


def this_machine(cpu: str) -> Machine:
    """The machine this process runs on; `cpu` is its processor's name."""
    return Machine(
        cpu=cpu,
        cores=os.cpu_count() or 1,
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
    )


def to_json(report: BundleReport) -> str:
    """`report.json`: the report as it is, scores in short, with a schema version of its own."""
    bare = [dataclasses.replace(file, score=None) for file in report.files]
    plain = dataclasses.replace(report, keras=None, files=tuple(bare))
    data: dict[str, Any] = {"schema_version": 3, **dataclasses.asdict(plain)}
    data["keras"] = report.keras.summary() if report.keras else None
    for place, file in zip(data["files"], report.files, strict=True):
        place["score"] = file.score.summary() if file.score else None
        for check in place["checks"]:
            del check["passed"]  # as all of a file that was kept
    return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def stratified(classes: np.ndarray) -> list[int]:
    """All indices of `classes`, one of each class in turn, so that any first few are mixed."""
    turns = np.zeros(len(classes), np.int64)
    for kind in np.unique(classes):
        members = np.flatnonzero(classes == kind)
        turns[members] = np.arange(len(members))
    return [int(i) for i in np.lexsort((classes, turns))]


def spread(indices: np.ndarray, count: int) -> np.ndarray:
    """At most `count` of `indices`, evenly spaced."""
    if len(indices) <= count:
        return indices
    return indices[np.linspace(0, len(indices) - 1, count).round().astype(int)]
