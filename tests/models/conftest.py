"""Models of a hundred million weights are built here: each file gives its memory back."""

import gc

import keras
import pytest


@pytest.fixture(autouse=True, scope="module")
def _release_models():
    yield
    keras.backend.clear_session()
    gc.collect()
