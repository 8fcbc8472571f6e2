"""What the tests of models share: equality with a peer, recorded, and memory given back."""

import gc
import json

import keras
import pytest
import tiny
from parity import TOLERANCE, Comparison

from kerascnn import catalog


@pytest.fixture(autouse=True, scope="module")
def _release_models():
    """Models of a hundred million weights are built here: each file gives its memory back."""
    yield
    keras.backend.clear_session()
    gc.collect()
    gc.freeze()  # what is left stays: the next file's collection need not go through it


@pytest.fixture
def symbolic():
    """Networks that are only looked at: to draw their weights takes longest."""
    with keras.StatelessScope(initialize_variables=False):
        yield
    keras.backend.clear_session()  # or the next network would draw these, too


@pytest.fixture
def shallow(monkeypatch):
    """One or two blocks of each kind in the networks of this test."""
    tiny.make_shallow(monkeypatch)


@pytest.fixture
def assert_equal(record_property):
    """Checks that all outputs equal the peer's, and records the largest difference.

    `make_parity_table.py` makes docs/parity.md of these records.
    """

    def check(comparison: Comparison, variant: str, **options: object) -> None:
        largest = max(comparison.differences.values())
        record = {
            "family": catalog.find(variant).family,
            "variant": variant,
            "options": options,
            "peer": comparison.peer,
            "outputs": list(comparison.differences),
            "difference": largest,
            "tolerance": TOLERANCE,
        }
        record_property("parity", json.dumps(record))
        assert largest < TOLERANCE, comparison

    return check
