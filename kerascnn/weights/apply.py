"""Copying arrays into a model: all of them, or none and an error that names what is wrong."""

import logging
import os
from dataclasses import dataclass

import keras

from kerascnn.errors import InputError
from kerascnn.weights.adapt import adapt
from kerascnn.weights.readers import LayerArrays, StateDict, read

log = logging.getLogger("kerascnn")


@dataclass(frozen=True)
class WeightsReport:
    """What `load` did.

    Attributes:
        loaded: Names of the layers that took their weights from the file.
        reinitialised: Names of the head layers that kept their fresh weights.
        unused: Names of the head layers of the file that the model does not have.
    """

    loaded: tuple[str, ...]
    reinitialised: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()


def load(
    model: keras.Model,
    source: str | os.PathLike[str] | LayerArrays | StateDict,
    *,
    family: str | None = None,
    head: str = "predictions",
) -> WeightsReport:
    """Copies the weights of `source` into `model`, matching layers by name.

    Every layer must be there, with arrays of the right shapes. One exception: the layer named
    `head` may differ in its number of classes, or be absent on either side; it then keeps its
    fresh weights, and a log message says so.

    Args:
        model: The model to load into. It is changed only if everything fits.
        source: A weight file, or what `read` returned.
        family: Family of the catalogue; weights of keras.applications, torchvision and timm are
            then translated into our names.
        head: Name of the layer that depends on the number of classes.

    Raises:
        InputError: An unreadable file; a missing, extra or mis-shaped array.
    """
    if isinstance(source, dict):
        origin, arrays = "the given arrays", source
    else:
        origin, arrays = os.fspath(source), read(source)
    targets = {layer.name: layer for layer in _weighted_layers(model)}
    arrays = adapt(targets, arrays, family)
    missing = [name for name in targets if name not in arrays and name != head]
    extra = [name for name in arrays if name not in targets and name != head]
    if missing or extra:
        raise InputError(
            f"weights from {origin} do not fit model {model.name!r}: "
            f"missing layers {_some(missing)}, unexpected layers {_some(extra)}. "
            "Nothing was loaded. Are they weights of this architecture?"
        )
    loaded, reinitialised = [], []
    for name, layer in targets.items():
        shapes = [tuple(variable.shape) for variable in layer.weights]
        found = [array.shape for array in arrays.get(name, [])]
        if shapes == found:
            loaded.append(name)
        elif name == head:
            reinitialised.append(name)
        else:
            raise InputError(
                f"weights from {origin} do not fit model {model.name!r}: layer {name!r} "
                f"needs shapes {shapes}, the file has {found}. Nothing was loaded."
            )
    for name in loaded:
        targets[name].set_weights(arrays[name])
    if reinitialised:
        log.warning(
            "%s: the head %r does not match and starts from fresh weights", origin, reinitialised[0]
        )
    unused = tuple(name for name in arrays if name not in targets)
    return WeightsReport(tuple(loaded), tuple(reinitialised), unused)


def _weighted_layers(model: keras.Model) -> list[keras.layers.Layer]:
    flat = model._flatten_layers(include_self=False, recursive=True)
    return [layer for layer in flat if layer.weights and not hasattr(layer, "layers")]


def _some(names: list[str]) -> str:
    if not names:
        return "none"
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
