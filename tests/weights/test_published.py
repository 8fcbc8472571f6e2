"""Published weights: the table against the libraries it is from. Nothing is fetched."""

import inspect
import json
import lzma
import re
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import kerascnn
from kerascnn import catalog
from kerascnn.catalog import published
from kerascnn.catalog.published import KerasFile, Request, TorchFile
from kerascnn.errors import InputError
from kerascnn.weights import apply, fetch, structure
from kerascnn.weights.readers import StateDict

STATE_DICTS = json.loads(
    lzma.decompress(Path(__file__).with_name("state_dicts.json.xz").read_bytes())
)
# Deeper or wider forms of networks that are here; building them all takes minutes.
ALIKE = {"ResNet101", "ResNet152", "ResNet101V2", "ResNet152V2", "DenseNet169", "DenseNet201"}
ALIKE |= {"ResNeXt101", "WideResNet101_2"}
ALIKE |= {f"EfficientNetB{n}" for n in range(2, 8)} | {f"EfficientNetLite{n}" for n in (2, 3, 4)}
ALIKE |= {f"ConvNeXt{size}" for size in ("Small", "Base", "Large", "XLarge")}
ALIKE |= {"VGG13", "VGG19", "VGG16BN", "VGG19BN"}
CASES = [
    pytest.param(variant, entry, id=f"{variant}-{entry.tag}")
    for variant, entries in published.TABLE.items()
    for entry in entries
]
# The PyTorch libraries have other names for some networks, and the same for all their weights.
TORCH = [
    pytest.param(variant, entry, id=f"{variant}-{entry.tag}")
    for variant, entries in published.TABLE.items()
    if variant not in ALIKE
    for entry in {
        (isinstance(entry.locate(Request(variant, options=entry.requires)), TorchFile)): entry
        for entry in entries
        if entry.tag != "imagenet"
    }.values()
]
KERAS = [case for case in CASES if case.values[1].tag == "imagenet"]
KERAS_BUILT = [case for case in KERAS if case.values[0] not in ALIKE]
# Tops of one, two and three layers, and one with auxiliary classifiers beside it. That ours leave
# theirs out whole is in test_tops.py.
TOPLESS = {"MobileNetV2", "EfficientNetB0", "ConvNeXtTiny", "VGG16", "GoogLeNet"}


def with_and_without_top(cases):
    return [
        pytest.param(*case.values, top, id=f"{case.id}-{'top' if top else 'no-top'}")
        for case in cases
        for top in (True, False)
        if top or case.values[0] in TOPLESS
    ]


def test_every_model_of_the_table_is_in_the_catalogue():
    assert set(published.TABLE) <= set(kerascnn.list_models())


@pytest.mark.parametrize(("variant", "entry"), CASES)
def test_a_tag_says_which_details_the_network_has(variant, entry):
    from kerascnn.models import efficientnet, efficientnet_lite
    from kerascnn.models._adopted import Call, adopt
    from kerascnn.models._options import Styles

    family = kerascnn.catalog.find(variant).family
    others = {"efficientnet": efficientnet, "efficientnet_lite": efficientnet_lite}
    styles = others[family].STYLES if family in others else Styles()
    call = Call(variant, family, True, {"style": None}, {}, styles)
    assert adopt(call, entry.tag, None).options["style"] == entry.style


def without_memory(variant, **options):
    """Layers of one of our models by name: names and shapes, no values."""
    with keras.StatelessScope(initialize_variables=False):
        model = kerascnn.create_model(variant, **options)
    return {layer.name: layer for layer in structure.leaves(model) if layer.weights}


@pytest.mark.parametrize(("variant", "entry", "include_top"), with_and_without_top(TORCH))
def test_names_and_shapes_of_pytorch_files_fit(variant, entry, include_top):
    known = inspect.signature(getattr(kerascnn.models, variant)).parameters
    options = dict(entry.requires)
    if "style" in known:
        options["style"] = entry.style
    place = entry.locate(Request(variant, options=entry.requires))
    zero = np.int8(0)
    shapes = STATE_DICTS[place.name]
    arrays = StateDict((name, np.broadcast_to(zero, shape)) for name, shape in shapes.items())
    targets = without_memory(variant, include_top=include_top, **options)
    _, report = apply.match(
        targets, arrays, catalog.find(variant).family, head="predictions", what=("", variant)
    )
    assert set(report.loaded) == set(targets)
    assert report.reinitialised == ()


def theirs(variant, include_top, **options):
    with keras.StatelessScope(initialize_variables=False):
        factory = getattr(keras.applications, variant)
        return factory(weights=None, include_top=include_top, **options)


@pytest.mark.parametrize(("variant", "entry", "include_top"), with_and_without_top(KERAS_BUILT))
def test_names_and_shapes_of_keras_files_fit(variant, entry, include_top):
    model = theirs(variant, include_top)
    arrays = {
        re.sub("^normalization.*", "normalization", part.name): [
            np.zeros(tuple(v.shape), "int8") for v in part.weights
        ]
        for layer in model.layers
        if layer.weights
        for part in fetch._parts(layer)
    }
    for values in arrays.values():  # what is folded into a normalisation must be a number
        if len(values) == 4:
            values[:] = [value.astype("float32") for value in values]
    if "normalization" in arrays:
        mean = np.array((0.485, 0.456, 0.406), "float32")
        arrays["normalization"] = [mean, np.array((0.229, 0.224, 0.225), "float32"), np.int64(0)]
    targets = without_memory(variant, include_top=include_top, weights=None)
    _, report = apply.match(
        targets, arrays, catalog.find(variant).family, head="predictions", what=("", variant)
    )
    assert set(report.loaded) == set(targets)


