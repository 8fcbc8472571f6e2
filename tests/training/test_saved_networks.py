"""Families whose own tests do not load a trained network in a fresh process."""

from dataclasses import replace

import keras
import pytest
from lifecycle import change_by_reloading, losses

from kerascnn.models import LeNet5, ResNet18, ResNet50Root, ResNet50V2, resnet, resnet_v2


@pytest.fixture
def shallow(monkeypatch):
    """One block per stage in the tables of the deep networks."""
    for name in ("ResNet18", "ResNet50"):
        spec = replace(resnet.SPECS[name], depths=(1, 1, 1, 1))
        monkeypatch.setitem(resnet.SPECS, name, spec)
    monkeypatch.setitem(resnet_v2.DEPTHS, "ResNet50V2", (1, 1, 1, 1))


def test_a_few_steps_reduce_the_loss_and_a_fresh_process_gives_the_same(shallow, tmp_path):
    keras.utils.set_random_seed(0)
    factories = (LeNet5, ResNet18, ResNet50V2, ResNet50Root)
    models = [factory(input_shape=(32, 32, 3), classes=2) for factory in factories]
    for model in models:
        curve = losses(model)
        assert curve[-1] < 0.7 * curve[0], (model.name, curve)
    assert change_by_reloading(tmp_path, *models) < 1e-5
