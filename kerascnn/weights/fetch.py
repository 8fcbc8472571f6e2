"""Weights by their tag or path: fetched if need be, checked, and read."""

import contextlib
import hashlib
import importlib.util
import logging
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kerascnn.catalog import published
from kerascnn.catalog.published import HubRepository, KerasFile, Published, Request, TorchFile
from kerascnn.errors import InputError
from kerascnn.weights.readers import (
    LayerArrays,
    SavedLayers,
    StateDict,
    read,
    read_keras2,
)

log = logging.getLogger("kerascnn")

PYTORCH = "https://download.pytorch.org/models/"
HUB_FILE = "model.safetensors"
# Options by which keras.applications' networks of one name differ.
CHOICES = ("alpha", "minimalistic")


@dataclass(frozen=True)
class Found:
    """Weights that were read, and where they are from, for messages."""

    origin: str
    arrays: LayerArrays | StateDict


def is_tag(weights: Any, variant: str) -> bool:
    """Whether `weights` is the tag of published weights of a model, and no path."""
    return isinstance(weights, str) and weights in published.tags(variant)


def find(weights: str | os.PathLike[str], request: Request) -> Found:
    """Reads a weight file, or fetches and reads published weights.

    Raises:
        InputError: Neither a path nor a tag of this model; options the weights do not fit; a file
            that cannot be fetched, is damaged, or has another hash than published.
    """
    if not isinstance(weights, (str, os.PathLike)):
        raise InputError(
            "`weights` must be None, the tag of published weights, or the path of a weight file. "
            f"Received: {weights!r}."
        )
    path = published.local_file(request.variant, weights)
    if path is not None:
        return Found(os.fspath(weights), _read(path, request))
    entry = next(e for e in published.TABLE[request.variant] if e.tag == weights)
    _check(entry, request)
    place = entry.locate(request)
    path = _fetch(place, str(weights))
    origin = f"{weights!r} ({path.name if isinstance(place, KerasFile) else _name(place)})"
    log.info("%s: weights %s, details of style=%r", request.variant, origin, entry.style)
    try:
        arrays = _aligned(path, request) if isinstance(place, KerasFile) else read(path)
    except (InputError, OSError, KeyError) as error:
        raise InputError(f"{error} To fetch it again, delete {path}.") from error
    return Found(origin, arrays)


def _read(path: Path, request: Request) -> LayerArrays | StateDict:
    """Reads a file of any origin; one of keras.applications in the names of today's Keras."""
    old = path.suffix in (".h5", ".hdf5") and not path.name.endswith(".weights.h5")
    if old and "imagenet" in published.tags(request.variant):
        with contextlib.suppress(InputError, OSError, KeyError):
            return _aligned(path, request, share=0.5)
    return read(path)


def _check(entry: Published, request: Request) -> None:
    wanted = {**entry.requires, "style": entry.style}
    for option, value in wanted.items():
        given = request.options.get(option)
        if given is not None and given != value:
            raise InputError(
                f"the weights {entry.tag!r} of {request.variant} are for {option}={value!r}. "
                f"Received: {option}={given!r}."
            )


def _name(place: KerasFile | TorchFile | HubRepository) -> str:
    return place.url.rsplit("/", 1)[-1] if isinstance(place, KerasFile) else place.name


def _fetch(place: KerasFile | TorchFile | HubRepository, tag: str) -> Path:
    """Returns the file on this machine, downloaded if it is not in the cache."""
    if isinstance(place, HubRepository):
        return _fetch_from_hub(place, tag)
    url = place.url if isinstance(place, KerasFile) else PYTORCH + place.name
    if isinstance(place, TorchFile) and importlib.util.find_spec("torch") is None:
        raise InputError(
            f"the weights {tag!r} are a PyTorch file, and PyTorch is not installed: "
            "pip install torch."
        )
    import keras

    wanted = place.hash if isinstance(place, KerasFile) else None
    try:
        with contextlib.redirect_stdout(sys.stderr):  # its messages and its progress bar
            path = Path(
                keras.utils.get_file(_name(place), url, cache_subdir="models", file_hash=wanted)
            )
    except Exception as error:  # Keras raises the bare class when a download fails
        reason = str(error).rstrip(".")
        raise InputError(
            f"the weights {tag!r} could not be fetched from {url}: {reason}. Without a network, "
            f"copy the file here and give its path: weights='.../{_name(place)}'."
        ) from error
    if isinstance(place, TorchFile):
        _check_digest(path)
    return path


