"""MLP, AlexNet, ZFNet and NIN against their papers, and against the same networks in PyTorch."""

import functools

import keras
import numpy as np
import pytest
from lifecycle import change_by_reloading, losses, noise
from parity import (
    Comparison,
    by_our_names,
    compare_with_golden,
    difference,
    infer,
    pixels,
    randomize,
)

from kerascnn import export, profile
from kerascnn.errors import InputError
from kerascnn.layers import GroupedConv2D, LocalResponseNormalization
from kerascnn.models import MLP, NIN, AlexNet, NINImageNet, NINRoot, ZFNet

SMALL = {"classes": 10, "hidden": (64, 48)}
SCORES = {"classes": 10, "classifier_activation": None}
DENSE = {**SMALL, **SCORES}


def symbolic(factory, **options):
    """A model without values: for counting."""
    with keras.StatelessScope(initialize_variables=False):
        return factory(**options)


def count(factory, **options):
    return profile.trainable_parameters(symbolic(factory, **options))


def shapes(model):
    return {row.name: row.output_shape for row in profile.profile(model)}


@pytest.mark.parametrize(
    ("factory", "options", "params"),
    [
        (MLP, {}, 784 * 300 + 300 + 300 * 100 + 100 + 100 * 10 + 10),
        (MLP, {"hidden": (1000,)}, 784 * 1000 + 1000 + 1000 * 10 + 10),
        (AlexNet, {}, 60_965_224),
        (AlexNet, {"norm": None}, 60_965_224),
        (AlexNet, {"groups": 1}, 62_378_344),
        (AlexNet, {"style": "torch"}, 61_100_840),
        (ZFNet, {}, 62_357_608),
        (NIN, {}, 966_986),
        (NINImageNet, {}, 7_595_176),
        # Ioannou et al., table 1: 7.37, 4.55, 3.15 and 2.45 times 10^5.
        (NINRoot, {"root": 2}, 736_586),
        (NINRoot, {}, 455_498),
        (NINRoot, {"root": 8}, 314_954),
        (NINRoot, {"root": 16}, 244_682),
    ],
)
def test_parameters_are_those_of_the_paper(factory, options, params):
    assert count(factory, **options) == params


def test_batch_normalisation_replaces_the_biases():
    filters = 96 + 256 + 384 + 384 + 256
    assert count(AlexNet, norm="batch") == 60_965_224 - filters + 2 * filters
    filters = 3 * 192 + 160 + 96 + 2 * 192 + 192 + 10
    assert count(NIN, norm="batch") == 966_986 - filters + 2 * filters


@pytest.mark.parametrize(
    ("factory", "options", "gigas"),
    [
        (AlexNet, {}, 0.724),
        (AlexNet, {"groups": 1}, 1.135),
        (AlexNet, {"style": "torch"}, 0.714),
        (ZFNet, {}, 1.168),
    ],
)
def test_operations(factory, options, gigas):
    assert profile.macs(symbolic(factory, **options)) / 1e9 == pytest.approx(gigas, abs=5e-4)


def test_alexnet_has_the_papers_maps():
    found = shapes(symbolic(AlexNet))
    assert found["conv1_conv"] == (55, 55, 96)
    assert found["stage3"] == (27, 27, 256)
    assert found["conv3_conv"] == (13, 13, 384)
    assert found["stage4"] == (13, 13, 256)
    assert found["stage5"] == (6, 6, 256)


def test_zfnet_has_the_maps_of_figure_3():
    found = shapes(symbolic(ZFNet))
    sizes = [found[name][0] for name in ("stage1", "stage2", "stage3", "lrn2", "stage4", "stage5")]
    assert sizes == [110, 55, 26, 13, 13, 6]


