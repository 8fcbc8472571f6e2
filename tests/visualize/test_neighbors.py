"""Neighbours against a loop, PCA against a singular value decomposition."""

import keras
import numpy as np
import pytest
from keras import layers
from sklearn.datasets import load_digits

from kerascnn.errors import InputError
from kerascnn.visualize import (
    embedding_map,
    hidden_features,
    nearest_neighbors,
    plot_embedding_map,
    plot_neighbors,
)

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_neighbours_are_those_of_a_loop(metric, monkeypatch):
    monkeypatch.setattr("kerascnn.visualize.neighbors.BLOCK", 4)
    features, queries = RNG.normal(size=(40, 6)), RNG.normal(size=(9, 6))
    found = nearest_neighbors(features, queries, 5, metric)
    for query, indices, distances in zip(queries, found.indices, found.distances, strict=True):
        if metric == "euclidean":
            wanted = [np.sqrt(sum((query - f) ** 2)) for f in features]
        else:
            wanted = [
                1 - sum(query * f) / np.sqrt(sum(query**2)) / np.sqrt(sum(f**2)) for f in features
            ]
        assert indices.tolist() == sorted(range(40), key=wanted.__getitem__)[:5]
        np.testing.assert_allclose(distances, np.sort(wanted)[:5], atol=1e-9)


def test_a_feature_is_its_own_nearest_neighbour():
    features = RNG.normal(size=(10, 3)).astype("float32")
    assert nearest_neighbors(features, features, 1).indices[:, 0].tolist() == list(range(10))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"queries": np.ones((2, 4))}, r"expected features \[N, D\]"),
        ({"count": 0}, "from 1 to 3"),
        ({"count": 4}, "from 1 to 3"),
        ({"metric": "manhattan"}, '"euclidean" or "cosine"'),
        ({"queries": np.zeros((2, 3)), "metric": "cosine"}, "length 0"),
    ],
)
def test_what_does_not_fit_is_said(changes, message):
    arguments = {"features": np.ones((3, 3)), "queries": np.ones((2, 3)), "count": 1, **changes}
    with pytest.raises(InputError, match=message):
        nearest_neighbors(**arguments)


def classifier(*inner):
    start = [keras.Input((8, 8, 1)), layers.Conv2D(3, 3, activation="relu", name="conv")]
    return keras.Sequential([*start, *inner, layers.Flatten(), layers.Dense(7), layers.Dense(4)])


def test_hidden_features_are_the_input_of_the_last_dense_layer():
    images = RNG.uniform(size=(5, 8, 8, 1)).astype("float32")
    model = classifier()
    wanted = keras.Sequential(model.layers[:-1])(images)
    nested = keras.Sequential([keras.Input((8, 8, 1)), model, layers.Softmax()])
    for each in (model, nested):
        np.testing.assert_allclose(hidden_features(each, images, batch_size=2), wanted, atol=1e-6)
    flat = hidden_features(model, images, model.layers[1].name)
    assert flat.shape == (5, 6 * 6 * 3)
    assert "call" not in vars(model.layers[-1])


def test_without_a_dense_layer_a_name_is_needed():
    model = keras.Sequential([keras.Input((8, 8, 1)), layers.Conv2D(2, 3, name="conv")])
    images = np.ones((2, 8, 8, 1))
    with pytest.raises(InputError, match="no dense layer"):
        hidden_features(model, images)
    assert hidden_features(model, images, "conv").shape == (2, 64)


def test_a_pca_map_is_a_singular_value_decomposition():
    features = RNG.normal(size=(30, 8)) @ RNG.normal(size=(8, 8))
    u, s, _ = np.linalg.svd(features - features.mean(0), full_matrices=False)
    found = embedding_map(features)
    np.testing.assert_allclose(np.abs(found), np.abs(u[:, :2] * s[:2]), atol=1e-8)
    assert (found[np.abs(found).argmax(0), [0, 1]] > 0).all()


def test_tsne_keeps_digits_of_one_kind_together():
    digits = load_digits()
    features, labels = digits.data[:150], digits.target[:150]
    points = embedding_map(features, "tsne", seed=1, perplexity=15)
    assert points.shape == (150, 2)
    np.testing.assert_array_equal(points, embedding_map(features, "tsne", seed=1, perplexity=15))
    nearest = nearest_neighbors(points, points, 2).indices[:, 1]
    assert (labels[nearest] == labels).mean() > 0.85


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "umap"}, '"pca" or "tsne"'),
        ({"method": "tsne", "perplexity": 5}, "below the number of features, 5"),
        ({"features": np.ones((5, 1))}, "both at least 2"),
    ],
)
def test_a_map_that_cannot_be_made_is_an_error(options, message):
    with pytest.raises(InputError, match=message):
        embedding_map(**{"features": RNG.normal(size=(5, 3)), **options})


def test_figures_show_images_and_classes():
    images = RNG.integers(0, 256, (12, 6, 5, 3), np.uint8)
    features = images.reshape(12, -1).astype(float)
    names = [f"number {n}" for n in range(12)]
    found = nearest_neighbors(features, features[:2], 3)
    figure = plot_neighbors(images[:2], images, found, names)
    assert len(figure.axes) == 8
    axes = figure.axes[5]  # the second query's nearest: itself
    assert axes.get_title(loc="left") == "number 1"
    np.testing.assert_allclose(axes.images[0].get_array(), images[1] / 255)

    points, labels = embedding_map(features), np.arange(12) % 3
    figure = plot_embedding_map(points, labels, ["a", "b", "c"])
    assert {text.get_text() for text in figure.axes[0].texts} == {"a", "b", "c"}
    np.testing.assert_allclose(figure.axes[0].collections[0].get_offsets(), points)
    figure = plot_embedding_map(points, labels, images=images[..., :1], most=6)
    assert len(figure.axes[0].artists) == 6
    with pytest.raises(InputError, match="as many labels"):
        plot_embedding_map(points, labels[:3])


def test_the_last_hidden_layer_is_not_that_of_a_gate():
    """A gate of dense layers in the middle, and a convolution as the head."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((6, 6, 2))
    maps = layers.Conv2D(4, 3, activation="relu")(inputs)
    gate = layers.Dense(4, activation="sigmoid")(layers.GlobalAveragePooling2D()(maps))
    gated = layers.Multiply()([maps, layers.Reshape((1, 1, 4))(gate)])
    pooled = layers.GlobalAveragePooling2D(keepdims=True)(gated)
    scores = layers.Flatten()(layers.Conv2D(3, 1)(pooled))
    images = np.random.default_rng(0).uniform(0, 1, (3, 6, 6, 2)).astype("float32")
    wanted = np.asarray(keras.Model(inputs, pooled)(images)).reshape(3, 4)
    found = hidden_features(keras.Model(inputs, scores), images, batch_size=2)
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
