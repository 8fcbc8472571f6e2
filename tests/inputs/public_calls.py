"""A call of every public function of visualize, properties and transfer with one value of its own.

`CALLS[name](network, value, folder)` hands `value` over where the function takes images, arrays or
a model; everything else is as it should be.
"""

import keras
import numpy as np
from keras import layers
from PIL import Image

from kerascnn import properties, transfer, visualize
from kerascnn.transfer import Phase, arcface_classifier, attach_head, embedder, freeze

SIZE = 8


def make_network():
    """Maps `[B, 6, 6, 4]`, then three classes."""
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((SIZE, SIZE, 3)),
            layers.Conv2D(4, 3, activation="relu", name="maps"),
            layers.GlobalAveragePooling2D(name="pool"),
            layers.Dense(3, activation="softmax", name="predictions"),
        ],
        name="small",
    )


def pixels(count=4, seed=0):
    """Raw pixels."""
    return np.random.default_rng(seed).integers(0, 256, (count, SIZE, SIZE, 3)).astype("uint8")


def _evolution(network, images):
    evolution = visualize.FilterEvolution("maps", images=images, units=1)
    evolution.set_model(network)
    evolution.on_train_begin()
    return evolution


def _compiled(network):
    model = keras.models.clone_model(network)
    freeze(model, "head")
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


LABELS = np.arange(4) % 3
ONE_EPOCH = (Phase(name="all", until=0.0, epochs=1, learning_rate=1e-3),)

