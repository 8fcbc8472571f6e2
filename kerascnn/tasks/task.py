"""What every task has: the base class, and the registry of those that are known."""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from kerascnn.errors import InputError
from kerascnn.tasks.comparison import (
    Metric,
    Report,
    Source,
    Tolerance,
    accuracy_drop,
    compare_output,
)
from kerascnn.tasks.metrics import Metrics
from kerascnn.tasks.outputs import Arrays, Output
from kerascnn.tasks.probabilities import Kind


class Task:
    """Base of the tasks; a new one is a subclass and `register`.

    A model gives one array for each role. What follows from their kinds alone (comparing two sets
    of outputs, choosing images for a self-test) is done here; a task says what its outputs and its
    targets are, scores predictions, and puts them into words. Arrays go by role, [n, ...] each;
    "names" are those of the classes, labels or quantities.

    Attributes:
        name: In the Python API, the command line, the configuration of runs and the manifest.
        title: What its models are, in a report.
        nouns: What its names name: one, and many.
        kinds: The roles of its outputs in their order, and what each may be.
        adjective: What is alike where two models agree, in a report.
        truth: What the true answer of an image is called.
        accuracy: Whether labels tell an accuracy, which verification then limits.
        recipes: Files to export where nothing else is asked for.
        averages: Whether predictions for several views of an image have a mean.
        layouts: In which forms files can give the outputs, the default first; none where there is
            but the model's own.
    """

    name: ClassVar[str]
    title: ClassVar[str] = "Image model"
    nouns: ClassVar[tuple[str, str]] = ("class", "classes")
    kinds: ClassVar[Mapping[str, tuple[Kind, ...]]]
    adjective: ClassVar[str] = "Same answer"
    truth: ClassVar[str] = "The true answer"
    accuracy: ClassVar[bool] = True
    recipes: ClassVar[tuple[str, ...]] = ("float32", "int8")
    averages: ClassVar[bool] = True
    layouts: ClassVar[tuple[str, ...]] = ()

    @property
    def roles(self) -> tuple[str, ...]:
        """Of the outputs, in their order."""
        return tuple(self.kinds)

    # What a model gives.

    def arrays(self, values: Any, source: str) -> dict[str, np.ndarray]:
        """The outputs of a model by role.

        Args:
            values: One array, several in the order of the roles, or a mapping by role.
            source: What to call the model in a message.

        Raises:
            InputError: Another number of outputs, or other names.
        """
        if isinstance(values, Mapping):
            alone = len(values) == len(self.roles) == 1
            if not alone and set(values) != set(self.roles):
                raise self._other_outputs(source, ", ".join(map(str, values)))
            parts = list(values.values()) if alone else [values[role] for role in self.roles]
        else:
            parts = list(values) if isinstance(values, (list, tuple)) else [values]
        if len(parts) != len(self.roles):
            raise self._other_outputs(source, f"{len(parts)} outputs")
        return {role: np.asarray(part) for role, part in zip(self.roles, parts, strict=True)}

    def _other_outputs(self, source: str, received: str) -> InputError:
        roles = ", ".join(self.roles)
        count = "one output" if len(self.roles) == 1 else f"{len(self.roles)} outputs"
        return InputError(
            f"{source} does not suit the task {self.name}. Expected: {count} ({roles}). Received: "
            f"{received}. Choose another task, or make a keras.Model with these outputs."
        )

    def describe(
        self, arrays: Arrays, kinds: Sequence[Kind | None], source: str
    ) -> tuple[Output, ...]:
        """What the outputs of a model are.

        Args:
            arrays: For all images there are: they decide where `kinds` does not.
            kinds: What the last layers say, in the order of the roles; None where they do not.
            source: What to call the model in messages.

        Raises:
            InputError: Outputs that cannot be those of this task; the message says what to change.
        """
        raise NotImplementedError

    def check_outputs(self, outputs: Sequence[Output], names: int) -> None:
        """Raises InputError unless a manifest's outputs can be those of this task."""
        found = tuple(output.role for output in outputs)
        if found != self.roles:
            raise InputError(
                f"outputs: expected the roles {list(self.roles)}. Received: {list(found)}."
            )
        self.check_rows(outputs, "outputs")
        for output in outputs:
            if output.kind not in self.kinds[output.role]:
                known = " or ".join(self.kinds[output.role])
                raise InputError(f"output.kind: expected {known}. Received: {output.kind}.")

    def check_rows(self, outputs: Sequence[Output], source: str) -> None:
        """Raises InputError unless there is one row of numbers for each image, to be named."""
        shape = outputs[0].shape
        if len(shape) != 2:
            raise InputError(
                f"{source}: no {self.title.lower()}, since the output has the shape "
                f"{list(shape[1:])}. Expected one number for each {self.nouns[0]}, [n, "
                f"{self.nouns[1]}]."
            )

    def names(self, outputs: Sequence[Output]) -> int:
        """How many names the outputs need."""
        return outputs[0].names

    # What it is trained and judged on.

    def check_targets(self, targets: Any, n: int, names: int) -> np.ndarray:
        """Targets of `n` images in the task's own form.

        Raises:
            InputError: They do not fit; the message names the value and where it stands.
        """
        raise NotImplementedError

    def check_training(self, targets: np.ndarray, names: Sequence[str]) -> str | None:
        """What the targets of the training images cannot teach, half a sentence; None if all."""
        return None

    def strata(self, targets: np.ndarray) -> np.ndarray | None:
        """By what splits and samples are stratified.

        Returns:
            The class of each image, int [n]; whether it has each label, bool [n, labels]; or None:
            at random.
        """
        return None

    # What it answers.

    def predictions(self, arrays: Arrays, outputs: Sequence[Output]) -> dict[str, np.ndarray]:
        """Probabilities and quantities of what a model gives, by role."""
        return {output.role: output.predictions(arrays[output.role]) for output in outputs}

    def score(
        self,
        predictions: Arrays,
        targets: np.ndarray,
        outputs: Sequence[Output],
        names: Sequence[str],
        step: float = 0.0,
    ) -> Metrics:
        """How good predictions are.

        Args:
            predictions: From `predictions`.
            targets: From `check_targets`.
            outputs: What the predictions are.
            names: Of the classes, labels or quantities.
            step: The smallest a probability can be beside 0, as 8 bits have one; 0 for floats.
        """
        raise NotImplementedError

    def words(
        self, prediction: Arrays, outputs: Sequence[Output], names: Sequence[str], top: int = 3
    ) -> str:
        """The prediction for one image (arrays without a batch) in a line of text."""
        raise NotImplementedError

    def as_json(
        self, prediction: Arrays, outputs: Sequence[Output], names: Sequence[str], top: int = 3
    ) -> dict[str, Any]:
        """The same as JSON values."""
        raise NotImplementedError

    def answer(
        self, prediction: Arrays, outputs: Sequence[Output], names: Sequence[str]
    ) -> tuple[str, float | None]:
        """The shortest form of it, and its probability where that is one number."""
        return self.words(prediction, outputs, names, top=1), None

    def truth_in_words(self, target: Any, names: Sequence[str]) -> str:
        """The target of one image, as `answer` puts an answer."""
        raise NotImplementedError

    def align(
        self,
        predictions: Arrays,
        targets: np.ndarray,
        known: Sequence[str],
        names: Sequence[str],
    ) -> tuple[dict[str, np.ndarray], np.ndarray, tuple[str, ...]]:
        """Predictions of a model that knows some names, and targets by others, in one order.

        Args:
            predictions: Of the model.
            targets: By `names`.
            known: The model's names.
            names: Those of the data: all of the model's, in any order, or some of them.

        Returns:
            Predictions, targets and names that go together.
        """
        raise NotImplementedError

    # Whether two models give the same.

    def right(self, arrays: Arrays, targets: np.ndarray, outputs: Sequence[Output]) -> Any:
        """Which decisions are right, bool [n, decisions]; None where there is no right and wrong.

        That of the first output's classes, in a task that does not say otherwise.
        """
        first = outputs[0]
        if not first.decides:
            return None
        return first.decisions(arrays[first.role]) == targets.reshape(len(targets), -1)

    def compare(
        self,
        path: str,
        wanted: Arrays,
        got: Arrays,
        outputs: Sequence[Output],
        targets: np.ndarray | None,
        tolerance: Tolerance,
        source: Source = "samples",
        steps: Sequence[float] = (),
        image_size: tuple[int, int] | None = None,
    ) -> Report:
        """Compares a file's outputs with the model's by what they are, figure by figure.

        Args:
            path: What to call the file.
            wanted: Outputs of the Keras model.
            got: Outputs of the file, de-quantised, of the same shapes.
            outputs: What they are.
            targets: The truth in the form of the task, or None.
            tolerance: The limits, relative to the range of each output.
            source: Whose images these are.
            steps: Smallest step of each of the file's outputs, 0 for floats.
            image_size: Height and width of the images, for tasks that compare places in them.
        """
        n = len(next(iter(wanted.values())))
        finite = all(
            np.isfinite(values[output.role]).all() for values in (wanted, got) for output in outputs
        )
        metrics = [Metric("finite", float(finite), 1.0, finite)]
        if not finite:
            return Report(
                path=path, metrics=tuple(metrics), samples=n, source=source,
                output_range=float("nan"), answers=n, changed=0, near_ties=0,
                reference_accuracy=None, accuracy=None,
            )  # fmt: skip
        found = []
        for output, step in zip(outputs, steps or [0.0] * len(outputs), strict=True):
            pair = wanted[output.role], got[output.role]
            found.append(compare_output(output, *pair, tolerance, step))
            before = f"{output.role}." if len(outputs) > 1 else ""
            metrics += [
                Metric(before + one.name, one.value, one.limit, one.passed)
                for one in found[-1].metrics
            ]
        before_and_after: tuple[float | None, float | None] = (None, None)
        right = None if targets is None else self.right(wanted, targets, outputs)
        if targets is not None and right is not None:
            now = self.right(got, targets, outputs)
            before_and_after = float(right.mean()), float(now.mean())
            metrics.append(accuracy_drop(right, now, tolerance))
        return Report(
            path=path,
            metrics=tuple(metrics),
            samples=n,
            source=source,
            output_range=found[0].output_range,
            answers=sum(one.answers for one in found),
            changed=sum(one.changed for one in found),
            near_ties=sum(one.near_ties for one in found),
            reference_accuracy=before_and_after[0],
            accuracy=before_and_after[1],
        )

    def check_alike(self, wanted: Arrays, got: Arrays) -> None:
        """Raises InputError unless a file's outputs have the shapes of the model's."""
        for role, values in wanted.items():
            if got[role].shape != values.shape:
                raise InputError(
                    f"the file's outputs have shape {list(got[role].shape)}, the model's "
                    f"{list(values.shape)}: they are not the same model"
                )

    def laid_out(
        self, arrays: Arrays, outputs: Sequence[Output], layout: str
    ) -> tuple[dict[str, np.ndarray], tuple[Output, ...]]:
        """A model's outputs, and what they are, as files of one of the `layouts` give them."""
        return dict(arrays), tuple(outputs)

    def differences(
        self, wanted: Arrays, got: Arrays, outputs: Sequence[Output]
    ) -> dict[str, np.ndarray]:
        """By role how far outputs are apart, in their units; no numbers where nothing compares."""
        return {one.role: np.abs(got[one.role] - wanted[one.role]) / one.units for one in outputs}

    def same(self, wanted: Arrays, got: Arrays, outputs: Sequence[Output]) -> np.ndarray | None:
        """Which images have all decisions alike [n]; None where nothing is decided."""
        deciding = [output for output in outputs if output.decides]
        if not deciding:
            return None
        rows = [
            (one.decisions(wanted[one.role]) == one.decisions(got[one.role])).all(axis=1)
            for one in deciding
        ]
        alike: np.ndarray = np.logical_and.reduce(rows)
        return alike

    def agrees(self, wanted: Arrays, got: Arrays, outputs: Sequence[Output]) -> np.ndarray:
        """Which images get the same answer from both [n]."""
        same = [output.agrees(wanted[output.role], got[output.role]) for output in outputs]
        result: np.ndarray = np.logical_and.reduce(same)
        return result

    def margins(self, arrays: Arrays, outputs: Sequence[Output]) -> np.ndarray:
        """How far each answer is from another one [n]; 0 where there is no other."""
        found = np.min([output.margins(arrays[output.role]) for output in outputs], axis=0)
        return np.where(np.isfinite(found), found, 0.0)

    def groups(self, arrays: Arrays, outputs: Sequence[Output]) -> np.ndarray:
        """A number for each kind of answer [n], to choose images of all kinds."""
        deciding = [output for output in outputs if output.decides] or outputs[:1]
        rows = np.stack([output.groups(arrays[output.role]) for output in deciding], axis=1)
        _, numbers = np.unique(rows, axis=0, return_inverse=True)
        return numbers.reshape(len(rows))


_TASKS: dict[str, Task] = {}


def register(task: Task) -> Task:
    """Makes a task known by its name, in place of an earlier one of that name."""
    _TASKS[task.name] = task
    return task


def get(name: str | Task) -> Task:
    """The task called `name`, such as `Splits.task` has it; a Task is returned as it is.

    Raises:
        InputError: None has this name.
    """
    if isinstance(name, Task):
        return name
    if name in _TASKS:
        return _TASKS[name]
    close = difflib.get_close_matches(str(name).lower().replace("-", "_"), _TASKS, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    raise InputError(f"task must be one of {', '.join(_TASKS)}.{hint} Received: {name!r}.")


def names() -> tuple[str, ...]:
    """The names of all tasks."""
    return tuple(_TASKS)
