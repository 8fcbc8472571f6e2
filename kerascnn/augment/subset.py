"""Work on those images of a batch that need it.

A policy sharpens one image in fourteen. TensorFlow can gather these, work on them alone and put
them back. Their number is rounded up to a power of two, so that XLA compiles a handful of shapes.
Elsewhere, where shapes must not depend on values, all images are worked on and most results unused.
"""

from collections.abc import Callable
from typing import Any

from kerascnn.augment.arrays import Array, Namespace

_LARGEST = 24  # batches of up to 2**24 images


class Subset:
    """The images of a batch where `mask` (bool `[n]`) holds.

    Args:
        xp: The array library.
        mask: None means all images.
    """

    def __init__(self, xp: Namespace, mask: Array | None):
        self.xp, self.mask = xp, mask
        self.gathers = mask is not None and xp.name == "tensorflow"
        if self.gathers:
            chosen = xp.cast(xp.where(mask)[:, 0], "int32")
            self._count = xp.shape(chosen)[0]
            sizes = xp.convert_to_tensor([1 << i for i in range(_LARGEST + 1)])
            size = xp.amin(xp.where(sizes >= self._count, sizes, 1 << _LARGEST))
            self._chosen = chosen
            self._padded = xp.pad(chosen, [[0, size - self._count]])

    def take(self, x: Array) -> Array:
        """The rows of `x` to work on; some may be there only to fill up."""
        return self.xp.take(x, self._padded, axis=0) if self.gathers else x

    def put(self, results: Array, into: Array) -> Array:
        """`into` with the results in their rows."""
        xp = self.xp
        if self.gathers:
            return xp.put(into, self._chosen[:, None], results[: self._count])
        if self.mask is None:
            return results
        return xp.where(xp.reshape(self.mask, (-1, *(1,) * (len(into.shape) - 1))), results, into)

    def spread(self, function: Callable[..., Any], *arrays: Array) -> Any:
        """`function` of the rows of `arrays` to work on, as arrays of the whole batch.

        Rows that were not worked on are 0, or (off TensorFlow) anything.
        """
        found = function(*(self.take(x) for x in arrays))
        if not self.gathers:
            return found
        n = self.xp.shape(self.mask)[0]
        if isinstance(found, tuple):
            return tuple(self._scatter(x, n) for x in found)
        return self._scatter(found, n)

    def _scatter(self, x: Array, n: Any) -> Array:
        where = self._chosen[:, None]
        return self.xp.scatter(where, x[: self._count], (n, *x.shape[1:]))
