"""Every catalogue entry against the built model. No forward pass."""

import functools
import inspect

import keras
import pytest

import kerascnn
from kerascnn import catalog, profile
from kerascnn.errors import InputError, UnknownOptionError
from kerascnn.models import _common
from kerascnn.weights import record

ENTRIES = [pytest.param(entry, id=entry.name) for entry in catalog.entries()]
each_entry = pytest.mark.parametrize("entry", ENTRIES)
# Options are a matter of the family: they are tried on its smallest variant, which builds fastest.
SMALLEST = {
    entry.family: entry for entry in sorted(catalog.entries(), key=lambda e: e.params, reverse=True)
}


@pytest.fixture(autouse=True)
def _no_weights():
    """Nothing here looks at a weight's value, and drawing a hundred million takes seconds."""
    with keras.StatelessScope(initialize_variables=False):
        yield


@pytest.fixture(autouse=True, scope="module")
def _forget_models():
    """What `built` and `built_upon` keep is for this file."""
    yield
    built.cache_clear()
    built_upon.cache_clear()


@functools.cache
def built(name, **options):
    """A model that several tests look at: building it takes longest, so they share options."""
    return kerascnn.create_model(name, **options)


@functools.cache
def built_upon(name):
    """A model upon a tensor of another one, with more dropout than in the paper."""
    inputs = keras.Input(catalog.find(name).input_shape, name="mine")
    doubled = keras.layers.Rescaling(2.0)(inputs)
    return kerascnn.create_model(name, input_tensor=doubled, dropout=0.4)


def another_size(entry):
    """A model of one class for larger images in colour that are no square."""
    height, width, _ = entry.input_shape
    return built(entry.name, input_shape=(height + 16, width + 8, 3), classes=1)


def raw_logits(entry):
    """A model of two classes without its first and last function."""
    return built(entry.name, classes=2, classifier_activation=None, include_preprocessing=False)


def names(model):
    """Of all layers but the one that records options."""
    return [layer.name for layer in model.layers if not layer.name.startswith(record.PREFIX)]


each_family = pytest.mark.parametrize("entry", SMALLEST.values(), ids=lambda entry: entry.name)


def test_the_catalogue_and_the_factories_are_the_same():
    others = {"decode_predictions", "features"}
    assert set(kerascnn.models.__all__) - others == set(kerascnn.list_models(task=None))


@each_entry
def test_parameters_and_macs_are_exact(entry):
    model = built(entry.name) if entry in SMALLEST.values() else kerascnn.create_model(entry.name)
    assert model.input_shape == (None, *entry.input_shape)
    assert model.output_shape == (None, entry.classes)
    assert profile.trainable_parameters(model) == entry.params
    assert profile.macs(model) == entry.macs
    height = entry.input_shape[0]
    for level in entry.stages:
        size = model.get_layer(f"stage{level}").output.shape[1]
        # Valid windows lose a border, so the oldest nets are a little below the exact size.
        assert 0.75 * height / 2**level - 1 <= size <= -(-height // 2**level)


@each_family
def test_names_do_not_depend_on_how_often_a_model_is_built(entry):
    first, second = built(entry.name), raw_logits(entry)
    assert first is not second
    assert [name for name in names(first) if name != "preprocessing"] == names(second)
    assert first.name == second.name == entry.name.lower()


@each_family
def test_number_of_classes(entry):
    for classes, model in (
        (1, another_size(entry)),
        (2, raw_logits(entry)),
        (1000, built(entry.name, **({} if entry.classes == 1000 else {"classes": 1000}))),
    ):
        assert model.output_shape == (None, classes)
        assert model.layers[-1].name == "predictions"


@each_family
def test_without_the_top_there_are_feature_maps(entry):
    assert len(built(entry.name, include_top=False).output_shape) == 4


@each_family
@pytest.mark.parametrize("pooling", ["avg", "max"])
def test_pooling_gives_one_vector(entry, pooling, shallow):
    maps = kerascnn.create_model(entry.name, include_top=False)
    model = kerascnn.create_model(entry.name, include_top=False, pooling=pooling)
    assert model.output_shape == (None, maps.output_shape[-1])


@each_family
def test_other_sizes_and_channels(entry):
    height, width, _ = entry.input_shape
    model = another_size(entry)
    assert model.input_shape == (None, height + 16, width + 8, 3)
    assert model.output_shape == (None, 1)


@each_family
def test_input_tensor_is_built_upon(entry):
    model = built_upon(entry.name)
    assert model.inputs[0].name == "mine"
    assert model.layers[1].scale == 2.0


@each_family
def test_logits_have_no_activation(entry):
    assert raw_logits(entry).layers[-1].activation is keras.activations.linear


@each_family
def test_preprocessing_can_be_left_out(entry):
    assert set(names(built(entry.name))) - set(names(raw_logits(entry))) == {"preprocessing"}


@each_family
def test_dropout_is_added_before_the_last_layer(entry):
    model = built_upon(entry.name)
    assert model.get_layer("dropout").rate == 0.4
    assert profile.trainable_parameters(model) == entry.params


@each_family
def test_the_signature_shows_every_option(entry):
    parameters = inspect.signature(getattr(kerascnn.models, entry.name)).parameters
    assert {"include_top", "weights", *_common.DEFAULTS} <= set(parameters)
    assert parameters["classes"].kind is inspect.Parameter.KEYWORD_ONLY
    assert parameters["classes"].default == entry.classes


@each_family
def test_an_unknown_option_is_a_type_error(entry):
    with pytest.raises(UnknownOptionError, match=r"no option 'clases'. Did you mean 'classes'"):
        kerascnn.create_model(entry.name, clases=3)
    with pytest.raises(TypeError):
        kerascnn.create_model(entry.name, nonsense=3)


@each_family
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"input_shape": (4, 4, 1)}, "too small"),
        ({"input_shape": (32, 32)}, "height, width, channels"),
        ({"input_shape": (32, 32, None)}, "height, width, channels"),
        ({"classes": 0}, "`classes` must be"),
        ({"pooling": "sum"}, "`pooling` must be one of"),
        ({"dropout": 1.0}, "`dropout` must be"),
        ({"input_tensor": "image"}, "must be a Keras tensor"),
        ({"weights": "absent.weights.h5"}, "no such weight file"),
    ],
)
def test_unusable_options_are_refused(entry, options, message):
    with pytest.raises(InputError, match=message):
        kerascnn.create_model(entry.name, **options)


