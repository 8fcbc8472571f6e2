"""What Keras needs of each task to train for it: last layers, loss, targets, metrics, report."""

from kerascnn.training.objectives.base import Objective as Objective
from kerascnn.training.objectives.base import get as get
from kerascnn.training.objectives.base import of as of
from kerascnn.training.objectives.base import register as register
from kerascnn.training.objectives.classification import ClassificationObjective
from kerascnn.training.objectives.detection import DetectionObjective
from kerascnn.training.objectives.multi_label import MultiLabelObjective
from kerascnn.training.objectives.regression import RegressionObjective

for _objective in (
    ClassificationObjective(),
    MultiLabelObjective(),
    RegressionObjective(),
    DetectionObjective(),
):
    register(_objective)
