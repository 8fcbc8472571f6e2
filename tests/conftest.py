"""Fixtures of the whole suite."""

import gc
import json
import math
import os
import sys
from collections import Counter
from pathlib import Path

import other_sums
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
# Tests that look at where things are in figures.
PICTURES = ("tests/visualize", "tests/pages", "tests/test_course_chapters.py")
# Seconds of each file of tests, written by `make durations`.
DURATIONS = Path(__file__).with_name("durations.json")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds `--write-durations`."""
    parser.addoption(
        "--write-durations",
        action="store_true",
        help=f"write the seconds that each file took to {DURATIONS.name}, which orders the files",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Takes files in the order below, not by the number of their tests as pytest-xdist does."""
    other_sums.install()
    config.option.loadscopereorder = False
    if config.getoption("--write-durations") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Durations())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, so that no process is left with one at the end; new ones before."""
    seconds = json.loads(DURATIONS.read_text(encoding="utf-8"))
    items.sort(key=lambda item: -seconds.get(_name(item.nodeid), math.inf))


def _name(nodeid: str) -> str:
    return nodeid.partition("::")[0]


class Durations:
    """Adds up the seconds of each file; keeps those of files that did not run."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[_name(report.nodeid)] += report.duration

    def pytest_sessionfinish(self) -> None:
        known = json.loads(DURATIONS.read_text(encoding="utf-8"))
        known |= {name: round(seconds, 1) for name, seconds in self.seconds.items()}
        there = {name: known[name] for name in sorted(known) if (REPOSITORY / name).is_file()}
        DURATIONS.write_text(json.dumps(there, indent=1) + "\n", encoding="utf-8")


def pytest_collection_finish() -> None:
    """Spares work that pays where a graph runs often and processes live long.

    To optimise a graph takes a third of what it takes to trace it and run a few steps. What was
    imported stays: garbage collection passes it over.
    """
    if "tensorflow" in sys.modules:
        options = {"disable_meta_optimizer": True}
        sys.modules["tensorflow"].config.optimizer.set_experimental_options(options)
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture(autouse=True, scope="session")
def _forked_converters():
    """Conversions take a second, not three: their processes are forked from one that is ready."""
    import forked_converter

    from kerascnn.export.conversion import convert

    with pytest.MonkeyPatch.context() as patch:
        started = convert._child
        patch.setattr(convert, "_child", forked_converter.child)
        yield started


@pytest.fixture(autouse=True, scope="module")
def _no_weights_left_to_draw():
    """Networks built without values get none with the first one that is built with them."""
    yield
    if "keras" in sys.modules:
        sys.modules["keras"].utils.clear_session(free_memory=False)


@pytest.fixture(autouse=True, scope="module")
def _figures_without_layout(request):
    """To place the texts of its figures takes a third of a short training."""
    with pytest.MonkeyPatch.context() as patch:
        if not request.node.nodeid.startswith(PICTURES):
            from matplotlib.layout_engine import ConstrainedLayoutEngine

            patch.setattr(ConstrainedLayoutEngine, "execute", lambda engine, figure: None)
        yield


@pytest.fixture
def started_converters(_forked_converters, monkeypatch):
    """Conversions in processes that are started as a user's are."""
    from kerascnn.export.conversion import convert

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