# Functions of a model and images.
OF_IMAGES = {
    **{
        name: lambda m, x, f, name=name: getattr(visualize, name)(m, x)
        for name in (
            *("cam", "feature_maps", "grad_cam", "grad_cam_pp", "guided_backpropagation"),
            *("hidden_features", "layer_cam", "occlusion", "saliency", "score_cam"),
        )
    },
    "attribute": lambda m, x, f: visualize.attribute(m, x, "grad-cam"),
    "deconvnet": lambda m, x, f: visualize.deconvnet(m, x, "maps"),
    "integrated_gradients": lambda m, x, f: visualize.integrated_gradients(m, x, steps=1),
    "integration_path": lambda m, x, f: visualize.integration_path(m, x, frames=1, steps=1),
    "smooth_grad": lambda m, x, f: visualize.smooth_grad(m, x, samples=1),
    "top_patches": lambda m, x, f: visualize.top_patches(m, x, "maps", 1),
    "FilterEvolution": lambda m, x, f: _evolution(m, x),
    "loss_landscape": lambda m, x, f: visualize.loss_landscape(
        m, "sparse_categorical_crossentropy", x, LABELS, points=3
    ),
    "activation_statistics": lambda m, x, f: properties.activation_statistics(m, x),
    "dead_filters": lambda m, x, f: properties.dead_filters(m, x),
    "effective_receptive_field": lambda m, x, f: properties.effective_receptive_field(m, x, "maps"),
    "equivariance_error": lambda m, x, f: properties.equivariance_error(m, x, (1, 0), "maps"),
    "gradient_norms": lambda m, x, f: properties.gradient_norms(
        m, x, LABELS, "sparse_categorical_crossentropy"
    ),
    "invariance_curve": lambda m, x, f: properties.invariance_curve(m, x, "shift", [1]),
    "shift_consistency": lambda m, x, f: properties.shift_consistency(m, x, 1, 1, "wrap"),
    "predict_tta": lambda m, x, f: transfer.predict_tta(m, x),
    "Embedder": lambda m, x, f: transfer.Embedder(_points(m)).embed(x),
}
# Functions of labelled images.
OF_DATA = {
    "fine_tune": lambda m, x, f: transfer.fine_tune(_compiled(m), x, phases=ONE_EPOCH),
    "fit_head": lambda m, x, f: transfer.fit_head(_compiled(m), x, epochs=1),
    "cache_features": lambda m, x, f: transfer.cache_features(
        keras.Model(m.inputs, m.get_layer("pool").output), x, f / "cache"
    ),
    "lr_find": lambda m, x, f: transfer.lr_find(_compiled(m), x, steps=10),
}
# Functions of arrays without a model.
OF_ARRAYS = {
    "around_gray": lambda m, x, f: visualize.around_gray(x),
    "embedding_map": lambda m, x, f: visualize.embedding_map(x),
    "evolution_frames": lambda m, x, f: visualize.evolution_frames(x),
    "heat_map": lambda m, x, f: visualize.heat_map(x),
    "mosaic": lambda m, x, f: visualize.mosaic(x),
    "nearest_neighbors": lambda m, x, f: visualize.nearest_neighbors(x, x, 1),
    "overlay": lambda m, x, f: visualize.overlay(x, np.zeros((SIZE, SIZE))),
    "overlay of heat": lambda m, x, f: visualize.overlay(pixels()[0], x),
    "plot_attributions": lambda m, x, f: visualize.plot_attributions(x, {}),
    "plot_attributions of heat": lambda m, x, f: visualize.plot_attributions(
        pixels(), {"grad-cam": x}
    ),
    "plot_confusion": lambda m, x, f: visualize.plot_confusion(x, "abc", f / "c.png"),
    "plot_embedding_map": lambda m, x, f: visualize.plot_embedding_map(x),
    "plot_embedding_map of images": lambda m, x, f: visualize.plot_embedding_map(
        np.zeros((4, 2)), images=x
    ),
    "plot_feature_maps": lambda m, x, f: visualize.plot_feature_maps({"maps": x}),
    "plot_feature_maps of all": lambda m, x, f: visualize.plot_feature_maps(x),
    "plot_filter_evolution": lambda m, x, f: visualize.plot_filter_evolution(x),
    "plot_filters": lambda m, x, f: visualize.plot_filters(x),
    "plot_history": lambda m, x, f: visualize.plot_history(x, f / "h.png"),
    "plot_layer_errors": lambda m, x, f: visualize.plot_layer_errors(["a"] * 4, x, f / "e.png"),
    "plot_learning_rates": lambda m, x, f: visualize.plot_learning_rates(x, f / "r.png"),
    "plot_loss_landscape": lambda m, x, f: visualize.plot_loss_landscape(x),
    "plot_neighbors": lambda m, x, f: visualize.plot_neighbors(
        x, x, visualize.Neighbors(np.zeros((1, 1), int), np.zeros((1, 1)))
    ),
    "plot_top_patches": lambda m, x, f: visualize.plot_top_patches(x),
    "plot_zoo": lambda m, x, f: visualize.plot_zoo(x, f / "z.png"),
    "save_animation": lambda m, x, f: visualize.save_animation(x, f / "a.gif"),
    "transformed": lambda m, x, f: properties.transformed(x, "shift", 1),
    "identification": lambda m, x, f: transfer.identification(x, LABELS, x, LABELS),
    "verification": lambda m, x, f: transfer.verification(x, LABELS),
    "mirrored": lambda m, x, f: transfer.mirrored(x),
    "original": lambda m, x, f: transfer.original(x),
}
# Functions of a model alone.
OF_MODELS = {
    "architecture_diagram": lambda m, x, f: visualize.architecture_diagram(x),
    "filters": lambda m, x, f: visualize.filters(x),
    "maximize_activation": lambda m, x, f: visualize.maximize_activation(x, 0, steps=1),
    "plot_filters of a model": lambda m, x, f: visualize.plot_filters(x),
    "grad_cam of a model": lambda m, x, f: visualize.grad_cam(x, pixels()),
    "gradient_norms of a model": lambda m, x, f: properties.gradient_norms(
        x, pixels(), LABELS, "sparse_categorical_crossentropy"
    ),
    "arcface_classifier": lambda m, x, f: arcface_classifier(x, 3),
    "attach_detector": lambda m, x, f: transfer.attach_detector(x, 3),
    "attach_centernet": lambda m, x, f: transfer.attach_centernet(x, 3),
    "attach_fomo": lambda m, x, f: transfer.attach_fomo(x, 3),
    "attach_head": lambda m, x, f: attach_head(x, 3),
    "embedder": lambda m, x, f: embedder(x),
    "freeze": lambda m, x, f: freeze(x),
    "layerwise_multipliers": lambda m, x, f: transfer.layerwise_multipliers(x),
    "split": lambda m, x, f: transfer.split(x),
    "fine_tune of a model": lambda m, x, f: transfer.fine_tune(x, (pixels(), LABELS)),
    "fit_head of a model": lambda m, x, f: transfer.fit_head(x, (pixels(), LABELS), epochs=1),
    "lr_find of a model": lambda m, x, f: transfer.lr_find(x, (pixels(), LABELS)),
    "predict_tta of a model": lambda m, x, f: transfer.predict_tta(x, pixels()),
    "Embedder of a model": lambda m, x, f: transfer.Embedder(x),
    "cache_features of a model": lambda m, x, f: transfer.cache_features(
        x, (pixels(), LABELS), f / "cache"
    ),
}
# What holds results or settings and takes no images, arrays or models.
OTHERS = {
    *("METHODS", "HEADS", "IntegratedGradients", "LossLandscape", "MaximizedActivation"),
    *("Method", "Neighbors", "TopPatches", "ZooPoint"),
    *("EffectiveReceptiveField", "GradientNorm", "InvarianceCurve", "LayerActivations"),
    *("ShiftConsistency", "ArcFaceLoss", "EarlyStop", "FeatureCache", "FineTuning", "Frozen"),
    *("Identification", "LayerwiseLearningRate", "LearningRateCurve", "Match", "OneCycle"),
    *("Parts", "Phase", "TripletLoss", "Verification", "WarmupCosine", "default_phases"),
}
CALLS = {**OF_IMAGES, **OF_DATA, **OF_ARRAYS, **OF_MODELS}


