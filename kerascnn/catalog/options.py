"""The options that each model takes, so that a wrong one is refused before Keras is loaded."""

from collections.abc import Iterable

from kerascnn.catalog.entry import Entry
from kerascnn.errors import UnknownOptionError

COMMON = (
    *("include_top", "weights", "input_tensor", "input_shape", "pooling", "classes"),
    *("classifier_activation", "name", "include_preprocessing", "dropout"),
)
# Those of one's own, by model where its family differs.
OWN: dict[str, tuple[str, ...]] = {
    "mlp": ("hidden", "activation"),
    "lenet": (),
    "LeNet5": ("activation", "pool"),
    "alexnet": ("groups", "norm", "hidden", "style"),
    "zfnet": ("norm", "hidden"),
    "nin": ("norm",),
    "NINRoot": ("norm", "root"),
    "vgg": ("norm", "head", "hidden", "style"),
    "googlenet": ("norm", "style", "aux"),
    "inception": ("norm",),
    "InceptionV3": ("norm", "style"),
    "resnet": ("style", "norm", "output_stride"),
    "cifar_resnet": ("norm",),
    "resnet_v2": ("norm",),
    "root": ("style", "norm", "output_stride", "root"),
    "densenet": ("style", "norm"),
    "squeezenet": ("style",),
    "enet": (),
    "xception": ("norm",),
    "mobilenet": ("alpha", "depth_multiplier", "norm"),
    "mobilenet_v2": ("alpha", "style", "norm"),
    "mobilenet_v3": ("alpha", "minimalistic", "style", "norm"),
    "efficientnet": ("drop_connect_rate", "style", "norm"),
    "efficientnet_lite": ("drop_connect_rate", "style", "norm"),
    "yolo": ("grid", "boxes"),
    "convnext": ("drop_path_rate", "layer_scale_init_value", "norm"),
}


def options_of(entry: Entry) -> tuple[str, ...]:
    """The names of all options of a model."""
    return (*COMMON, *OWN.get(entry.name, OWN[entry.family]))


def check_options(entry: Entry, given: Iterable[str]) -> None:
    """Raises UnknownOptionError, with the nearest name, for an option that a model lacks."""
    known = options_of(entry)
    for name in given:
        if name not in known:
            raise UnknownOptionError.of(entry.name, name, known)
