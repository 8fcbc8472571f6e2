"""What a loss takes as targets, and whether targets are that."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from kerascnn.errors import BatchError, InputError
from kerascnn.inputs.arrays import as_array, received, shape_text, shortened

Form = Literal["indices", "rows", "indices or rows", "binary", "numbers", "any"]
Place = Callable[[int], str]

# Class names and functions of losses, in lower case and without underscores.
_FORMS: dict[str, Form] = {
    "sparsecategoricalcrossentropy": "indices",
    "crossentropy": "indices or rows",  # of kerascnn.losses
    "arcfaceloss": "indices or rows",
    **dict.fromkeys(("categoricalcrossentropy", "categoricalfocalcrossentropy"), "rows"),
    **dict.fromkeys(("binarycrossentropy", "bce", "binaryfocalcrossentropy"), "binary"),
    **dict.fromkeys(("meansquarederror", "mse", "meanabsoluteerror", "mae", "huber"), "numbers"),
    **dict.fromkeys(("meanabsolutepercentageerror", "mape", "logcosh", "scaledhuber"), "numbers"),
    **dict.fromkeys(("meansquaredlogarithmicerror", "msle"), "numbers"),
}
# How far the sum of a row of class probabilities may be from 1: float16 rows of many classes.
_ROUNDING = 1e-2


@dataclass(frozen=True)
class Targets:
    """What a loss takes for outputs `[B, outputs]`.

    Attributes:
        form: "indices" of classes `[B]`, "rows" of class probabilities `[B, outputs]` such as
            one-hot ones, either of both, "binary": `[B, outputs]` in 0..1, "numbers"
            `[B, outputs]`; "any": of another loss, finite numbers of any shape.
        outputs: Of the model; 0 where they are no `[B, outputs]`.
        ignored: An index that the loss leaves out.
    """

    form: Form
    outputs: int
    ignored: int | None = None

    def arranged(self, targets: Any) -> Any:
        """Targets without an axis too many, or with one that lacks: `[B, 1]` for `[B]`.

        Args:
            targets: An array or tensor of any library.
        """
        rank = len(targets.shape)
        if self.form in ("indices", "indices or rows") and self.outputs > 1:
            return targets[:, 0] if rank == 2 and targets.shape[-1] == 1 else targets
        if self.form in ("binary", "numbers") and self.outputs == 1 and rank == 1:
            return targets[:, None]
        return targets

    def check(self, targets: np.ndarray, place: Place) -> None:
        """Checks arranged targets of any number of images.

        Args:
            targets: `[B, ...]`.
            place: Says where a row is.

        Raises:
            BatchError: The first target that is no such thing, and where it is.
        """
        if targets.dtype.kind not in "biuf":
            raise BatchError(_text(targets, place))
        if self.form != "any":
            self._check_shape(targets, place)
        rows = targets.reshape(len(targets), -1)
        rows = rows.astype(np.uint8) if rows.dtype.kind == "b" else rows
        if targets.dtype.kind == "f":
            bad = ~np.isfinite(rows).all(axis=1)
            if bad.any():
                self._refuse(targets, bad, "a finite number", place)
        if not rows.size:
            return
        if self._are_indices(targets):
            known = (rows >= 0) & (rows < self.outputs) & (rows == np.floor(rows))
            if self.ignored is not None:
                known |= rows == self.ignored
            expected = f"one of the {self.outputs} classes, 0 to {self.outputs - 1}"
            self._refuse(targets, (~known).any(axis=1), expected, place)
        elif self.form in ("rows", "indices or rows"):
            sums = rows.sum(axis=1, dtype=np.float64)
            bad = (rows < 0).any(axis=1) | (np.abs(sums - 1) > _ROUNDING)
            expected = "shares of the classes that sum to 1, such as one-hot rows"
            self._refuse(targets, bad, expected, place)
        elif self.form == "binary":
            bad = ((rows < 0) | (rows > 1)).any(axis=1)
            self._refuse(targets, bad, "0 or 1 (or between them)", place)

    def _are_indices(self, targets: np.ndarray) -> bool:
        return self.form == "indices" or (self.form == "indices or rows" and targets.ndim == 1)

    def _check_shape(self, targets: np.ndarray, place: Place) -> None:
        shapes = {
            "indices": "[B], the number of each image's class from 0",
            "rows": f"[B, {self.outputs}], one-hot",
            "indices or rows": "[B], the number of each image's class from 0, or "
            f"[B, {self.outputs}], one-hot",
            "binary": f"[B, {self.outputs}], 0 or 1 for each output",
            "numbers": f"[B, {self.outputs}], a number for each output",
        }
        of_rows = targets.ndim == 2 and targets.shape[1] == self.outputs
        fits = (self.form.startswith("indices") and targets.ndim == 1) or (
            self.form != "indices" and of_rows
        )
        if not fits:
            hint = ""
            if self.form == "rows" and targets.ndim == 1:
                hint = " Make rows of them, keras.utils.to_categorical(labels), or choose the loss "
                hint += "sparse_categorical_crossentropy."
            elif self.form == "indices" and of_rows:
                hint = " Choose the loss categorical_crossentropy, or pass labels.argmax(axis=-1)."
            elif targets.ndim == 2:
                hint = f" The model has {self.outputs} outputs: is `classes` right?"
            raise BatchError(
                f"labels of this model and loss have the shape {shapes[self.form]}. Received: "
                f"{received(targets)} in {place(-1)}.{hint}"
            )

    def _refuse(self, targets: np.ndarray, bad: Any, expected: str, place: Place) -> None:
        if not bad.any():
            return
        row = int(bad.argmax())
        hint = ""
        if self._are_indices(targets):
            if targets.min() == 1 and targets.max() == self.outputs:
                hint = " Do the labels begin at 1? Subtract 1."
            elif targets[row] == -1:
                hint = " Does -1 mean unlabelled? Leave these images out."
        elif self.form in ("rows", "indices or rows") and not targets[row].any():
            hint = " A row of zeros names no class: leave unlabelled images out."
        elif self.form == "binary" and self.outputs == 1 and targets[row] > 1:
            hint = " For classes 0 to n a model has n + 1 outputs; for quantities say loss='mse'."
        value = shortened(str(targets[row].tolist()))
        raise BatchError(f"the label {value} in {place(row)}. Expected {expected}.{hint}")


def targets_of(loss: Any, output_shape: tuple[Any, ...]) -> Targets:
    """What a loss takes: its own name tells, of Keras's losses and of ours.

    Args:
        loss: A loss, its name in Keras, or a function.
        output_shape: Of the model, with the batch.
    """
    outputs = output_shape[-1] if len(output_shape) == 2 else 0
    name = loss if isinstance(loss, str) else getattr(loss, "__name__", type(loss).__name__)
    form = _FORMS.get(name.lower().replace("_", ""), "any")
    if not outputs:
        return Targets("any", 0)
    if isinstance(loss, str) and loss in ("crossentropy", "ce"):  # Keras chooses by the shapes
        form = "binary" if outputs == 1 else "indices or rows"
    return Targets(form, outputs, getattr(loss, "ignore_class", None))


def checked_targets(model: Any, loss: Any, targets: Any, count: int) -> np.ndarray:
    """Targets of `count` inputs as an array that the loss of a model takes.

    Args:
        model: A Keras model; one without a graph of layers does not tell what it gives.
        loss: As `targets_of` takes it.
        targets: An array or tensor, of the targets of all inputs.
        count: Of the inputs.

    Raises:
        BatchError: As many targets are needed as inputs, and such as the loss takes.
    """
    array = as_array(targets, "the targets")
    if not array.ndim or len(array) != count:
        raise BatchError(
            f"expected as many targets as inputs. Received: {count} and {received(array)}."
        )
    outputs = getattr(model, "outputs", None) or ()
    form = targets_of(loss, tuple(next(iter(outputs)).shape) if len(outputs) == 1 else ())
    array = form.arranged(array)
    form.check(array, lambda row: "the targets" if row < 0 else f"row {row} (from 0)")
    return array


def check_class_weight(class_weight: Any, targets: Targets) -> dict[int, float] | None:
    """The weights of classes with plain keys and values, or None where there are none.

    Raises:
        InputError: No mapping of classes to weights of 0 or more, or a class that there is not.
    """
    if not class_weight:
        return None
    classes = max(2, targets.outputs) if targets.outputs else 1 << 31
    try:
        weights = {int(key): float(value) for key, value in dict(class_weight).items()}
        whole = all(int(key) == key for key in class_weight)
    except (TypeError, ValueError):
        weights, whole = {}, False
    known = all(0 <= key < classes for key in weights)
    if not whole or not known or not all(0 <= v < np.inf for v in weights.values()):
        raise InputError(
            f"`class_weight` must map classes, from 0 to {classes - 1}, to weights of 0 or more. "
            f"Received: {shortened(repr(class_weight))}."
        )
    if targets.form == "numbers" or (targets.form == "binary" and targets.outputs > 1):
        raise InputError(
            "`class_weight` is for classes. The loss of this model is none of classes: give sample "
            "weights, as the third element of each batch."
        )
    return weights


def weights_of_classes(targets: np.ndarray, class_weight: dict[int, float]) -> np.ndarray:
    """float32 `[B]`: the weight of each image's class, 1 where it has none; arranged targets."""
    several = targets.ndim == 2 and targets.shape[1] > 1
    classes = targets.argmax(axis=1) if several else np.rint(targets.reshape(len(targets)))
    return np.array([class_weight.get(int(each), 1.0) for each in classes], np.float32)


def _text(targets: np.ndarray, place: Place) -> str:
    first = targets.reshape(-1)[0] if targets.size else ""
    shown = first.decode(errors="replace") if isinstance(first, bytes) else first
    shown = str(shown) if isinstance(first, str) else shown  # of NumPy, np.str_('a') otherwise
    return (
        f"the labels are {'text' if isinstance(first, str | bytes) else 'no numbers'}, first "
        f"{shortened(repr(shown))} in {place(0)}. Expected numbers {shape_text(targets.shape)}. "
        "Give each class its number from 0: [class_names.index(name) for name in labels]."
    )
