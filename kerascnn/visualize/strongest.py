"""The images that each unit answers to most, of any number that pass by."""

import numpy as np

from kerascnn.errors import InputError


class Strongest:
    """Keeps the best images of each unit, each at the position where the unit is highest.

    Attributes:
        count: Images per unit.
        units: `[U]`: channels that are looked at.
        maps: Whether the outputs have positions.
        seen: Images so far.
        values: float32 `[U, count]`, the highest first; -inf where no image came yet.
        numbers: `[U, count]`: of the images, in the order they came.
        positions: `[U, count, 2]`: row and column in the maps; 0 without maps.
        kept: The images that are among the best of any unit, by their number.
    """

    def __init__(self, count: int, units: np.ndarray, maps: bool) -> None:
        self.count, self.units, self.maps, self.seen = count, units, maps, 0
        self.values = np.full((len(units), count), -np.inf, np.float32)
        self.numbers = np.zeros((len(units), count), np.int64)
        self.positions = np.zeros((len(units), count, 2), np.int64)
        self.kept: dict[int, np.ndarray] = {}

    def add(self, batch: np.ndarray, outputs: np.ndarray) -> None:
        """Looks at images `[B, H, W, C]` and what they gave, `[B, (h, w,) channels]`.

        Raises:
            InputError: Images of another size than those before.
        """
        if any(image.shape != batch.shape[1:] for image in self.kept.values()):
            raise InputError("the images have several sizes: give all of them one size.")
        spots = outputs.reshape(len(batch), -1, outputs.shape[-1])[..., self.units]
        where = spots.argmax(1)  # [B, U]
        values = np.take_along_axis(spots, where[:, None], axis=1)[:, 0].T
        width = outputs.shape[2] if self.maps else 1
        numbers = np.broadcast_to(np.arange(self.seen, self.seen + len(batch)), values.shape)
        places = np.stack([where.T // width, where.T % width], axis=-1)

        values = np.concatenate([self.values, values], axis=1)
        order = np.argsort(-values, axis=1, kind="stable")[:, : self.count]
        self.values = np.take_along_axis(values, order, axis=1)
        numbers = np.concatenate([self.numbers, numbers], axis=1)
        self.numbers = np.take_along_axis(numbers, order, axis=1)
        places = np.concatenate([self.positions, places], axis=1)
        self.positions = np.take_along_axis(places, order[..., None], axis=1)
        self._keep(batch)
        self.seen += len(batch)

    def _keep(self, batch: np.ndarray) -> None:
        best = set(self.numbers[self.values > -np.inf].tolist())
        self.kept = {number: image for number, image in self.kept.items() if number in best}
        for number in best - self.kept.keys():
            self.kept[number] = batch[number - self.seen].copy()
