"""Device clients: what each asks of a `.tflite` file, and whether a given file runs there."""

import difflib
from collections.abc import Mapping
from types import MappingProxyType

from kerascnn.errors import ExportError, InputError
from kerascnn.export.flatbuffer.file import TFLiteFile, open_file
from kerascnn.export.flatbuffer.graph import Graph
from kerascnn.export.targets import android, coral, litert_js, mediapipe, tflm
from kerascnn.export.targets.rules import Target
from kerascnn.export.targets.verdict import Verdict
from kerascnn.files import PathLike

__all__ = ["TARGETS", "Target", "Verdict", "find", "prepare", "require", "runs_on"]

TARGETS: Mapping[str, Target] = MappingProxyType(
    {module.TARGET.name: module.TARGET for module in (mediapipe, litert_js, android, tflm, coral)}
)
"""The targets by name."""


def find(name: str) -> Target:
    """The target called `name` (any case, '_' as '-').

    Raises:
        InputError: No target has this name.
    """
    key = str(name).strip().lower().replace("_", "-")
    if key in TARGETS:
        return TARGETS[key]
    close = difflib.get_close_matches(key, TARGETS, n=1, cutoff=0.4)
    hint = f" Did you mean {close[0]}?" if close else ""
    raise InputError(f"unknown target {str(name)!r}.{hint} Targets: {', '.join(TARGETS)}.")


def runs_on(path: PathLike | bytes | TFLiteFile) -> tuple[Verdict, ...]:
    """Whether each kind of device client runs a `.tflite` file, found in the file itself.

    Looked at are operators with their versions and types, shapes, input and output types, where
    constants lie, and the metadata; the file's name or recipe play no part. Nothing is run.

    Args:
        path: Any `.tflite` file, or its content.

    Returns:
        One verdict per target, in the order of `TARGETS`.

    Raises:
        InputError: No such file.
        BundleError: It is no whole `.tflite` model.
    """
    graph = open_file(path)
    return tuple(_judge(target, graph) for target in TARGETS.values())


def prepare(name: str | None, graph: Graph) -> None:
    """Changes a file to what a target needs, still to be verified; nothing without a target.

    Raises:
        InputError: No target has this name.
    """
    change = None if name is None else find(name).prepare
    if change is not None:
        change(graph)


def require(name: str, path: PathLike | bytes | TFLiteFile) -> Verdict:
    """The verdict of one target, which must be yes.

    Raises:
        InputError: No target has this name, or no such file.
        BundleError: It is no whole `.tflite` model.
        ExportError: The file does not run there; the message says why.
    """
    target = find(name)
    verdict = _judge(target, open_file(path))
    if not verdict.runs:
        raise ExportError(
            f"the file does not run on {target.title}: {'; '.join(verdict.because)}. Leave recipe "
            f"and io to --target {name}, or choose another model."
        )
    return verdict


def _judge(target: Target, graph: TFLiteFile) -> Verdict:
    reasons = tuple(reason for rule in target.rules for reason in rule(graph))
    if reasons:
        return Verdict(target=target.name, title=target.title, runs=False, because=reasons)
    kinds = len({operator.name for operator in graph.operators})
    met = (
        f"it has all {kinds} kinds of operators, takes {graph.inputs[0].dtype} and gives "
        f"{graph.outputs[0].dtype}"
    )
    return Verdict(target=target.name, title=target.title, runs=True, because=(met,))
