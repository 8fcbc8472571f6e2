"""Calls of the Python interface with what it cannot take."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import public_calls
from judging import ACCEPTED, EITHER, REFUSED, Case

SAMPLED = 40  # calls of visualize, properties and transfer with strange values


def cases(seed: int) -> Iterator[Case]:
    for name, call, expect, words in CALLS:
        yield Case("call", name, call, expect, words)
    rng = random.Random(f"calls {seed}")
    pairs = [(name, kind) for name in public_calls.CALLS for kind in public_calls.STRANGE]
    for name, kind in rng.sample(pairs, SAMPLED):

        def call(here: Path, world: Path, name=name, kind=kind) -> None:
            from kerascnn.inputs import images

            images.MOST_BYTES = 10_000
            public_calls.CALLS[name](
                public_calls.make_network(), public_calls.STRANGE[kind](), here
            )

        yield Case("call", f"{name}, {kind}", call, EITHER)


def pixels(count: int = 6, size: int = 8) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3)).astype("uint8")


LABELS = np.arange(6) % 3


def network(**options: Any) -> Any:
    from kerascnn.transfer import attach_head

    points = public_calls.make_network()
    import keras

    return attach_head(keras.Model(points.inputs, points.get_layer("maps").output), 3, **options)


def dataset(*arrays: np.ndarray) -> Any:
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices(arrays)


def tune(*data: Any, **options: Any) -> Callable[[Path, Path], Any]:
    def call(here: Path, world: Path) -> None:
        from kerascnn.transfer import Phase, fine_tune

        made = [item() if callable(item) else item for item in data]
        phases = (Phase(name="all", until=0.0, epochs=1, learning_rate=1e-3),)
        fine_tune(network(), *made, **{"phases": phases, **options})

    return call


def export(recipe: str = "float32", model: Callable[..., Any] | None = None, **options: Any) -> Any:
    def call(here: Path, world: Path) -> None:
        from kerascnn.export import export_tflite

        made = (model or public_calls.make_network)()
        given = {"samples": pixels(), "labels": LABELS, **options}
        export_tflite(made, here / "m.tflite", recipe, **given)

    return call


def kerascnn_call(path: str, *arguments: Any, **options: Any) -> Callable[[Path, Path], Any]:
    """A call of a public function by its name; {here} and {world} in texts are filled in."""

    def fill(value: Any, here: Path, world: Path) -> Any:
        if isinstance(value, str):
            return value.replace("{here}", str(here)).replace("{world}", str(world))
        return value

    def call(here: Path, world: Path) -> None:
        import kerascnn

        function: Any = kerascnn
        for name in path.split("."):
            function = getattr(function, name)
        given = {name: fill(value, here, world) for name, value in options.items()}
        function(*(fill(value, here, world) for value in arguments), **given)

    return call


def of_loss(labels: np.ndarray) -> Callable[[Path, Path], Any]:
    """Plain `fit` cannot raise in a compiled step: the loss must say it by being no number."""

    def call(here: Path, world: Path) -> None:
        from kerascnn.losses import Crossentropy

        model = public_calls.make_network()
        model.compile("sgd", Crossentropy())
        loss = model.fit(pixels(), labels, verbose=0).history["loss"][0]
        if loss == loss:
            raise RuntimeError(f"trained on labels that are no class, loss {loss}")

    return call


PHOTOS, TABLE, RUN = "{world}/photos", "{world}/photos/labels.csv", "{world}/run"
load, create = "data.load", "create_model"
CALLS: list[tuple[str, Callable[[Path, Path], Any], str, str]] = [
    ("load, absent", kerascnn_call(load, "{here}/absent"), REFUSED, "absent"),
    ("load, None", kerascnn_call(load, None), REFUSED, "source|path"),
    ("load, number", kerascnn_call(load, 3), REFUSED, "source|path"),
    ("load, list", kerascnn_call(load, ["a", "b"]), REFUSED, "source|path"),
    ("load, size of text", kerascnn_call(load, PHOTOS, image_size="large"), REFUSED, "image_size"),
    ("load, size -1", kerascnn_call(load, PHOTOS, image_size=-1), REFUSED, "image_size"),
    (
        "load, size of three",
        kerascnn_call(load, PHOTOS, image_size=(8, 8, 3)),
        REFUSED,
        "image_size",
    ),
    ("load, batch 0", kerascnn_call(load, PHOTOS, batch_size=0), REFUSED, "batch_size"),
    ("load, batch of text", kerascnn_call(load, PHOTOS, batch_size="8"), REFUSED, "batch_size"),
    ("load, split 2", kerascnn_call(load, PHOTOS, validation_split=2), REFUSED, "validation_split"),
    ("load, seed None", kerascnn_call(load, PHOTOS, seed=None), REFUSED, "seed"),
    ("load, channels 5", kerascnn_call(load, PHOTOS, channels=5), REFUSED, "channels"),
    ("load, resize", kerascnn_call(load, PHOTOS, resize="squeeze"), REFUSED, "squeeze"),
    ("load, task", kerascnn_call(load, TABLE, task="guess"), REFUSED, "guess"),
    ("load, digits regression", kerascnn_call(load, "digits", task="regression"), REFUSED, "csv"),
    ("model, absent", kerascnn_call(create, "ResNet19"), REFUSED, "ResNet18"),
    ("model, number", kerascnn_call(create, 18), REFUSED, "name|model"),
    ("model, empty", kerascnn_call(create, ""), REFUSED, "model"),
    ("model, classes 0", kerascnn_call(create, "LeNet5", classes=0), REFUSED, "classes"),
    ("model, classes 2.5", kerascnn_call(create, "LeNet5", classes=2.5), REFUSED, "classes"),
    ("model, shape", kerascnn_call(create, "LeNet5", input_shape=(3, 32)), REFUSED, "input_shape"),
    ("model, shape of text", kerascnn_call(create, "LeNet5", input_shape="a"), REFUSED, "shape"),
    ("model, small", kerascnn_call(create, "ResNet18", input_shape=(1, 1, 3)), EITHER, "shape"),
    (
        "model, pooling",
        kerascnn_call(create, "ResNet18", pooling="mean", include_top=False),
        REFUSED,
        "pooling",
    ),
    ("model, dropout", kerascnn_call(create, "VGG11", dropout=1.5), REFUSED, "dropout"),
    ("model, name", kerascnn_call(create, "LeNet5", name=5), REFUSED, "name"),
    ("model, activation", kerascnn_call(create, "LeNet5", activation=5), REFUSED, "activation"),
    ("model, weights", kerascnn_call(create, "LeNet5", weights="{here}/w.h5"), REFUSED, "w.h5"),
    ("model, weights 5", kerascnn_call(create, "LeNet5", weights=5), REFUSED, "weights"),
    ("models, number", kerascnn_call("list_models", 5), REFUSED, "pattern"),
    ("load_model, absent", kerascnn_call("load_model", "{here}/m.keras"), REFUSED, "m.keras"),
    ("load_model, photo", kerascnn_call("load_model", "{world}/photo.jpg"), REFUSED, "photo"),
    ("load_model, None", kerascnn_call("load_model", None), REFUSED, "path|model"),
    ("train, absent", kerascnn_call("train", "{here}/a", "MLP", "{here}/out"), REFUSED, "no such"),
    ("train, none", kerascnn_call("train", None), REFUSED, "source"),
    (
        "train, epochs",
        kerascnn_call("train", PHOTOS, "MLP", "{here}/out", epochs="3"),
        REFUSED,
        "epochs",
    ),
    (
        "train, Keras's words",
        kerascnn_call("train", PHOTOS, "MLP", "{here}/out", optimizer="sgd"),
        REFUSED,
        "optimizer",
    ),
    (
        "train, callbacks",
        kerascnn_call("train", PHOTOS, "MLP", "{here}/out", callbacks=[3]),
        REFUSED,
        "callback",
    ),
    (
        "train, augment",
        kerascnn_call("train", PHOTOS, "MLP", "{here}/out", augment=3),
        REFUSED,
        "augment",
    ),
    ("open_run, photos", kerascnn_call("training.open_run", PHOTOS), REFUSED, "photos"),
    ("augment, nonsense", kerascnn_call("augment.get", "nonsense", 8), REFUSED, "nonsense"),
    ("augment, size", kerascnn_call("augment.get", "light", "8"), REFUSED, "size"),
    (
        "RandAugment, magnitude",
        kerascnn_call("augment.RandAugment", magnitude=-1),
        REFUSED,
        "magnitude",
    ),
    ("tune, labels beyond", tune((pixels(), LABELS + 1)), REFUSED, "3"),
    ("tune, labels -1", tune((pixels(), LABELS - 1)), REFUSED, "-1"),
    ("tune, labels of text", tune((pixels(), np.array(list("abcabc")))), REFUSED, "label|text"),
    ("tune, labels nan", tune((pixels(), np.full(6, np.nan))), REFUSED, "nan"),
    ("tune, labels of columns", tune((pixels(), LABELS[:, None])), ACCEPTED, ""),
    ("tune, fewer labels", tune((pixels(), LABELS[:4])), REFUSED, "4|label"),
    ("tune, images nan", tune((pixels().astype("float32") * np.nan, LABELS)), REFUSED, "nan"),
    ("tune, images inf", tune((pixels().astype("float32") + np.inf, LABELS)), REFUSED, "inf"),
    ("tune, other size", tune((pixels(size=9), LABELS)), REFUSED, "8"),
    ("tune, gray", tune((pixels()[..., :1], LABELS)), REFUSED, "channel|shape"),
    ("tune, nothing", tune(None), REFUSED, "train|data"),
    ("tune, empty", tune((pixels()[:0], LABELS[:0])), REFUSED, "one at least"),
    ("tune, path", tune("photos"), REFUSED, "is a path"),
    ("tune, endless", tune(lambda: dataset(pixels(), LABELS).batch(2).repeat()), REFUSED, "end"),
    ("tune, unbatched", tune(lambda: dataset(pixels(), LABELS)), EITHER, "batch"),
    ("tune, no labels", tune(lambda: dataset(pixels()).batch(2)), REFUSED, "label"),
    (
        "tune, four parts",
        tune(lambda: dataset(pixels(), LABELS, LABELS, LABELS).batch(2)),
        REFUSED,
        "4|four|part",
    ),
    (
        "tune, words of Keras",
        tune((pixels(), LABELS), epochs=2, validation_data=(pixels(), LABELS), phases=None),
        EITHER,
        "epochs|phases",
    ),
    ("tune, unknown word", tune((pixels(), LABELS), nonsense=2), EITHER, "nonsense"),
    ("tune, class weights", tune((pixels(), LABELS), class_weight={9: 1.0}), REFUSED, "9"),
    ("loss, label beyond", of_loss(LABELS + 1), ACCEPTED, ""),
    ("loss, label -1", of_loss(LABELS - 1), ACCEPTED, ""),
    ("export, recipe", export("int9"), REFUSED, "int9"),
    ("export, recipe None", export(None), REFUSED, "recipe"),
    ("export, int8 without samples", export("int8", samples=None, labels=None), REFUSED, "samples"),
    ("export, samples of text", export("int8", samples="photos"), REFUSED, "samples"),
    ("export, other size", export("int8", samples=pixels(size=9)), REFUSED, "shape|8"),
    (
        "export, samples nan",
        export("int8", samples=np.full((6, 8, 8, 3), np.nan, "f4")),
        REFUSED,
        "finite",
    ),
    ("export, labels beyond", export("int8", labels=LABELS + 7), REFUSED, "label"),
    ("export, fewer labels", export("int8", labels=LABELS[:3]), REFUSED, "label"),
    ("export, two names", export(class_names=["a", "b"]), REFUSED, "3|names"),
    ("export, names with lines", export(class_names=["a", "b\nc", "d"]), REFUSED, "name|line"),
    ("export, no model", export(model=lambda: "model"), REFUSED, "model"),
    (
        "export, a layer",
        export(model=lambda: __import__("keras").layers.Dense(3)),
        REFUSED,
        "model",
    ),
    ("export, unbuilt", export(model=lambda: __import__("keras").Sequential([])), REFUSED, "model"),
    ("export, io", export("int8", io="int7"), REFUSED, "int7"),
    ("export, target", export("int8", target="toaster"), REFUSED, "toaster"),
    (
        "bundle, recipes",
        kerascnn_call("export.export_bundle", None, "{here}/b", samples=pixels()),
        REFUSED,
        "model",
    ),
    (
        "TFLiteModel, photo",
        kerascnn_call("export.TFLiteModel", "{world}/photo.jpg"),
        REFUSED,
        "photo",
    ),
    (
        "verify, photo",
        kerascnn_call("export.verify_tflite", "{world}/photo.jpg", None, None),
        REFUSED,
        ".",
    ),
    (
        "benchmark, absent",
        kerascnn_call("export.benchmark_tflite", "{here}/m.tflite"),
        REFUSED,
        "m.tflite",
    ),
    ("inspect, absent", kerascnn_call("export.inspect", "{here}/m.tflite"), REFUSED, "m.tflite"),
    (
        "quantize_aware, text",
        kerascnn_call("quantization.quantize_aware", "model"),
        REFUSED,
        "model",
    ),
]
