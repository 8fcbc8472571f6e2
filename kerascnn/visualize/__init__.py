"""Pictures of training and of networks. Importing it imports neither Keras nor matplotlib."""

from typing import TYPE_CHECKING, Any

from kerascnn.visualize.heatmap import overlay as overlay
from kerascnn.visualize.layer_errors_plot import plot_layer_errors as plot_layer_errors
from kerascnn.visualize.training_plots import plot_confusion as plot_confusion
from kerascnn.visualize.training_plots import plot_history as plot_history
from kerascnn.visualize.training_plots import plot_learning_rates as plot_learning_rates
from kerascnn.visualize.zoo_plot import ZooPoint as ZooPoint
from kerascnn.visualize.zoo_plot import plot_zoo as plot_zoo

if TYPE_CHECKING:
    from kerascnn.visualize.cam import grad_cam as grad_cam

__all__ = [
    "ZooPoint",
    "grad_cam",
    "overlay",
    "plot_confusion",
    "plot_history",
    "plot_layer_errors",
    "plot_learning_rates",
    "plot_zoo",
]


def __getattr__(name: str) -> Any:
    if name == "grad_cam":
        from kerascnn.visualize.cam import grad_cam

        return grad_cam
    raise AttributeError(f"module 'kerascnn.visualize' has no attribute {name!r}")
