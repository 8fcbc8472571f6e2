"""Networks that give a point per image, near to those of the same kind."""

from typing import Any

import keras
from keras import layers

from kerascnn.errors import InputError
from kerascnn.inputs.keywords import keras_words
from kerascnn.layers import CosineDense
from kerascnn.transfer.feature_extractor import feature_extractor, refuse_taken_names
from kerascnn.transfer.heads import MOMENTUM, average
from kerascnn.transfer.parts import LAST


@keras_words()
def embedder(
    backbone: keras.Model,
    dimensions: int = 128,
    *,
    dropout: float = 0.0,
    preprocessing: str | keras.layers.Layer | None = None,
    cut: str | None = None,
    name: str | None = None,
) -> keras.Model:
    """Makes a backbone give embeddings: vectors of length 1, compared by their cosine.

    The features are averaged over all positions, then come dropout, a dense layer and batch norm
    (as ArcFace's recognition networks end), and division by the length. Train it with
    `TripletLoss`, or `arcface_classifier` of it with `ArcFaceLoss`.

    Args:
        backbone: Any built model with one input, that gives maps, tokens or vectors.
        dimensions: Of the embeddings.
        dropout: Rate in [0, 1).
        preprocessing: As in `attach_head`.
        cut: Name of the layer whose output is the features.
        name: Of the model.

    Returns:
        A model from images to (batch, dimensions).

    Raises:
        InputError: A value that cannot be used.
    """
    if not isinstance(dimensions, int) or dimensions < 2:
        raise InputError(
            f"`dimensions` must be a whole number of at least 2. Received: {dimensions!r}."
        )
    if not 0 <= dropout < 1:
        raise InputError(f"`dropout` must be in [0, 1). Received: {dropout!r}.")
    extractor = feature_extractor(backbone, cut, preprocessing)
    names = {f"head_{part}" for part in ("pool", "dropout", "dense", "norm")}
    refuse_taken_names(extractor, {*names, "embedding"})
    x: Any = extractor.outputs[0]
    if len(x.shape) not in (2, 3, 4):
        raise InputError(
            f"the backbone must give maps, tokens or vectors, but gives the shape {x.shape}."
        )
    x = average(x)
    if dropout:
        x = layers.Dropout(dropout, name="head_dropout")(x)
    x = layers.Dense(dimensions, use_bias=False, name="head_dense")(x)
    x = layers.BatchNormalization(momentum=MOMENTUM, name="head_norm")(x)
    x = layers.UnitNormalization(name="embedding")(x)
    return keras.Model(extractor.inputs[0], x, name=name or f"{backbone.name}_embedder")


def arcface_classifier(embedding_model: keras.Model, classes: int) -> keras.Model:
    """The model to train an embedder with, on classes: it gives the cosine to each of them.

    The layers of the embedder are shared, so it is trained with this model. Compile it with
    `ArcFaceLoss`; the class with the largest cosine is the answer, as any accuracy metric reads it.

    Args:
        embedding_model: As `embedder` makes it.
        classes: Number of classes in the training data, at least 2.

    Returns:
        A model from images to cosines (batch, classes) in -1..1.

    Raises:
        InputError: Not one vector per image, or too few classes.
    """
    if not isinstance(classes, int) or classes < 2:
        raise InputError(f"`classes` must be a whole number of at least 2. Received: {classes!r}.")
    extractor = feature_extractor(embedding_model)
    if len(extractor.outputs[0].shape) != 2:
        raise InputError(
            "`embedding_model` must give vectors (batch, dimensions), as `embedder` makes it. "
            f"Its output has the shape {extractor.outputs[0].shape}."
        )
    refuse_taken_names(extractor, {LAST})
    cosines = CosineDense(classes, scale=1.0, learn_scale=False, name=LAST)(extractor.outputs[0])
    return keras.Model(extractor.inputs[0], cosines, name=f"{embedding_model.name}_classifier")
