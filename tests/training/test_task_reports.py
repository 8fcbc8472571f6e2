"""The page of a run on labels or on quantities: what it says is what the model and the data say."""

import html.parser
import re

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

from kerascnn import data
from kerascnn.training import write_report


class Page(html.parser.HTMLParser):
    """Its text, and whether its tags are closed in the right order."""

    def __init__(self, path):
        super().__init__()
        self.source, self.open, self.words = path.read_text("utf-8"), [], []
        self.feed(self.source)
        assert self.open == []
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attributes):
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, words):
        self.words.append(words)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """50 noisy pictures, bright on the left, on the right, on both sides or on none."""
    folder, random = tmp_path_factory.mktemp("sides"), np.random.default_rng(0)
    labels, values = ["file,<left>,right"], ["file,light,year"]
    for i in range(50):
        left, right = i % 2, i // 2 % 2
        pixels = random.integers(0, 60, (40, 40, 3))
        pixels[:, :20] += 150 * left
        pixels[:, 20:] += 150 * right
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{i}.png")
        labels.append(f"{i}.png,{left},{right}")
        values.append(f"{i}.png,{pixels.mean():.4f},{3000 if i in (7, 12) else 2000 + i}")
    (folder / "labels.csv").write_text("\n".join(labels))
    (folder / "values.csv").write_text("\n".join(values))
    return folder


def network(last):
    keras.utils.set_random_seed(1)
    return keras.Sequential(
        [
            keras.Input((40, 40, 3)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(4, 5, strides=4, activation="relu"),
            layers.Flatten(),
            *last,
        ],
        name="sides",
    )


def rows(metric):
    return [
        {"loss": 2.0, metric: 0.5, "val_loss": 2.5, f"val_{metric}": 0.4, "learning_rate": 1e-3},
        {"loss": 1.0, metric: 0.8, "val_loss": 1.5, f"val_{metric}": 0.7, "learning_rate": 1e-4},
    ]


@pytest.fixture(scope="module")
def labelled(folder):
    splits = data.load(folder / "labels.csv", 40, validation_split=0.4)
    model = network([layers.Dense(2, activation="sigmoid")])
    path = folder / "labels.html"
    return Page(write_report(model, splits, path, history=rows("binary_accuracy"))), model, splits


@pytest.fixture(scope="module")
def valued(folder):
    splits = data.load(folder / "values.csv", 40, validation_split=0.4)
    model = network([layers.Dense(2), layers.Rescaling([50.0, 10.0], [80.0, 2000.0])])
    path = folder / "values.html"
    return Page(write_report(model, splits, path, history=rows("mae"))), model, splits


def test_labels_have_their_parts_and_figures(labelled):
    page, model, splits = labelled
    assert "Multi-label image classifier · 2 labels" in page.text
    for title in ("Data", "Training", "Decisions right", "Labels", "Worst answers", "Confidence"):
        assert title in page.words
    images, truth = splits.arrays("validation")
    given = model.predict_on_batch(images) > 0.5
    exact = f"{100 * (given == truth).all(axis=1).mean():.2f}".removesuffix(".00").rstrip("0")
    assert re.search(rf"all labels right {re.escape(exact)}0? %", page.text)
    assert "Four training images of each label" in page.text
    assert "training images have no label" in page.text
    assert "what spoke for the label that is furthest off (Grad-CAM)" in page.text
    assert "<left>" in page.text
    assert "&lt;left&gt;" in page.source


def test_quantities_have_their_parts_and_figures(valued):
    page, model, splits = valued
    assert "Image regressor · 2 quantities" in page.text
    for title in ("Mean absolute error", "Quantities", "light: predicted by true", "year: errors"):
        assert title in page.words
    images, truth = splits.arrays("validation")
    off = np.abs(model.predict_on_batch(images) - truth).mean(axis=0)
    for name, error in zip(splits.class_names, off, strict=True):
        assert re.search(rf"{name} {error:.4g}\b", page.text)
    far = int((splits.labels("train")[:, 1] == 3000).sum())
    assert far
    assert f"More than 3 interquartile ranges outside the quartiles: {far} of 30. Are" in page.text
    assert "is predicted no better than by its mean" in page.text
    assert "what raised the quantity that is furthest off" in page.text


def test_the_worst_answers_are_the_worst(labelled, valued):
    for page, model, splits in (labelled, valued):
        images, truth = splits.arrays("validation")
        found = model.predict_on_batch(images)
        if page is labelled[0]:
            losses = -np.log(np.clip(np.where(truth > 0, found, 1 - found), 1e-7, 1)).mean(axis=1)
        else:
            std = splits.labels("train").astype(float).std(axis=0)
            losses = (np.abs(found - truth) / std).max(axis=1)
        cards = re.findall(r'<figure class="card answer.*?</figure>', page.source, re.S)
        cards = [card for card in cards if "answer</span>" in card]
        assert len(cards) == 12
        assert all(card.count("<img") == 2 for card in cards)
        assert splits.paths("validation")[int(losses.argmax())].name in cards[0]


def test_the_best_epoch_is_the_one_of_the_lowest_loss(labelled, valued):
    for page, _, _ in (labelled, valued):
        assert "The dashed line marks epoch 2, the best on the validation images." in page.text


def test_pages_load_nothing(labelled, valued):
    for page, _, _ in (labelled, valued):
        assert not re.search(r"https?:|@import|url\(|<script|<link", page.source)


def test_one_label_alone_has_a_page(folder):
    table = folder / "one.csv"
    lines = (folder / "labels.csv").read_text().splitlines()
    table.write_text("\n".join(line.rsplit(",", 1)[0] for line in lines))
    splits = data.load(table, 40, task="multi_label", validation_split=0.4)
    model = network([layers.Dense(1, activation="sigmoid")])
    page = Page(write_report(model, splits, folder / "one.html"))
    assert "Multi-label image classifier · 1 label ·" in page.text
    assert "Worst answers" in page.words
