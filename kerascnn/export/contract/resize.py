"""How images are brought to size, as a manifest holds it."""

from collections.abc import Mapping
from typing import Any

from kerascnn.errors import BundleError, InputError
from kerascnn.export.contract import strict_json
from kerascnn.export.contract.manifest import Resize

STRETCH = {"fit": "stretch", "filter": "bilinear", "antialias": True, "pad_value": 0}


def check_resize(rule: Mapping[str, Any]) -> Resize:
    """The rule as the manifest holds it; InputError on a missing or unknown key or value."""
    try:
        resize = strict_json.build(Resize, dict(rule))
    except BundleError as error:
        raise InputError(f"resize: {error}") from error
    if not 0 <= resize.pad_value <= 255:
        raise InputError(f"resize: pad_value must be 0 to 255. Received: {resize.pad_value}.")
    return resize
