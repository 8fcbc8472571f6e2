"""GoogLeNet, the first Inception network: modules of 1x1, 3x3 and 5x5 windows side by side.

Szegedy et al., Going Deeper with Convolutions, CVPR 2015, arXiv:1409.4842, table 1 and section 5.
This is the paper's network, with local response normalisation and biases. `norm="batch"` is
torchvision's, with batch normalisation: trained by Google, pixels in -1..1, and 3x3 windows where
the paper has 5x5 (pytorch/vision issue 906).

With `aux=True` the model has the paper's two auxiliary classifiers, as outputs of their own:

    model = GoogLeNet(aux=True, classes=10)
    model.compile("sgd", **training(loss="sparse_categorical_crossentropy"))
    model.fit(images, repeat_labels(labels))
    classifier = without_aux(model)  # one output, the same weights

`kerascnn.train` takes models with one output, so it refuses `aux=True`.
"""

from dataclasses import dataclass
from typing import Any, Unpack

import keras
from keras import layers

from kerascnn.errors import InputError
from kerascnn.layers import LocalResponseNormalization
from kerascnn.models._blocks import Norm, global_average_head
from kerascnn.models._common import (
    CAFFE,
    SIGNED,
    ModelOptions,
    Styles,
    Tensor,
    Weights,
    build,
    choose,
    output_dtype,
    predictions,
    variant,
    with_dropout,
)
from kerascnn.models._inception import Chain, Conv, Details, Mixed, Name, Pool, Stages, backbone

# Outputs of a model with auxiliary classifiers, with the paper's weights of their losses.
LOSS_WEIGHTS = {"predictions": 1.0, "aux1": 0.3, "aux2": 0.3}


@dataclass(frozen=True)
class Module:
    """A row of the paper's table 1, in its order; widths of the four branches."""

    single: int
    reduce_3x3: int
    window_3x3: int
    reduce_5x5: int
    window_5x5: int
    pool: int

    def mixed(self, window: int) -> Mixed:
        """The module, with `window` for 5."""
        return Mixed(
            Chain(Conv(self.single)),
            Chain(Conv(self.reduce_3x3), Conv(self.window_3x3, 3)),
            Chain(Conv(self.reduce_5x5), Conv(self.window_5x5, window)),
            Chain(Pool("max"), Conv(self.pool)),
        )


STAGE3 = (Module(64, 96, 128, 16, 32, 32), Module(128, 128, 192, 32, 96, 64))
STAGE4 = (
    Module(192, 96, 208, 16, 48, 64),
    Module(160, 112, 224, 24, 64, 64),
    Module(128, 128, 256, 24, 64, 64),
    Module(112, 144, 288, 32, 64, 64),
    Module(256, 160, 320, 32, 128, 128),
)
STAGE5 = (Module(256, 160, 320, 32, 128, 128), Module(384, 192, 384, 48, 128, 128))
# The auxiliary classifiers see modules 4a and 4d.
AUXILIARY = {"aux1": "stage4_1", "aux2": "stage4_4"}


class GoogLeNetOptions(ModelOptions, total=False):
    """Adds what the published forms differ in, and the auxiliary classifiers.

    Attributes:
        norm: "lrn" (the paper's, twice in the stem), "batch", "group", "layer" (after each
            convolution) or None. "auto" is "lrn", in torchvision's style "batch".
        style: "paper", or "torch" for torchvision's details; None is "torch" for batch
            normalisation and for torchvision's weights, else "paper".
        aux: Build the two auxiliary classifiers.
    """

    norm: str | None
    style: str | None
    aux: bool


# Batch normalisation is torchvision's.
STYLES = Styles(
    lambda options: "torch" if str(options["norm"]) == "batch" else "paper", ("paper", "torch")
)


