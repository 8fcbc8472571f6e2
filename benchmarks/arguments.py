"""Command-line arguments that several benchmarks take."""

import json
from collections.abc import Sequence
from typing import Any


def options(items: Sequence[str]) -> dict[str, Any]:
    """The options of an architecture, given as KEY=VALUE with values in JSON."""
    return {name: json.loads(value) for name, value in (item.split("=", 1) for item in items)}
