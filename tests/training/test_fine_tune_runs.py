"""Runs that fine-tune: phases, resumption, class weights, the time budget, what is refused."""

import itertools
import json
import logging
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from PIL import Image

import kerascnn
from kerascnn.errors import InputError
from kerascnn.training import FineTune, open_run, plan, time_budget, train
from kerascnn.training.defaults import Settings
from kerascnn.transfer import Phase

PHASES = (
    Phase(name="head", until="head", epochs=2, learning_rate=0.01, augment=False),
    Phase(name="all", until=0.0, epochs=2, learning_rate=0.002),
)
PLAN = FineTune(phases=PHASES)


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    """32 dark and 16 bright pictures, 32x32, grey and noisy."""
    folder = tmp_path_factory.mktemp("shades")
    rng = np.random.default_rng(0)
    for name, count, light in (("dark", 32, 60), ("bright", 16, 160)):
        (folder / name).mkdir()
        for number in range(count):
            pixels = rng.integers(0, 90, (32, 32)) + light
            Image.fromarray(pixels.astype(np.uint8)).save(folder / name / f"{number}.png")
    return folder


def fitted(pictures, out, **options):
    settings = {"fine_tune": PLAN, "weights": "none", "augment": "light", "batch_size": 8}
    return train(str(pictures), "LeNet5", out, **{**settings, **options})


@pytest.fixture(scope="session")
def tuned(pictures, tmp_path_factory):
    return fitted(pictures, tmp_path_factory.mktemp("tuned") / "run")


