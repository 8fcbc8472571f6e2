"""The first YOLO: its numbers by hand, its forms, and a network that learns."""

import keras
import numpy as np
import pytest

import kerascnn
from kerascnn import catalog, models, profile
from kerascnn.errors import InputError
from kerascnn.losses import GridLoss
from kerascnn.transfer.detector import inference_form, training_form

# (filters, window, side of the map) of figure 3 of the paper, and of Fast YOLO.
FIGURE = {
    "YOLOv1": [
        *((64, 7, 224), (192, 3, 112), (128, 1, 56), (256, 3, 56), (256, 1, 56), (512, 3, 56)),
        *(((256, 1, 28), (512, 3, 28)) * 4 + ((512, 1, 28), (1024, 3, 28))),
        *(((512, 1, 14), (1024, 3, 14)) * 2 + ((1024, 3, 14), (1024, 3, 7))),
        *((1024, 3, 7), (1024, 3, 7)),
    ],
    "FastYOLO": [
        *((16, 3, 448), (32, 3, 224), (64, 3, 112), (128, 3, 56), (256, 3, 28), (512, 3, 14)),
        *((1024, 3, 7),) * 3,
    ],
}
DENSE = {"YOLOv1": (4096, 1470), "FastYOLO": (256, 4096, 1470)}


@pytest.fixture(autouse=True)
def _no_weights(request):
    if "learns" in request.node.name:
        yield
        return
    with keras.StatelessScope(initialize_variables=False):
        yield


@pytest.mark.parametrize(("name", "convolutions"), [("YOLOv1", 24), ("FastYOLO", 9)])
def test_the_numbers_are_those_of_the_paper(name, convolutions):
    entry, model = catalog.find(name), kerascnn.create_model(name)
    params = macs = 0
    channels = 3
    for filters, window, side in FIGURE[name]:
        weights = channels * window * window * filters
        params, macs, channels = params + weights + filters, macs + weights * side * side, filters
    values = 7 * 7 * channels
    for width in DENSE[name]:
        params, macs, values = params + values * width + width, macs + values * width, width
    assert len(FIGURE[name]) == convolutions
    assert (
        len([one for one in model.layers if isinstance(one, keras.layers.Conv2D)]) == convolutions
    )
    assert profile.trainable_parameters(model) == entry.params == params
    assert profile.macs(model) == entry.macs == macs
    assert model.input_shape == (None, 448, 448, 3)
    assert model.output_shape == (None, 7, 7, 30)
    for level in entry.stages:
        assert model.get_layer(f"stage{level}").output.shape[1] == 448 // 2**level


def test_the_catalogue_keeps_detectors_apart():
    assert kerascnn.list_models("*yolo*") == []
    assert kerascnn.list_models(task="detection") == ["YOLOv1", "FastYOLO"]
    assert set(kerascnn.list_models("*yolo*", task=None)) == {"YOLOv1", "FastYOLO"}
    with pytest.raises(InputError, match="`task` must be"):
        kerascnn.list_models(task="poetry")


def test_another_grid_and_the_parts():
    model = models.FastYOLO(classes=3, grid=5, boxes=1, input_shape=(96, 64, 3))
    assert model.output_shape == (None, 5, 5, 8)
    assert models.YOLOv1(include_top=False).output_shape == (None, 7, 7, 1024)
    with pytest.raises(InputError, match="`classifier_activation`"):
        models.FastYOLO(classifier_activation="softmax")


def test_it_is_a_detector_in_two_forms():
    model = models.FastYOLO(classes=3, input_shape=(64, 64, 3))
    assert training_form(model).output_shape == (None, 7, 7, 13)
    shapes = [output.shape for output in inference_form(model).outputs]
    assert shapes == [(None, 98, 3), (None, 98, 4)]


def test_a_network_with_its_loss_learns_a_box(monkeypatch):
    """One picture by heart: the loss leads where it should."""
    keras.utils.set_random_seed(0)
    monkeypatch.setattr("kerascnn.models.yolo._FAST", ((4, 3, "/2"), "M", (8, 3)))
    model = models.FastYOLO(classes=2, grid=2, boxes=2, input_shape=(64, 64, 3), dropout=0.0)
    images = np.random.default_rng(0).integers(0, 255, (1, 64, 64, 3)).astype("float32")
    cells = np.zeros((1, 2, 2, 5), "float32")
    cells[0, 1, 0] = (0.5, 0.25, 0.6, 0.7, 2)
    model.compile(keras.optimizers.Adam(1e-4), GridLoss(2))
    model.fit(images, cells, epochs=60, verbose=0)
    scores, boxes = inference_form(model).predict(images, verbose=0)
    best = scores[0, :, 1].argmax()
    assert scores[0, best, 1] > 0.5
    middle, half = np.array([(1 + 0.25) / 2, 0.25]), np.array([0.49, 0.36]) / 2
    wanted = np.concatenate([middle - half, middle + half])
    np.testing.assert_allclose(boxes[0, best], wanted, atol=0.1)
