"""Options that a network has because of its weights, and the record of them."""

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kerascnn import weights as weight_files
from kerascnn.errors import InputError, received
from kerascnn.models._options import Styles
from kerascnn.weights import record

log = logging.getLogger("kerascnn")


@dataclass(frozen=True)
class Call:
    """A call of a factory.

    Attributes:
        name: Of the factory.
        family: Its module.
        include_top: With the classifier.
        usual: All options with their defaults.
        given: Those that the caller gave.
        styles: How `style` is decided, where the family has that option.
    """

    name: str
    family: str
    include_top: bool
    usual: Mapping[str, Any]
    given: Mapping[str, Any]
    styles: Styles | None

    def default(self, option: str, options: Mapping[str, Any]) -> Any:
        """What an option is when neither the caller nor the weights say it."""
        if option == "style" and self.styles is not None:
            return self.styles.choose({**options, "style": None})
        return self.usual[option]

    def is_given(self, option: str) -> bool:
        """Whether the caller decided it; a style of None leaves it to the weights."""
        return option in self.given and (option != "style" or self.given[option] is not None)


@dataclass(frozen=True)
class Adopted:
    """What the weights decide: options, and scale and offset of the pixels where they are odd."""

    options: dict[str, Any]
    pixels: "weight_files.Pixels | None" = None


def adopt(call: Call, weights: Any, file: "weight_files.Found | None") -> Adopted:
    """Options of the network that weights fit.

    Args:
        call: What is asked for.
        weights: As the caller gave them: None, a tag or a path.
        file: What was read, for a path.

    Raises:
        InputError: Options that were given contradict what the file records.
    """
    origin = os.fspath(weights) if isinstance(weights, (str, os.PathLike)) else ""
    torch = origin.startswith(("torchvision", "timm"))
    options = {**call.usual, **call.given}
    found: dict[str, Any] = {}
    pixels = None
    if file is not None:
        torch = isinstance(file.arrays, weight_files.StateDict)
        facts = weight_files.facts(file.arrays, call.family)
        for option in (option for option in record.RECORDED if option in options):
            if option not in facts.options and not facts.complete:
                continue
            value = facts.options.get(option, call.default(option, {**options, **found}))
            if option == "classifier_activation" and not _same_head(call, facts, options):
                continue
            if call.is_given(option):
                _check(option, value, options[option], file.origin)
            elif value == record.CUSTOM:
                raise InputError(
                    f"the network of {file.origin} has its own function as {option}, which no "
                    f"file can hold. Expected it to be given: {option}=FUNCTION."
                )
            else:
                found[option] = value
        if facts.ours and not facts.prepares_pixels and "include_preprocessing" not in call.given:
            found["include_preprocessing"] = False
        if {**options, **found}["include_preprocessing"]:
            pixels = facts.pixels
        _tell(call, file, found, pixels)
    if call.styles is not None:
        found["style"] = call.styles.choose({**options, **found}, origin, torch)
    return Adopted(found, pixels)


def name_of_record(call: Call, options: Mapping[str, Any], adopted: Adopted) -> str | None:
    """The name of the layer that says in what a network is not the default one."""
    odd = {
        option: options[option]
        for option in record.RECORDED
        if option in call.usual and not record.same(options[option], call.default(option, options))
    }
    if not call.include_top:
        odd.pop("classifier_activation", None)
    if adopted.pixels is not None:
        odd[record.PIXELS] = (*adopted.pixels[0], *adopted.pixels[1])
    return record.name_of(odd)


def _same_head(call: Call, facts: "weight_files.Facts", options: Mapping[str, Any]) -> bool:
    """Whether the file's classifier is loaded: another one has an activation of its own."""
    return call.include_top and facts.classes in (None, options["classes"])


def _check(option: str, recorded: Any, given: Any, origin: str) -> None:
    if option in record.FREE or record.same(recorded, given):
        return
    raise InputError(
        f"{origin} holds weights of a network with {option}={recorded!r}, which another one cannot "
        f"use. Expected {option}={recorded!r}, or nothing, to get the network of the file. "
        f"Received: {option}={received(given)}."
    )


def _tell(
    call: Call,
    file: "weight_files.Found",
    found: Mapping[str, Any],
    pixels: "weight_files.Pixels | None",
) -> None:
    """Says what is taken from the file, and where the file could not say it."""
    odd = [f"{o}={v!r}" for o, v in found.items() if not record.same(v, call.usual[o])]
    odd += [f"pixels times {pixels[0]} plus {pixels[1]}"] if pixels else []
    if odd:
        log.info("%s: built like the network of %s: %s", call.name, file.origin, ", ".join(odd))
    options = [o for o in record.RECORDED if o in call.usual and o != "classifier_activation"]
    silent = not isinstance(file.arrays, (weight_files.SavedLayers, weight_files.StateDict))
    if silent and options and not any(call.is_given(option) for option in options):
        log.warning(
            "%s does not say with which options its network was built: taken to be the defaults. "
            "Where it had others, give them: %s.",
            file.origin,
            ", ".join(options),
        )
