"""What a model costs and sees, against numbers worked out by hand and from the papers."""

import keras
import pytest
from keras import layers

import kerascnn
from kerascnn import profile
from kerascnn.errors import InputError
from kerascnn.models import LeNet5


def rows_of(model):
    return {row.name: row for row in profile.profile(model)}


def single(layer, shape):
    """The row of one layer on one input."""
    inputs = keras.Input(shape)
    model = keras.Model(inputs, layer(inputs))
    (row,) = profile.profile(model)
    return row


@pytest.mark.parametrize(
    ("layer", "shape", "output", "params", "macs", "field"),
    [
        # 3x3 window, 8 -> 16 channels, one result per position: 9 * 8 * 16 * 100.
        (layers.Conv2D(16, 3, padding="same"), (10, 10, 8), (10, 10, 16), 1168, 115_200, 3),
        # Two groups: each filter sees 4 of the 8 channels.
        (layers.Conv2D(16, 3, groups=2), (10, 10, 8), (8, 8, 16), 592, 36_864, 3),
        # A gap of one between the taps: 5 wide, the same operations per position.
        (layers.Conv2D(4, 3, dilation_rate=2), (10, 10, 1), (6, 6, 4), 40, 1296, 5),
        # 7 high, 1 wide: the larger side counts.
        (layers.Conv2D(2, (7, 1), padding="same"), (10, 10, 3), (10, 10, 2), 44, 4200, 7),
        (layers.DepthwiseConv2D(3, padding="same"), (10, 10, 8), (10, 10, 8), 80, 7200, 3),
        # Depthwise 9 * 8 and pointwise 8 * 16 per position.
        (layers.SeparableConv2D(16, 3), (10, 10, 8), (8, 8, 16), 216, 12_800, 3),
        # Spreads each of 25 inputs over 3x3 outputs; an output meets two inputs at most.
        (layers.Conv2DTranspose(4, 3, 2), (5, 5, 2), (11, 11, 4), 76, 1800, 2),
        (layers.Conv2DTranspose(4, 2, 2), (5, 5, 2), (10, 10, 4), 36, 800, 1),
        (layers.Dense(4), (10,), (4,), 44, 40, 1),
        # On maps: at each of the 9 positions.
        (layers.Dense(4), (3, 3, 10), (3, 3, 4), 44, 360, 1),
        (layers.MaxPooling2D(3, 2), (11, 11, 2), (5, 5, 2), 0, 0, 3),
        (layers.GlobalAveragePooling2D(), (7, 9, 2), (2,), 0, 0, 9),
        (layers.GlobalAveragePooling2D(keepdims=True), (7, 7, 2), (1, 1, 2), 0, 0, 7),
        (layers.Flatten(), (7, 7, 2), (98,), 0, 0, 7),
        (layers.ZeroPadding2D(2), (7, 7, 2), (11, 11, 2), 0, 0, 1),
        (layers.Cropping2D(3), (12, 12, 2), (6, 6, 2), 0, 0, 1),
        (layers.UpSampling2D(2), (7, 7, 2), (14, 14, 2), 0, 0, 1),
        (layers.BatchNormalization(), (7, 7, 2), (7, 7, 2), 8, 0, 1),
    ],
    ids=lambda value: value.name if isinstance(value, keras.Layer) else "",
)
def test_one_layer(layer, shape, output, params, macs, field):
    row = single(layer, shape)
    assert (row.output_shape, row.params, row.macs, row.receptive_field) == (
        output,
        params,
        macs,
        field,
    )


def test_a_chain_adds_up_as_worked_out_by_hand():
    inputs = x = keras.Input((64, 64, 3))
    for name, layer in {
        "stem": layers.Conv2D(4, 7, 2, padding="same"),  # 7, a unit every 2 pixels
        "pool": layers.MaxPooling2D(3, 2, padding="same"),  # 7 + 2 * 2 = 11, every 4
        "conv": layers.Conv2D(4, 3, padding="same"),  # 11 + 2 * 4 = 19
        "wide": layers.Conv2D(4, 3, dilation_rate=2, padding="same"),  # 19 + 4 * 4 = 35
        "up": layers.UpSampling2D(2),  # the same, every 2
        "last": layers.Conv2D(4, 3, padding="same"),  # 35 + 2 * 2 = 39
    }.items():
        layer.name = name
        x = layer(x)
    rows = rows_of(keras.Model(inputs, x))
    assert {name: (row.receptive_field, row.jump) for name, row in rows.items()} == {
        "stem": (7, 2),
        "pool": (11, 4),
        "conv": (19, 4),
        "wide": (35, 4),
        "up": (35, 2),
        "last": (39, 2),
    }


def test_vgg16_sees_196_pixels_and_212_after_its_last_pooling():
    maps = keras.applications.VGG16(weights=None, include_top=False, input_shape=(224, 224, 3))
    rows = rows_of(keras.Model(maps.inputs, layers.Flatten(name="flat")(maps.output)))
    assert rows["block5_conv3"].receptive_field == 196
    assert rows["block5_pool"].receptive_field == 212
    assert rows["flat"].receptive_field == 212 + 6 * 32
    # The paper's 15.5 G without the three dense layers.
    assert sum(row.macs for row in rows.values()) == 15_346_630_656


