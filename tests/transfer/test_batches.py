"""Data of any form trains alike; what cannot be trained on is said, with its value and place."""

import functools
import warnings

import keras
import numpy as np
import pytest
from keras import layers

from kerascnn.errors import DataError, InputError
from kerascnn.transfer import (
    Phase,
    attach_head,
    cache_features,
    fine_tune,
    fit_head,
    freeze,
    lr_find,
)

SIZE, COUNT = 8, 12
LABELS = np.arange(COUNT) % 3
PHASES = (Phase(name="all", until=0.0, epochs=2, learning_rate=1e-3),)
HEAD = (Phase(name="head", until="head", epochs=2, learning_rate=1e-2, augment=False),)


@pytest.fixture(autouse=True)
def _steps_run_eagerly():
    """A step of these networks takes less than its tracing. Data sets are traced all the same."""
    import tensorflow as tf

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        tf.config.run_functions_eagerly(True)
        yield
        tf.config.run_functions_eagerly(False)


def pixels(count=COUNT, seed=0):
    shape = (count, SIZE, SIZE, 1)
    return np.random.default_rng(seed).integers(0, 256, shape).astype("float32")


def backbone():
    keras.utils.set_random_seed(1)
    images = keras.Input((SIZE, SIZE, 1), name="image")
    x = layers.Rescaling(1 / 255, name="scale")(images)
    return keras.Model(images, layers.Conv2D(4, 3, name="conv")(x), name="small")


def network(classes=3, **options):
    model = attach_head(backbone(), classes, dropout=0.0, **options)
    kernel = model.get_layer("predictions").kernel
    kernel.assign(np.random.default_rng(0).normal(0, 0.1, kernel.shape))
    return model


def compiled(loss="sparse_categorical_crossentropy", **options):
    model = network(**options)
    freeze(model, "head")
    model.compile("adam", loss, metrics=["accuracy"])
    return model


def in_batches(*arrays, size=4):
    return [tuple(a[i : i + size] for a in arrays) for i in range(0, len(arrays[0]), size)]


def dataset(*arrays, size=4):
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices(arrays).batch(size)


class Indexed(keras.utils.PyDataset):
    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, number):
        return self.batches[number]


class Loader:
    """What a data loader of PyTorch is: iterable again and again, of lists."""

    def __init__(self, batches):
        self.batches = batches

    def __len__(self):
        return len(self.batches)

    def __iter__(self):
        return iter([list(batch) for batch in self.batches])


FORMS = {
    "dataset": lambda *a: dataset(*a),
    "dataset of unknown length": lambda *a: dataset(*a).filter(lambda *_: True),
    "list": lambda *a: in_batches(*a),
    "PyDataset": lambda *a: Indexed(in_batches(*a)),
    "loader": lambda *a: Loader(in_batches(*a)),
    "function": lambda *a: lambda: iter(in_batches(*a)),
    "images in a dict": lambda *a: [({"image": x}, *rest) for x, *rest in in_batches(*a)],
}


def trained(train, validation=None, phases=PHASES, **options):
    model = network()
    result = fine_tune(model, train, validation, phases=phases, cache=phases is HEAD, **options)
    return model, result


@functools.cache
def history_of(form, phases, weighted):
    """What training on weighted or plain batches of a form comes to."""
    arrays = (pixels(), LABELS, *((np.linspace(0, 2, COUNT),) if weighted else ()))
    held_out = (pixels(6, seed=5), LABELS[:6], *(a[:6] for a in arrays[2:]))
    return trained(FORMS[form](*arrays), FORMS[form](*held_out), phases)[1].history


# Weighted or not, on images or on features: each form once in each, not in all combinations.
@pytest.mark.parametrize("form", [form for form in FORMS if form != "list"])
def test_every_form_trains_as_a_list_of_batches_does(form):
    number = list(FORMS).index(form)
    weighted, phases = number % 2 == 0, HEAD if number % 3 == 0 else PHASES
    wanted, found = (history_of(each, phases, weighted) for each in ("list", form))
    for row, other in zip(wanted, found, strict=True):
        assert other == pytest.approx(row, rel=1e-4)


