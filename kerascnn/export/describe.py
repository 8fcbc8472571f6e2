"""A model's name, classes and range of outputs, written into its `.tflite` file."""

from collections.abc import Sequence

from kerascnn.errors import InputError
from kerascnn.export.flatbuffer.graph import Graph
from kerascnn.export.flatbuffer.metadata import embed
from kerascnn.tasks import Output


def describe(
    graph: Graph,
    name: str,
    description: str | None,
    recipe: str,
    class_names: Sequence[str] | None,
    outputs: Sequence[Output],
) -> bytes:
    """Returns the file with TFLite Metadata where it gives scores of names, else as it is.

    Without class names the labels are the class numbers: clients that look for labels find some.

    Raises:
        InputError: Class names for a file that cannot hold them.
    """
    takes, gives = (graph.signature(ends[0]) for ends in (graph.inputs, graph.outputs))
    try:
        check_scores(outputs)
        check_classifier(takes, gives)
    except InputError:
        if class_names is not None:
            raise
        return graph.pack()  # its constants are aligned by that
    count = outputs[0].names
    return embed(
        graph,
        name=name,
        description=description or f"{name}, recipe {recipe}, exported by kerascnn",
        labels=list(class_names or map(str, range(count))),
        output_range=None if outputs[0].kind == "logits" else (0.0, 1.0),
    )


def check_scores(outputs: Sequence[Output]) -> None:
    """Raises InputError unless this is one output with a score for each name."""
    if len(outputs) != 1 or outputs[0].role != "scores":
        what = "a file of quantities" if not outputs[0].decides else "a file with several outputs"
        raise InputError(f"class_names are for classifiers; {what} has none")


def check_classifier(takes: Sequence[int], gives: Sequence[int | None]) -> None:
    """Raises InputError unless these are the input and output of an image classifier."""
    if len(gives) != 2 or takes[-1] not in (1, 3):
        raise InputError(
            "class_names can be embedded in classifiers [1, classes] of grey or RGB images; this "
            f"model maps {list(takes)} to {list(gives)}"
        )
