"""Fixtures of the whole suite."""

import gc
import os
from pathlib import Path

import pytest

# Before anything imports TensorFlow: no log lines from its C++ part.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Nothing of a test stays in the user's cache, and none lives on an earlier run's conversions.
os.environ["KERASCNN_CONVERSIONS"] = "off"

REPOSITORY = Path(__file__).resolve().parent.parent


def pytest_collection_finish() -> None:
    """What was imported stays: garbage collection, a third of the time here, passes it over."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture(autouse=True, scope="session")
def _forked_converters():
    """Conversions take a second, not three: their processes are forked from one that is ready."""
    import forked_converter

    from kerascnn.export import convert

    with pytest.MonkeyPatch.context() as patch:
        started = convert._child
        patch.setattr(convert, "_child", forked_converter.child)
        yield started


@pytest.fixture
def started_converters(_forked_converters, monkeypatch):
    """Conversions in processes that are started as a user's are."""
    from kerascnn.export import convert

    monkeypatch.setattr(convert, "_child", _forked_converters)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of real data sets and photos, which is not part of the project."""
    folder = Path(os.environ.get("KERASCNN_SHARED", REPOSITORY.parent / "shared"))
    if not (folder / "tfds").is_dir():
        pytest.skip(f"no reference data at {folder} (set KERASCNN_SHARED to its folder)")
    return folder
