"""What export needs to know of, and do to, somebody else's Keras model and disk."""

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kerascnn.copying import copy_model
from kerascnn.errors import ExportError, InputError, KerascnnError

if TYPE_CHECKING:
    import keras

_REDUCED = {"float16", "bfloat16"}
# What building, cloning and tracing somebody else's model can raise.
MODEL_ERRORS = (ValueError, TypeError, RuntimeError, AttributeError, KeyError, NotImplementedError)


def require_tensorflow() -> None:
    """Raises ExportError unless Keras runs on TensorFlow, which tracing a model needs."""
    import keras

    backend = keras.backend.backend()
    if backend != "tensorflow":
        raise ExportError(
            f"export needs the tensorflow backend of Keras, but this process runs on {backend}. "
            "Save the model (model.save), then export it from a process started with "
            "KERAS_BACKEND=tensorflow."
        )


def input_shape_of(
    model: "keras.Model",
    input_shape: tuple[int, ...] | None,
    *,
    need_size: bool,
    outputs: int | None = 1,
) -> tuple[int | None, ...]:
    """Returns the `(height, width, channels)` of the one image a model takes.

    Args:
        model: Any Keras model.
        input_shape: The size to use where the model leaves height, width or all of it free.
        need_size: Whether every size must be known at the end.
        outputs: How many outputs it must have; None for any number.

    Raises:
        InputError: Not a Keras model, more than one input, another number of outputs, no image
            input, or a free or contradicting size.
    """
    import keras

    if not isinstance(model, keras.Model):
        raise InputError(f"export takes a keras.Model. Received: {type(model).__name__}.")
    _check_ends(model, outputs)
    known = getattr(model, "inputs", None)
    shape: tuple[int | None, ...]
    if known:
        shape = tuple(known[0].shape)[1:]
    elif input_shape is not None:
        shape = tuple(input_shape)
    else:
        raise InputError(
            f"model {model.name!r} does not say what it takes: it is not built, or is a "
            "subclass of keras.Model. Pass input_shape=(height, width, channels)."
        )
    if len(shape) != 3:
        raise InputError(
            f"model {model.name!r} must take images [batch, height, width, channels], but its "
            f"input has shape {(None, *shape)}"
        )
    if input_shape is not None:
        if len(input_shape) != 3:
            raise InputError(
                f"input_shape must be (height, width, channels). Received: {input_shape}."
            )
        if any(own not in (None, given) for own, given in zip(shape, input_shape, strict=True)):
            raise InputError(
                f"input_shape {tuple(input_shape)} contradicts the model's own input {shape}"
            )
        shape = tuple(input_shape)
    if need_size and None in shape:
        raise InputError(
            f"model {model.name!r} leaves its input size free {(None, *shape)}, and a TFLite file "
            "needs a fixed one. Pass input_shape=(height, width, channels)."
        )
    return shape


def _check_ends(model: "keras.Model", outputs: int | None) -> None:
    for kind, count in (("inputs", 1), ("outputs", outputs)):
        tensors = getattr(model, kind, None)
        if tensors and count is not None and len(tensors) != count:
            struct = getattr(model, kind.removesuffix("s"))
            names = ", ".join(
                struct if isinstance(struct, dict) else (tensor.name for tensor in tensors)
            )
            wanted = "one output" if outputs in (1, None) else f"{outputs} outputs"
            raise InputError(
                f"export takes models with one input and {wanted} here, but {model.name!r} has "
                f"{len(tensors)} {kind}: {names}. Export a keras.Model between two of its tensors."
            )
    found = getattr(model, "output", None) if getattr(model, "outputs", None) else None
    if outputs == 1 and isinstance(found, dict | list | tuple):
        place = repr(next(iter(found))) if isinstance(found, dict) else "0"
        raise InputError(
            f"export takes models that give a tensor, but {model.name!r} gives its output in a "
            f"{type(found).__name__}. Export keras.Model(model.input, model.output[{place}])."
        )


