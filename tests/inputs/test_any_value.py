"""Every public function: whatever image, array or model it is handed, it works or says one line."""

import keras
import pytest
from PIL import Image
from public_calls import (
    CALLS,
    LABELS,
    OF_ARRAYS,
    OF_DATA,
    OF_IMAGES,
    OF_MODELS,
    OTHERS,
    STRANGE,
    Batches,
    dataset,
    make_network,
    pixels,
    torch_like,
)

from kerascnn import properties, transfer, visualize
from kerascnn.errors import KerascnnError

LONGEST = 500  # characters of a message


@pytest.fixture(scope="module")
def network():
    return make_network()


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


def names_of(package):
    return set(getattr(package, "__all__", None) or package._WHERE)


def test_every_public_name_is_called_or_takes_nothing():
    public = names_of(visualize) | names_of(properties) | names_of(transfer)
    called = {name.split()[0] for name in CALLS}
    assert public - called == OTHERS
    assert called <= public


def strange(name):
    """What to try a function with: half of it, and all of it for the first one of each group.

    The campaign tries everything with every function. What every function has to take is tried
    below, but for functions of arrays, which may refuse it.
    """
    (group,) = (group for group in (OF_IMAGES, OF_DATA, OF_ARRAYS, OF_MODELS) if name in group)
    number = [*group].index(name)
    kinds = {**GOOD, **STRANGE} if group is OF_ARRAYS else STRANGE
    return {kind: kinds[kind] for kind in ([*kinds] if number == 0 else [*kinds][number % 2 :: 2])}


@pytest.mark.parametrize("name", CALLS)
def test_it_works_or_says_one_line(name, network, tmp_path, monkeypatch):
    monkeypatch.setattr("kerascnn.inputs.images.MOST_BYTES", 10_000)
    failures = []
    for kind, make in strange(name).items():
        try:
            CALLS[name](network, make(), tmp_path)
        except KerascnnError as error:
            text = str(error)
            if "\n" in text or len(text) > LONGEST:
                failures.append(f"{kind}: {len(text)} characters: {text[:200]!r}")
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            failures.append(f"{kind}: {type(error).__name__}: {str(error)[:200]!r}")
    assert not failures, "\n" + "\n".join(failures)


# One of each way in: an array, many small things, with labels, and what can be read only once.
WAYS = ("uint8", "list of pictures", "torch tensor", "labelled dataset", "generator")


@pytest.mark.parametrize("name", OF_IMAGES)
def test_images_of_any_kind_are_taken(name, network, tmp_path):
    for kind in GOOD if name in ("cam", "feature_maps") else WAYS:
        try:
            OF_IMAGES[name](network, GOOD[kind](), tmp_path)
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
    # A cache is quick; the others train, and are fed by the same code.
    for kind in LABELLED if name == "cache_features" else ("lists", "no weights", "PyDataset"):
        try:
            OF_DATA[name](network, LABELLED[kind](), tmp_path)
        except KerascnnError as error:
            if "did not fall" not in str(error):  # of random weights
                pytest.fail(f"{kind}: {error}")
