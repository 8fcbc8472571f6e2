"""Draws the pictures of docs/features.md into docs/features/, each by the function of its name.

    python docs/draw_features.py --photos FLOWERS --squeezenet FILE --mobilenet FILE [NAME ...]

FLOWERS is a folder of class folders with photos of tf_flowers and their LICENSE.txt; the files are
the weights of keras-squeezenet 1.1 (without top) and of keras.applications.MobileNet 0.25. MNIST
and CIFAR-10 come from TensorFlow Datasets (--data-dir). All pictures take about ten minutes on one
core. credits.txt names the photographers of every photo shown.
"""

import argparse
import functools
import inspect
from pathlib import Path

import keras
import matplotlib
import numpy as np
from keras import layers, regularizers
from PIL import Image

import kerascnn
from kerascnn import data, visualize

OUT = Path(__file__).with_name("features")
PHOTO = "sunflowers/145303599_2627e23815_n.jpg"
SIDE = 160


class Pictures:
    """Each public method draws one picture, from networks and photos that are made once."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.shown: set[str] = set()

    @functools.cached_property
    def paths(self) -> list[str]:
        found = sorted(self.options.photos.glob("*/*.jpg"))
        return [str(path.relative_to(self.options.photos)) for path in found]

    @functools.cached_property
    def photos(self) -> np.ndarray:
        return np.stack([self.photo(path) for path in self.paths])

    def photo(self, path: str) -> np.ndarray:
        rule = data.ResizeRule(fit="crop")
        return data.load_image(self.options.photos / path, SIDE, 3, rule)

    @functools.cached_property
    def squeezenet(self) -> keras.Model:
        return kerascnn.models.SqueezeNet1_1(
            include_top=False,
            style="keras",
            weights=str(self.options.squeezenet),
            input_shape=(SIDE, SIDE, 3),
        )

    @functools.cached_property
    def mobilenet(self) -> keras.Model:
        return kerascnn.models.MobileNet(
            alpha=0.25, weights=str(self.options.mobilenet), input_shape=(SIDE, SIDE, 3)
        )

    @functools.cached_property
    def digits(self) -> data.Splits:
        return data.load("tfds:mnist", image_size=32, data_dir=self.options.data_dir)

    @functools.cached_property
    def lenet(self) -> keras.Model:
        keras.utils.set_random_seed(0)
        model = kerascnn.models.LeNet5(activation="relu", pool="max")
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        model.fit(self.digits.train, epochs=2, verbose=2)
        return model

    @functools.cached_property
    def cifar(self) -> tuple[keras.Model, visualize.FilterEvolution]:
        """A small network with 7x7 filters, large enough to be seen, trained on CIFAR-10."""
        import tensorflow_datasets as tfds

        images, labels = tfds.as_numpy(
            tfds.load(
                "cifar10",
                split="train[:16000]",
                batch_size=-1,
                as_supervised=True,
                data_dir=self.options.data_dir,
            )
        )
        keras.utils.set_random_seed(0)
        decay = regularizers.L2(2e-3)
        inputs = keras.Input((32, 32, 3))
        x = layers.Rescaling(1 / 127.5, offset=-1)(inputs)
        x = layers.Conv2D(24, 7, 2, "same", activation="relu", kernel_regularizer=decay)(x)
        x = layers.Conv2D(48, 3, padding="same")(x)
        x = layers.MaxPooling2D(2)(layers.ReLU()(layers.BatchNormalization()(x)))
        x = layers.Conv2D(64, 3, padding="same")(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.GlobalAveragePooling2D()(x)
        model = keras.Model(inputs, layers.Dense(10, activation="softmax")(x))
        model.compile(
            keras.optimizers.Adam(2e-3), "sparse_categorical_crossentropy", metrics=["accuracy"]
        )
        evolution = visualize.FilterEvolution()
        model.fit(images, labels, batch_size=64, epochs=16, verbose=2, callbacks=[evolution])
        return model, evolution

    def filters_squeezenet(self) -> None:
        kernels = visualize.filters(self.squeezenet)
        self.save(visualize.plot_filters(kernels, columns=16))

    def filters_cifar(self) -> None:
        self.save(visualize.plot_filters(visualize.filters(self.cifar[0]), columns=12))

    def feature_maps(self) -> None:
        self.shown.add(PHOTO)
        Image.fromarray(self.photo(PHOTO)).save(OUT / "photo.jpg", quality=88)
        names = ["stage1", "stage2", "stage3"]
        maps = visualize.feature_maps(self.squeezenet, self.photo(PHOTO)[None], names)
        self.save(visualize.plot_feature_maps(maps, most=8))

    def top_patches(self) -> None:
        units = [200, 175, 11, 241]
        top = visualize.top_patches(
            self.squeezenet, self.photos, "stage3", units=units, projections=True
        )
        self.shown |= {self.paths[number] for number in top.images.ravel()}
        self.save(visualize.plot_top_patches(top), suffix="jpg")

    def deconvnet(self) -> None:
        images, labels = self.digits.sample("test", 200, seed=1)
        chosen = images[[int(np.flatnonzero(labels == digit)[0]) for digit in range(10)]]
        rows = [chosen / 255.0]
        for layer in ("c1", "c3", "c5", "f6"):
            back = visualize.deconvnet(self.lenet, chosen, layer)
            rows.append(visualize.around_gray(back, (1, 2, 3), percentile=99))
        titles = ["digit", "c1", "c3", "c5", "f6"]
        figure = matplotlib.figure.Figure(figsize=(8, 4.1), dpi=100, layout="constrained")
        for place, (title, row) in enumerate(zip(titles, rows, strict=True), 1):
            axes = figure.add_subplot(len(rows), 1, place)
            picture = visualize.mosaic(row, columns=10, gap=2)[..., 0]
            axes.imshow(picture, cmap="gray", vmin=0, vmax=1)
            axes.axis("off")
            axes.text(-6, 16, title, ha="right", va="center", fontsize=10)
        self.save(figure)

    def neighbors(self) -> None:
        features = visualize.hidden_features(self.mobilenet, self.photos)
        kinds = [path.split("/")[0] for path in self.paths]
        queries = [kinds.index(kind) + 40 for kind in dict.fromkeys(kinds)]
        found = visualize.nearest_neighbors(features, features[queries], 7, metric="cosine")
        found = visualize.Neighbors(found.indices[:, 1:], found.distances[:, 1:])  # not itself
        self.shown |= {self.paths[number] for number in [*queries, *found.indices.ravel()]}
        self.save(
            visualize.plot_neighbors(self.photos[queries], self.photos, found, kinds), suffix="jpg"
        )

    def tsne(self) -> None:
        images, labels = self.digits.sample("test", 600, seed=0)
        features = visualize.hidden_features(self.lenet, images, "c5")  # what c5 sees
        points = visualize.embedding_map(features, "tsne")
        figure = visualize.plot_embedding_map(points, labels, images=images, most=600, side=13)
        self.save(figure, dpi=100)

    def filter_evolution(self) -> None:
        evolution = self.cifar[1]
        self.save(visualize.plot_filter_evolution(evolution, most=6))
        frames = visualize.evolution_frames(evolution, columns=8)
        visualize.save_animation(frames, OUT / "filter_evolution.gif", seconds=0.7, scale=5)

    def projection_evolution(self) -> None:
        splits = data.load("digits", image_size=32)
        images, _ = splits.arrays("validation")
        keras.utils.set_random_seed(0)
        model = kerascnn.models.LeNet5(activation="relu", pool="max")
        evolution = visualize.FilterEvolution("c3", (1, 2, 5, 10, 20, 40, 64), images=images)
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(splits.train, epochs=64, verbose=0, callbacks=[evolution])
        self.save(visualize.plot_filter_evolution(evolution, most=8))

    def maximized(self) -> None:
        names = {1: "goldfish", 130: "flamingo", 949: "strawberry", 985: "daisy"}
        found = visualize.maximize_activation(self.mobilenet, list(names), steps=300, seed=1)
        figure = matplotlib.figure.Figure(figsize=(8, 2.3), dpi=100, layout="constrained")
        for place, (name, picture) in enumerate(
            zip(names.values(), found.pictures, strict=True), 1
        ):
            axes = figure.add_subplot(1, len(names), place)
            axes.imshow(picture / 255)
            axes.axis("off")
            axes.set_title(name, loc="left", fontsize=10)
        self.save(figure, suffix="jpg")

    def loss_landscape(self) -> None:
        images, labels = self.digits.sample("train", 500, seed=0)
        landscape = visualize.loss_landscape(
            self.lenet, "sparse_categorical_crossentropy", images, labels, directions=2, points=25
        )
        self.save(visualize.plot_loss_landscape(landscape, "LeNet-5 on MNIST"))

    def architectures(self) -> None:
        for name in ("LeNet5", "ResNet20"):
            diagram = visualize.architecture_diagram(kerascnn.create_model(name))
            (OUT / f"{name.lower()}.svg").write_text(diagram, encoding="utf-8")

    def save(self, figure: matplotlib.figure.Figure, dpi: int = 90, suffix: str = "png") -> None:
        """Writes the figure under the name of the method that drew it."""
        path = OUT / f"{inspect.stack()[1].function}.{suffix}"
        figure.savefig(path, dpi=dpi, pil_kwargs={"optimize": True})

    def credits(self) -> None:
        """Adds the lines of the photos shown to those that are there."""
        path = OUT / "credits.txt"
        lines = (self.options.photos / "LICENSE.txt").read_text(encoding="utf-8").splitlines()
        known = set(path.read_text(encoding="utf-8").splitlines()) if path.exists() else set()
        known |= {line for line in lines if line.split(" ")[0] in self.shown}
        path.write_text("\n".join(sorted(known)) + "\n", encoding="utf-8")


NAMES = (
    *("filters_squeezenet", "filters_cifar", "feature_maps", "top_patches", "deconvnet"),
    *("neighbors", "tsne", "filter_evolution", "projection_evolution", "maximized"),
    *("loss_landscape", "architectures"),
)


def main() -> None:
    """Draws the pictures that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--squeezenet", type=Path, required=True)
    parser.add_argument("--mobilenet", type=Path, required=True)
    parser.add_argument("--data-dir", type=Path)
    options = parser.parse_args()
    matplotlib.use("agg")
    OUT.mkdir(exist_ok=True)
    pictures = Pictures(options)
    for name in options.names or NAMES:
        print(name, flush=True)
        getattr(pictures, name)()
    pictures.credits()


if __name__ == "__main__":
    main()
