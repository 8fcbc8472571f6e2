"""Copying arrays into a model: all of them, or none and an error that names what is wrong."""

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import keras

from kerascnn.errors import InputError
from kerascnn.weights import structure
from kerascnn.weights.adapt import adapt, optional_prefixes, top_layers
from kerascnn.weights.file_facts import pixels_of
from kerascnn.weights.readers import LayerArrays, SavedLayers, StateDict, read

log = logging.getLogger("kerascnn")

# What torchvision and timm call their classifiers, which a model without its top does not have.
TORCH_HEADS = ("fc.", "classifier.", "head.", "last_linear.", "pre_logits.")


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
    origin: str = "the given arrays",
) -> WeightsReport:
    """Copies the weights of `source` into `model`, matching layers by name.

    Every layer must be there, with arrays of the right shapes. One exception: the layer named
    `head` may differ in its number of classes, or be absent on either side; it then keeps its
    fresh weights, and a log message says so. So may auxiliary classifiers. A model without its top
    leaves the whole top of the file out.

    Args:
        model: The model to load into. It is changed only if everything fits.
        source: A weight file, or what `read` returned.
        family: Family of the catalogue; weights of keras.applications, torchvision and timm are
            then translated into our names.
        head: Name of the layer that depends on the number of classes.
        origin: Where arrays are from, for messages.

    Raises:
        InputError: An unreadable file; a missing, extra or mis-shaped array; weights of a network
            that was built with other options, where the file says that.
    """
    if isinstance(source, dict):
        file = source
    else:
        origin, file = os.fspath(source), read(source)
    targets = {layer.name: layer for layer in structure.leaves(model) if layer.weights}
    arrays, report = match(targets, file, family, head=head, what=(origin, model.name))
    if isinstance(file, SavedLayers):
        structure.check(model, file, family, origin)
    if not isinstance(file, StateDict):
        structure.check_pixels(model, pixels_of(file, family), origin)
    for name in report.loaded:
        targets[name].set_weights(arrays[name])
    if report.reinitialised:
        log.warning(
            "%s: the head %s does not match and starts from fresh weights",
            origin,
            _some([repr(name) for name in report.reinitialised]),
        )
    if report.unused:
        log.info("%s: left out, as the model has no such layers: %s", origin, _some(report.unused))
    return report


def match(
    targets: Mapping[str, keras.layers.Layer],
    arrays: LayerArrays | StateDict,
    family: str | None,
    *,
    head: str,
    what: tuple[str, str],
) -> tuple[LayerArrays, WeightsReport]:
    """Translates arrays for the given layers and checks that they fit; changes nothing.

    Raises:
        InputError: A missing, extra or mis-shaped array; `what` names file and model.
    """
    optional = optional_prefixes(family)
    if isinstance(arrays, StateDict) and head not in targets:
        optional += TORCH_HEADS
    arrays = adapt(targets, arrays, family)

    def required(name: str) -> bool:
        return name != head and not name.startswith(optional)

    top = () if head in targets else top_layers(family)
    missing = [name for name in targets if name not in arrays and required(name)]
    extra = [n for n in arrays if n not in targets and n not in top and required(n)]
    if missing or extra:
        raise InputError(
            f"weights from {what[0]} do not fit model {what[1]!r}: "
            f"missing layers {_some(missing)}, unexpected layers {_some(extra)}. "
            "Nothing was loaded. Are they weights of this architecture?"
        )
    loaded, reinitialised = [], []
    for name, layer in targets.items():
        shapes = [tuple(variable.shape) for variable in layer.weights]
        found = [array.shape for array in arrays.get(name, [])]
        if shapes == found:
            loaded.append(name)
        elif not required(name):
            reinitialised.append(name)
        else:
            raise InputError(
                f"weights from {what[0]} do not fit model {what[1]!r}: layer {name!r} "
                f"needs shapes {shapes}, the file has {found}. Nothing was loaded."
            )
    unused = tuple(name for name in arrays if name not in targets)
    return arrays, WeightsReport(tuple(loaded), tuple(reinitialised), unused)


def _some(names: Sequence[str]) -> str:
    if not names:
        return "none"
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
