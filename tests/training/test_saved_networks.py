"""Families whose own tests do not load a network in a fresh process."""

from dataclasses import replace

import pytest
from lifecycle import change_by_reloading
from parity import randomize

from kerascnn.models import LeNet5, ResNet18, ResNet50Root, ResNet50V2, resnet, resnet_v2


@pytest.fixture
def shallow(monkeypatch):
    """One block per stage in the tables of the deep networks."""
    for name in ("ResNet18", "ResNet50"):
        spec = replace(resnet.SPECS[name], depths=(1, 1, 1, 1))
        monkeypatch.setitem(resnet.SPECS, name, spec)
    monkeypatch.setitem(resnet_v2.DEPTHS, "ResNet50V2", (1, 1, 1, 1))


def test_a_fresh_process_gives_the_same(shallow, tmp_path):
    factories = (LeNet5, ResNet18, ResNet50V2, ResNet50Root)
    models = [factory(input_shape=(32, 32, 3), classes=2) for factory in factories]
    for model in models:
        randomize(model)
    assert change_by_reloading(tmp_path, *models) < 1e-5
