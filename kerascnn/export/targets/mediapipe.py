"""MediaPipe Tasks' ImageClassifier and ObjectDetector, on Android, iOS, the web and in Python.

Sources: MediaPipe's C++: `tasks/cc/vision/utils/image_tensor_specs.cc` (three channels, uint8 or
float32, NormalizationOptions for float32), `tasks/cc/components/processors/
image_preprocessing_graph.cc` (one mean and std for all channels) and
`classification_postprocessing_graph.cc` (one graph; outputs uint8, float32 or bool) and
`detection_postprocessing_graph.cc` (four outputs, float32, known by their names in the metadata).
"""

from collections.abc import Iterator

from kerascnn.export.flatbuffer.file import TFLiteFile
from kerascnn.export.targets import rules


def _image(graph: TFLiteFile) -> Iterator[str]:
    for tensor in graph.inputs[:1]:
        if len(tensor.shape) == 4 and tensor.shape[3] != 3:
            yield f"it takes images of {tensor.shape[3]} channel(s), and RGB is expected"


def _normalization(graph: TFLiteFile) -> Iterator[str]:
    known = graph.metadata
    if not graph.inputs or graph.inputs[0].dtype != "float32":
        return
    if known is None or not known.mean or not known.std:
        yield "a float32 input needs normalisation in the TFLite Metadata, and there is none"
    elif len(set(known.mean)) > 1 or len(set(known.std)) > 1:
        yield "its metadata normalise each channel differently, and one mean and std is expected"


def _classes(graph: TFLiteFile) -> Iterator[str]:
    if rules.gives_points(graph):
        yield "it gives boxes of all points, and finished objects are expected: layout 'objects'"
        return
    if rules.gives_objects(graph):
        if graph.metadata is None or not graph.metadata.has_boxes:
            yield "its metadata do not name its outputs: location, category, score ..."
        return
    for tensor in graph.outputs[:1]:
        if len(tensor.shape) not in (2, 4) or any(size != 1 for size in tensor.shape[:-1]):
            yield f"its output {list(tensor.shape)} is no list of scores [1, classes]"


_INPUTS, _OUTPUTS = ("uint8", "float32"), ("uint8", "float32", "bool")

TARGET = rules.Target(
    name="mediapipe",
    title="MediaPipe Tasks",
    recipes=("int8", "float32"),
    io="uint8",
    inputs=_INPUTS,
    outputs=_OUTPUTS,
    rules=(
        rules.one_image,
        rules.fixed_shapes,
        rules.one_graph,
        rules.end_types(_INPUTS, _OUTPUTS),
        _image,
        _normalization,
        _classes,
        rules.litert_runs,
    ),
    source="MediaPipe's tasks/cc, image_tensor_specs and the two postprocessing graphs",
)