def test_options_of_the_common_part_are_the_typed_ones():
    assert set(_common.DEFAULTS) == set(_common.ModelOptions.__annotations__)


def test_names_are_found_whatever_their_case():
    assert catalog.find("lenet5ORIGINAL").name == "LeNet5Original"
    assert kerascnn.list_models("lenet5*") == ["LeNet5", "LeNet5Original"]


def test_an_unknown_name_suggests_near_ones():
    with pytest.raises(InputError, match=r"unknown model: 'LeNet55'\. Did you mean: LeNet5"):
        kerascnn.create_model("LeNet55")
    with pytest.raises(InputError, match=r"unknown model: ''\. kerascnn\.list_models\(\) lists"):
        kerascnn.create_model("")


@pytest.mark.parametrize("name", [18, None, b"ResNet18", ["ResNet18"]])
def test_a_name_that_is_no_text_is_refused(name):
    with pytest.raises(InputError, match=r"must be text, such as .*Received: "):
        kerascnn.create_model(name)
    with pytest.raises(InputError, match=r"`pattern` must be text"):
        kerascnn.list_models(name)


@each_family
def test_the_last_layer_stays_in_float32(entry, shallow):
    policy = "mixed_bfloat16" if entry.family == "lenet" else "mixed_float16"
    keras.config.set_dtype_policy(policy)
    try:
        model = kerascnn.create_model(entry.name, classifier_activation="sigmoid")
        bare = kerascnn.create_model(entry.name, include_top=False)
    finally:
        keras.config.set_dtype_policy("float32")
    assert {tensor.dtype for tensor in model.outputs} == {"float32"}
    assert model.get_layer("predictions").compute_dtype == "float32"
    assert bare.output.dtype == policy.removeprefix("mixed_")


def test_channels_first_is_refused():
    keras.config.set_image_data_format("channels_first")
    try:
        with pytest.raises(InputError, match="channels_last"):
            kerascnn.models.LeNet5()
    finally:
        keras.config.set_image_data_format("channels_last")


def test_that_weights_are_random_is_said_once_and_not_where_it_was_asked_for(caplog):
    _common._told.clear()
    with caplog.at_level("WARNING", "kerascnn"):
        kerascnn.models.MobileNet(weights=None)
        kerascnn.models.MobileNet(classes=3)  # for a training of one's own
        kerascnn.models.LeNet5()  # there are none
        assert not caplog.records
        kerascnn.models.MobileNet(include_top=False)
        kerascnn.models.MobileNet()
    assert len(caplog.records) == 1
    assert "weights=None is the default, in keras.applications it is 'imagenet'" in caplog.text