def test_the_run_has_its_phases_and_can_be_used(tuned):
    assert [(row["epoch"], row["phase"]) for row in tuned.history] == [
        *((1, 1), (2, 1), (3, 2), (4, 2))
    ]
    run = open_run(tuned.folder)
    assert run.config.fine_tuning == PLAN
    assert run.config.augment == "light"
    names = [layer.name for layer in run.load_model().layers]
    assert names[0] == "image"
    assert names[-1] == "predictions"
    assert not (tuned.folder / "backup").exists()
    assert "head" in (tuned.folder / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("done", [1, 3])
def test_interrupted_in_either_phase_it_finishes_with_the_same_phases(
    done, tuned, pictures, tmp_path
):
    class Interrupt(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch + 1 == done:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fitted(pictures, tmp_path / "run", callbacks=[Interrupt()])
    result = train(None, None, tmp_path / "run", resume=True)
    assert [row["phase"] for row in result.history] == [1, 1, 2, 2]
    for found, expected in zip(result.history, tuned.history, strict=True):
        assert found["learning_rate"] == pytest.approx(expected["learning_rate"], rel=1e-5)
        # Keras does not save what dropout would draw next.
        near = 0.1 if found["epoch"] > done else 1e-3
        for name in ("loss", "val_loss"):
            assert found[name] == pytest.approx(expected[name], rel=near)


def test_unequal_classes_are_weighted_and_this_is_said(pictures, tmp_path, caplog):
    with caplog.at_level(logging.INFO, "kerascnn"):
        fitted(pictures, tmp_path / "run", fine_tune=FineTune(phases=PHASES[:1]))
    assert "not balanced (13 to 26 images)" in caplog.text


def test_the_time_budget_shortens_the_last_phase_and_is_kept(
    pictures, tmp_path, caplog, monkeypatch
):
    clock = SimpleNamespace(perf_counter=itertools.count(0.0, 0.1).__next__)  # 0.1 s per look
    monkeypatch.setattr(time_budget, "time", clock)
    long = (PHASES[0], Phase(name="all", until=0.0, epochs=100_000, learning_rate=1e-3))
    with caplog.at_level(logging.INFO, "kerascnn"):
        result = fitted(
            pictures, tmp_path / "run", fine_tune=FineTune(phases=long, time_budget=6.0)
        )
    assert "of 100000 epochs fit into the time budget" in caplog.text
    epochs = open_run(tmp_path / "run").config.fine_tuning.phases[1].epochs
    assert 3 < epochs < 100
    assert 3 < len(result.history) <= 2 + epochs
    done = len(result.history) - 2
    assert "the time budget of 6 s bought: phase 'head' 2 of 2 epochs" in caplog.text
    assert f"phase 'all' {done} of 100000 epochs" in caplog.text


def test_a_learning_rate_is_found_and_kept(tmp_path, caplog):
    once = Phase(name="all", until=0.0, epochs=1, learning_rate=1e-3)
    settings = FineTune(head="mlp", phases=(once,), find_learning_rate=True)
    with caplog.at_level(logging.INFO, "kerascnn"):
        train("digits", "LeNet5", tmp_path / "run", weights="none", fine_tune=settings)
    kept = json.loads((tmp_path / "run" / "config.json").read_text(encoding="utf-8"))
    rate = kept["fine_tuning"]["phases"][0]["learning_rate"]
    assert f"learning rate {rate:.2g}, by a range test" in caplog.text


def test_a_range_test_that_fails_leaves_the_learning_rate_and_says_so(pictures, tmp_path, caplog):
    settings = FineTune(phases=PHASES[1:], find_learning_rate=True)
    result = fitted(pictures, tmp_path / "run", fine_tune=settings)  # 39 images: too few
    assert "the range test failed, and the learning rate stays 0.002" in caplog.text
    assert len(result.history) == 2


def test_fine_tuning_needs_weights_to_start_from(pictures, tmp_path):
    with pytest.raises(InputError, match="no weights are published for LeNet5"):
        train(str(pictures), "LeNet5", tmp_path / "run", fine_tune=True)
    assert not (tmp_path / "run").exists()


def test_patience_is_refused(pictures, tmp_path):
    with pytest.raises(InputError, match="`patience` does not go with `fine_tune`"):
        fitted(pictures, tmp_path / "run", patience=3)


@pytest.mark.parametrize(("augment", "views"), [("light", 2), ("none", 1)])
def test_mirror_images_are_cached_only_if_the_augmentation_has_them(
    augment, views, pictures, tmp_path, caplog
):
    class Count(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            folders = sorted((tmp_path / "run" / "backup" / "features").iterdir())
            self.counts = {len(list(folder.glob("features-*"))) for folder in folders}

    count = Count()
    fitted(
        pictures,
        tmp_path / "run",
        augment=augment,
        fine_tune=FineTune(phases=PHASES[:1]),
        callbacks=[count],
    )
    assert max(count.counts) == views


def test_another_head_is_taken_and_classes_need_no_weights(pictures, tmp_path, caplog):
    plan = FineTune(head="mlp", phases=PHASES[:1], balance=False)
    with caplog.at_level(logging.INFO, "kerascnn"):
        fitted(pictures, tmp_path / "run", fine_tune=plan)
    assert "not balanced" not in caplog.text
    layers = {layer.name for layer in open_run(tmp_path / "run").load_model().layers}
    assert any(name.startswith("head_norm") for name in layers)
    with pytest.raises(InputError, match="mpl"):
        fitted(pictures, tmp_path / "no", fine_tune=FineTune(head="mpl"))
    assert not (tmp_path / "no").exists()


def test_what_is_decided_by_family():
    settings = Settings(fine_tuning_rate=2e-4)
    phases = FineTune().completed(settings, None, None).phases
    assert [phase.learning_rate for phase in phases] == [3e-3, 2e-4]
    phases = FineTune().completed(settings, 7, 0.5).phases
    assert (phases[-1].epochs, phases[-1].learning_rate) == (7, 0.5)
    assert FineTune(phases=PHASES).completed(settings, None, None).phases == PHASES
    assert plan.pretrained("MobileNetV2", None) == "imagenet"
    assert plan.pretrained("LeNet5", "None") is None
    assert [plan.image_size(s) for s in ((224, 224), (299, 299), (32, 32))] == [
        *((256, 256), (352, 352), (32, 32))
    ]
    assert plan.image_size((227, 227), 1.0) == (227, 227)
    with pytest.raises(InputError, match="`time_budget` must be a number above 0"):
        FineTune(time_budget=0)


def test_phases_are_found_by_the_epoch():
    assert [PLAN.phase_of(epoch) for epoch in range(4)] == [1, 1, 2, 2]
    assert PLAN.epochs == 4


SAFE = FineTune(
    phases=(
        Phase(name="head", until="head", epochs=9, learning_rate=0.01, augment=False, exact=True),
        Phase(name="all", until=0.0, epochs=3, learning_rate=1e4, guarded=True, average=0.3),
    )
)


@pytest.fixture(scope="session")
def fallen(pictures, tmp_path_factory):
    return fitted(pictures, tmp_path_factory.mktemp("fallen") / "run", fine_tune=SAFE)


def test_a_run_that_falls_is_begun_again_and_keeps_its_head(fallen):
    phases = open_run(fallen.folder).config.fine_tuning.phases
    assert phases[0].epochs == 1
    assert [phase.name for phase in phases[1:]] == ["all"] * (len(phases) - 1)
    assert len(phases) > 2
    assert phases[2].learning_rate == pytest.approx(phases[1].learning_rate / 3)
    assert len(fallen.history) == sum(phase.epochs for phase in phases)
    accuracies = [row["val_accuracy"] for row in fallen.history]
    assert fallen.metrics["validation"].accuracy == pytest.approx(max(accuracies))
    assert fallen.metrics["validation"].accuracy >= accuracies[0]
    assert [row["phase"] for row in fallen.history] == sorted(
        number for number, phase in enumerate(phases, 1) for _ in range(phase.epochs)
    )


@pytest.mark.parametrize("done", [2, 3])
def test_interrupted_around_a_fall_it_has_the_same_phases(done, fallen, pictures, tmp_path):
    class Interrupt(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch + 1 == done:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fitted(pictures, tmp_path / "run", fine_tune=SAFE, callbacks=[Interrupt()])
    result = train(None, None, tmp_path / "run", resume=True)
    assert result.history[0]["val_accuracy"] == fallen.history[0]["val_accuracy"]
    phases, expected = (
        [(phase.name, phase.learning_rate) for phase in open_run(run).config.fine_tuning.phases]
        for run in (tmp_path / "run", fallen.folder)
    )
    assert phases[: done + 1] == expected[: done + 1]
    assert result.best_epoch == 1 or result.metrics["validation"].accuracy >= max(
        row["val_accuracy"] for row in result.history
    )


@pytest.mark.parametrize("channels", [1, 3])
def test_grey_images_are_read_as_the_weights_take_them(channels, pictures, tmp_path):
    """As grey pictures for a network that was trained on photos."""
    path = tmp_path / "pretrained.weights.h5"
    kerascnn.models.LeNet5(input_shape=(32, 32, channels), classes=4).save_weights(path)
    found = fitted(pictures, tmp_path / "run", fine_tune=FineTune(phases=PHASES[:1]), weights=path)
    assert open_run(found.folder).config.input_shape == (32, 32, channels)
