"""Fixtures of the whole suite."""

import gc
import os
from pathlib import Path

import pytest

# Processes beside each other (pytest-xdist) share the cores: threads of theirs would only wait for
# one another. Before anything imports NumPy or TensorFlow.
if "PYTEST_XDIST_WORKER_COUNT" in os.environ:
    threads = max(1, (os.cpu_count() or 1) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"]))
    for library in ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(library, str(threads))
# Before anything imports TensorFlow: no log lines from its C++ part.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Nothing of a test stays in the user's cache, and none lives on an earlier run's conversions.
os.environ["KERASCNN_CONVERSIONS"] = "off"

REPOSITORY = Path(__file__).resolve().parent.parent
# Begun first, in this order, so that no process is left with a long file at the end.
LONGEST = (
    *("test_backends.py", "test_examples.py", "test_course_chapters.py", "test_guides.py"),
    *("test_fine_tune_runs.py", "test_every_method.py", "test_commands.py", "test_tasks.py"),
    *("test_inception.py", "test_contract.py", "test_run.py", "test_resume.py"),
    *("test_fine_tuning.py", "test_convnext.py", "test_efficientnet.py", "test_tensorflow.py"),
    *("test_any_model.py", "test_mobilenet_v3.py", "test_tflite.py", "test_strategy.py"),
)


def pytest_configure(config: pytest.Config) -> None:
    """Takes files in the order below, not by the number of their tests as pytest-xdist does."""
    config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the longest files first."""
    rank = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path.name, len(LONGEST)))


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
