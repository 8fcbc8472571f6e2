"""From a Keras model to files that run on devices, each checked against the model.

Names are loaded when first used: `import kerascnn.export` imports neither keras nor tensorflow.
"""

from typing import TYPE_CHECKING

from kerascnn.lazy import public

if TYPE_CHECKING:
    from kerascnn.export.automatic import Trial as Trial
    from kerascnn.export.benchmark import BenchmarkResult as BenchmarkResult
    from kerascnn.export.benchmark import benchmark_tflite as benchmark_tflite
    from kerascnn.export.bundle import BundleResult as BundleResult
    from kerascnn.export.bundle import export_bundle as export_bundle
    from kerascnn.export.convert import convert_float as convert_float
    from kerascnn.export.export_result import ExportResult as ExportResult
    from kerascnn.export.interpreter import FileSummary as FileSummary
    from kerascnn.export.interpreter import TensorSpec as TensorSpec
    from kerascnn.export.interpreter import TFLiteModel as TFLiteModel
    from kerascnn.export.interpreter import inspect as inspect
    from kerascnn.export.recipes import RECIPES as RECIPES
    from kerascnn.export.recipes import Recipe as Recipe
    from kerascnn.export.recipes import Tolerance as Tolerance
    from kerascnn.export.saved_model import SavedModelResult as SavedModelResult
    from kerascnn.export.saved_model import export_saved_model as export_saved_model
    from kerascnn.export.sensitivity import LayerSensitivity as LayerSensitivity
    from kerascnn.export.sensitivity import Sensitivity as Sensitivity
    from kerascnn.export.sensitivity import measure_sensitivity as measure_sensitivity
    from kerascnn.export.serving import ServingResult as ServingResult
    from kerascnn.export.serving import export_serving as export_serving
    from kerascnn.export.targets import TARGETS as TARGETS
    from kerascnn.export.targets import Target as Target
    from kerascnn.export.targets import Verdict as Verdict
    from kerascnn.export.targets import runs_on as runs_on
    from kerascnn.export.targets.tflm_sources import TFLMSources as TFLMSources
    from kerascnn.export.targets.tflm_sources import write_tflm_sources as write_tflm_sources
    from kerascnn.export.tflite import export_tflite as export_tflite
    from kerascnn.export.verify import Evaluation as Evaluation
    from kerascnn.export.verify import Report as Report
    from kerascnn.export.verify import evaluate_tflite as evaluate_tflite
    from kerascnn.export.verify import verify_tflite as verify_tflite

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

__getattr__, __dir__, __all__ = public(globals(), _WHERE)