@pytest.mark.parametrize("phases", [PHASES, HEAD], ids=["images", "features"])
def test_sample_weights_count_in_the_loss_and_with_class_weights(phases):
    """Weights of 0 leave images out; weights and class weights are multiplied."""
    half = np.array([1.0] * 6 + [0.0] * 6)
    data = ((pixels(), LABELS, half), (pixels(), LABELS))
    options = {"phases": phases, "batch_size": COUNT, "label_smoothing": 0.0}
    losses = []
    for arrays in data:
        result = fine_tune(network(), arrays, **options)
        losses.append(result.history[0]["loss"])
    outputs = network()(pixels(), training=False)
    each = keras.losses.sparse_categorical_crossentropy(LABELS, outputs)
    each = keras.ops.convert_to_numpy(each)
    assert losses[0] == pytest.approx((each * half).mean(), rel=1e-4)
    assert losses[1] == pytest.approx(each.mean(), rel=1e-4)
    weights = {0: 2.0, 2: 0.5}
    both = fine_tune(network(), data[0], class_weight=weights, **options).history[0]["loss"]
    by_class = np.array([weights.get(label, 1.0) for label in LABELS])
    assert both == pytest.approx((each * half * by_class).mean(), rel=1e-4)
    streamed = fine_tune(network(), dataset(*data[0], size=COUNT), class_weight=weights, **options)
    assert streamed.history[0]["loss"] == pytest.approx(both, rel=1e-4)


def test_a_repeated_dataset_trains_for_the_steps_it_is_told():
    result = trained(dataset(pixels(), LABELS).repeat(), steps_per_epoch=2)[1]
    assert len(result.history) == 2
    assert all(np.isfinite(row["loss"]) for row in result.history)


def test_a_generator_trains_for_the_steps_it_is_told():
    def endless():
        while True:
            yield from in_batches(pixels(), LABELS)

    result = trained(endless(), steps_per_epoch=3, phases=(*HEAD, *PHASES))[1]
    assert len(result.history) == 4
    assert result.cached == ()


FUNCTIONS = {
    "fine_tune": lambda data, **o: fine_tune(network(), data, phases=PHASES, cache=False, **o),
    "fine_tune on features": lambda data: fine_tune(network(), data, phases=HEAD),
    "fine_tune, validation": lambda data: fine_tune(
        network(), (pixels(), LABELS), data, phases=PHASES
    ),
    "fit_head": lambda data: fit_head(compiled(), data, epochs=1),
    "fit_head, validation": lambda data: fit_head(compiled(), (pixels(), LABELS), data, epochs=1),
    "lr_find": lambda data: lr_find(compiled(), data, steps=10),
}
NO_END = {
    "repeated": lambda: dataset(pixels(), LABELS).repeat(),
    "generator": lambda: iter(in_batches(pixels(), LABELS)),
}


@pytest.mark.parametrize("form", NO_END)
@pytest.mark.parametrize("function", [name for name in FUNCTIONS if name != "lr_find"])
def test_data_without_an_end_is_refused_at_once(function, form):
    with pytest.raises(DataError, match=r"no end .*(Leave .repeat\(\) out|without calling it)"):
        FUNCTIONS[function](NO_END[form]())


def test_features_of_data_without_an_end_are_refused(tmp_path):
    with pytest.raises(DataError, match="no end"):
        cache_features(backbone(), dataset(pixels(), LABELS).repeat(), tmp_path)


def spoiled(row, value):
    labels = LABELS.astype("float32" if isinstance(value, float) else "int64")
    labels[row] = value
    return labels


def nan_pixel(row=7):
    images = pixels()
    images[row, 2, 3, 0] = np.nan
    return images


BAD = {
    "counted from 1": (pixels(), LABELS + 1, r"the label 3 .*0 to 2\. Do the labels begin at 1"),
    "unlabelled": (pixels(), spoiled(5, -1), r"the label -1 .*Does -1 mean unlabelled"),
    "too large": (pixels(), spoiled(9, 12), r"the label 12 in .* one of the 3 classes, 0 to 2"),
    "no whole number": (pixels(), spoiled(9, 0.5), r"the label 0\.5 in .*0 to 2"),
    "not a number": (pixels(), spoiled(9, np.nan), r"the label nan in .*finite number"),
    "text": (pixels(), np.array(["cat", "dog", "cow"] * 4), r"labels are text|labels of the"),
    "one-hot, too wide": (pixels(), np.eye(4)[LABELS], r"is `classes` right\?|4\)"),
    "pixels not finite": (nan_pixel(), LABELS, r"an image holds NaN or infinity: row"),
    "another size": (np.zeros((COUNT, 9, SIZE, 1)), LABELS, r"takes images 8x8x1\. Received: 9x8"),
    "channels": (np.zeros((COUNT, SIZE, SIZE, 3)), LABELS, r"takes images 8x8x1\. .*8x8x3"),
    "negative weights": (pixels(), LABELS, np.full(COUNT, -1.0), "finite numbers of 0 or more"),
}
ONE_HOT = {
    "multi-hot": (np.ones((COUNT, 3)), "sum to 1"),
    "row of zeros": (np.vstack([np.eye(3)[LABELS[:-1]], np.zeros(3)]), "names no class"),
}


