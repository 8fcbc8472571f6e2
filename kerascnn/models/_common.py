"""What all families share: options, input, preprocessing, pooling, head, naming, weights.

An architecture file holds what its paper says; everything else is here, once.
"""

import difflib
import functools
import inspect
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

import keras
from keras import layers

from kerascnn import weights as weight_files
from kerascnn.errors import InputError, UnknownOptionError
from kerascnn.models._docstrings import describe

Tensor = Any
Shape = tuple[int | None, int | None, int]
# Normalisations that every family with a `norm` option takes; some take others too.
NormKind = Literal["batch", "group", "layer"]


class ModelOptions(TypedDict, total=False):
    """Options of every model, beside `include_top` and `weights`; the meaning is that of Keras.

    Attributes:
        input_tensor: A Keras tensor to build upon, instead of a new input.
        input_shape: (height, width, channels) of the images, without the batch.
        pooling: With `include_top=False`: None for feature maps, "avg" or "max" for a vector.
        classes: Number of classes, with `include_top=True`.
        classifier_activation: "softmax", another activation, or None for logits.
        name: Name of the model.
        include_preprocessing: Take raw pixels in 0..255 and prepare them inside the model. With
            False, the caller does it.
        dropout: Rate before the last layer, in [0, 1). None is the paper's own.
    """

    input_tensor: Tensor
    input_shape: Shape | None
    pooling: str | None
    classes: int
    classifier_activation: str | None
    name: str | None
    include_preprocessing: bool
    dropout: float | None


DEFAULTS: ModelOptions = {
    "input_tensor": None,
    "input_shape": None,
    "pooling": None,
    "classes": 1000,
    "classifier_activation": "softmax",
    "name": None,
    "include_preprocessing": True,
    "dropout": None,
}


@dataclass(frozen=True)
class Preprocessing:
    """From raw pixels p in 0..255 to what the network was designed for: p * scale + offset.

    Scale and offset are one number, or one per channel of RGB; images of another number of
    channels get the mean of the three.
    """

    scale: float | tuple[float, float, float]
    offset: float | tuple[float, float, float]

    def __call__(self, x: Tensor) -> Tensor:
        scale, offset = (self._fit(value, x.shape[-1]) for value in (self.scale, self.offset))
        return layers.Rescaling(scale, offset, name="preprocessing")(x)

    @staticmethod
    def _fit(value: float | tuple[float, ...], channels: int) -> float | list[float]:
        if not isinstance(value, tuple):
            return value
        return list(value) if channels == len(value) else sum(value) / len(value)

    @classmethod
    def standardize(cls, mean: tuple[float, ...], std: tuple[float, ...]) -> "Preprocessing":
        """(p / 255 - mean) / std, with mean and std of RGB in 0..1."""
        pairs = list(zip(mean, std, strict=True))
        scale = tuple(1 / (255 * s) for _, s in pairs)
        return cls(scale, tuple(-m / s for m, s in pairs))  # type: ignore[arg-type]


UNIT = Preprocessing(1 / 255, 0.0)
# In keras.applications: "tf", "torch" and "caffe". The last expects BGR there; our importer turns
# the first convolution around instead, so that every model of ours takes RGB.
SIGNED = Preprocessing(1 / 127.5, -1.0)
IMAGENET = Preprocessing.standardize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
CAFFE = Preprocessing(1.0, (-123.68, -116.779, -103.939))


def variant(**defaults: Any) -> Callable[[Callable[..., keras.Model]], Callable[..., keras.Model]]:
    """Makes a factory of a function that builds a network.

    The factory completes the options, refuses those it does not have, and loads the weights. The
    function receives every option; the factory's signature and docstring show them, so that
    `help()` and editors do too. The function gets `weights` only to choose the details of the
    network by.

    Args:
        **defaults: Override DEFAULTS and add the options that only this family has.
    """
    known: dict[str, Any] = {**DEFAULTS, **defaults}

    def decorate(function: Callable[..., keras.Model]) -> Callable[..., keras.Model]:
        @functools.wraps(function)
        def factory(include_top: bool = True, weights: Any = None, **options: Any) -> keras.Model:
            for name in options:
                if name not in known:
                    near = difflib.get_close_matches(name, known, n=1)
                    hint = f" Did you mean {near[0]!r}?" if near else ""
                    raise UnknownOptionError(
                        f"{function.__name__} has no option {name!r}.{hint} "
                        f"Its options: {', '.join(known)}."
                    )
            completed = {**known, **options}
            completed["name"] = completed["name"] or function.__name__.lower()
            model = function(include_top, weights, **completed)
            if weights is not None:
                _load(model, function, include_top, weights, completed)
            return model

        keyword = inspect.Parameter.KEYWORD_ONLY
        given = list(inspect.signature(factory).parameters.values())
        leading = [p for p in given if p.kind is not inspect.Parameter.VAR_KEYWORD]
        options = [inspect.Parameter(n, keyword, default=v) for n, v in known.items()]
        signature = inspect.Signature(leading + options, return_annotation=keras.Model)
        factory.__signature__ = signature  # type: ignore[attr-defined]
        tags = weight_files.tags(function.__name__)
        factory.__doc__ = describe(function, known, ModelOptions, tags)
        return factory

    return decorate


