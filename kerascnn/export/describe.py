"""A model's name, classes and range of outputs, written into its `.tflite` file."""

from collections.abc import Sequence

from kerascnn.errors import InputError
from kerascnn.export.flatbuffer.graph import Graph
from kerascnn.export.flatbuffer.metadata import embed
from kerascnn.export.flatbuffer.metadata_schema import CATEGORY, COUNT, LOCATION, SCORE
from kerascnn.tasks import Output, Task

# Names of outputs in the metadata, by their roles.
_NAMES = {
    ("scores",): (SCORE,),
    ("scores", "boxes"): (SCORE, LOCATION),
    ("boxes", "classes", "scores", "count"): (LOCATION, CATEGORY, SCORE, COUNT),
}


def describe(
    graph: Graph,
    name: str,
    description: str | None,
    recipe: str,
    class_names: Sequence[str] | None,
    task: Task,
    outputs: Sequence[Output],
) -> bytes:
    """Returns the file with TFLite Metadata where it gives scores of names, else as it is.

    Without class names the labels are the class numbers: clients that look for labels find some.

    Raises:
        InputError: Class names for a file that cannot hold them.
    """
    try:
        check_labelled(graph.signature(graph.inputs[0]), outputs)
    except InputError:
        if class_names is not None:
            raise
        return graph.pack()  # its constants are aligned by that
    logits = any(output.kind == "logits" for output in outputs)
    return embed(
        graph,
        name=name,
        description=description or f"{name}, recipe {recipe}, exported by kerascnn",
        labels=list(class_names or map(str, range(task.names(outputs)))),
        output_range=None if logits else (0.0, 1.0),
        output_names=_NAMES[_roles(outputs)],
    )


def check_labelled(takes: Sequence[int], outputs: Sequence[Output]) -> None:
    """Raises InputError unless a file with this input and these outputs can hold class names."""
    roles, gives = _roles(outputs), outputs[0].shape
    if roles not in _NAMES:
        what = "a file of quantities" if not outputs[0].decides else "a file with several outputs"
        raise InputError(f"class_names are for classifiers and detectors; {what} has none")
    if (roles == ("scores",) and len(gives) != 2) or takes[-1] not in (1, 3):
        raise InputError(
            "class_names can be embedded in classifiers [1, classes] and detectors of grey or RGB "
            f"images; this model maps {list(takes)} to {list(gives)}"
        )


def can_be_labelled(outputs: Sequence[Output]) -> bool:
    """Whether files with these outputs hold class names."""
    return _roles(outputs) in _NAMES


def _roles(outputs: Sequence[Output]) -> tuple[str, ...]:
    return tuple(output.role for output in outputs)
