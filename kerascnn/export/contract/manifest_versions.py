"""Manifests of versions 1 and 2, read strictly and brought to the form of version 3.

Version 1 holds classifiers; version 2 added labels and quantities, and keys for them. Both have one
output, and call the tasks by other names.
"""

from dataclasses import dataclass, fields
from typing import Any, Literal

from kerascnn.errors import BundleError
from kerascnn.export.contract import strict_json
from kerascnn.export.contract.manifest_schema import (
    FileRef,
    Golden,
    Input,
    Manifest,
    Model,
    ModelFile,
    Reports,
    TensorIO,
    Tolerance,
    Versions,
)
from kerascnn.export.contract.strict_json import mismatch
from kerascnn.tasks import Kind, Output

NEWEST = 3
_CLASSES, _LABELS, _QUANTITIES = "image-classification", "image-multi-label", "image-regression"
# The name here, the role of the output, and its kinds, of each older name of a task.
_TASKS: dict[str, tuple[str, str, dict[str, Kind]]] = {
    _CLASSES: (
        *("classification", "scores"),
        {"probabilities": "probabilities", "logits": "logits"},
    ),
    _LABELS: ("multi_label", "scores", {"scores": "independent"}),
    _QUANTITIES: ("regression", "values", {"quantities": "quantities"}),
}
_AGREEMENTS = {_CLASSES: "top1_agreement", _LABELS: "decision_agreement"}


@dataclass(frozen=True, kw_only=True)
class _Model:
    name: str
    task: Literal["image-classification", "image-multi-label", "image-regression"]
    classes: int
    parameters: int


@dataclass(frozen=True, kw_only=True)
class _Output:
    shape: tuple[int, int]
    kind: Literal["probabilities", "logits", "scores", "quantities"]
    thresholds: tuple[float, ...] | None
    ranges: tuple[tuple[float, float], ...] | None


@dataclass(frozen=True, kw_only=True)
class _Tolerance:
    max_abs: float
    mean_abs: float
    top1_agreement: float | None
    decision_agreement: float | None


@dataclass(frozen=True, kw_only=True)
class _File(FileRef):
    recipe: str
    bytes: int
    input: TensorIO
    output: TensorIO
    tolerance: _Tolerance


@dataclass(frozen=True, kw_only=True)
class _Manifest:
    schema_version: int
    versions: Versions
    model: _Model
    input: Input
    output: _Output
    labels: FileRef
    golden: Golden
    files: tuple[_File, ...]
    reports: Reports


def upgraded(data: dict[str, Any]) -> Manifest:
    """The manifest of version 1 or 2 in `data` as one of version 3.

    Raises:
        BundleError: It breaks the schema of its version.
    """
    if data["schema_version"] == 1:
        _complete(data)
    old = strict_json.build(_Manifest, data)
    if old.schema_version == 1 and old.model.task != _CLASSES:
        raise mismatch("model.task", f'"{_CLASSES}" in schema version 1', old.model.task)
    task, role, kinds = _TASKS[old.model.task]
    if old.output.kind not in kinds:
        expected = " or ".join(f'"{kind}"' for kind in kinds)
        raise mismatch("output.kind", expected, old.output.kind)
    if old.output.shape != (1, old.model.classes):
        expected = f"[1, {old.model.classes}] (model.classes)"
        raise mismatch("output.shape", expected, list(old.output.shape))
    shared = ("versions", "input", "labels", "golden", "reports")
    return Manifest(
        schema_version=NEWEST,
        model=Model(
            name=old.model.name,
            task=task,
            classes=old.model.classes,
            parameters=old.model.parameters,
        ),
        outputs=(
            Output(
                role=role,
                shape=old.output.shape,
                kind=kinds[old.output.kind],
                thresholds=old.output.thresholds,
                ranges=old.output.ranges,
            ),
        ),
        files=tuple(_file(file, i, old.model.task) for i, file in enumerate(old.files)),
        **{name: getattr(old, name) for name in shared},
    )


def _file(file: _File, number: int, task: str) -> ModelFile:
    limits = file.tolerance
    for field in fields(limits):
        value, where = getattr(limits, field.name), f"files[{number}].tolerance.{field.name}"
        if field.name.endswith("agreement") and field.name != _AGREEMENTS.get(task):
            if value is not None:
                raise mismatch(where, f"null for {task}", value)
        elif value is None:
            raise mismatch(where, "a limit of its range", value)
    agreement = None
    if task in _AGREEMENTS:
        agreement = getattr(limits, _AGREEMENTS[task])
    return ModelFile(
        path=file.path,
        sha256=file.sha256,
        recipe=file.recipe,
        bytes=file.bytes,
        input=file.input,
        outputs=(file.output,),
        tolerances=(
            Tolerance(max_abs=limits.max_abs, mean_abs=limits.mean_abs, agreement=agreement),
        ),
    )


def _complete(data: dict[str, Any]) -> None:
    """Says in the words of version 2 what version 1 says."""
    found: list[tuple[Any, tuple[str, ...], str]] = [
        (data.get("output"), ("thresholds", "ranges"), "output")
    ]
    files = data.get("files")
    for i, file in enumerate(files if isinstance(files, list | tuple) else ()):
        part = file.get("tolerance") if isinstance(file, dict) else None
        found.append((part, ("decision_agreement",), f"files[{i}].tolerance"))
    for part, keys, where in found:
        for key in keys if isinstance(part, dict) else ():
            if key in part:
                raise BundleError(f"unknown key {key!r} in {where}: schema version 1 has none")
            part[key] = None