@pytest.mark.parametrize(
    ("file", "family", "factory", "size", "options"),
    [
        ("alexnet", "alexnet", AlexNet, 99, SMALL),
        ("zfnet", "zfnet", ZFNet, 96, SMALL),
        ("nin", "nin", NIN, 32, {}),
        ("nin_root", "nin", NINRoot, 32, {"norm": "batch"}),
        ("nin_imagenet", "nin", NINImageNet, 64, {}),
    ],
)
def test_equals_the_same_network_in_pytorch(file, family, factory, size, options, assert_equal):
    model = factory(input_shape=(size, size, 3), **{**SCORES, **options})
    convert = functools.partial(by_our_names, flattened=(2, 2, 256))
    found = compare_with_golden(model, file, family, convert)
    assert len(found.differences) >= 4
    assert_equal(found, factory.__name__)


def test_alexnet_equals_torchvisions_through_the_importer(assert_equal):
    model = AlexNet(style="torch", input_shape=(112, 112, 3), **DENSE)
    found = compare_with_golden(model, "alexnet_torchvision", "alexnet")
    assert len(found.differences) == 5
    assert_equal(found, "AlexNet", style="torch")


def test_the_perceptron_equals_plain_numpy(assert_equal):
    model = MLP(classifier_activation=None)
    randomize(model)
    images = pixels((28, 28, 1))
    x = images.reshape(len(images), -1) / 255
    for name in ("hidden1", "hidden2", "predictions"):
        kernel, bias = model.get_layer(name).get_weights()
        x = x @ kernel + bias
        x = x if name == "predictions" else np.maximum(x, 0)
    found = difference(infer(model, images), x)
    assert_equal(Comparison("numpy, from the paper", {"scores": found}), "MLP")


def largest_gradients(output, layer, model, images):
    """Of the summed maps `output`, with respect to the filters of the two towers of `layer`."""
    import tensorflow as tf

    taps = keras.Model(model.input, model.get_layer(output).output)
    kernel = model.get_layer(layer).kernel
    found = {}
    for tower in (0, 1):
        with tf.GradientTape() as tape:
            maps = taps(images, training=False)
            half = maps.shape[-1] // 2
            loss = tf.reduce_sum(tf.sin(maps[..., tower * half : (tower + 1) * half]))
        gradient = np.abs(tape.gradient(loss, kernel.value))
        middle = gradient.shape[-1] // 2
        found[tower] = (gradient[..., :middle].max(), gradient[..., middle:].max())
    return found


@pytest.fixture(scope="module")
def two_towers():
    keras.utils.set_random_seed(0)
    model = AlexNet(input_shape=(67, 67, 3), **SMALL)
    images = np.random.default_rng(0).integers(0, 256, (2, 67, 67, 3)).astype("float32")
    return model, images


@pytest.mark.parametrize(
    ("output", "layer"),
    # Until the third convolution, and from there to the dense layers.
    [("stage3", "conv1_conv"), ("stage5", "conv3_conv"), ("stage5", "conv4_conv")],
)
def test_alexnets_towers_do_not_reach_each_other(output, layer, two_towers):
    found = largest_gradients(output, layer, *two_towers)
    for tower in (0, 1):
        assert found[tower][tower] > 0
        assert found[tower][1 - tower] == 0


@pytest.mark.parametrize("layer", ["conv1_conv", "conv2_conv"])
def test_alexnets_third_convolution_sees_both_towers(layer, two_towers):
    found = largest_gradients("conv3_act", layer, *two_towers)
    assert min(found[0] + found[1]) > 0


def test_with_one_tower_every_map_sees_every_map():
    model = AlexNet(groups=1, input_shape=(67, 67, 3), **SMALL)
    images = np.random.default_rng(0).integers(0, 256, (2, 67, 67, 3)).astype("float32")
    found = largest_gradients("stage3", "conv1_conv", model, images)
    assert min(found[0] + found[1]) > 0
    assert not any(isinstance(layer, GroupedConv2D) for layer in model.layers)


