"""Reading a JSON file of unknown origin."""

import json
from pathlib import Path
from typing import Any

from kerascnn.data.annotations.parsing.text import decode_text, read_bytes
from kerascnn.errors import DataError
from kerascnn.names import shown


def read_json(path: Path) -> Any:
    """Returns the JSON value in a file; a byte order mark is passed over.

    Raises:
        DataError: The file cannot be read, is empty, no text, no JSON or nested without end.
    """
    content = read_bytes(path)
    if not content.strip(b"\0 \t\r\n"):
        raise DataError(f"{shown(path)} is empty. Expected JSON.")
    text = decode_text(content, path)
    try:
        return json.loads(text)
    except RecursionError as error:
        raise DataError(f"{shown(path)} is nested too deeply to be an annotation file.") from error
    except ValueError as error:  # also an integer of thousands of digits
        raise DataError(f"{shown(path)} is not valid JSON: {shown(error)}.") from error