def _points(network):
    return keras.Model(network.inputs, network.get_layer("pool").output)


def dataset(*parts):
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices(parts if len(parts) > 1 else parts[0])


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 2

    def __getitem__(self, number):
        rows = slice(2 * number, 2 * number + 2)
        return pixels()[rows], LABELS[rows]


def picture():
    return Image.fromarray(pixels()[0])


def torch_like():
    """What a tensor of PyTorch looks like."""

    class Tensor:
        dtype, shape = "torch.float32", (4, 8, 8, 3)

        def __array__(self, *args, **kwargs):
            raise RuntimeError("Can't call numpy() on Tensor that requires grad.")

        def __len__(self):
            return 4

        def detach(self):
            return self

        def cpu(self):
            return self

        def numpy(self):
            return pixels().astype("float32")

    return Tensor()


# What at least one function cannot take.
STRANGE = {
    "one image": lambda: pixels()[0],
    "one picture": picture,
    "path": lambda: "photo.jpg",
    "bytes": lambda: b"\xff\xd8",
    "None": lambda: None,
    "number": lambda: 3.5,
    "dict": lambda: {"image": pixels(), "label": LABELS},
    "function": lambda: lambda: None,
    "object": object,
    "text": lambda: np.full((4, 8, 8, 3), "a"),
    "objects": lambda: np.full((4, 8, 8, 3), None),
    "wrong size": lambda: np.zeros((4, 9, 8, 3), "float32"),
    "wrong channels": lambda: np.zeros((4, 8, 8, 1), "float32"),
    "channels first": lambda: np.zeros((4, 3, 8, 8), "float32"),
    "five axes": lambda: np.zeros((1, 4, 8, 8, 3), "float32"),
    "vector": lambda: np.zeros(4, "float32"),
    "NaN": lambda: np.full((4, 8, 8, 3), np.nan, "float32"),
    "infinity": lambda: np.full((4, 8, 8, 3), np.inf, "float32"),
    "no images": lambda: np.zeros((0, 8, 8, 3), "float32"),
    "empty list": list,
    "several sizes": lambda: [np.zeros((8, 8, 3)), np.zeros((9, 8, 3))],
    "ragged lists": lambda: [[1, 2], [3]],
    "empty dataset": lambda: dataset(pixels(), LABELS).batch(2).take(0),
    "endless dataset": lambda: dataset(pixels(), LABELS).batch(2).repeat(),
    "unbatched dataset": lambda: dataset(pixels(), LABELS),
    "dataset of dicts": lambda: dataset({"image": pixels(), "label": LABELS}).batch(2),
    "model": make_network,
    "layer": lambda: keras.layers.Dense(3),
}
