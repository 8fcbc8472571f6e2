"""From a data source to a trained model in a run folder. Importing it does not load Keras."""

from typing import TYPE_CHECKING

from kerascnn.lazy import public

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

_WHERE = {
    "FineTune": "plan",
    "apply_temperature": "temperature",
    "expected_calibration_error": "calibration",
    "fit_temperature": "calibration",
    "reliability_bins": "calibration",
    "write_report": "report.write",
    "RunResult": "run",
    "train": "run",
    "Run": "run_folder",
    "open_run": "run_folder",
}

__getattr__, __dir__, __all__ = public(globals(), _WHERE)
