"""A trained embedding model with the images it knows by name."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import keras
import numpy as np

from kerascnn.errors import InputError
from kerascnn.files import FolderKind, PathLike, atomic_folder, json_object, user_path
from kerascnn.inputs.arrays import as_array, received
from kerascnn.inputs.images import slices
from kerascnn.inputs.model_inputs import checked_inputs
from kerascnn.transfer.recognition import Verification, unit, verification

MODEL, ENTRIES, SETTINGS = "model.keras", "gallery.npz", "embedder.json"
SCHEMA = 1


def _contents(mark: Path) -> tuple[str, ...] | None:
    return (MODEL, ENTRIES) if (json_object(mark) or {}).keys() >= {"schema", "threshold"} else None


GALLERY = FolderKind("the folder of an Embedder", SETTINGS, _contents)


@dataclass(frozen=True)
class Match:
    """An entry of the gallery beside an image: its name, and the cosine in -1..1."""

    name: str
    similarity: float


class Embedder:
    """Recognises things by example: new names need an image, and no training.

    Args:
        model: From images to vectors (batch, dimensions), such as `kerascnn.transfer.embedder`.
        threshold: Least cosine of two images of the same; `calibrate` finds one.

    Attributes:
        names: One name per entry of the gallery; several entries may share one.
        vectors: (entries, dimensions), each of length 1.
    """

    def __init__(self, model: keras.Model, threshold: float | None = None):
        if not isinstance(model, keras.Model):
            raise InputError(f"`model` must be a keras.Model. Received: {type(model).__name__}.")
        shape = model.output_shape
        if len(shape) != 2:
            raise InputError(
                f"`model` must give vectors (batch, dimensions). Its output has the shape {shape}."
            )
        self.model, self.threshold = model, threshold
        self.names: tuple[str, ...] = ()
        self.vectors = np.zeros((0, shape[-1]))

    def embed(self, images: Any, batch_size: int = 32) -> np.ndarray:
        """Vectors (n, dimensions) of length 1 for raw images (n, height, width, channels).

        Raises:
            InputError: Images that the model does not take, or vectors without a direction.
        """
        images = checked_inputs(self.model, images, "images")
        return unit(
            np.concatenate(
                [
                    self.model.predict_on_batch(images[rows])
                    for rows in slices(len(images), batch_size)
                ]
            )
        )

    def add(self, images: Any, names: Sequence[str]) -> None:
        """Puts images, one name each, into the gallery."""
        vectors = self.embed(images)
        if isinstance(names, str):
            raise InputError(f"`names` must be a list of names. Received: {received(names)}.")
        if len(names) != len(vectors) or not all(isinstance(name, str) for name in names):
            raise InputError(f"one name (a string) for each of {len(vectors)} images is needed.")
        self.names = (*self.names, *names)
        self.vectors = np.concatenate([self.vectors, vectors])

    def nearest(self, images: Any, k: int = 1) -> list[list[Match]]:
        """The k most similar entries for each image, best first.

        Raises:
            InputError: Fewer than k entries in the gallery.
        """
        if not isinstance(k, int) or not 1 <= k <= len(self.names):
            raise InputError(
                f"`k` must be in 1..{len(self.names)}, the entries of the gallery (see `add`). "
                f"Received: {k!r}."
            )
        similarity = self.embed(images) @ self.vectors.T
        order = np.argsort(-similarity, axis=1, kind="stable")[:, :k]
        return [
            [Match(self.names[i], float(row[i])) for i in best]
            for row, best in zip(similarity, order, strict=True)
        ]

    def verify(self, a: Any, b: Any) -> bool:
        """Whether two images (height, width, channels) show the same.

        Raises:
            InputError: There is no threshold yet.
        """
        if self.threshold is None:
            raise InputError(
                "no threshold to decide by: call `calibrate` with labelled images, or set one."
            )
        pair = [as_array(image, "an image") for image in (a, b)]
        if pair[0].shape != pair[1].shape:
            raise InputError(
                "the two images have several sizes: give both of them one size. Received: "
                f"{pair[0].shape} and {pair[1].shape}."
            )
        first, second = self.embed(np.stack(pair))
        return bool(first @ second >= self.threshold)

    def calibrate(self, images: Any, labels: Sequence[object]) -> Verification:
        """Sets the threshold with equal error rates on labelled images, and tells those rates.

        Use images that the model was not trained on, best of other classes too.
        """
        result = verification(self.embed(images), labels)
        self.threshold = result.threshold
        return result

    def save(self, folder: PathLike, *, overwrite: bool = False) -> None:
        """Writes the model, the gallery and the threshold to a new folder.

        Raises:
            OutputExistsError: The folder exists and `overwrite` is false, or it is another one.
        """
        with atomic_folder(folder, GALLERY, overwrite=overwrite) as path:
            self.model.save(path / MODEL)
            np.savez(path / ENTRIES, vectors=self.vectors, names=np.asarray(self.names, "U"))
            settings = {"schema": SCHEMA, "threshold": self.threshold}
            (path / SETTINGS).write_text(json.dumps(settings) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: PathLike) -> "Embedder":
        """Reads what `save` wrote.

        Raises:
            InputError: Not such a folder, a damaged one, or one of a newer version.
        """
        from kerascnn.serialization import load_model

        path = user_path(folder)
        absent = [name for name in (MODEL, ENTRIES, SETTINGS) if not (path / name).is_file()]
        if absent:
            raise InputError(f"{path} is not the folder of an Embedder: {absent} are missing.")
        try:
            settings = json.loads((path / SETTINGS).read_text(encoding="utf-8"))
            if settings["schema"] != SCHEMA:
                raise InputError(
                    f"{path} has the schema {settings['schema']!r}; this version reads {SCHEMA}."
                )
            threshold = settings["threshold"]
            with np.load(path / ENTRIES, allow_pickle=False) as stored:
                vectors, names = stored["vectors"], stored["names"]
        except InputError:
            raise
        except (ValueError, KeyError, TypeError, OSError, EOFError, BadZipFile) as error:
            raise InputError(
                f"{path} is a damaged folder of an Embedder ({error}). Expected what "
                "Embedder.save wrote: save it anew."
            ) from error
        embedder = cls(load_model(path / MODEL, compile=False), threshold)
        embedder.vectors = vectors
        embedder.names = tuple(str(name) for name in names)
        return embedder
