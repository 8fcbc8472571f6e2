"""A task of one's own, with two outputs: all of it in this file, from a table to the device kit.

What is on a picture (a class) and how many of it (a number). Nothing in kerascnn knows it.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import keras
import numpy as np
import pytest
from PIL import Image

from kerascnn import data, tasks, train
from kerascnn.cli.main import main
from kerascnn.data.tables.targets import Targets, register_reader
from kerascnn.export import export_bundle
from kerascnn.export.contract import manifest
from kerascnn.inference import open_predictor
from kerascnn.tasks.classification import check_labels
from kerascnn.tasks.words import number, percent
from kerascnn.training import objectives, open_run

KIT = Path(__file__).parents[2] / "export" / "python" / "run.py"


@dataclass(frozen=True)
class FlockMetrics(tasks.Metrics):
    """Figures of a split."""

    accuracy: float
    count_error: float
    images: int
    title: ClassVar[str] = "accuracy"

    @property
    def share(self):
        return self.accuracy

    def lines(self, percent=percent):
        return [percent(self.accuracy), f"count off by {number(self.count_error)}"]

    def rows(self):
        return ("accuracy", "count error"), [(percent(self.accuracy), number(self.count_error))]


class Flock(tasks.Task):
    """Targets are rows [n, 2] of a class and a count."""

    name = "flock"
    title = "Flock counter"
    kinds: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "scores": ("probabilities", "logits"),
        "count": ("quantities",),
    }

    def describe(self, arrays, kinds, source):
        return (
            tasks.class_scores(arrays["scores"], kinds[0], source),
            tasks.quantities("count", arrays["count"]),
        )

    def check_targets(self, targets, n, names):
        targets = np.asarray(targets, np.float64).reshape(n, 2)
        check_labels(targets[:, 0].astype(int), n, names)
        return targets

    def strata(self, targets):
        return targets[:, 0].astype(int)

    def right(self, arrays, targets, outputs):
        return outputs[0].decisions(arrays["scores"]) == targets[:, :1]

    def score(self, predictions, targets, outputs, names, step=0.0):
        right = predictions["scores"].argmax(-1) == targets[:, 0]
        off = np.abs(predictions["count"][:, 0] - targets[:, 1])
        return FlockMetrics(float(right.mean()), float(off.mean()), len(right))

    def words(self, prediction, outputs, names, top=3):
        kind = names[int(prediction["scores"].argmax())]
        return f"{number(float(prediction['count'][0]))} x {kind}"

    def as_json(self, prediction, outputs, names, top=3):
        kind = names[int(prediction["scores"].argmax())]
        return {"kind": kind, "count": float(prediction["count"][0])}

    def truth_in_words(self, target, names):
        return f"{number(float(target[1]))} x {names[int(target[0])]}"

    def align(self, predictions, targets, known, names):
        places = np.array([list(known).index(name) for name in names])
        moved = np.stack([places[targets[:, 0].astype(int)], targets[:, 1]], axis=1)
        return dict(predictions), moved, tuple(known)


class FlockObjective(objectives.Objective):
    """Two heads on one backbone."""

    task = "flock"
    metrics = (("accuracy",), ("mae",))

    def network(self, create, names, labels, options):
        backbone = create(include_top=False, pooling="avg", **options)
        scores = keras.layers.Dense(len(names), "softmax", name="kind")(backbone.output)
        count = keras.layers.Dense(1, name="counted")(backbone.output)
        return keras.Model(backbone.input, [scores, count], name=backbone.name)

    def rows(self, labels, names):
        return np.eye(len(names), dtype="f4")[labels[:, 0].astype(int)], labels[:, 1:]

    def targets(self, dataset, names):
        import tensorflow as tf

        def encode(images, labels):
            return images, (tf.one_hot(tf.cast(labels[:, 0], tf.int32), len(names)), labels[:, 1:])

        return dataset.map(encode)

    def loss(self, model, labels, label_smoothing):
        return ["categorical_crossentropy", "mse"]


def read_flock(table, columns):
    """The columns `animal` and `count`."""
    animals = table.cells("animal")
    names = tuple(sorted(set(animals)))
    rows = [
        (names.index(animal), float(count))
        for animal, count in zip(animals, table.cells("count"), strict=True)
    ]
    return Targets("flock", names, np.array(rows, np.float32))


@pytest.fixture(scope="module", autouse=True)
def registered():
    tasks.register(Flock())
    objectives.register(FlockObjective())
    register_reader("flock", read_flock)
    yield
    from kerascnn.data.tables import targets
    from kerascnn.tasks import task
    from kerascnn.training.objectives import base

    for known in (task._TASKS, base._OBJECTIVES, targets._READERS):
        known.pop("flock")


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """96 pictures of up to four red or blue spots."""
    folder, random = tmp_path_factory.mktemp("flock"), np.random.default_rng(0)
    lines = ["file,animal,count"]
    for i in range(96):
        animal, count = ("fox", "owl")[i % 2], 1 + i // 2 % 4
        pixels = random.integers(0, 40, (32, 32, 3), dtype=np.uint8)
        for place in random.permutation(16)[:count]:
            y, x = 8 * (place // 4) + 1, 8 * (place % 4) + 1
            pixels[y : y + 6, x : x + 6, 0 if animal == "fox" else 2] = 230
        Image.fromarray(pixels).save(folder / f"{i}.png")
        lines.append(f"{i}.png,{animal},{count}")
    (folder / "flock.csv").write_text("\n".join(lines))
    return folder / "flock.csv"


@pytest.fixture(scope="module")
def run(table):
    return train(
        *(str(table), "LeNet5", table.parent / "run"),
        task="flock",
        epochs=25,
        batch_size=8,
        learning_rate=5e-3,
    )


def call(capsys, *arguments):
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    assert stop.value.code == 0, captured.err
    return captured.out


def test_it_is_trained_and_leaves_a_report(run):
    found = run.metrics["validation"]
    assert found.accuracy > 0.9
    assert found.count_error < 0.8
    assert json.loads((run.folder / "config.json").read_text())["task"] == "flock"
    page = (run.folder / "report.html").read_text("utf-8")
    assert "Flock counter" in page
    assert "count_error" in page


def test_it_is_evaluated_and_predicts(run, table, capsys):
    saved = run.metrics["validation"]
    result = json.loads(call(capsys, "evaluate", run.folder, "--json"))["results"]["model.keras"]
    assert result["accuracy"] == saved.accuracy
    assert result["count_error"] == pytest.approx(saved.count_error, rel=1e-4)
    assert "count error" in call(capsys, "evaluate", run.folder, "--tta", "flip")
    words = call(capsys, "predict", run.folder, table.parent / "3.png")
    assert words.rstrip().endswith("x owl")
    (answer,) = json.loads(call(capsys, "predict", run.folder, table.parent / "6.png", "--json"))
    assert answer["kind"] == "fox"
    assert answer["count"] == pytest.approx(4, abs=1.5)


@pytest.fixture(scope="module")
def bundle(run, table):
    opened = open_run(run.folder)
    splits = opened.data()
    images, targets = splits.sample("train", 60)
    return export_bundle(
        opened.load_model(),
        table.parent / "bundle",
        samples=images,
        labels=targets,
        class_names=splits.class_names,
        evaluation=splits.arrays("validation"),
        task="flock",
    )


def test_the_bundle_says_what_its_outputs_are(bundle):
    described = manifest.read(bundle.folder)
    assert described.model.task == "flock"
    assert [output.role for output in described.outputs] == ["scores", "count"]
    assert [output.kind for output in described.outputs] == ["probabilities", "quantities"]
    assert [output.shape for output in described.outputs] == [(1, 2), (1, 1)]
    with np.load(bundle.folder / "golden.npz") as golden:
        assert set(golden.files) == {"inputs", "scores", "count"}
    checks = {check.name for check in bundle.reports["int8"].checks}
    assert {"scores.top1_agreement", "count.max_of_range", "accuracy_drop"} <= checks


def test_the_device_kit_passes_its_self_test_and_predicts(bundle, table):
    blocked = "import sys; sys.modules['kerascnn'] = sys.modules['keras'] = None\n"
    start = "import runpy; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], None, '__main__')"

    def kit(*arguments):
        command = [sys.executable, "-I", "-c", blocked + start, KIT, *arguments]
        return subprocess.run(
            [str(part) for part in command], capture_output=True, text=True, check=False
        )

    done = kit("--selftest", bundle.folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line.split()[:2] for line in done.stdout.splitlines()] == [
        ["ok", "float32"],
        ["ok", "int8"],
    ]
    assert "count: difference of range" in done.stdout
    done = kit(bundle.folder, table.parent / "3.png")
    assert "owl" in done.stdout
    assert "; count " in done.stdout


@pytest.mark.parametrize("recipe", ["float32", "int8"])
def test_the_bundle_is_evaluated_and_predicts(bundle, run, table, capsys, recipe):
    saved = run.metrics["validation"]
    options = ("--data", table, "--split", "validation", "--recipe", recipe, "--json")
    result = json.loads(call(capsys, "evaluate", bundle.folder, *options))["results"][recipe]
    assert result["accuracy"] == pytest.approx(saved.accuracy, abs=0.06)
    assert result["count_error"] == pytest.approx(saved.count_error, abs=0.15)
    images = data.load(table, 32, task="flock").arrays("validation")[0]
    predictions = open_predictor(bundle.folder, recipe=recipe).predict(images)
    assert {role: values.shape[1] for role, values in predictions.items()} == {
        "scores": 2,
        "count": 1,
    }
