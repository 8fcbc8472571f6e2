"""The part of somebody's model that a new head is put upon."""

import difflib
from collections.abc import Collection, Mapping
from typing import Any

import keras

from kerascnn.copying import copy_model
from kerascnn.errors import InputError
from kerascnn.transfer.parts import calls_of
from kerascnn.transfer.preprocessing import NAME, prepare

Tensor = Any


def feature_extractor(
    backbone: keras.Model,
    cut: str | None = None,
    preprocessing: str | keras.layers.Layer | None = None,
) -> keras.Model:
    """A functional model from images to features, with the weights of `backbone`.

    Functional and Sequential backbones give their own layers, one by one and shared with the
    backbone; with `preprocessing`, copies of them, since a layer that stands in two graphs answers
    only for the first. A backbone without a graph of layers becomes one layer of the result.

    Args:
        backbone: Any built model with one input.
        cut: Name of the layer whose output is the features; None for the model's own output.
        preprocessing: What is done to raw pixels first, see `preprocessing.prepare`.

    Raises:
        InputError: A backbone, layer name or preprocessing that cannot be used.
    """
    if not isinstance(backbone, keras.Model):
        raise InputError(f"`backbone` must be a keras.Model. Received: {type(backbone).__name__}.")
    graph = getattr(backbone, "_functional", None) or backbone
    if not hasattr(graph, "operations"):
        return _nested(backbone, cut, preprocessing)
    if len(graph.inputs) != 1:
        raise InputError(
            f"`backbone` must have one input. {backbone.name!r} has {len(graph.inputs)}."
        )
    if cut is None and len(graph.outputs) != 1:
        raise InputError(
            f"{backbone.name!r} has {len(graph.outputs)} outputs. Name the layer whose output is "
            "the features: cut=NAME."
        )
    features = graph.outputs[0] if cut is None else _output_of(graph, cut)
    extractor = keras.Model(graph.inputs[0], features, name=backbone.name)
    return extractor if preprocessing is None else _prepared(extractor, preprocessing)


def refuse_taken_names(extractor: keras.Model, names: Collection[str]) -> None:
    """Raises InputError if layers of the extractor have names that a head is about to give."""
    taken = [layer.name for layer in extractor.layers if layer.name in names]
    if taken:
        raise InputError(
            f"the backbone {extractor.name!r} has layers with names of the new head: {taken}. If "
            "they are its old head, cut it off before them: cut=NAME of the layer whose output is "
            "the features. If not, rename them."
        )


def _output_of(graph: Any, cut: str) -> Tensor:
    for operation in graph.operations:
        if operation.name == cut:
            tensors = calls_of(operation, graph)[-1].output_tensors
            if len(tensors) != 1:
                raise InputError(f"`cut`: the layer {cut!r} has {len(tensors)} outputs.")
            return tensors[0]
    names = [operation.name for operation in graph.operations]
    near = difflib.get_close_matches(cut, names, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise InputError(
        f"`cut`: no layer {cut!r} in {graph.name!r}.{hint} Its last ones: {names[-8:]}."
    )


def _prepared(extractor: keras.Model, preprocessing: str | keras.layers.Layer) -> keras.Model:
    """A copy of the extractor that does the preprocessing first."""
    if isinstance(preprocessing, str) and NAME in [layer.name for layer in extractor.layers]:
        raise InputError(
            f"the backbone {extractor.name!r} has a layer {NAME!r} already: it takes raw pixels. "
            "Leave the option `preprocessing` out."
        )
    old, name = extractor.inputs[0], extractor.layers[0].name
    images = keras.Input(batch_shape=old.shape, dtype=old.dtype, name=name)
    pixels = prepare(images, preprocessing)

    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        def replace(value: Any) -> Any:
            return pixels if value is images else value

        args, kwargs = keras.tree.map_structure(replace, (args, kwargs))
        return layer(*args, **kwargs)

    try:
        return copy_model(extractor, input_tensors=images, call_function=call)
    except InputError as error:
        raise InputError(
            f"the backbone {extractor.name!r} cannot be copied, which `preprocessing` needs: "
            f"{error} Or build the preprocessing into the backbone, and leave the option out."
        ) from error


def _nested(
    backbone: keras.Model, cut: str | None, preprocessing: str | keras.layers.Layer | None
) -> keras.Model:
    if cut is not None:
        raise InputError(
            f"`cut` needs a graph of layers, which {backbone.name!r} has not: it is a subclass of "
            "keras.Model. Let it give the features itself."
        )
    shape = (backbone.get_build_config() or {}).get("input_shape")
    if not backbone.built or isinstance(shape, Mapping) or shape is None:
        raise InputError(
            f"the backbone {backbone.name!r} does not say what it takes. Build it first: "
            "backbone.build((None, height, width, channels)), or call it once on images."
        )
    images = keras.Input(shape[1:], name="image")
    pixels = images if preprocessing is None else prepare(images, preprocessing)
    features = backbone(pixels)
    if not keras.backend.is_keras_tensor(features):
        raise InputError(f"the backbone {backbone.name!r} must have one output.")
    return keras.Model(images, features, name=backbone.name)
