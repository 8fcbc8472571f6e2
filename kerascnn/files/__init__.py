"""The user's files: what may be read, what may be replaced, and who is writing where.

Standard library only. Every reader of a path that a user gave goes through `check_file` or
`read_bytes`, every writer through `atomic_file`, `atomic_folder` or `write_text`.
"""

from kerascnn.files.claims import claim as claim
from kerascnn.files.claims import sweep as sweep
from kerascnn.files.kinds import CSV as CSV
from kerascnn.files.kinds import GIF as GIF
from kerascnn.files.kinds import HTML as HTML
from kerascnn.files.kinds import JSON as JSON
from kerascnn.files.kinds import KERAS as KERAS
from kerascnn.files.kinds import PNG as PNG
from kerascnn.files.kinds import SVG as SVG
from kerascnn.files.kinds import TEXT as TEXT
from kerascnn.files.kinds import TFLITE as TFLITE
from kerascnn.files.kinds import FileKind as FileKind
from kerascnn.files.kinds import FolderKind as FolderKind
from kerascnn.files.kinds import Kind as Kind
from kerascnn.files.kinds import json_object as json_object
from kerascnn.files.paths import PathLike as PathLike
from kerascnn.files.paths import user_path as user_path
from kerascnn.files.reading import check_file as check_file
from kerascnn.files.reading import read_bytes as read_bytes
from kerascnn.files.reading import read_text as read_text
from kerascnn.files.reading import text_encoding as text_encoding
from kerascnn.files.regular import NotAFileError as NotAFileError
from kerascnn.files.regular import open_regular as open_regular
from kerascnn.files.temporary import temporary_folder as temporary_folder
from kerascnn.files.writing import atomic_file as atomic_file
from kerascnn.files.writing import atomic_folder as atomic_folder
from kerascnn.files.writing import refuse_existing as refuse_existing
from kerascnn.files.writing import write_text as write_text