def _check_digest(path: Path) -> None:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    expected = path.stem.rsplit("-", 1)[-1]
    if not digest.startswith(expected):
        path.unlink()
        raise InputError(
            f"the file {path.name} is damaged or was replaced: its SHA-256 begins with "
            f"{digest[: len(expected)]}, not with {expected}. It was deleted; try again."
        )


def _fetch_from_hub(place: HubRepository, tag: str) -> Path:
    for package in ("huggingface_hub", "safetensors"):
        if importlib.util.find_spec(package) is None:
            raise InputError(
                f"fetching the weights {tag!r} needs the package {package}: "
                "pip install 'kerascnn[hub]'."
            )
    import huggingface_hub

    try:
        return Path(huggingface_hub.hf_hub_download(place.name, HUB_FILE))
    except Exception as error:  # of the hub, the network and the cache alike
        lines = str(error).strip().splitlines() or [type(error).__name__]
        reason = lines[0].rstrip(".")
        raise InputError(
            f"the weights {tag!r} could not be fetched from the Hugging Face hub: {reason}. "
            f"Without a network, copy {HUB_FILE} of huggingface.co/{place.name} here and give its "
            "path, and style='" + ("keras" if "/tf_" in place.name else "torch") + "' where the "
            "model has that option."
        ) from error


def _aligned(path: Path, request: Request, share: float = 0.0) -> SavedLayers:
    """Arrays of a file of keras.applications by the names of the layers in the installed Keras.

    Keras loads these files by the order of the layers: some were written when layers had other
    names. Sequences within a model, which a file keeps as one, are taken apart.

    Args:
        path: The file.
        request: What it is for.
        share: Share of the names that must be today's, for a file of unknown origin.

    Raises:
        InputError: Not the layers or shapes of the model.
    """
    import keras

    saved = read_keras2(path)
    groups = list(saved.items())
    choices = {key: request.options[key] for key in CHOICES if key in request.options}
    factory = getattr(keras.applications, request.variant)
    expected: list[Any] = []
    for include_top in (request.include_top, not request.include_top):
        if include_top:
            last = groups[-1][1][-1].shape if groups else ()
            choices["classes"] = last[-1] if last else 1000
        with keras.StatelessScope(initialize_variables=False):  # names and shapes, no memory
            theirs = factory(weights=None, include_top=include_top, **choices)
        expected = [layer for layer in theirs.layers if layer.weights]
        if len(expected) == len(groups):
            break
    same = {name for name, _ in groups} & {layer.name for layer in expected}
    if len(groups) != len(expected) or len(same) < share * len(groups):
        raise InputError(
            f"{path.name} holds {len(groups)} layers, keras.applications.{request.variant} has "
            f"{len(expected)}: it is no weight file of this model."
        )
    arrays: LayerArrays = {}
    for (name, values), layer in zip(groups, expected, strict=True):
        # The order of files, which is not that of `layer.weights`.
        variables = [*layer.trainable_weights, *layer.non_trainable_weights]
        shapes = [tuple(variable.shape) for variable in variables]
        if [value.shape for value in values] != shapes:
            raise InputError(
                f"{path.name} is no weight file of {request.variant}: its layer {name!r} has the "
                f"shapes {[value.shape for value in values]}, expected {shapes}."
            )
        of_variable = dict(zip(map(id, variables), values, strict=True))
        for part in _parts(layer):
            arrays[part.name] = [of_variable[id(variable)] for variable in part.weights]
    return SavedLayers(arrays, saved.layers, saved.config)


def _parts(layer: Any) -> list[Any]:
    inner = getattr(layer, "layers", None)
    if inner is None:
        return [layer]
    return [part for child in inner if child.weights for part in _parts(child)]
