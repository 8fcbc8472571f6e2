"""Every public function: whatever image, array or model it is handed, it works or says one line."""

import keras
import numpy as np
import pytest
from PIL import Image
from public_calls import (
    CALLS,
    LABELS,
    OF_DATA,
    OF_IMAGES,
    OTHERS,
    make_network,
    pixels,
)

from kerascnn import properties, transfer, visualize
from kerascnn.errors import KerascnnError

LONGEST = 500  # characters of a message


@pytest.fixture(scope="module")
def network():
    return make_network()


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


# Images that every function of a model and images takes.
GOOD = {
    "uint8": pixels,
    "float32": lambda: pixels().astype("float32"),
    "float64": lambda: pixels().astype("float64"),
    "float16": lambda: pixels().astype("float16"),
    "int64": lambda: pixels().astype("int64"),
    "keras tensor": lambda: keras.ops.convert_to_tensor(pixels().astype("float32")),
    "torch tensor": torch_like,
    "list of arrays": lambda: list(pixels()),
    "list of pictures": lambda: [Image.fromarray(image) for image in pixels()],
    "dataset of images": lambda: dataset(pixels()).batch(2),
    "labelled dataset": lambda: dataset(pixels(), LABELS).batch(3),
    "PyDataset": Batches,
    "generator": lambda: iter([pixels()[:2], pixels()[2:]]),
}
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


def names_of(package):
    return set(getattr(package, "__all__", None) or package._WHERE)


def test_every_public_name_is_called_or_takes_nothing():
    public = names_of(visualize) | names_of(properties) | names_of(transfer)
    called = {name.split()[0] for name in CALLS}
    assert public - called == OTHERS
    assert called <= public


@pytest.mark.parametrize("name", CALLS)
def test_it_works_or_says_one_line(name, network, tmp_path, monkeypatch):
    monkeypatch.setattr("kerascnn.inputs.images.MOST_BYTES", 10_000)
    failures = []
    for kind, make in {**GOOD, **STRANGE}.items():
        try:
            CALLS[name](network, make(), tmp_path)
        except KerascnnError as error:
            text = str(error)
            if "\n" in text or len(text) > LONGEST:
                failures.append(f"{kind}: {len(text)} characters: {text[:200]!r}")
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            failures.append(f"{kind}: {type(error).__name__}: {str(error)[:200]!r}")
    assert not failures, "\n" + "\n".join(failures)


@pytest.mark.parametrize("name", OF_IMAGES)
def test_images_of_any_kind_are_taken(name, network, tmp_path):
    for kind, make in GOOD.items():
        try:
            OF_IMAGES[name](network, make(), tmp_path)
        except KerascnnError as error:
            pytest.fail(f"{kind}: {error}")


LABELLED = {
    "list of two arrays": lambda: [pixels(), LABELS],
    "float16 and int8": lambda: (pixels().astype("float16"), LABELS.astype("int8")),
    "tensors": lambda: tuple(map(keras.ops.convert_to_tensor, (pixels(), LABELS))),
    "lists": lambda: (list(pixels()), LABELS.tolist()),
    "column of float labels": lambda: (pixels(), LABELS[:, None].astype("float32")),
    "no weights": lambda: (pixels(), LABELS, None),
    "labelled dataset": GOOD["labelled dataset"],
    "PyDataset": Batches,
    "list of lists": lambda: [list(Batches()[0]), list(Batches()[1])],
    "tuple of batches": lambda: (Batches()[0], Batches()[1]),
}


@pytest.mark.parametrize("name", [name for name in OF_DATA if name != "fine_tune"])
def test_labelled_images_of_any_kind_are_taken(name, network, tmp_path):
    for kind, make in LABELLED.items():
        try:
            OF_DATA[name](network, make(), tmp_path)
        except KerascnnError as error:
            if "did not fall" not in str(error):  # of random weights
                pytest.fail(f"{kind}: {error}")
