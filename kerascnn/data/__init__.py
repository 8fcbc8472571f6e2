"""Image data: from a folder of photos, TensorFlow Datasets or the embedded digits to `tf.data`.

Importing this package does not import TensorFlow; `load` does.
"""

from kerascnn.data.decode import load_image as load_image
from kerascnn.data.folder import SkippedFile as SkippedFile
from kerascnn.data.loading import load as load
from kerascnn.data.pipeline import one_hot as one_hot
from kerascnn.data.pipeline import reading as reading
from kerascnn.data.resize import ResizeRule as ResizeRule
from kerascnn.data.splits import Splits as Splits