# What finds them sees batches of any form: each form has one of them.
@pytest.mark.parametrize(
    ("bad", "form"),
    [
        *((bad, form) for bad in BAD for form in ("arrays", "list")),
        *(("too large", form) for form in FORMS if form != "list"),
        *(("pixels not finite", form) for form in ("dataset", "function")),
    ],
)
def test_labels_and_images_that_do_not_fit_are_named(bad, form):
    *arrays, message = BAD[bad]
    data = tuple(arrays) if form == "arrays" else FORMS[form](*arrays)
    with pytest.raises(InputError, match=message) as caught:
        FUNCTIONS["fine_tune"](data)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("bad", ["too large", "pixels not finite", "text"])
def test_every_function_that_trains_names_them(bad, function):
    *arrays, message = BAD[bad]
    with pytest.raises(InputError, match=message):
        FUNCTIONS[function](tuple(arrays))


@pytest.mark.parametrize("rows", ONE_HOT)
def test_rows_that_are_no_shares_of_classes_are_named(rows):
    labels, message = ONE_HOT[rows]
    with pytest.raises(InputError, match=message):
        FUNCTIONS["fine_tune"]((pixels(), labels.astype("float32")))


@pytest.mark.parametrize("form", FORMS)
def test_the_place_of_a_bad_label_in_a_late_batch_is_told(form):
    data = FORMS[form](pixels(), spoiled(10, 5))
    with pytest.raises(InputError, match=r"label 5 in row 2 of batch 2 \(both from 0\) of the tr"):
        FUNCTIONS["fine_tune"](data)


def test_the_row_of_an_array_is_told():
    with pytest.raises(InputError, match=r"label 5 in row 10 \(from 0\) of the training data"):
        FUNCTIONS["fine_tune"]((pixels(), spoiled(10, 5)))


def test_a_late_image_that_is_not_finite_is_told():
    for form in FORMS:
        with pytest.raises(InputError, match="infinity: row 3 of batch 1"):
            FUNCTIONS["fine_tune"](FORMS[form](nan_pixel(), LABELS))


def test_augmented_data_is_checked_too():
    train = (pixels(), LABELS)
    bad = dataset(pixels(), spoiled(6, 3))
    with pytest.raises(InputError, match=r"label 3 in row 2 of batch 1 .*augmented data"):
        fine_tune(network(), train, phases=PHASES, augmented=lambda epoch: bad)


NO_DATA = {
    "images alone": lambda: pixels(),
    "path": lambda: "photos",
    "nothing": lambda: None,
    "a number": lambda: 3,
    "a dict": lambda: {"image": pixels(), "label": LABELS},
    "a dataset of images": lambda: dataset(pixels()).map(lambda x: x),
    "a dataset of dicts": lambda: dataset(pixels(), LABELS).map(lambda x, y: {"x": x, "y": y}),
    "an unbatched dataset": lambda: dataset(pixels(), LABELS).unbatch(),
    "an unbatched one-hot dataset": lambda: dataset(pixels(), np.eye(3)[LABELS]).unbatch(),
    "four parts": lambda: [(pixels(), LABELS, LABELS, LABELS)],
    "no batch": lambda: [],
    "an empty dataset": lambda: dataset(pixels(), LABELS).take(0),
    "unequal lengths": lambda: (pixels(), LABELS[:-1]),
    "unequal batches": lambda: [(pixels(), LABELS[:-1])],
    "a function of something": lambda: lambda path: iter([]),
    "text for images": lambda: dataset(np.array(["a.jpg"] * COUNT), LABELS),
    "two images": lambda: [({"left": pixels(), "right": pixels()}, LABELS)],
    "no labels": lambda: [(pixels(), None)],
}


@pytest.mark.parametrize("kind", NO_DATA)
def test_what_holds_no_labelled_batches_is_said_in_a_line(kind):
    with pytest.raises(DataError) as caught:
        FUNCTIONS["fine_tune"](NO_DATA[kind]())
    assert "\n" not in str(caught.value)
    assert "xpected" in str(caught.value) or "must" in str(caught.value)


