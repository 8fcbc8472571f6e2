"""What all families share: factories, input, preprocessing, pooling, head, naming, weights.

An architecture file holds what its paper says; everything else is here and in `_options`, once.
"""

import functools
import inspect
import logging
from collections.abc import Callable
from typing import Any, ParamSpec, cast

import keras
from keras import layers

from kerascnn import weights as weight_files
from kerascnn.errors import InputError, KerascnnError, UnknownOptionError, received
from kerascnn.models._adopted import Call, adopt, name_of_record
from kerascnn.models._docstrings import describe
from kerascnn.models._options import DEFAULTS as DEFAULTS
from kerascnn.models._options import ModelOptions as ModelOptions
from kerascnn.models._options import NormKind as NormKind
from kerascnn.models._options import Shape as Shape
from kerascnn.models._options import Styles as Styles
from kerascnn.models._options import Tensor as Tensor
from kerascnn.models._options import Weights as Weights
from kerascnn.models._options import checked
from kerascnn.models._options import choose as choose
from kerascnn.models._pixels import CAFFE as CAFFE
from kerascnn.models._pixels import IMAGENET as IMAGENET
from kerascnn.models._pixels import SIGNED as SIGNED
from kerascnn.models._pixels import UNIT as UNIT
from kerascnn.models._pixels import Preprocessing as Preprocessing

# What a factory tells `build` beside the options: other pixels than the family's, and the name of
# the layer that records the options.
PIXELS, RECORD = "_pixels", "_record"
_NOT_SAID = object()
P = ParamSpec("P")  # a factory keeps the signature of the function that builds
_told: list[str] = []
log = logging.getLogger("kerascnn")


def variant(
    *, styles: Styles | None = None, **defaults: Any
) -> Callable[[Callable[P, keras.Model]], Callable[P, keras.Model]]:
    """Makes a factory of a function that builds a network.

    The factory completes the options, refuses those it does not have or that cannot be used, and
    loads the weights. With a file of weights it builds the network that the file is of: options
    that were not given are those that the file records. The function receives every option, with
    `style` decided; the factory's signature and docstring show them, so that `help()` and editors
    do too.

    Args:
        styles: How `style` is decided, for a family with that option.
        **defaults: Override DEFAULTS and add the options that only this family has.
    """
    known: dict[str, Any] = {**DEFAULTS, **defaults}

    def decorate(function: Callable[P, keras.Model]) -> Callable[P, keras.Model]:
        @functools.wraps(function)
        def factory(
            include_top: bool = True, weights: Any = _NOT_SAID, **options: Any
        ) -> keras.Model:
            name = function.__name__
            for option in options:
                if option not in known:
                    raise UnknownOptionError.of(name, option, known)
            if weights is _NOT_SAID:
                weights = None
                _tell_of_weights(name, options)
            include_top = checked({"include_top": include_top})["include_top"]
            completed = checked({**known, **options})
            given = {option: completed[option] for option in options}
            family = function.__module__.rsplit(".", 1)[-1]
            call = Call(name, family, include_top, known, given, styles)
            file = None
            if weights is not None and not weight_files.is_tag(weights, name):
                request = weight_files.Request(name, include_top, (None, None), completed)
                file = weight_files.find(weights, request)
            adopted = adopt(call, weights, file)
            completed |= adopted.options
            completed["name"] = completed["name"] or name.lower()
            completed[PIXELS] = Preprocessing(*adopted.pixels) if adopted.pixels else None
            completed[RECORD] = name_of_record(call, completed, adopted)
            model = _built(function, call, weights, completed)
            if weights is not None:
                file = file or _published(model, call, weights, completed)
                weight_files.load(model, file.arrays, family=family, origin=file.origin)
            return model

        keyword = inspect.Parameter.KEYWORD_ONLY
        given = list(inspect.signature(factory).parameters.values())
        leading = [p for p in given if p.kind is not inspect.Parameter.VAR_KEYWORD]
        leading[1] = leading[1].replace(default=None)
        options = [inspect.Parameter(n, keyword, default=v) for n, v in known.items()]
        signature = inspect.Signature(leading + options, return_annotation=keras.Model)
        factory.__signature__ = signature  # type: ignore[attr-defined]
        tags = weight_files.tags(function.__name__)
        factory.__doc__ = describe(function, known, ModelOptions, tags)
        return cast(Callable[P, keras.Model], factory)

    return decorate


