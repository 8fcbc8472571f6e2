"""Pictures of training and of networks. Importing it imports neither Keras nor matplotlib."""

import importlib
from typing import TYPE_CHECKING, Any

from kerascnn.visualize.attribution_plot import plot_attributions as plot_attributions
from kerascnn.visualize.heatmap import heat_map as heat_map
from kerascnn.visualize.heatmap import overlay as overlay
from kerascnn.visualize.layer_errors_plot import plot_layer_errors as plot_layer_errors
from kerascnn.visualize.methods import METHODS as METHODS
from kerascnn.visualize.methods import Method as Method
from kerascnn.visualize.methods import attribute as attribute
from kerascnn.visualize.training_plots import plot_confusion as plot_confusion
from kerascnn.visualize.training_plots import plot_history as plot_history
from kerascnn.visualize.training_plots import plot_learning_rates as plot_learning_rates
from kerascnn.visualize.zoo_plot import ZooPoint as ZooPoint
from kerascnn.visualize.zoo_plot import plot_zoo as plot_zoo

if TYPE_CHECKING:
    from kerascnn.visualize.class_activation import cam as cam
    from kerascnn.visualize.class_activation import grad_cam as grad_cam
    from kerascnn.visualize.class_activation import grad_cam_pp as grad_cam_pp
    from kerascnn.visualize.class_activation import layer_cam as layer_cam
    from kerascnn.visualize.guided import guided_backpropagation as guided_backpropagation
    from kerascnn.visualize.integrated import IntegratedGradients as IntegratedGradients
    from kerascnn.visualize.integrated import integrated_gradients as integrated_gradients
    from kerascnn.visualize.occlusion_maps import occlusion as occlusion
    from kerascnn.visualize.saliency_maps import saliency as saliency
    from kerascnn.visualize.saliency_maps import smooth_grad as smooth_grad
    from kerascnn.visualize.score_weighted import score_cam as score_cam

# What needs Keras -> the module it is in, loaded on use. Modules have other names than functions:
# an imported module would hide the function.
_WHERE = {
    "IntegratedGradients": "integrated",
    "cam": "class_activation",
    "grad_cam": "class_activation",
    "grad_cam_pp": "class_activation",
    "guided_backpropagation": "guided",
    "integrated_gradients": "integrated",
    "layer_cam": "class_activation",
    "occlusion": "occlusion_maps",
    "saliency": "saliency_maps",
    "score_cam": "score_weighted",
    "smooth_grad": "saliency_maps",
}

__all__ = [
    "METHODS",
    "IntegratedGradients",
    "Method",
    "ZooPoint",
    "attribute",
    "cam",
    "grad_cam",
    "grad_cam_pp",
    "guided_backpropagation",
    "heat_map",
    "integrated_gradients",
    "layer_cam",
    "occlusion",
    "overlay",
    "plot_attributions",
    "plot_confusion",
    "plot_history",
    "plot_layer_errors",
    "plot_learning_rates",
    "plot_zoo",
    "saliency",
    "score_cam",
    "smooth_grad",
]


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(importlib.import_module(f"kerascnn.visualize.{_WHERE[name]}"), name)
    raise AttributeError(f"module 'kerascnn.visualize' has no attribute {name!r}")
