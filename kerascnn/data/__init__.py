"""Image data: from a folder, a table, TensorFlow Datasets or the embedded digits to `tf.data`.

Importing this package does not import TensorFlow; `load` does.
"""

from kerascnn.data.duplicates import DuplicatePair as DuplicatePair
from kerascnn.data.duplicates import Duplicates as Duplicates
from kerascnn.data.duplicates import find_duplicates as find_duplicates
from kerascnn.data.fingerprints import Fingerprint as Fingerprint
from kerascnn.data.fingerprints import fingerprint as fingerprint
from kerascnn.data.folders.skipped import SkippedFile as SkippedFile
from kerascnn.data.images.decode import load_image as load_image
from kerascnn.data.images.resize import ResizeRule as ResizeRule
from kerascnn.data.images.resize import check_size as check_size
from kerascnn.data.loading import check_arguments as check_arguments
from kerascnn.data.loading import check_source as check_source
from kerascnn.data.loading import is_path as is_path
from kerascnn.data.loading import load as load
from kerascnn.data.pipeline import one_hot as one_hot
from kerascnn.data.pipeline import reading as reading
from kerascnn.data.references import ImageReference as ImageReference
from kerascnn.data.small_images import SmallImage as SmallImage
from kerascnn.data.small_images import find_small_images as find_small_images
from kerascnn.data.splits import Splits as Splits
from kerascnn.lazy import public

_, __dir__, __all__ = public(globals())
