"""What is asked for, and where published weights for it are."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Request:
    """What is being built.

    Attributes:
        variant: Name of the factory.
        include_top: With the classifier.
        size: Height and width of the images, where known.
        options: Those of the factory.
    """

    variant: str
    include_top: bool = True
    size: tuple[int | None, int | None] = (None, None)
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class KerasFile:
    """A file of keras.applications: its address and its hash; Keras has none for some."""

    url: str
    hash: str | None = None


@dataclass(frozen=True)
class TorchFile:
    """A file of torchvision; the name ends in the first eight digits of its SHA-256."""

    name: str


@dataclass(frozen=True)
class HubRepository:
    """A repository of the Hugging Face hub with a `model.safetensors`."""

    name: str


@dataclass(frozen=True)
class Published:
    """One set of weights.

    Attributes:
        tag: What `weights=` takes.
        style: Whose details the network has: "keras" or "torch".
        locate: Where the weights for a request are.
        requires: Options the weights were trained with, where the architecture has a choice.
    """

    tag: str
    style: str
    locate: Callable[[Request], KerasFile | TorchFile | HubRepository]
    requires: Mapping[str, Any] = field(default_factory=dict)