def test_resnet50_of_keras_sees_483_pixels():
    # 7, 11 after the pooling; three blocks of 2 * 4; then, striding on the 1x1, four of 2 * 8, six
    # of 2 * 16 and three of 2 * 32.
    theirs = keras.applications.ResNet50(weights=None, include_top=False, input_shape=(224, 224, 3))
    rows = rows_of(theirs)
    assert [rows[f"conv{stage}_block1_out"].jump for stage in (2, 3, 4, 5)] == [4, 8, 16, 32]
    ends = ("conv2_block3_out", "conv3_block4_out", "conv4_block6_out", "conv5_block3_out")
    assert [rows[name].receptive_field for name in ends] == [35, 99, 291, 483]


@pytest.mark.parametrize(("style", "sees"), [("keras", 483), ("torch", 427)])
def test_resnet50_sees_less_with_the_step_on_the_3x3(style, sees):
    with keras.StatelessScope(initialize_variables=False):
        model = kerascnn.models.ResNet50(style=style, include_top=False)
    assert rows_of(model)["stage5"].receptive_field == sees


def test_the_branch_that_sees_most_decides():
    inputs = keras.Input((32, 32, 4))
    narrow = layers.Conv2D(4, 1, padding="same")(inputs)
    wide = layers.Conv2D(4, 5, padding="same")(inputs)
    joined = layers.Concatenate(name="joined")([narrow, wide])
    after = layers.Add(name="after")([layers.Conv2D(8, 3, padding="same")(joined), joined])
    rows = rows_of(keras.Model(inputs, after))
    assert rows["joined"].receptive_field == 5
    assert rows["after"].receptive_field == 7


def test_a_channel_gate_does_not_make_everything_see_the_whole_image():
    inputs = keras.Input((32, 32, 4))
    maps = layers.Conv2D(4, 3, padding="same")(inputs)
    gate = layers.GlobalAveragePooling2D(keepdims=True, name="squeeze")(maps)
    gate = layers.Conv2D(4, 1, activation="sigmoid")(gate)
    gated = layers.Multiply(name="gated")([maps, gate])
    rows = rows_of(keras.Model(inputs, gated))
    assert rows["squeeze"].receptive_field == 3 + 31
    assert rows["gated"].receptive_field == 3


def test_operations_without_a_layer_are_followed():
    inputs = keras.Input((32, 32, 4))
    maps = layers.Conv2D(4, 3, padding="same")(inputs)
    maps = keras.ops.relu(maps * 2.0)
    rows = rows_of(keras.Model(inputs, layers.Conv2D(4, 3, name="second")(maps)))
    assert rows["second"].receptive_field == 5


def test_nested_models_are_entered():
    inner = keras.Sequential([keras.Input((16, 16, 3)), layers.Conv2D(4, 3, 2, name="inner")])
    inputs = keras.Input((16, 16, 3))
    maps = inner(layers.Conv2D(3, 3, padding="same", name="outer")(inputs))
    model = keras.Model(inputs, layers.Conv2D(2, 3, name="last")(maps))
    rows = rows_of(model)
    assert list(rows) == ["outer", "inner", "last"]
    assert [row.receptive_field for row in rows.values()] == [3, 5, 9]
    assert sum(row.params for row in rows.values()) == model.count_params()


def test_a_layer_called_twice_costs_twice_and_is_stored_once():
    shared = layers.Conv2D(4, 3, padding="same", name="shared")
    inputs = keras.Input((8, 8, 4))
    rows = rows_of(keras.Model(inputs, shared(shared(inputs))))
    assert rows["shared"].macs == 2 * 9 * 4 * 4 * 64
    assert rows["shared"].params == 148
    assert rows["shared"].receptive_field == 5


def test_activation_memory_follows_the_data_type():
    assert single(layers.ReLU(), (10, 10, 8)).activation_bytes == 4 * 800
    assert single(layers.ReLU(dtype="float16"), (10, 10, 8)).activation_bytes == 2 * 800
    assert single(layers.ReLU(dtype="mixed_bfloat16"), (10, 10, 8)).activation_bytes == 2 * 800


def test_trainable_parameters_leave_out_moving_statistics_and_frozen_layers():
    row = single(layers.BatchNormalization(), (4, 4, 8))
    assert (row.params, row.trainable_params) == (32, 16)
    frozen = layers.Dense(4)
    frozen.trainable = False
    assert single(frozen, (10,)).trainable_params == 0


def test_lenet_subsampling_counts():
    rows = rows_of(LeNet5())
    assert [rows[name].receptive_field for name in ("c1", "s2", "c3", "s4")] == [5, 6, 14, 16]
    assert rows["c5"].receptive_field == 32


def test_an_unknown_image_size_is_refused():
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, layers.Conv2D(4, 3, name="first")(inputs))
    with pytest.raises(InputError, match=r"'first' gives \(None, None, 4\).*input_shape="):
        profile.profile(model)


def test_a_subclassed_model_is_refused():
    class Mine(keras.Model):
        pass

    with pytest.raises(InputError, match="only functional and sequential models"):
        profile.profile(Mine())
