"""Pictures of training and of networks. Importing it does not import matplotlib."""

from kerascnn.visualize.training_plots import plot_confusion as plot_confusion
from kerascnn.visualize.training_plots import plot_history as plot_history
from kerascnn.visualize.training_plots import plot_learning_rates as plot_learning_rates
from kerascnn.visualize.zoo_plot import ZooPoint as ZooPoint
from kerascnn.visualize.zoo_plot import plot_zoo as plot_zoo

__all__ = ["ZooPoint", "plot_confusion", "plot_history", "plot_learning_rates", "plot_zoo"]
