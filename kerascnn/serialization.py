"""Loading saved models that contain kerascnn layers."""

import os
from typing import TYPE_CHECKING

from kerascnn.errors import InputError

if TYPE_CHECKING:
    import keras


def load_model(path: str | os.PathLike[str], *, compile: bool = True) -> "keras.Model":
    """Loads a `.keras` file, with every kerascnn layer registered first.

    `keras.saving.load_model` knows our layers and losses only once `kerascnn.layers`,
    `kerascnn.losses` (and, for augmentation in a model, `kerascnn.augment.layer`) have been
    imported; this function does all of it.

    Args:
        path: A `.keras` file.
        compile: Restore the optimiser and the loss too.

    Raises:
        InputError: The file is missing, or is not a readable `.keras` file.
    """
    import zipfile

    import keras

    import kerascnn.augment.layer
    import kerascnn.layers
    import kerascnn.losses  # noqa: F401 - registers layers and losses

    path = os.fspath(path)
    if not os.path.isfile(path):
        raise InputError(f"no such model file: {path}. Expected a .keras file.")
    if not path.endswith(".keras") or not zipfile.is_zipfile(path):
        raise InputError(f"not a Keras model file: {path}. Expected a .keras file (a zip archive).")
    return keras.saving.load_model(path, compile=compile)
