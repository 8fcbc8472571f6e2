"""Pictures of training and of networks. Importing it imports neither Keras nor matplotlib."""

from typing import TYPE_CHECKING

from kerascnn.lazy import public
from kerascnn.visualize.attribution.attribution_plot import plot_attributions as plot_attributions
from kerascnn.visualize.attribution.methods import METHODS as METHODS
from kerascnn.visualize.attribution.methods import Method as Method
from kerascnn.visualize.attribution.methods import attribute as attribute
from kerascnn.visualize.layer_errors_plot import plot_layer_errors as plot_layer_errors
from kerascnn.visualize.pictures.animation import save_animation as save_animation
from kerascnn.visualize.pictures.heatmap import heat_map as heat_map
from kerascnn.visualize.pictures.heatmap import overlay as overlay
from kerascnn.visualize.training_plots import plot_confusion as plot_confusion
from kerascnn.visualize.training_plots import plot_history as plot_history
from kerascnn.visualize.training_plots import plot_learning_rates as plot_learning_rates
from kerascnn.visualize.zoo_plot import ZooPoint as ZooPoint
from kerascnn.visualize.zoo_plot import plot_zoo as plot_zoo

if TYPE_CHECKING:
    from kerascnn.visualize.architecture import architecture_diagram as architecture_diagram
    from kerascnn.visualize.attribution.class_activation import cam as cam
    from kerascnn.visualize.attribution.class_activation import grad_cam as grad_cam
    from kerascnn.visualize.attribution.class_activation import grad_cam_pp as grad_cam_pp
    from kerascnn.visualize.attribution.class_activation import layer_cam as layer_cam
    from kerascnn.visualize.attribution.guided import (
        guided_backpropagation as guided_backpropagation,
    )
    from kerascnn.visualize.attribution.integrated import IntegratedGradients as IntegratedGradients
    from kerascnn.visualize.attribution.integrated import (
        integrated_gradients as integrated_gradients,
    )
    from kerascnn.visualize.attribution.integration_frames import (
        integration_path as integration_path,
    )
    from kerascnn.visualize.attribution.occlusion_maps import occlusion as occlusion
    from kerascnn.visualize.attribution.saliency_maps import saliency as saliency
    from kerascnn.visualize.attribution.saliency_maps import smooth_grad as smooth_grad
    from kerascnn.visualize.attribution.score_weighted import score_cam as score_cam
    from kerascnn.visualize.embedding_maps import embedding_map as embedding_map
    from kerascnn.visualize.embedding_maps import plot_embedding_map as plot_embedding_map
    from kerascnn.visualize.evolution import FilterEvolution as FilterEvolution
    from kerascnn.visualize.evolution import evolution_frames as evolution_frames
    from kerascnn.visualize.evolution import plot_filter_evolution as plot_filter_evolution
    from kerascnn.visualize.landscape import LossLandscape as LossLandscape
    from kerascnn.visualize.landscape import loss_landscape as loss_landscape
    from kerascnn.visualize.landscape import plot_loss_landscape as plot_loss_landscape
    from kerascnn.visualize.learned_filters import filters as filters
    from kerascnn.visualize.learned_filters import plot_filters as plot_filters
    from kerascnn.visualize.maps import feature_maps as feature_maps
    from kerascnn.visualize.maps import plot_feature_maps as plot_feature_maps
    from kerascnn.visualize.maximization import MaximizedActivation as MaximizedActivation
    from kerascnn.visualize.maximization import maximize_activation as maximize_activation
    from kerascnn.visualize.neighbors import Neighbors as Neighbors
    from kerascnn.visualize.neighbors import hidden_features as hidden_features
    from kerascnn.visualize.neighbors import nearest_neighbors as nearest_neighbors
    from kerascnn.visualize.neighbors import plot_neighbors as plot_neighbors
    from kerascnn.visualize.patches import TopPatches as TopPatches
    from kerascnn.visualize.patches import plot_top_patches as plot_top_patches
    from kerascnn.visualize.patches import top_patches as top_patches
    from kerascnn.visualize.pictures.tiles import around_gray as around_gray
    from kerascnn.visualize.pictures.tiles import mosaic as mosaic
    from kerascnn.visualize.projection import deconvnet as deconvnet

# Loaded when asked for: they need Keras, or NumPy only where a picture is made. Modules have other
# names than functions: an imported module would hide the function.
_WHERE = {
    "FilterEvolution": "evolution",
    "IntegratedGradients": "attribution.integrated",
    "LossLandscape": "landscape",
    "MaximizedActivation": "maximization",
    "Neighbors": "neighbors",
    "TopPatches": "patches",
    "architecture_diagram": "architecture",
    "around_gray": "pictures.tiles",
    "cam": "attribution.class_activation",
    "deconvnet": "projection",
    "embedding_map": "embedding_maps",
    "evolution_frames": "evolution",
    "feature_maps": "maps",
    "filters": "learned_filters",
    "grad_cam": "attribution.class_activation",
    "grad_cam_pp": "attribution.class_activation",
    "guided_backpropagation": "attribution.guided",
    "hidden_features": "neighbors",
    "integrated_gradients": "attribution.integrated",
    "integration_path": "attribution.integration_frames",
    "layer_cam": "attribution.class_activation",
    "loss_landscape": "landscape",
    "maximize_activation": "maximization",
    "mosaic": "pictures.tiles",
    "nearest_neighbors": "neighbors",
    "occlusion": "attribution.occlusion_maps",
    "plot_embedding_map": "embedding_maps",
    "plot_feature_maps": "maps",
    "plot_filter_evolution": "evolution",
    "plot_filters": "learned_filters",
    "plot_loss_landscape": "landscape",
    "plot_neighbors": "neighbors",
    "plot_top_patches": "patches",
    "saliency": "attribution.saliency_maps",
    "score_cam": "attribution.score_weighted",
    "smooth_grad": "attribution.saliency_maps",
    "top_patches": "patches",
}

__getattr__, __dir__, __all__ = public(globals(), _WHERE)
