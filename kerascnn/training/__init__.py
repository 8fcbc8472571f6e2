"""From a data source to a trained model in a run folder. Importing it does not load Keras."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kerascnn.training.calibration import (
        expected_calibration_error as expected_calibration_error,
    )
    from kerascnn.training.calibration import fit_temperature as fit_temperature
    from kerascnn.training.calibration import reliability_bins as reliability_bins
    from kerascnn.training.plan import FineTune as FineTune
    from kerascnn.training.report.write import write_report as write_report
    from kerascnn.training.run import RunResult as RunResult
    from kerascnn.training.run import train as train
    from kerascnn.training.run_folder import Run as Run
    from kerascnn.training.run_folder import open_run as open_run
    from kerascnn.training.temperature import apply_temperature as apply_temperature

_CALIBRATION = "kerascnn.training.calibration"
_NAMES = {
    "FineTune": "kerascnn.training.plan",
    "apply_temperature": "kerascnn.training.temperature",
    "expected_calibration_error": _CALIBRATION,
    "fit_temperature": _CALIBRATION,
    "reliability_bins": _CALIBRATION,
    "write_report": "kerascnn.training.report.write",
    "RunResult": "kerascnn.training.run",
    "train": "kerascnn.training.run",
    "Run": "kerascnn.training.run_folder",
    "open_run": "kerascnn.training.run_folder",
}


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        return getattr(importlib.import_module(_NAMES[name]), name)
    raise AttributeError(f"module 'kerascnn.training' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_NAMES])
