"""Annotations of pictures: boxes, outlines and masks, in any of the usual formats, as one form.

Importing this package imports neither Keras nor TensorFlow.
"""

from kerascnn.data.annotations.dividing import draw_splits as draw_splits
from kerascnn.data.annotations.form.class_file import ClassEntry as ClassEntry
from kerascnn.data.annotations.form.class_file import read_class_file as read_class_file
from kerascnn.data.annotations.form.polygons import Polygons as Polygons
from kerascnn.data.annotations.form.rle import Rle as Rle
from kerascnn.data.annotations.form.structure import IGNORED as IGNORED
from kerascnn.data.annotations.form.structure import AnnotatedImage as AnnotatedImage
from kerascnn.data.annotations.form.structure import AnnotatedObject as AnnotatedObject
from kerascnn.data.annotations.form.structure import AnnotationSet as AnnotationSet
from kerascnn.data.annotations.form.structure import MaskFile as MaskFile
from kerascnn.data.annotations.formats.finding import FORMATS as FORMATS
from kerascnn.data.annotations.formats.finding import FoundFormat as FoundFormat
from kerascnn.data.annotations.formats.finding import find_format as find_format
from kerascnn.data.annotations.reading import read_annotations as read_annotations
from kerascnn.data.annotations.writing import to_coco as to_coco
from kerascnn.data.annotations.writing import write_coco as write_coco