@variant(styles=STYLES, norm="auto", style=None, aux=False)
def GoogLeNet(
    include_top: bool = True, weights: Weights = None, **options: Unpack[GoogLeNetOptions]
) -> keras.Model:
    """GoogLeNet: 6,998,552 parameters, 13,378,280 with both auxiliary classifiers.

    With `norm="batch"`, torchvision's, 6,624,904 and 13,004,888. `dropout=None` is the paper's
    0.4, torchvision's 0.2.

    Args:
        include_top: Build the classifier.
        weights: None, the tag of published weights, or a weight file.
        **options: See `GoogLeNetOptions`.
    """
    torch = options["style"] == "torch"
    kind = options["norm"]
    if kind == "auto":
        kind = "batch" if torch else "lrn"
    choose("norm", kind, ("lrn", "batch", "group", "layer", None))
    if options["aux"] and not include_top:
        raise InputError("`aux=True` needs `include_top=True`: auxiliary classifiers are outputs.")
    options = with_dropout(options, 0.2 if torch else 0.4)
    norm = Norm(None if kind == "lrn" else kind, epsilon=1e-3)  # type: ignore[arg-type]
    details = Details(norm)
    taps: dict[str, Tensor] = {}

    def head(x: Tensor) -> Tensor:
        x = predictions(global_average_head(x), options)
        if not options["aux"]:
            return x
        heads = {key: auxiliary(taps[at], key, details, options) for key, at in AUXILIARY.items()}
        return {"predictions": x, **heads}

    return build(
        backbone(stages(torch, kind == "lrn"), details, taps),
        head,
        default_shape=(224, 224, 3),
        min_size=80 if options["aux"] else 32,
        fixed_size=options["aux"],
        preprocessing=SIGNED if torch else CAFFE,
        include_top=include_top,
        options=options,
    )


def stages(torch: bool, lrn: bool) -> Stages:
    """The paper's table 1 from top to bottom; `lrn` puts local response normalisation in."""
    halve = Pool("max", 3, 2, "up" if torch else "same")
    around = (LRN(),) if lrn else ()
    window = 3 if torch else 5
    return (
        (Chain(Conv(64, 7, 2, "symmetric")),),
        (Chain(halve, *around, Conv(64), Conv(192, 3), *around),),
        (Chain(halve), *(module.mixed(window) for module in STAGE3)),
        (Chain(halve), *(module.mixed(window) for module in STAGE4)),
        (
            Chain(Pool("max", 2, 2) if torch else halve),
            *(module.mixed(window) for module in STAGE5),
        ),
    )


class LRN:
    """Local response normalisation as a step."""

    def __call__(self, x: Tensor, name: str, details: Details, last: Name = None) -> Tensor:
        return LocalResponseNormalization(name=last or f"{name}_lrn")(x)


def auxiliary(x: Tensor, name: str, details: Details, options: GoogLeNetOptions) -> Tensor:
    """A small classifier on maps from the middle, which its loss keeps discriminative."""
    x = layers.AveragePooling2D(5, 3, name=f"{name}_pool")(x)
    x = Conv(128)(x, name, details)
    x = layers.Flatten(name=f"{name}_flatten")(x)
    x = layers.Dense(1024, activation="relu", name=f"{name}_fc")(x)
    x = layers.Dropout(0.7, name=f"{name}_dropout")(x)
    return layers.Dense(
        options["classes"],
        activation=options["classifier_activation"],
        dtype=output_dtype(),
        name=f"{name}_predictions",
    )(x)


def training(loss: Any, metrics: Any = ("accuracy",)) -> dict[str, Any]:
    """Arguments of `compile` for a model with `aux=True`: one loss each, weighted 1, 0.3 and 0.3.

    Args:
        loss: Of every output, as Keras takes it.
        metrics: Of the main output.
    """
    return {
        "loss": dict.fromkeys(LOSS_WEIGHTS, loss),
        "loss_weights": dict(LOSS_WEIGHTS),
        "metrics": {"predictions": list(metrics)},
    }


def repeat_labels(labels: Any) -> dict[str, Any]:
    """The same labels for all three outputs, from arrays or, in `dataset.map`, from tensors."""
    return dict.fromkeys(LOSS_WEIGHTS, labels)


def without_aux(model: keras.Model) -> keras.Model:
    """The classifier alone, with the same weights and one output: for inference and export."""
    if not isinstance(model.output, dict):
        return model
    return keras.Model(model.inputs, model.output["predictions"], name=model.name)
