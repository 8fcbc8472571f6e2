"""Loading saved models that contain kerascnn layers."""

import os
from typing import TYPE_CHECKING

from kerascnn.errors import InputError
from kerascnn.files import check_file, user_path

if TYPE_CHECKING:
    import keras


def load_model(path: str | os.PathLike[str], *, compile: bool = True) -> "keras.Model":
    """Loads a `.keras` file, with every kerascnn layer, loss and optimiser registered first.

    `keras.saving.load_model` knows our classes only once the modules that define them have been
    imported; this function imports them all.

    Args:
        path: A `.keras` file.
        compile: Restore the optimiser and the loss too.

    Raises:
        InputError: The file is missing, or is not a readable `.keras` file.
    """
    import zipfile

    import keras

    # Each registers its classes.
    import kerascnn.augment.layer
    import kerascnn.layers
    import kerascnn.losses
    import kerascnn.quantization
    import kerascnn.transfer.metric_losses
    import kerascnn.transfer.optimizers
    import kerascnn.transfer.schedules  # noqa: F401

    if not user_path(path).exists():
        raise InputError(f"no such model file: {path}. Expected a .keras file.")
    path = os.fspath(check_file(path, "model file"))
    if not path.endswith(".keras") or not zipfile.is_zipfile(path):
        raise InputError(f"not a Keras model file: {path}. Expected a .keras file (a zip archive).")
    return keras.saving.load_model(path, compile=compile)