@pytest.mark.parametrize(("variant", "entry"), KERAS)
def test_addresses_and_hashes_stand_in_the_source_of_keras(variant, entry):
    module = inspect.getmodule(inspect.unwrap(getattr(keras.applications, variant)))
    if variant.endswith("V2") and variant.startswith(
        "ResNet"
    ):  # the hashes stand beside those of the first form
        module = sys.modules[module.__name__.replace("resnet_v2", "resnet")]
    # Strings that are cut over several lines, joined.
    source = re.sub(r'"\s+f?"', "", inspect.getsource(module))
    for include_top in (True, False):
        place = entry.locate(Request(variant, include_top))
        assert isinstance(place, KerasFile)
        folder = place.url.rsplit("/", 1)[0]
        assert folder.removeprefix("https://storage.googleapis.com/") in source
        if place.hash is not None:
            assert place.hash in source


def test_images_of_another_size_get_the_weights_for_224():
    for variant in ("MobileNet", "MobileNetV2"):
        (entry,) = (entry for entry in published.TABLE[variant] if entry.tag == "imagenet")
        for size in ((200, 200), (224, 192), (None, None)):
            place = entry.locate(Request(variant, include_top=False, size=size))
            assert "_224_" in place.url


class Caught(Exception):
    pass


@pytest.mark.filterwarnings("ignore:.*Weights for input shape")
@pytest.mark.parametrize(
    ("variant", "options", "size", "include_top"),
    [
        ("MobileNet", {}, 224, True),
        ("MobileNet", {"alpha": 0.25}, 128, False),
        ("MobileNet", {"alpha": 0.5}, 192, True),
        ("MobileNet", {"alpha": 0.75}, 160, False),
        ("MobileNetV2", {}, 96, True),
        ("MobileNetV2", {"alpha": 0.35}, 224, False),
        ("MobileNetV2", {"alpha": 1.4}, 160, True),
        ("MobileNetV3Small", {}, 224, True),
        ("MobileNetV3Small", {"alpha": 0.75}, 224, False),
        ("MobileNetV3Large", {"minimalistic": True}, 224, False),
        ("MobileNetV3Large", {"alpha": 0.75}, 128, True),
        ("EfficientNetB0", {}, 224, True),
        ("EfficientNetB0", {}, 224, False),
        ("DenseNet121", {}, 224, False),
        ("Xception", {}, 299, True),
    ],
)
def test_keras_asks_for_the_same_file(variant, options, size, include_top, monkeypatch):
    asked = {}

    def get_file(fname, origin, file_hash=None, **_):
        asked.update(name=fname, origin=origin, hash=file_hash)
        raise Caught

    module = inspect.getmodule(inspect.unwrap(getattr(keras.applications, variant)))
    monkeypatch.setattr(module.file_utils, "get_file", get_file)
    with keras.StatelessScope(initialize_variables=False), pytest.raises(Caught):
        getattr(keras.applications, variant)(
            weights="imagenet", include_top=include_top, input_shape=(size, size, 3), **options
        )
    (entry,) = (entry for entry in published.TABLE[variant] if entry.tag == "imagenet")
    place = entry.locate(Request(variant, include_top, (size, size), options))
    assert place == KerasFile(asked["origin"], asked["hash"])
    assert place.url.endswith(f"/{asked['name']}")


@pytest.mark.parametrize(
    ("variant", "weights", "options", "message"),
    [
        (
            "MobileNet",
            "imagnet",
            {},
            r"MobileNet has no weights 'imagnet'. Did you mean 'imagenet'",
        ),
        ("MobileNet", "torchvision", {}, r"MobileNet has no weights 'torchvision'.*'imagenet'"),
        ("LeNet5", "imagenet", {}, "LeNet5 has no weights 'imagenet'. Published ones: none"),
        ("MobileNet", 25, {}, "`weights` must be None, the tag .* Received: 25"),
        ("MobileNet", "absent.h5", {}, "no such weight file: absent.h5. Published .*: 'imagenet'"),
        ("MobileNet", "imagenet", {"alpha": 0.3}, r"exist for alpha in \[0.25, 0.5, 0.75, 1.0\]"),
        ("MobileNet", "imagenet", {"depth_multiplier": 2}, r"exist for depth_multiplier in \[1\]"),
        ("MobileNetV2", "torchvision", {"alpha": 0.5}, r"'torchvision' .* are for alpha=1.0"),
        ("MobileNetV2", "imagenet", {"style": "torch"}, r"'imagenet' .* are for style='keras'"),
        (
            "MobileNetV3Small",
            "imagenet",
            {"minimalistic": True, "alpha": 0.75},
            r"exist for alpha in \[1.0\]",
        ),
    ],
)
def test_weights_that_do_not_exist_are_refused(variant, weights, options, message):
    with pytest.raises(InputError, match=message):
        kerascnn.create_model(variant, weights=weights, **options)
