"""Names of MobileNet's layers in keras.applications."""

import re


def keras_name(layer: str) -> str:
    """The layer of keras.applications that holds the weights of ours."""
    if layer == "predictions":
        return "conv_preds"
    match = re.fullmatch(r"(?:stem|stage\d_(\d+)_(dw|pw))_(\w+)", layer)
    if match is None:
        return layer
    number, part, kind = match.groups()
    base = "conv1" if number is None else f"conv_{part}_{number}"
    return f"{base}_bn" if kind == "norm" else base
