"""Keras told of our classes, whichever of the two packages is imported first, and at no cost.

A saved model names each of its classes, such as `kerascnn>BatchNormalization`, and Keras looks the
name up among the registered ones. A class registers when its module is imported, which `import
kerascnn` does not do, since it must stay instant. So what is registered here is a deferred class,
which imports the real one when a model needs it; the real one then takes its place.
"""

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

PACKAGE = "kerascnn"
# Module -> the classes that it registers.
CLASSES: dict[str, tuple[str, ...]] = {
    "kerascnn.augment.layer": ("AugmentationLayer",),
    "kerascnn.layers": (
        *("Activation", "BatchNormalization", "ConstantPadding2D", "CosineDense"),
        *(
            "DepthwiseConv2D",
            "GridBoxes",
            "GroupedConv2D",
            "HeatPeaks",
            "LayerNormalization",
            "LayerScale",
        ),
        *("LocalResponseNormalization", "LpPooling2D", "Maxout", "OrdinalOutput"),
        *("PartialConv2D", "PointBoxes", "RBFOutput", "ScaledTanh", "StochasticDepth"),
        *("TrainableSubsampling2D", "TrueConv2D", "UntiedBias"),
    ),
    "kerascnn.losses": (
        *("CellLoss", "Crossentropy", "DetectionLoss", "GridLoss", "HeatmapLoss"),
        *("ScaledHuber", "TaskAlignedLoss"),
    ),
    "kerascnn.quantization": ("FakeQuantize", "FoldedBatchNormalization", "QuantizedWeights"),
    "kerascnn.transfer.metric_losses": ("ArcFaceLoss", "TripletLoss"),
    "kerascnn.transfer.optimizers": ("LayerwiseLearningRate",),
    "kerascnn.transfer.schedules": ("OneCycle", "WarmupCosine"),
}


def when_keras_is_imported() -> None:
    """Registers now, if Keras has been imported, else as soon as it will have been."""
    if getattr(sys.modules.get("keras"), "saving", None) is not None:
        register()
    elif not any(isinstance(finder, _AfterKeras) for finder in sys.meta_path):
        sys.meta_path.insert(0, _AfterKeras())


def register() -> None:
    """Registers every class that has not been registered."""
    import keras

    for module, names in CLASSES.items():
        for name in names:
            if keras.saving.get_registered_object(f"{PACKAGE}>{name}") is None:
                decorate = keras.saving.register_keras_serializable(package=PACKAGE, name=name)
                decorate(_deferred(module, name))


def _deferred(module: str, name: str) -> type:
    """A class that imports the real one when an object is made of it, and makes that."""

    def real() -> Any:
        return getattr(importlib.import_module(module), name)

    class Deferred:
        def __new__(cls, *args: Any, **kwargs: Any) -> Any:
            return real()(*args, **kwargs)

        @classmethod
        def from_config(cls, config: dict[str, Any]) -> Any:
            return real().from_config(config)

        def get_config(self) -> dict[str, Any]:
            raise TypeError(f"{name} is made by the class itself.")  # Keras wants the method

    Deferred.__name__ = Deferred.__qualname__ = name
    Deferred.__module__ = module
    return Deferred


class _AfterKeras(importlib.abc.MetaPathFinder):
    """Leaves the import of Keras to the other finders, and registers when it is done."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != "keras":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is None or spec.loader is None:
            sys.meta_path.insert(0, self)
            return spec
        execute = spec.loader.exec_module

        def execute_and_register(module: ModuleType) -> None:
            try:
                execute(module)
            except BaseException:
                sys.meta_path.insert(0, self)  # for the next attempt
                raise
            register()

        spec.loader.exec_module = execute_and_register  # type: ignore[method-assign]
        return spec
