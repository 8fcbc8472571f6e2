"""Keywords that people know from Keras: those that mean the same are taken, others explained."""

import difflib
import functools
import inspect
from collections.abc import Callable, Mapping
from typing import ParamSpec, TypeVar

from kerascnn.errors import InputError, UnknownOptionError

P = ParamSpec("P")
R = TypeVar("R")

# Words of Keras and of other libraries, and what they are called here where a function has that.
_SYNONYMS = {
    **dict.fromkeys(("layer_name", "last_conv_layer_name", "penultimate_layer"), "layer"),
    **dict.fromkeys(("class_index", "class_idx", "pred_index", "target", "label"), "classes"),
    **dict.fromkeys(("num_classes", "n_classes"), "classes"),
    **dict.fromkeys(("lr", "rate"), "learning_rate"),
    **dict.fromkeys(("x", "image", "inputs", "samples", "dataset"), "images"),
    **dict.fromkeys(("callback",), "callbacks"),
    **dict.fromkeys(("output", "out_dir", "run"), "out"),
    **dict.fromkeys(("path", "folder", "directory"), "source"),
    **dict.fromkeys(("size", "target_size", "input_shape"), "image_size"),
    **dict.fromkeys(("augmentation",), "augment"),
    **dict.fromkeys(("num_steps", "steps_per_epoch"), "steps"),
    **dict.fromkeys(("heat_map", "heat", "mask"), "heatmap"),
    **dict.fromkeys(("alpha", "opacity"), "strength"),
}


def keras_words(
    *, same: Mapping[str, str] | None = None, instead: Mapping[str, str] | None = None
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A decorator: an unknown keyword is a TypeError that names the right one.

    Args:
        same: Keras's word for a parameter, and the parameter, which then takes it.
        instead: Keras's word for what the function does otherwise, and what to do instead.
    """
    renamed, explained = dict(same or {}), dict(instead or {})

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        known = list(inspect.signature(function).parameters)

        @functools.wraps(function)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            for name in [name for name in kwargs if name not in known]:
                if name not in renamed:
                    raise UnknownOptionError(_unknown(function.__name__, name, known, explained))
                own = renamed[name]
                if own in kwargs or known.index(own) < len(args):
                    raise InputError(
                        f"{function.__name__}: `{own}` and `{name}` are the same. Give one of them."
                    )
                kwargs[own] = kwargs.pop(name)
            return function(*args, **kwargs)

        return checked

    return decorate


def _unknown(function: str, name: str, known: list[str], explained: Mapping[str, str]) -> str:
    if name in explained:
        return f"{function} has no option `{name}`: {explained[name]}."
    own = _SYNONYMS.get(name)
    near = [own] if own in known else difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean `{near[0]}`?" if near else f"Its options: {', '.join(known)}."
    return f"{function} has no option `{name}`. {hint}"
