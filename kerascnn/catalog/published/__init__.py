"""Published weights: which exist for a model, where they are, and what they were trained with."""

from kerascnn.catalog.published import keras_files, torch_files
from kerascnn.catalog.published.locations import HubRepository as HubRepository
from kerascnn.catalog.published.locations import KerasFile as KerasFile
from kerascnn.catalog.published.locations import Published as Published
from kerascnn.catalog.published.locations import Request as Request
from kerascnn.catalog.published.locations import TorchFile as TorchFile

# Of each variant, those of keras.applications first.
TABLE: dict[str, tuple[Published, ...]] = {
    variant: (*keras_files.TABLE.get(variant, ()), *torch_files.TABLE.get(variant, ()))
    for variant in (keras_files.TABLE | torch_files.TABLE)
}


def tags(variant: str) -> tuple[str, ...]:
    """Tags of the published weights of a model, which is named like its factory."""
    return tuple(published.tag for published in TABLE.get(variant, ()))
