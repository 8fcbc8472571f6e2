"""ENet's encoder against the paper's table, and against the same network in PyTorch."""

import keras
from lifecycle import change_by_reloading, losses, noise
from parity import by_our_names, compare_with_golden

from kerascnn import profile
from kerascnn.models import ENet


def symbolic(**options):
    """A model without values: for counting."""
    with keras.StatelessScope(initialize_variables=False):
        return ENet(**options)


def bottleneck(inputs, width, *, down=False, flat=False):
    """Parameters of one bottleneck: kernels, then a scale, a shift and a slope per map."""
    inner = width // 4
    kernels = inputs * inner * (4 if down else 1)
    kernels += inner * inner * (10 if flat else 9) + inner * width
    return kernels + 3 * 2 * inner + 3 * width


def test_parameters_are_those_of_table_1():
    stem = 27 * 13 + 3 * 16
    stage2 = bottleneck(16, 64, down=True) + 4 * bottleneck(64, 64)
    section = 6 * bottleneck(128, 128) + 2 * bottleneck(128, 128, flat=True)
    stage3 = bottleneck(64, 128, down=True) + 2 * section
    encoder = profile.trainable_parameters(symbolic(include_top=False))
    assert encoder == stem + stage2 + stage3 == 337_519
    assert profile.trainable_parameters(symbolic()) == 337_519 + 128 * 1000 + 1000


def test_maps_of_512_pixels_have_the_sizes_of_table_1():
    model = symbolic(include_top=False, input_shape=(512, 512, 3))
    shapes = [model.get_layer(f"stage{level}").output.shape[1:] for level in (1, 2, 3)]
    assert shapes == [(256, 256, 16), (128, 128, 64), (64, 64, 128)]


def test_windows_are_dilated_and_flat_as_in_table_1():
    model = symbolic()
    layers = [model.get_layer(f"stage3_{place}_2_conv") for place in range(1, 9)]
    assert [layer.dilation_rate[0] for layer in layers] == [1, 2, 1, 4, 1, 8, 1, 16]
    flat = [model.get_layer(f"stage3_3_{part}_conv").kernel_size for part in ("2a", "2")]
    assert flat == [(5, 1), (1, 5)]


def test_equals_the_same_network_in_pytorch(assert_equal):
    model = ENet(input_shape=(64, 64, 3), classes=10, classifier_activation=None)
    found = compare_with_golden(model, "enet", "enet", by_our_names)
    assert len(found.differences) == 4
    assert_equal(found, "ENet")


def test_odd_sizes_are_halved_upwards():
    model = symbolic(input_shape=(75, 61, 3))
    assert model.get_layer("stage3").output.shape[1:3] == (10, 8)


def test_a_few_steps_reduce_the_loss_and_the_saved_model_is_equal(tmp_path, shallow):
    keras.utils.set_random_seed(0)
    model = ENet(classes=4, input_shape=(32, 32, 3))
    curve = losses(model, noise(model), 0.01, steps=6)
    assert curve[-1] < 0.8 * curve[0], curve
    assert change_by_reloading(tmp_path, model) < 1e-5
