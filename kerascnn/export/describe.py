"""A model's name, classes and range of outputs, written into its `.tflite` file."""

from collections.abc import Sequence

from kerascnn.errors import InputError
from kerascnn.export.file_arguments import check_classifier
from kerascnn.export.flatbuffer import pack, parse
from kerascnn.export.interpreter import inspect
from kerascnn.export.metadata import embed


def describe(
    content: bytes,
    name: str,
    description: str | None,
    recipe: str,
    class_names: Sequence[str] | None,
    kind: str,
) -> bytes:
    """Returns the file with TFLite Metadata where it is an image classifier, else as it is.

    Without class names the labels are the class numbers: clients that look for labels find some.
    """
    summary = inspect(content)
    try:
        check_classifier(summary.input.shape, summary.output.shape)
    except InputError:
        if class_names is not None:
            raise
        return pack(parse(content))  # for its alignment of the constants
    labels = list(class_names) if class_names is not None else None
    return embed(
        content,
        name=name,
        description=description or f"{name}, recipe {recipe}, exported by kerascnn",
        labels=labels or [str(index) for index in range(summary.output.shape[-1])],
        output_range=(0.0, 1.0) if kind == "probabilities" else None,
    )