def test_alexnet_starts_as_in_the_paper(two_towers):
    model, _ = two_towers
    starts = {n: model.get_layer(f"conv{n}_conv").get_weights() for n in range(1, 6)}
    assert [float(bias.mean()) for _, bias in starts.values()] == [0, 1, 0, 1, 1]
    assert [float(k.std()) for k, _ in starts.values()] == pytest.approx([0.01] * 5, rel=0.1)


def test_pooling_overlaps_and_dense_layers_drop_half(two_towers):
    model, _ = two_towers
    assert model.get_layer("pool1").pool_size == (3, 3)
    assert model.get_layer("pool1").strides == (2, 2)
    assert [model.get_layer(name).rate for name in ("fc6_dropout", "dropout")] == [0.5, 0.5]


@pytest.mark.parametrize("factory", [AlexNet, ZFNet])
@pytest.mark.parametrize(("norm", "count"), [("lrn", 2), ("batch", 0), (None, 0)])
def test_local_response_normalisation_is_a_choice(factory, norm, count):
    model = symbolic(factory, norm=norm)
    kinds = [layer for layer in model.layers if isinstance(layer, LocalResponseNormalization)]
    assert len(kinds) == count


def test_alexnet_stays_in_one_piece_on_a_device(two_towers, tmp_path):
    model, _ = two_towers
    result = export.export_tflite(model, tmp_path / "alexnet.tflite")
    assert (result.delegate_partitions, result.undelegated_operators) == (1, {})


@pytest.mark.parametrize(
    ("build", "learning_rate"),
    [
        (lambda: MLP(hidden=(32,)), 0.03),
        (lambda: AlexNet(input_shape=(67, 67, 3), dropout=0.0, **SMALL), 0.01),
        (lambda: ZFNet(input_shape=(53, 53, 3), dropout=0.0, **SMALL), 0.4),
        (lambda: NINRoot(norm="batch", dropout=0.0), 0.1),
    ],
    ids=["mlp", "alexnet", "zfnet", "nin"],
)
def test_a_few_steps_reduce_the_loss(build, learning_rate):
    keras.utils.set_random_seed(0)
    model = build()
    curve = losses(model, noise(model), learning_rate, steps=10)
    assert curve[-1] < 0.95 * curve[0], curve


def test_saved_models_are_equal_in_a_fresh_process(two_towers, tmp_path):
    models = two_towers[0], ZFNet(input_shape=(53, 53, 3), **SMALL), NINRoot(), MLP()
    assert change_by_reloading(tmp_path, *models) < 1e-5


def test_another_number_of_classes_keeps_a_fresh_head(tmp_path):
    NIN(classes=3).save(tmp_path / "nin.keras")
    model = NIN(classes=5, weights=tmp_path / "nin.keras")
    assert model.output_shape == (None, 5)


@pytest.mark.parametrize(
    ("factory", "options", "message"),
    [
        (MLP, {"hidden": ()}, "`hidden` must be the widths"),
        (MLP, {"hidden": (10, 0)}, "`hidden` must be a whole number"),
        (AlexNet, {"groups": 3}, "`groups` must be one of"),
        (AlexNet, {"norm": "lnr"}, "`norm` must be one of"),
        (AlexNet, {"style": "keras"}, "`style` must be one of"),
        (AlexNet, {"hidden": (10,)}, "`hidden` must be the widths"),
        (ZFNet, {"norm": "auto"}, "`norm` must be one of"),
        (NIN, {"norm": "lrn"}, "`norm` must be one of"),
        (NINRoot, {"root": 3}, "`root` must be one of"),
    ],
)
def test_unusable_options_are_refused(factory, options, message):
    with pytest.raises(InputError, match=message):
        factory(**options)


@pytest.mark.parametrize(("factory", "size"), [(AlexNet, 67), (ZFNet, 53), (NINImageNet, 43)])
def test_the_smallest_images_leave_one_position(factory, size):
    model = symbolic(factory, input_shape=(size, size, 3))
    assert model.get_layer("stage5").output.shape[1:3] == (1, 1)
    with pytest.raises(InputError, match="too small"):
        factory(input_shape=(size - 1, size, 3))
