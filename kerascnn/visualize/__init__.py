"""Pictures of training and of what a network sees. Importing it does not import matplotlib."""

from kerascnn.visualize.training_plots import plot_confusion as plot_confusion
from kerascnn.visualize.training_plots import plot_history as plot_history

__all__ = ["plot_confusion", "plot_history"]
