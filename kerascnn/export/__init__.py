"""From a Keras model to files that run on devices, each checked against the model.

Names are loaded when first used: `import kerascnn.export` imports neither keras nor tensorflow.
"""

from typing import TYPE_CHECKING

from kerascnn.lazy import public

if TYPE_CHECKING:
    from kerascnn.export.automatic import Trial as Trial
    from kerascnn.export.bundle.write import BundleResult as BundleResult
    from kerascnn.export.bundle.write import export_bundle as export_bundle
    from kerascnn.export.conversion.convert import convert_float as convert_float
    from kerascnn.export.export_result import ExportResult as ExportResult
    from kerascnn.export.quantize.sensitivity import LayerSensitivity as LayerSensitivity
    from kerascnn.export.quantize.sensitivity import Sensitivity as Sensitivity
    from kerascnn.export.quantize.sensitivity import measure_sensitivity as measure_sensitivity
    from kerascnn.export.recipes import RECIPES as RECIPES
    from kerascnn.export.recipes import Recipe as Recipe
    from kerascnn.export.recipes import Tolerance as Tolerance
    from kerascnn.export.runtime.benchmark import BenchmarkResult as BenchmarkResult
    from kerascnn.export.runtime.benchmark import benchmark_tflite as benchmark_tflite
    from kerascnn.export.runtime.interpreter import FileSummary as FileSummary
    from kerascnn.export.runtime.interpreter import TensorSpec as TensorSpec
    from kerascnn.export.runtime.interpreter import TFLiteModel as TFLiteModel
    from kerascnn.export.runtime.interpreter import inspect as inspect
    from kerascnn.export.runtime.verify import Evaluation as Evaluation
    from kerascnn.export.runtime.verify import Report as Report
    from kerascnn.export.runtime.verify import evaluate_tflite as evaluate_tflite
    from kerascnn.export.runtime.verify import verify_tflite as verify_tflite
    from kerascnn.export.saved_models.saved_model import SavedModelResult as SavedModelResult
    from kerascnn.export.saved_models.saved_model import export_saved_model as export_saved_model
    from kerascnn.export.saved_models.serving import ServingResult as ServingResult
    from kerascnn.export.saved_models.serving import export_serving as export_serving
    from kerascnn.export.targets import TARGETS as TARGETS
    from kerascnn.export.targets import Target as Target
    from kerascnn.export.targets import Verdict as Verdict
    from kerascnn.export.targets import runs_on as runs_on
    from kerascnn.export.targets.tflm_sources import TFLMSources as TFLMSources
    from kerascnn.export.targets.tflm_sources import write_tflm_sources as write_tflm_sources
    from kerascnn.export.tflite import export_tflite as export_tflite

_WHERE = {
    "BenchmarkResult": "runtime.benchmark",
    "benchmark_tflite": "runtime.benchmark",
    "BundleResult": "bundle.write",
    "export_bundle": "bundle.write",
    "convert_float": "conversion.convert",
    "FileSummary": "runtime.interpreter",
    "TFLiteModel": "runtime.interpreter",
    "TensorSpec": "runtime.interpreter",
    "inspect": "runtime.interpreter",
    "RECIPES": "recipes",
    "Recipe": "recipes",
    "Tolerance": "recipes",
    "SavedModelResult": "saved_models.saved_model",
    "export_saved_model": "saved_models.saved_model",
    "ServingResult": "saved_models.serving",
    "export_serving": "saved_models.serving",
    "TARGETS": "targets",
    "Target": "targets",
    "Verdict": "targets",
    "runs_on": "targets",
    "TFLMSources": "targets.tflm_sources",
    "write_tflm_sources": "targets.tflm_sources",
    "LayerSensitivity": "quantize.sensitivity",
    "Sensitivity": "quantize.sensitivity",
    "measure_sensitivity": "quantize.sensitivity",
    "Trial": "automatic",
    "ExportResult": "export_result",
    "export_tflite": "tflite",
    "Evaluation": "runtime.verify",
    "Report": "runtime.verify",
    "evaluate_tflite": "runtime.verify",
    "verify_tflite": "runtime.verify",
}

__getattr__, __dir__, __all__ = public(globals(), _WHERE)
