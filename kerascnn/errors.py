"""Errors a user can act on. The command line turns each of them into one line and exit code 2."""

import difflib
from collections.abc import Iterable


class KerascnnError(Exception):
    """Base of every error kerascnn raises on purpose."""


class InputError(KerascnnError, ValueError):
    """An argument, name or value that cannot be used."""


class UnknownOptionError(KerascnnError, TypeError):
    """A model option that the chosen architecture does not have."""

    @classmethod
    def of(cls, model: str, name: str, known: Iterable[str]) -> "UnknownOptionError":
        """The error for an option `name` of a model that has the options `known`."""
        known = tuple(known)
        near = difflib.get_close_matches(name, known, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        return cls(f"{model} has no option {name!r}.{hint} Its options: {', '.join(known)}.")


class DataError(KerascnnError, ValueError):
    """A data source that cannot be trained on: missing, empty, one class, unreadable."""


class BatchError(DataError, InputError):
    """Images, labels or batches handed to a function that cannot be used."""


class OutputExistsError(KerascnnError, FileExistsError):
    """An output path that already exists; nothing was overwritten."""


class OutputInUseError(OutputExistsError):
    """An output path that another process is writing; nothing was written."""


class TrainingError(KerascnnError, RuntimeError):
    """Training had to stop, for instance on a loss that is not a number."""


class ExportError(KerascnnError, RuntimeError):
    """A model that could not be converted, quantised or written."""


class VerificationError(ExportError):
    """An exported file that does not behave like the model it was made from."""


class BundleError(KerascnnError, ValueError):
    """A bundle or `.tflite` file that is damaged, altered or of an unknown version."""


def received(value: object) -> str:
    """A value of the user's for a message: at most about 80 characters, on one line."""
    shape = getattr(value, "shape", None)
    if shape is not None and not isinstance(value, type):
        return f"{type(value).__name__} of shape {str(shape)[:60]}"
    text = " ".join(repr(value).split())
    return text if len(text) <= 80 else f"{text[:77]}..."
