"""Quantisation of a float TFLite file: fewer bits for weights, and for activations by recipe.

The work is done by `litert_quantizer`; this module decides what it is given. Each activation's
range comes from real images, the input range is pinned to the pixel range 0..255. What is closest
to the float file is kept: of two ways to read the measurements, in depthwise networks with and
without equalised channels; and then of weights rounded one by one and together.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from kerascnn.errors import BundleError, ExportError, InputError
from kerascnn.export import rewrites
from kerascnn.export.quantize.calibration import (
    Progress,
    as_range,
    clipped,
    mean_of_extremes,
    min_max,
    observe,
    ranges_of,
    signature,
)
from kerascnn.export.quantize.clipping import check_calibration
from kerascnn.export.quantize.equalization import equalize
from kerascnn.export.quantize.litert import Range, rewrite
from kerascnn.export.quantize.weight_levels import check_clusters
from kerascnn.export.quantize.weight_rounding import round_weights
from kerascnn.export.recipes import Io, Recipe, get
from kerascnn.export.runtime.opening import default_threads
from kerascnn.export.samples import check_samples

_SCORED = 64  # images that decide between files; enough to rank them
_EQUALIZED_ERROR = 0.8  # of the error without: less of a gain is lost again to better rounding


def quantize(
    float_bytes: bytes,
    recipe: str | Recipe,
    samples: np.ndarray | None = None,
    io: str = "uint8",
    *,
    progress: Progress | None = None,
    calibration: str = "auto",
    scope: str = ".*",
    learned: Mapping[str, tuple[float, float]] | None = None,
    clusters: int | None = None,
) -> bytes:
    """Returns a float TFLite file rewritten by `recipe`.

    Args:
        float_bytes: A float32 file with batch size 1, as `convert_float` returns.
        recipe: A recipe or its name; `float32` returns the bytes as they are.
        samples: Raw images [n, height, width, channels], 0..255, for recipes that measure
            ranges, and for better rounding of all 8-bit weights. All of them are used, one at a
            time.
        io: Input and output type for recipes that offer several (`Recipe.choose_io`).
        progress: Called with (images done, images in all) while ranges are measured.
        calibration: How ranges are set: "auto", "minmax", "percentile" or "mse"
            (`clipping.check_calibration`).
        scope: Pattern of the operators to quantise, by the names of what they make.
        learned: (low, high) of tensors whose ranges were learned in training, by name; they are
            taken as they are, and so are weights and biases. Samples tell the others.
        clusters: How many values the 8-bit weights of a layer may share, 4 to 255, so that the file
            compresses well (`weight_levels.shared_levels`); needs samples. None: any.

    Raises:
        InputError: The recipe needs samples and has none, they are not raw images of the
            model's size, an unknown calibration, or clusters that do not go with the rest.
        ExportError: The quantiser cannot handle the model.
    """
    recipe = get(recipe)
    chosen = recipe.choose_io(io)
    check_calibration(calibration)
    check_clusters(clusters, recipe, learned=bool(learned))
    if recipe.name == "float32":
        return float_bytes
    if samples is None:
        if recipe.needs_samples or clusters:
            raise InputError(
                f"recipe {recipe.name} measures value ranges on real images: pass samples=, a "
                "uint8 array [n, height, width, channels] of 100 to 500 images like those it "
                "will see"
            )
        return rewrite(float_bytes, recipe, chosen, None, scope=scope)
    *_, pixels, shape = signature(float_bytes)
    samples = check_samples(samples, shape)
    work = _Work(float_bytes, pixels, recipe, chosen, samples, scope, calibration, clusters)
    if learned and recipe.activations == "int8":
        return work.with_learned(learned, progress)
    if not recipe.needs_samples:
        return work.of_weights()
    try:
        return work.of_activations(progress)
    except BundleError as error:
        raise ExportError(
            f"recipe {recipe.name} gives a file that the TFLite runtime refuses: {error}. "
            "Try int8, float16 or weight_only_int8."
        ) from error


@dataclass(frozen=True)
class _Work:
    """One float file that becomes several by one recipe; the one closest to it is chosen."""

    float_bytes: bytes
    pixels: str  # name of the input tensor
    recipe: Recipe
    io: Io
    samples: np.ndarray
    scope: str
    calibration: str
    clusters: int | None

    def with_learned(
        self, learned: Mapping[str, tuple[float, float]], progress: Progress | None
    ) -> bytes:
        """The file with ranges from training."""
        prepared = rewrites.for_int8(self.float_bytes)
        ranges = ranges_of(observe(prepared.content, self.samples, progress), min_max, self.pixels)
        known = {name: as_range(*span) for name, span in learned.items() if name in ranges}
        ranges |= {**known, self.pixels: ranges[self.pixels]}
        return self._file(prepared.content, ranges, prepared)

    def of_weights(self) -> bytes:
        """The file of a recipe that leaves activations in float."""
        plain = self._file(self.float_bytes, None)
        if self.recipe.weights != "int8":
            return plain
        rounded = self._file(self._rounded(self.float_bytes), None)
        return rounded if self.clusters else min(plain, rounded, key=self._judge())

    def of_activations(self, progress: Progress | None) -> bytes:
        """The file of an integer recipe."""
        fine = self.recipe.activations == "int16"  # has range and channels to spare
        prepared = rewrites.Prepared(self.float_bytes)
        if not fine:
            prepared = rewrites.for_int8(self.float_bytes)
        error = self._judge()
        best = self._plain(prepared.content, prepared, error, progress)
        equalized = None if fine else equalize(prepared.content, self.samples)
        if equalized is not None:
            other = self._plain(equalized, prepared, error)
            best = other if other.error < _EQUALIZED_ERROR * best.error else best
        rounded = self._rounded(best.content, prepared)
        file = self._file(rounded, best.ranges, prepared)
        return file if self.clusters or error(file) < best.error else best.file

    def _rounded(self, content: bytes, prepared: rewrites.Prepared | None = None) -> bytes:
        """The float file with weights rounded together."""
        return round_weights(
            content,
            self.samples,
            scope=self.scope,
            keep=prepared.islands if prepared else (),
            clusters=self.clusters,
        )

    def _plain(
        self,
        content: bytes,
        prepared: rewrites.Prepared,
        error: Callable[[bytes], float],
        progress: Progress | None = None,
    ) -> "_Made":
        """The file with weights rounded one by one, by the better reading of the ranges."""
        fine = self.recipe.activations == "int16"  # clipping can only hurt: nothing to compare
        rules = (min_max,) if fine or self.calibration != "auto" else (min_max, mean_of_extremes)
        seen = observe(content, self.samples, progress)
        seen = clipped(content, self.samples, seen, self.calibration)
        made = []
        for rule in rules:
            ranges = ranges_of(seen, rule, self.pixels, fine=fine)
            ranges = rewrites.widened(ranges, prepared.sums)
            file = self._file(content, ranges, prepared)
            made.append(_Made(error(file), file, content, ranges))
        return min(made, key=lambda one: one.error)

    def _file(
        self,
        content: bytes,
        ranges: Mapping[str, Range] | None,
        prepared: rewrites.Prepared | None = None,
    ) -> bytes:
        islands = prepared.islands if prepared else ()
        return rewrite(content, self.recipe, self.io, ranges, scope=self.scope, islands=islands)

    def _judge(self) -> Callable[[bytes], float]:
        """How much a file's outputs differ from the float file's, on a few samples."""
        from kerascnn.export.runtime.interpreter import TFLiteModel

        images = self.samples[:: max(1, len(self.samples) // _SCORED)][:_SCORED]

        def outputs(file: bytes) -> list[np.ndarray]:
            found = TFLiteModel(file, threads=default_threads()).predict(images)
            return found if isinstance(found, list) else [found]

        wanted = outputs(self.float_bytes)
        # Of several outputs each counts alike, whatever its unit.
        spans = [1.0] if len(wanted) == 1 else [max(float(np.ptp(one)), 1e-6) for one in wanted]

        def error(file: bytes) -> float:
            trio = zip(outputs(file), wanted, spans, strict=True)
            return sum(float(np.abs(found - one).mean()) / span for found, one, span in trio)

        return error


@dataclass(frozen=True)
class _Made:
    """A file, its error, and what it was made of."""

    error: float
    file: bytes
    content: bytes
    ranges: Mapping[str, Range]
