"""Copies of layers and models of this very process.

What is copied was defined here, by the user who asks for it: it is not refused as a file with code
in it is, and its classes and functions need not be registered with Keras.
"""

import json
import warnings
from collections.abc import Callable, Iterator, Mapping
from types import FunctionType
from typing import Any

import keras

from kerascnn.errors import InputError, KerascnnError

Transform = Callable[[Any], Any]
# What taking a layer's configuration and making another one of it can raise.
_ERRORS = (NotImplementedError, TypeError, ValueError, AttributeError, KeyError, NameError)


def copy_of(
    operation: Any,
    name: str | None = None,
    *,
    transform: Transform | None = None,
    kinds: Mapping[type, Callable[..., Any]] | None = None,
    **changes: Any,
) -> Any:
    """An operation with the same settings and no weights yet.

    Functions, such as that of a Lambda layer, are the same ones and not copies.

    Args:
        operation: A layer, a model with a graph of layers, or another operation of Keras.
        name: A new name.
        transform: Of the configuration, before the copy is made of it.
        kinds: For some classes, what is called with the configuration instead.
        changes: Settings that shall differ.

    Raises:
        InputError: It cannot be made from its configuration.
    """
    if isinstance(operation, keras.Model):
        return copy_model(operation, transform=transform, kinds=kinds)
    try:
        config = {**_config(operation), **changes}
        if name is not None:
            config["name"] = name
        return _made(operation, transform(config) if transform else config, kinds or {})
    except KerascnnError:
        raise
    except _ERRORS as error:
        raise InputError(
            f"the layer {operation.name!r} ({type(operation).__name__}) cannot be copied: "
            f"{_reason(error)}. Give it a get_config() that returns all arguments of its "
            "constructor."
        ) from error


def copy_model(
    model: keras.Model,
    *,
    transform: Transform | None = None,
    kinds: Mapping[type, Callable[..., Any]] | None = None,
    input_tensors: Any = None,
    input_dtype: str | None = None,
    call_function: Callable[..., Any] | None = None,
) -> keras.Model:
    """A functional model of copies of all layers, with the same weights; not compiled.

    Args:
        model: Functional or Sequential, and built; models in it are copied as well.
        transform, kinds: As of `copy_of`, for each layer.
        input_tensors, call_function: As `keras.models.clone_model` takes them.
        input_dtype: Of new inputs; None for that of the old ones.

    Raises:
        InputError: A layer cannot be copied, or the model has no graph of layers.
    """
    graph = getattr(model, "_functional", None) or model
    if not hasattr(graph, "operations"):
        raise InputError(
            f"the model {model.name!r} ({type(model).__name__}) cannot be copied: it has no graph "
            "of layers. Build it as keras.Model(inputs, outputs)."
        )
    # Not of the model itself: its class may be the user's, and cloning would compile it.
    bare = keras.Model(graph.input, graph.output, name=model.name)
    if input_tensors is None:
        input_tensors = keras.tree.map_structure(
            lambda tensor: keras.Input(
                batch_shape=tensor.shape,
                dtype=input_dtype or tensor.dtype,
                name=tensor._keras_history.operation.name,
            ),
            graph.input,
        )
    copy = keras.models.clone_model(
        bare,
        input_tensors=input_tensors,
        clone_function=lambda layer: copy_of(layer, transform=transform, kinds=kinds),
        call_function=call_function,
    )
    # Layer by layer: the copy may have others in front.
    for layer in bare.layers:
        if layer.weights:
            copy.get_layer(layer.name).set_weights(layer.get_weights())
    return copy


def described(operation: Any) -> str | None:
    """The settings of an operation as text, the same in every process; None if it has none."""
    try:
        config = _config(operation)
    except _ERRORS:
        return None
    if any(isinstance(value, FunctionType) for value in config.values()):
        return None
    return json.dumps(config, sort_keys=True, default=str)


def _config(operation: Any) -> dict[str, Any]:
    """The configuration, in which functions are themselves and not their code or their names."""
    if type(operation) is keras.layers.Lambda:
        own = {"output_shape": operation._output_shape, "mask": operation.mask}
        own |= {"function": operation.function, "arguments": operation.arguments}
        return {**keras.layers.Layer.get_config(operation), **own}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The object being serialized includes a `lambda`")
        config = dict(operation.get_config())
    functions = {
        name: value
        for name, value in vars(operation).items()
        if name in config and isinstance(value, FunctionType)
        if not value.__module__.startswith("keras.")
    }
    return {**config, **functions}


def _made(operation: Any, config: dict[str, Any], kinds: Mapping[type, Any]) -> Any:
    kind = type(operation)
    if kind in kinds:
        return kinds[kind](operation, config)
    if kind is keras.layers.Lambda:
        return kind(**config)
    registered = keras.saving.get_registered_name(kind)
    return keras.saving.deserialize_keras_object(
        {
            "module": None,
            "class_name": kind.__name__,
            "config": config,
            "registered_name": registered,
        },
        custom_objects={**dict(_objects_of(operation)), registered: kind},
        safe_mode=False,
    )


def _objects_of(operation: Any) -> Iterator[tuple[str, Any]]:
    """Classes and functions of the user's that a layer, or one inside it, was made with."""
    layers = [operation]
    if isinstance(operation, keras.layers.Layer):
        layers += operation._flatten_layers(include_self=False)
    for layer in layers:
        for value in (layer, *vars(layer).values()):
            kind = value if isinstance(value, FunctionType) else type(value)
            own = kind.__module__.partition(".")[0] not in ("builtins", "keras", "numpy")
            if own and (kind is value or hasattr(kind, "from_config")):
                yield kind.__name__, kind
                yield keras.saving.get_registered_name(kind), kind


def _reason(error: BaseException) -> str:
    """The first line of the innermost error."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    if isinstance(error, NotImplementedError):  # Keras's text is a page
        return "Keras cannot save the arguments that it was made with"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines or [type(error).__name__])[0].rstrip(".:")[:160]
