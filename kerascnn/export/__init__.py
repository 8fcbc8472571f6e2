"""From a Keras model to files that run on devices, each checked against the model.

Names are loaded when first used: `import kerascnn.export` imports neither keras nor tensorflow.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kerascnn.export.automatic import Trial
    from kerascnn.export.benchmark import BenchmarkResult, benchmark_tflite
    from kerascnn.export.bundle import BundleResult, export_bundle
    from kerascnn.export.convert import convert_float
    from kerascnn.export.export_result import ExportResult
    from kerascnn.export.interpreter import FileSummary, TensorSpec, TFLiteModel, inspect
    from kerascnn.export.recipes import RECIPES, Recipe, Tolerance
    from kerascnn.export.saved_model import SavedModelResult, export_saved_model
    from kerascnn.export.sensitivity import (
        LayerSensitivity,
        Sensitivity,
        measure_sensitivity,
    )
    from kerascnn.export.serving import ServingResult, export_serving
    from kerascnn.export.targets import TARGETS, Target, Verdict, runs_on
    from kerascnn.export.targets.tflm_sources import TFLMSources, write_tflm_sources
    from kerascnn.export.tflite import export_tflite
    from kerascnn.export.verify import Evaluation, Report, evaluate_tflite, verify_tflite

_WHERE = {
    "BenchmarkResult": "benchmark",
    "benchmark_tflite": "benchmark",
    "BundleResult": "bundle",
    "export_bundle": "bundle",
    "convert_float": "convert",
    "FileSummary": "interpreter",
    "TFLiteModel": "interpreter",
    "TensorSpec": "interpreter",
    "inspect": "interpreter",
    "RECIPES": "recipes",
    "Recipe": "recipes",
    "Tolerance": "recipes",
    "SavedModelResult": "saved_model",
    "export_saved_model": "saved_model",
    "ServingResult": "serving",
    "export_serving": "serving",
    "TARGETS": "targets",
    "Target": "targets",
    "Verdict": "targets",
    "runs_on": "targets",
    "TFLMSources": "targets.tflm_sources",
    "write_tflm_sources": "targets.tflm_sources",
    "LayerSensitivity": "sensitivity",
    "Sensitivity": "sensitivity",
    "measure_sensitivity": "sensitivity",
    "Trial": "automatic",
    "ExportResult": "export_result",
    "export_tflite": "tflite",
    "Evaluation": "verify",
    "Report": "verify",
    "evaluate_tflite": "verify",
    "verify_tflite": "verify",
}
__all__ = [
    "RECIPES",
    "TARGETS",
    "BenchmarkResult",
    "BundleResult",
    "Evaluation",
    "ExportResult",
    "FileSummary",
    "LayerSensitivity",
    "Recipe",
    "Report",
    "SavedModelResult",
    "Sensitivity",
    "ServingResult",
    "TFLMSources",
    "TFLiteModel",
    "Target",
    "TensorSpec",
    "Tolerance",
    "Trial",
    "Verdict",
    "benchmark_tflite",
    "convert_float",
    "evaluate_tflite",
    "export_bundle",
    "export_saved_model",
    "export_serving",
    "export_tflite",
    "inspect",
    "measure_sensitivity",
    "runs_on",
    "verify_tflite",
    "write_tflm_sources",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_WHERE[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
