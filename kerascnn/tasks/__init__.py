"""What the outputs of a model mean: one module per task, one registry.

NumPy only: importing it loads neither Keras nor TensorFlow. What needs Keras of a task is in
`kerascnn.training.objectives`.
"""

from kerascnn.lazy import public
from kerascnn.tasks.classification import Classification as Classification
from kerascnn.tasks.classification import class_scores as class_scores
from kerascnn.tasks.comparison import Metric as Metric
from kerascnn.tasks.comparison import Report as Report
from kerascnn.tasks.comparison import Tolerance as Tolerance
from kerascnn.tasks.detection import Detection as Detection
from kerascnn.tasks.metrics import Metrics as Metrics
from kerascnn.tasks.multi_label import MultiLabel as MultiLabel
from kerascnn.tasks.outputs import Arrays as Arrays
from kerascnn.tasks.outputs import Output as Output
from kerascnn.tasks.outputs import quantities as quantities
from kerascnn.tasks.outputs import with_threshold as with_threshold
from kerascnn.tasks.probabilities import Kind as Kind
from kerascnn.tasks.probabilities import kind_of as kind_of
from kerascnn.tasks.probabilities import sigmoid as sigmoid
from kerascnn.tasks.probabilities import softmax as softmax
from kerascnn.tasks.regression import Regression as Regression
from kerascnn.tasks.task import Task as Task
from kerascnn.tasks.task import get as get
from kerascnn.tasks.task import names as names
from kerascnn.tasks.task import register as register

for _task in (Classification(), MultiLabel(), Regression(), Detection()):
    register(_task)

_, __dir__, __all__ = public(globals())
