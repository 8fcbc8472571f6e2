"""Copies of layers and models of this very process.

What is copied was defined here, by the user who asks for it: it is not refused as a file with code
in it is, and its classes and functions need not be registered with Keras.
"""

from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any

import keras

from kerascnn.errors import InputError, KerascnnError

Transform = Callable[[Any], Any]
# What taking a layer's configuration and making another one of it can raise.
_ERRORS = (NotImplementedError, TypeError, ValueError, AttributeError, KeyError, NameError)


def copy_of(
    operation: Any, name: str | None = None, *, transform: Transform | None = None, **changes: Any
) -> Any:
    """An operation with the same settings and no weights yet.

    Functions, such as that of a Lambda layer, are the same ones and not copies.

    Args:
        operation: A layer, a model with a graph of layers, or another operation of Keras.
        name: A new name.
        transform: Of the configuration, before the copy is made of it.
        changes: Settings that shall differ.

    Raises:
        InputError: It cannot be made from its configuration.
    """
    if isinstance(operation, keras.Model) and hasattr(operation, "layers") and operation.layers:
        return copy_model(operation, transform=transform)
    try:
        copy = _copied(operation, name, transform or (lambda config: config), changes)
    except KerascnnError:
        raise
    except _ERRORS as error:
        raise InputError(
            f"the layer {operation.name!r} ({type(operation).__name__}) cannot be copied: "
            f"{_reason(error)}. Give it a get_config() that returns all arguments of its "
            "constructor."
        ) from error
    for attribute, value in vars(operation).items():
        same = isinstance(value, FunctionType) and attribute not in changes
        if same and isinstance(getattr(copy, attribute, None), FunctionType):
            setattr(copy, attribute, value)
    return copy


def copy_model(
    model: keras.Model,
    *,
    transform: Transform | None = None,
    input_tensors: Any = None,
    call_function: Callable[..., Any] | None = None,
) -> keras.Model:
    """A functional model of copies of all layers, with the same weights; not compiled.

    Args:
        model: Functional or Sequential, and built; models in it are copied as well.
        transform: Of the configuration of each layer.
        input_tensors, call_function: As `keras.models.clone_model` takes them.

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
    copy = keras.models.clone_model(
        bare,
        input_tensors=input_tensors,
        clone_function=lambda layer: copy_of(layer, transform=transform),
        call_function=call_function,
    )
    # Layer by layer: a copy may draw its inputs from elsewhere, and have others in front.
    for layer in bare.layers:
        if layer.weights:
            copy.get_layer(layer.name).set_weights(layer.get_weights())
    return copy


def _copied(operation: Any, name: str | None, transform: Transform, changes: dict[str, Any]) -> Any:
    if type(operation) is keras.layers.Lambda:  # its configuration would be marshalled code
        settings = transform(keras.layers.Layer.get_config(operation))
        return keras.layers.Lambda(
            operation.function,
            output_shape=operation._output_shape,
            mask=operation.mask,
            arguments=operation.arguments,
            **{**settings, "name": name or operation.name},
        )
    config = {**operation.get_config(), **changes}
    if name is not None:
        config["name"] = name
    kind = type(operation)
    registered = keras.saving.get_registered_name(kind)
    return keras.saving.deserialize_keras_object(
        {
            "module": None,
            "class_name": kind.__name__,
            "config": transform(config),
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
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines or [type(error).__name__])[0].rstrip(".:")[:160]
