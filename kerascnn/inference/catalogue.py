"""Architectures of the catalogue with a file of weights, or published ones."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kerascnn.inference.keras_file import of_model
from kerascnn.inference.predictor import Predictor


def open_architecture(name: str, weights: str, options: Mapping[str, Any]) -> Predictor:
    """The architecture with its weights; 1000 outputs of these are ImageNet's classes."""
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
    return of_model(
        model,
        Path(entry.name),
        labels=tuple(known.name for known in classes) if named else None,
        # Published accuracies are of the middle of each image.
        resize=ResizeRule(fit="crop"),
    )