def _tell_of_weights(name: str, options: dict[str, Any]) -> None:
    """Says once, to who builds a network as in keras.applications, what is different here."""
    tags = weight_files.tags(name)
    if not tags or "classes" in options or _told:
        return
    _told.append(name)
    log.warning(
        "%s has random weights: in kerascnn weights=None is the default, in keras.applications it "
        "is 'imagenet'. Trained ones: weights=%r. Say weights=None to have random ones unsaid.",
        name,
        tags[0],
    )


def _built(
    function: Callable[..., keras.Model], call: Call, weights: Any, options: dict[str, Any]
) -> keras.Model:
    """Builds the network; what Keras refuses only then is an InputError too."""
    try:
        return function(call.include_top, weights, **options)
    except KerascnnError:
        raise
    except (ValueError, TypeError, AttributeError, NotImplementedError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"{call.name} cannot be built with these options: {reason[:200]} Expected options "
            "that fit together. Received: "
            f"{', '.join(f'{o}={received(v)}' for o, v in call.given.items()) or 'none'}."
        ) from error


def _published(
    model: keras.Model, call: Call, weights: Any, options: dict[str, Any]
) -> weight_files.Found:
    """Published weights, of which there are some for several sizes of images."""
    tensor = options["input_tensor"]
    image = model.inputs[0] if tensor is None else tensor
    size = tuple(image.shape[1:3])
    request = weight_files.Request(call.name, call.include_top, size, options)
    return weight_files.find(weights, request)


def with_dropout(options: Any, rate: float) -> Any:
    """The options with the paper's rate of dropout, unless the caller gave one."""
    return {**options, "dropout": rate} if options["dropout"] is None else options


def output_dtype() -> str | None:
    """Of the last layer: float32 where the others compute in 16 bits, as Keras's guide has it.

    A softmax and the losses behind it need the range. None leaves it to the policy.
    """
    policy = keras.config.dtype_policy()
    return "float32" if policy.compute_dtype in ("float16", "bfloat16") else None


def predictions(x: Tensor, options: ModelOptions) -> Tensor:
    """The last layer: one unit per class, named `predictions` in every model."""
    if options["dropout"] is not None:
        x = layers.Dropout(options["dropout"], name="dropout")(x)
    return layers.Dense(
        options["classes"],
        activation=options["classifier_activation"],
        dtype=output_dtype(),
        name="predictions",
    )(x)


def scores(x: Tensor, options: ModelOptions) -> Tensor:
    """The last layer of a network whose scores are made without a dense layer."""
    activation, dtype = options["classifier_activation"], output_dtype()
    return layers.Activation(activation, dtype=dtype, name="predictions")(x)


def build(
    backbone: Callable[[Tensor], Tensor],
    head: Callable[[Tensor], Tensor],
    *,
    default_shape: tuple[int, int, int],
    min_size: int,
    fixed_size: bool,
    preprocessing: Preprocessing,
    include_top: bool,
    options: ModelOptions,
) -> keras.Model:
    """Assembles a functional model: input, preprocessing, `backbone`, then `head` or pooling.

    Args:
        backbone: From prepared images to feature maps.
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
    more: dict[str, Any] = {**options}
    _check_data_format()
    inputs = _image_input(options, default_shape, min_size, fixed_size=fixed_size)
    x = inputs
    if options["include_preprocessing"]:
        x = (more.get(PIXELS) or preprocessing)(x)
    if more.get(RECORD):
        x = layers.Activation("linear", name=more[RECORD])(x)
    x = backbone(x)
    if include_top:
        x = head(x)
    elif options["pooling"] == "avg":
        x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
    elif options["pooling"] == "max":
        x = layers.GlobalMaxPooling2D(name="max_pool")(x)
    if options["input_tensor"] is not None:
        inputs = keras.utils.get_source_inputs(options["input_tensor"])
    return keras.Model(inputs, x, name=options["name"])


def _check_data_format() -> None:
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
