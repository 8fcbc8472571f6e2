"""Steps as plain data and back, for configurations and saved models."""

from dataclasses import fields
from typing import Any

from kerascnn.augment.step import Step, Values
from kerascnn.errors import InputError

# What a configuration may name; `kerascnn.augment` adds its steps.
STEPS: dict[str, type[Step | Values]] = {}


def to_config(step: Step | Values) -> dict[str, Any]:
    """A step as nested dicts and lists: {"name": "Rotate", "degrees": [-15.0, 15.0]}."""
    name = type(step).__name__
    return {"name": name, **{f.name: _plain(getattr(step, f.name)) for f in fields(step)}}


def _plain(value: Any) -> Any:
    if isinstance(value, Step | Values):
        return to_config(value)
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def from_config(config: dict[str, Any]) -> Any:
    """The step that `to_config` wrote.

    Raises:
        InputError: An unknown step or argument.
    """
    if not isinstance(config, dict) or "name" not in config:
        raise InputError(f'a step\'s configuration is a dict with the key "name". Got: {config!r}')
    name = config["name"]
    if not isinstance(name, str) or name not in STEPS:
        raise InputError(f"unknown step {name!r}. Known: {', '.join(sorted(STEPS))}.")
    cls = STEPS[name]
    arguments = {key: _value(value) for key, value in config.items() if key != "name"}
    unknown = sorted(set(arguments) - {field.name for field in fields(cls)})
    if unknown:
        raise InputError(f"{name} has no {', '.join(unknown)}.")
    return cls(**arguments)


def _value(value: Any) -> Any:
    if isinstance(value, dict):
        return from_config(value)
    return tuple(_value(item) for item in value) if isinstance(value, list | tuple) else value
