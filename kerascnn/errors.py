"""Errors a user can act on. The command line turns each of them into one line and exit code 2."""


class KerascnnError(Exception):
    """Base of every error kerascnn raises on purpose."""


class InputError(KerascnnError, ValueError):
    """An argument, name or value that cannot be used."""


class UnknownOptionError(KerascnnError, TypeError):
    """A model option that the chosen architecture does not have."""


class DataError(KerascnnError, ValueError):
    """A data source that cannot be trained on: missing, empty, one class, unreadable."""


class BatchError(DataError, InputError):
    """Images, labels or batches handed to a function that cannot be used."""


class OutputExistsError(KerascnnError, FileExistsError):
    """An output path that already exists; nothing was overwritten."""


class TrainingError(KerascnnError, RuntimeError):
    """Training had to stop, for instance on a loss that is not a number."""


class ExportError(KerascnnError, RuntimeError):
    """A model that could not be converted, quantised or written."""


class VerificationError(ExportError):
    """An exported file that does not behave like the model it was made from."""


class BundleError(KerascnnError, ValueError):
    """A bundle or `.tflite` file that is damaged, altered or of an unknown version."""
