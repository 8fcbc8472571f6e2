"""What the outputs of a `.tflite` file are, as far as its last operators and its metadata tell."""

from kerascnn.export.flatbuffer.file import TFLiteFile
from kerascnn.tasks import Kind

# Operators that only move values, or store them in another type.
_PASSING = {"CAST", "DEQUANTIZE", "EXPAND_DIMS", "QUANTIZE", "RESHAPE", "SQUEEZE"}
_KINDS: dict[str, Kind] = {
    "SOFTMAX": "probabilities",
    "LOGISTIC": "independent",
    # Scores that no squashing function follows.
    "ADD": "logits",
    "AVERAGE_POOL_2D": "logits",
    "CONV_2D": "logits",
    "FULLY_CONNECTED": "logits",
    "LOG_SOFTMAX": "logits",
    "MEAN": "logits",
}


def output_kinds(file: TFLiteFile) -> tuple[Kind | None, ...]:
    """What each output is; None where neither the operators nor the metadata say it.

    Metadata that give the outputs the range 0..1 overrule operators that seem to give logits: the
    values have to tell which kind of probabilities they are.
    """
    makers = {tensor.index: one for one in file.operators for tensor in one.outputs}
    found = []
    for output in file.outputs:
        maker = makers.get(output.index)
        while maker is not None and maker.name in _PASSING:
            source = maker.inputs[0]
            maker = None if source is None else makers.get(source.index)
        found.append(None if maker is None else _KINDS.get(maker.name))
    known = file.metadata
    if known is not None and known.output_range == (0.0, 1.0) and found[:1] == ["logits"]:
        found[0] = None
    return tuple(found)