def with_listed_outputs(model: "keras.Model", roles: Sequence[str]) -> "keras.Model":
    """The model itself, or one with its outputs in a list, where it gives a mapping by role.

    Raises:
        InputError: The mapping has other keys than `roles`.
    """
    import keras

    named = getattr(model, "output", None)
    if not isinstance(named, Mapping):
        return model
    if set(named) != set(roles):
        raise InputError(
            f"model {model.name!r} gives outputs of other names than the task has. Expected: "
            f"{', '.join(roles)}. Received: {', '.join(map(str, named))}."
        )
    found = model(model.inputs[0])
    return keras.Model(model.inputs[0], [found[role] for role in roles], name=model.name)


def float32_model(model: "keras.Model") -> "keras.Model":
    """Returns `model` itself, or a float32 copy of one that computes or reads anything else.

    TFLite has no mixed precision, and an integer input would leave a cast inside the file that
    quantisation cannot pass. Weights are copied exactly as far as float32 goes (it holds every
    float16 and bfloat16 value). A quantisation-aware model gives the plain model inside it, with
    the weights that its int8 file will have.

    Raises:
        ExportError: The model cannot be rebuilt from its configuration.
    """

    from kerascnn.quantization import has_fake_quantization, strip

    if has_fake_quantization(model):
        model = strip(model)
    inputs = getattr(model, "inputs", None) or []
    reduced = any(
        layer.dtype_policy.compute_dtype in _REDUCED
        for layer in model._flatten_layers()
        if hasattr(layer, "dtype_policy")
    )
    if not reduced and all(tensor.dtype == "float32" for tensor in inputs):
        return model
    try:
        return copy_model(model, transform=_in_float32, input_dtype="float32")
    except (InputError, *MODEL_ERRORS) as error:
        reason = str(error) if isinstance(error, InputError) else f"{first_line(error)}."
        raise ExportError(
            f"model {model.name!r} is not float32 throughout, which a file for devices must be, "
            f"and could not be rebuilt: {reason} Or build it with a float32 input under the policy "
            "float32, and copy the weights with set_weights."
        ) from error


def _in_float32(config: Any, key: str = "") -> Any:
    """The configuration of a layer with every reduced precision made float32."""
    if isinstance(config, dict):
        if config.get("class_name") == "DTypePolicy":
            return {**config, "config": {**config["config"], "name": "float32"}}
        return {name: _in_float32(value, name) for name, value in config.items()}
    if isinstance(config, list | tuple):
        return type(config)(_in_float32(value) for value in config)
    if key == "dtype" and isinstance(config, str):
        return "float32" if config.removeprefix("mixed_") in _REDUCED else config
    return config


@contextlib.contextmanager
def write_errors(path: Path) -> Iterator[None]:
    """Turns a failed write to `path` into an ExportError that says why and that nothing is left."""
    try:
        yield
    except KerascnnError:
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise ExportError(f"cannot write {path}: {reason}. Nothing was left there.") from error


@contextlib.contextmanager
def tensorflow_errors(name: str, made: str, full: str) -> Iterator[None]:
    """Turns what TensorFlow raises into an ExportError that says what could not be done.

    Args:
        name: Of the model.
        made: What is made of it.
        full: What is said of that where the disk is full.
    """
    import tensorflow as tf

    try:
        yield
    except tf.errors.ResourceExhaustedError as error:
        raise ExportError(f"the {made} of {name!r} {full}. Nothing was left of it.") from error
    except tf.errors.OpError as error:
        raise ExportError(
            f"the {made} of {name!r} could not be made: {first_line(error)}"
        ) from error
    except MODEL_ERRORS as error:
        raise ExportError(
            f"model {name!r} could not be traced for export: {first_line(error)}"
        ) from error


def first_line(error: BaseException) -> str:
    """Returns what an error says in one line of at most 300 characters.

    Keras wraps errors of layers in a first line that only tells where; the next one is added.
    """
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
    lines = [line.strip() for line in text.splitlines() if line.strip()] or [type(error).__name__]
    told = " ".join(lines[:2]) if lines[0].startswith("Exception encountered") else lines[0]
    return told[:300]
