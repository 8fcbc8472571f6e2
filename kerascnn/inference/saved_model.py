"""SavedModel folders."""

from pathlib import Path

from kerascnn.inference.predictor import Predictor


def open_saved_model_folder(path: Path) -> Predictor:
    """The serving signature of a SavedModel, made here or elsewhere."""
    from kerascnn.export.saved_models.saved_model import open_saved_model

    served, shape = open_saved_model(path)
    return Predictor(
        name=path.name, path=path, input_shape=shape, labels=None, resize=None, compute=served
    )
