"""What models are known to take: sizes, pixels; and models that do not say it."""

import keras
import numpy as np
import pytest
from keras import layers
from public_calls import LABELS, make_network, pixels

from kerascnn import properties, visualize
from kerascnn.errors import InputError
from kerascnn.inputs.model_inputs import checked_inputs, scaling_layer


class Subclassed(keras.Model):
    """Knows no size until it is called, and then takes that alone."""

    def __init__(self):
        super().__init__(name="own")
        self.maps = layers.Conv2D(4, 3, name="maps")
        self.flat, self.last = layers.Flatten(), layers.Dense(3, activation="softmax")

    def call(self, x, training=None):
        return self.last(self.flat(self.maps(x)))


@pytest.fixture(scope="module")
def subclassed():
    model = Subclassed()
    model(pixels().astype("float32"))
    return model


USES = {
    "grad_cam": visualize.grad_cam,
    "feature_maps": lambda m, x: visualize.feature_maps(m, x, "maps"),
    "saliency": visualize.saliency,
    "occlusion": visualize.occlusion,
    "activation_statistics": properties.activation_statistics,
    "invariance_curve": lambda m, x: properties.invariance_curve(m, x, "shift", [1]),
    "gradient_norms": lambda m, x: properties.gradient_norms(
        m, x, LABELS, "sparse_categorical_crossentropy"
    ),
}


@pytest.mark.parametrize("use", USES)
def test_a_model_without_a_graph_refuses_images_in_a_line(use, subclassed):
    USES[use](subclassed, pixels())
    for images in (np.zeros((4, 9, 8, 3), "uint8"), np.zeros((4, 8, 8, 1), "uint8")):
        message = rf"'own', a model without a graph of layers, cannot take images {images.shape[1]}"
        with pytest.raises(InputError, match=message) as caught:
            USES[use](subclassed, images)
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 300


def test_models_of_other_inputs_take_numbers_that_fit():
    model = keras.Sequential([keras.Input((5,)), layers.Dense(2)])
    assert checked_inputs(model, np.ones((3, 5))).shape == (3, 5)
    for wrong in (np.ones((3, 4)), np.full((3, 5), np.nan), np.ones((0, 5)), "text"):
        with pytest.raises(InputError):
            checked_inputs(model, wrong)


def scaled(*first):
    images = keras.Input((8, 8, 3))
    x = images
    for layer in first:
        x = layer(x)
    return keras.Model(images, layers.Conv2D(2, 3)(x))


def normalization(mean):
    return layers.Normalization(mean=[mean] * 3, variance=[1.0] * 3, name="normal")


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: scaled(layers.Rescaling(1 / 255, name="unit")), "unit"),
        (lambda: scaled(layers.Rescaling(1 / 127.5, -1.0, name="signed")), "signed"),
        (lambda: scaled(layers.Rescaling(1.0, [-104.0, -117.0, -124.0], name="mean")), "mean"),
        (lambda: scaled(normalization(120.0)), "normal"),
        (lambda: scaled(layers.ZeroPadding2D(), layers.Rescaling(1 / 255, name="unit")), "unit"),
        (lambda: scaled(), None),
        (lambda: scaled(layers.Rescaling(2.0, -1.0)), None),
        (lambda: scaled(normalization(0.5)), None),
        (lambda: keras.Sequential([keras.Input((8, 8, 3)), scaled(), layers.Flatten()]), None),
        (lambda: keras.Sequential([scaled(layers.Rescaling(1 / 255, name="unit"))]), "unit"),
    ],
)
def test_the_layer_that_scales_raw_pixels_is_found(make, name):
    assert scaling_layer(make()) == name


def test_images_in_0_to_1_are_warned_of_where_a_network_scales_itself(caplog):
    raw = scaled(layers.Rescaling(1 / 255, name="unit"))
    visualize.feature_maps(raw, pixels() / 255)
    assert "multiply them by 255" in caplog.text
    caplog.clear()
    for model, images in ((raw, pixels()), (make_network(), pixels() / 255), (raw, pixels() * 0)):
        visualize.feature_maps(model, images)
    assert not caplog.records


def test_overlay_takes_what_grad_cam_takes_and_gives():
    images = pixels()
    heat = visualize.grad_cam(make_network(), images)
    whole = visualize.overlay(images, heat)
    assert whole.shape == (4, 8, 8, 3)
    assert whole.dtype == np.uint8
    for number, image in enumerate(images):
        one = visualize.overlay(image, heat[number])
        np.testing.assert_array_equal(one, whole[number])
        np.testing.assert_array_equal(visualize.overlay(image.astype("float32"), heat[number]), one)
        near = visualize.overlay(image / 255, heat[number]).astype(int)
        assert np.abs(near - one).max() <= 1


def test_filters_of_a_model_are_drawn():
    model = make_network()
    drawn = visualize.plot_filters(model).axes[0].get_images()[0].get_array()
    wanted = visualize.plot_filters(visualize.filters(model)).axes[0].get_images()[0].get_array()
    np.testing.assert_array_equal(drawn, wanted)
    visualize.plot_filters(model, layer="maps")
    with pytest.raises(InputError, match="no layer 'nowhere'"):
        visualize.plot_filters(model, layer="nowhere")
    with pytest.raises(InputError, match="`layer` is a layer of a model"):
        visualize.plot_filters(visualize.filters(model), layer="maps")


@pytest.mark.parametrize("validated", [True, False])
def test_histories_are_drawn_as_they_come(validated, tmp_path):
    model = keras.Sequential([keras.Input((8, 8, 3)), layers.Flatten(), layers.Dense(3)])
    model.compile("sgd", "mse", metrics=["mae"])
    data = (pixels() / 255, np.ones((4, 3)))
    history = model.fit(*data, validation_data=data if validated else None, epochs=2, verbose=0)
    rows = [
        {"epoch": place + 1, **{name: values[place] for name, values in history.history.items()}}
        for place in range(2)
    ]
    drawn = []
    for number, form in enumerate((history, history.history, rows)):
        visualize.plot_history(form, tmp_path / f"{number}.png")
        drawn.append((tmp_path / f"{number}.png").read_bytes())
    assert drawn[0] == drawn[1] == drawn[2]
