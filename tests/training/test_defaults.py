"""Training defaults of every variant."""

import pytest

from kerascnn import catalog
from kerascnn.errors import InputError
from kerascnn.training import defaults
from kerascnn.training.defaults import Settings, defaults_for


def test_names_in_the_tables_are_in_the_catalogue():
    assert set(defaults._FAMILIES) <= {entry.family for entry in catalog.entries()}
    assert set(defaults._VARIANTS) <= {entry.name for entry in catalog.entries()}


@pytest.mark.parametrize("name", ["AlexNet", "ZFNet", "NIN", "VGG16", "GoogLeNet", "SqueezeNet1_0"])
def test_networks_without_batch_normalisation_start_slower(name):
    rate = defaults_for(name, catalog.find(name).family).learning_rate
    assert rate < Settings().learning_rate


@pytest.mark.parametrize(
    ("change", "message"),
    [({"batch_size": 0}, "`batch_size` must be"), ({"learning_rate": 0.0}, "`learning_rate` must")],
)
def test_unusable_settings_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        Settings(**change)
