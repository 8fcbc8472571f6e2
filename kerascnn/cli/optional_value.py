"""An option that may stand alone."""

from typing import Any

import click


class OptionalValue(click.Option):
    """An option with a value that may be left out, and is "" then."""

    def __init__(self, *names: Any, **settings: Any) -> None:
        settings |= {"is_flag": False, "flag_value": ""}
        super().__init__(*names, **settings)