def _load(
    model: keras.Model,
    function: Callable[..., keras.Model],
    include_top: bool,
    weights: str | os.PathLike[str],
    options: dict[str, Any],
) -> None:
    """Loads a file, or the published weights of the factory's name; its module is its family."""
    tensor = options["input_tensor"]
    image = model.inputs[0] if tensor is None else tensor
    size = tuple(image.shape[1:3])
    request = weight_files.Request(function.__name__, include_top, size, options)
    found = weight_files.find(weights, request)
    family = function.__module__.rsplit(".", 1)[-1]
    weight_files.load(model, found.arrays, family=family, origin=found.origin)


def choose(option: str, value: Any, choices: tuple[Any, ...]) -> Any:
    """Returns `value` if it is one of `choices`; otherwise an InputError that lists them."""
    if value not in choices:
        raise InputError(f"`{option}` must be one of {choices}. Received: {value!r}.")
    return value


def choose_style(style: str | None, weights: Any, default: str = "keras") -> str:
    """Which library's details a network follows: padding, epsilon, place of the step, pixels.

    Published networks of one name differ there, and weights only fit the details they were
    trained with. `style` decides if given; else the weights do, where their origin is plain from
    the tag or the kind of file; else `default`.
    """
    if style is not None:
        return str(choose("style", style, ("keras", "torch")))
    origin = os.fspath(weights) if isinstance(weights, (str, os.PathLike)) else ""
    if origin == "imagenet" or origin.startswith("timm/tf_"):  # the latter from TensorFlow
        return "keras"
    if origin.startswith(("torchvision", "timm")) or origin.endswith((".safetensors", ".pth")):
        return "torch"
    return default


def with_dropout(options: Any, rate: float) -> Any:
    """The options with the paper's rate of dropout, unless the caller gave one."""
    return {**options, "dropout": rate} if options["dropout"] is None else options


def predictions(x: Tensor, options: ModelOptions) -> Tensor:
    """The last layer: one unit per class, named `predictions` in every model."""
    if options["dropout"] is not None:
        x = layers.Dropout(options["dropout"], name="dropout")(x)
    return layers.Dense(
        options["classes"], activation=options["classifier_activation"], name="predictions"
    )(x)


def build(
    trunk: Callable[[Tensor], Tensor],
    head: Callable[[Tensor], Tensor],
    *,
    default_shape: tuple[int, int, int],
    min_size: int,
    fixed_size: bool,
    preprocessing: Preprocessing,
    include_top: bool,
    options: ModelOptions,
) -> keras.Model:
    """Assembles a functional model: input, preprocessing, `trunk`, then `head` or pooling.

    Args:
        trunk: From prepared images to feature maps.
        head: From feature maps to class scores.
        default_shape: Used when neither input_shape nor input_tensor is given.
        min_size: Smallest height and width that the architecture can take.
        fixed_size: The image size must be known, as for a dense layer after feature maps.
        preprocessing: What the architecture expects of its input.
        include_top: Build the head.
        options: All options, completed by `variant`.

    Raises:
        InputError: A value that cannot be used; the message names the option.
    """
    _check(options)
    inputs = _image_input(options, default_shape, min_size, fixed_size=fixed_size)
    x = preprocessing(inputs) if options["include_preprocessing"] else inputs
    x = trunk(x)
    if include_top:
        x = head(x)
    elif options["pooling"] == "avg":
        x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
    elif options["pooling"] == "max":
        x = layers.GlobalMaxPooling2D(name="max_pool")(x)
    if options["input_tensor"] is not None:
        inputs = keras.utils.get_source_inputs(options["input_tensor"])
    return keras.Model(inputs, x, name=options["name"])


def _check(options: ModelOptions) -> None:
    choose("pooling", options["pooling"], (None, "avg", "max"))
    classes, dropout = options["classes"], options["dropout"]
    if not isinstance(classes, int) or classes < 1:
        raise InputError(f"`classes` must be a whole number of at least 1. Received: {classes!r}.")
    if dropout is not None and not 0 <= dropout < 1:
        raise InputError(f"`dropout` must be in [0, 1). Received: {dropout!r}.")
    if keras.config.image_data_format() != "channels_last":
        raise InputError(
            "kerascnn needs images as (height, width, channels). The Keras setting "
            f"image_data_format is {keras.config.image_data_format()!r}: call "
            'keras.config.set_image_data_format("channels_last").'
        )


def _image_input(
    options: ModelOptions, default_shape: tuple[int, int, int], min_size: int, *, fixed_size: bool
) -> Tensor:
    tensor, shape = options["input_tensor"], options["input_shape"]
    if tensor is not None and not keras.backend.is_keras_tensor(tensor):
        raise InputError(
            "`input_tensor` must be a Keras tensor, such as keras.Input(...) returns. "
            f"Received: {type(tensor).__name__}."
        )
    if tensor is not None:
        shape = tuple(tensor.shape[1:]) if shape is None else shape
    elif shape is None:
        shape = default_shape
    if len(shape) != 3 or not isinstance(shape[2], int) or shape[2] < 1:
        raise InputError(
            "`input_shape` must be (height, width, channels), channels last, without the batch, "
            f"for instance {default_shape}. Received: {shape}."
        )
    for size in shape[:2]:
        if size is None and fixed_size:
            raise InputError(
                "this architecture needs a known image size, for instance "
                f"input_shape={default_shape}. Received: {shape}."
            )
        if size is not None and (not isinstance(size, int) or size < min_size):
            raise InputError(
                f"`input_shape` is too small for this architecture: images must be at least "
                f"{min_size}x{min_size}. Received: {shape}."
            )
    return layers.Input(shape, name="image") if tensor is None else tensor