@pytest.mark.parametrize(
    ("function", "form"),
    [("fine_tune", "list"), ("fine_tune on features", "dataset"), ("fit_head", "arrays")],
)
def test_a_column_of_labels_is_as_good_as_a_row(function, form):
    found = []
    for labels in (LABELS, LABELS[:, None]):
        data = (pixels(), labels) if form == "arrays" else FORMS[form](pixels(), labels)
        result = FUNCTIONS[function](data)
        found.append(result.history[-1] if function != "fit_head" else result.history)
    assert found[0]["loss"] == pytest.approx(found[1]["loss"], rel=1e-5)
    assert found[0]["accuracy"] == found[1]["accuracy"]


LOGITS = {
    "classes": (3, LABELS, "accuracy"),
    "column of classes": (3, LABELS[:, None], "accuracy"),
    "one-hot": (3, np.eye(3, dtype="float32")[LABELS], "accuracy"),
    "shares": (3, np.full((COUNT, 3), 1 / 3, "float32"), "accuracy"),
    "several labels": (3, np.tile([1, 1, 0], (COUNT, 1)), "accuracy"),
    "two classes": (1, LABELS % 2, "accuracy"),
    "quantities": (3, pixels()[:, 0, :3, 0], "mean_absolute_error"),
    "a quantity": (1, pixels()[:, 0, 0, 0], "mean_absolute_error"),
}


@pytest.mark.parametrize("kind", LOGITS)
def test_a_head_without_activation_is_trained_by_its_logits(kind, caplog):
    outputs, labels, metric = LOGITS[kind]
    model = network(3, activation=None)
    if outputs == 1:
        model = attach_head(backbone(), 1, task="regression", dropout=0.0)
    with caplog.at_level("INFO", "kerascnn.transfer"):
        result = fine_tune(model, (pixels(), labels), phases=PHASES)
    assert metric in result.history[0]
    assert ("cross-entropy of its logits" in caplog.text) == (metric == "accuracy")
    if kind == "classes":
        plain = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        start = network(3, activation=None)(pixels(), training=False)
        smooth = fine_tune(
            network(3, activation=None),
            (pixels(), labels),
            phases=PHASES,
            label_smoothing=0.0,
            batch_size=COUNT,
        )
        assert smooth.history[0]["loss"] == pytest.approx(float(plain(labels, start)), rel=1e-4)


@pytest.mark.parametrize("loss", ["sparse_categorical_crossentropy", "binary_crossentropy"])
def test_a_loss_of_probabilities_behind_logits_is_refused(loss):
    with pytest.raises(InputError, match=r"ends without an activation.*from_logits=True"):
        fine_tune(network(3, activation=None), (pixels(), LABELS), loss=loss)
    with pytest.raises(InputError, match="from_logits=True"):
        fit_head(compiled(loss, activation=None), (pixels(), LABELS), epochs=1)


def test_a_softmax_of_one_class_is_refused():
    images = keras.Input((SIZE, SIZE, 1))
    x = layers.Flatten()(layers.Conv2D(2, 3)(images))
    model = keras.Model(images, layers.Dense(1, activation="softmax", name="predictions")(x))
    with pytest.raises(InputError, match=r"softmax .* one output, which is 1"):
        fine_tune(model, (pixels(), LABELS % 2))


def test_the_label_that_a_loss_ignores_is_none_too_many():
    loss = keras.losses.SparseCategoricalCrossentropy(ignore_class=-1)
    result = fine_tune(network(), (pixels(), spoiled(3, -1)), loss=loss, phases=PHASES)
    assert np.isfinite(result.history[0]["loss"])


def test_pixels_in_0_to_1_before_a_network_of_raw_pixels_are_warned_of(caplog):
    FUNCTIONS["fine_tune"]((pixels() / 255, LABELS))
    assert "takes pixels in 0..255, which its layer 'scale' scales" in caplog.text
    caplog.clear()
    FUNCTIONS["fine_tune"]((pixels(), LABELS))
    assert not caplog.records


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({3: 1.0}, "from 0 to 2"),
        ({0: -1.0}, "0 or more"),
        ({"cat": 1.0}, "must map"),
        ([1], "must"),
    ],
)
def test_class_weights_that_fit_no_class_are_refused(weights, message):
    with pytest.raises(InputError, match=message):
        fine_tune(network(), (pixels(), LABELS), class_weight=weights)


@pytest.mark.parametrize("steps", [0, 1.5, "3"])
def test_steps_are_a_number(steps):
    with pytest.raises(InputError, match="`steps_per_epoch` must be"):
        fine_tune(network(), (pixels(), LABELS), steps_per_epoch=steps)
