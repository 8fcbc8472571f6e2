"""The page of a training: what it says is what the data and the model say."""

import html.parser
import re
import shutil

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

from kerascnn import data
from kerascnn.errors import InputError
from kerascnn.training import open_run, write_report
from kerascnn.training.report.classification_pages import ClassificationPages
from kerascnn.training.report.confusion_section import confused_pairs, shown_classes
from kerascnn.training.report.curves_section import curves_section
from kerascnn.training.report.data_checks import data_checks
from kerascnn.training.report.history import as_rows, best_epoch
from kerascnn.training.report.outcome import judge


class Page(html.parser.HTMLParser):
    """Collects tags and text, and fails on tags that are closed in the wrong order."""

    def __init__(self, path):
        super().__init__()
        self.source = path.read_text(encoding="utf-8")
        self.open, self.tags, self.words = [], [], []
        self.feed(self.source)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, words):
        self.words.append(words)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())

    def having(self, name):
        return [a for _, a in self.tags if name in a.get("class", "").split()]


def network(shape, classes, *, activation="softmax"):
    keras.utils.set_random_seed(2)
    return keras.Sequential(
        [
            keras.Input(shape),
            layers.Rescaling(1 / 255),
            layers.Conv2D(4, 3, strides=2, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(classes, activation=activation),
        ],
        name="net",
    )


@pytest.fixture
def folder(tmp_path):
    """Two classes with names that are HTML; a copy, a damaged and a small file among them."""
    root, random = tmp_path / "photos", np.random.default_rng(0)
    for shade, name in ((0, "<b>dark"), (120, "light & low")):
        (root / name).mkdir(parents=True)
        for number in range(12 if shade else 40):
            pixels = shade + random.integers(0, 130, (9, 9, 3))
            image = Image.fromarray(pixels.astype(np.uint8)).resize((70 + number % 3, 72))
            image.save(root / name / f"{number:02d}.png")
    shutil.copy(root / "<b>dark" / "05.png", root / "light & low" / "copy.png")
    (root / "<b>dark" / "damaged.jpg").write_bytes(b"nothing")
    Image.new("RGB", (20, 70), "red").save(root / "<b>dark" / "narrow.png")
    return root


@pytest.fixture
def splits(folder):
    return data.load(folder, 48, validation_split=0.3)


@pytest.fixture
def page(splits, tmp_path):
    history = [
        {"loss": 1.0, "accuracy": 0.9, "val_loss": 1.1, "val_accuracy": 0.5, "phase": "head"},
        {"loss": 0.8, "accuracy": 0.95, "val_loss": 0.9, "val_accuracy": 0.6, "phase": "<all>"},
    ]
    path = write_report(
        network((48, 48, 3), 2),
        splits,
        tmp_path / "report.html",
        history=history,
        title="my <net>",
        notes=["a <note>"],
        next_commands=["kerascnn predict run IMAGE"],
    )
    return Page(path)


def test_the_page_loads_nothing(page):
    sources = [v for _, a in page.tags for k, v in a.items() if k in ("src", "href", "srcset")]
    assert all(source.startswith("data:image/") for source in sources)
    assert not re.search(r"https?:|@import|url\(|<script|<link", page.source)


def test_names_are_escaped(page):
    for text in ("my <net>", "<b>dark", "light & low", "a <note>", "<all>"):
        assert text in page.text
    assert not any(tag in ("net", "note", "all") for tag, _ in page.tags)


def test_every_part_is_there(page):
    for title in ("What stands out", "Data", "Training", "Confusions", "Classes", "Worst answers"):
        assert title in page.words
    assert "Confidence" in page.words
    assert "kerascnn predict run IMAGE" in page.text


def test_what_is_wrong_with_the_data_is_said(page):
    assert "1 image file was skipped." in page.text
    assert "damaged.jpg" in page.text
    assert "1 pair of copies has different labels." in page.text
    assert "<b>dark ≠ light & low" in page.text
    assert "1 image is enlarged twofold or more to 48 \N{MULTIPLICATION SIGN} 48" in page.text
    assert re.search(r"The largest class, <b>dark, has 29 training images, the smallest", page.text)


def test_what_stands_out_in_the_training_is_said(page):
    assert "95 % of the training images were right but 60 % of the validation" in page.text
    assert "still falling in the last epoch, 2" in page.text


def test_worst_answers_have_heat_maps_and_are_the_worst(page, splits):
    model = network((48, 48, 3), 2)
    outcome = judge(model, splits, "validation")
    losses = ClassificationPages(model, splits, outcome, None, []).losses()
    cards = re.findall(
        r'<figure class="card answer[^>]*><div class="views">(.*?)</figure>', page.source
    )
    cards = [card for card in cards if "answer</span>" in card]
    assert len(cards) == min(12, splits.counts["validation"])
    assert all(card.count("<img") == 2 for card in cards)
    worst = int(outcome.positions[losses.argmax()])
    assert splits.paths("validation")[worst].name in cards[0]


def test_the_accuracy_is_that_of_the_model(page, splits):
    images, labels = splits.arrays("validation")
    found = np.asarray(network((48, 48, 3), 2)(images)).argmax(1)
    assert f"{100 * (found == labels).mean():.2f} %".replace(".00 %", " %") in page.text


def test_a_run_has_its_report(finished):
    page = Page(finished.folder / "report.html")
    assert f"{100 * finished.metrics['test'].accuracy:.2f} %" in page.text
    assert "LeNet5" in page.words
    assert "All images are 8 \N{MULTIPLICATION SIGN} 8 pixels and are enlarged" in page.text
    assert "kerascnn export" in page.text
    assert len(page.having("class")) == 10  # cards of classes
    assert (finished.folder / "report.html").stat().st_size < 300_000


def test_a_network_without_maps_has_no_heat_maps_and_says_so(tmp_path):
    splits = data.load("digits", 8)
    model = keras.Sequential([keras.Input((8, 8, 1)), layers.Flatten(), layers.Dense(10)])
    page = Page(write_report(model, splits, tmp_path / "report.html"))
    assert "There are no heat maps: A CAM needs a layer that gives feature maps" in page.text
    assert "Training" not in page.words  # no history, no curves


def test_many_classes_show_the_most_confused(tmp_path):
    for label in range(25):
        (tmp_path / "data" / f"class {label:02d}").mkdir(parents=True)
        for number in range(3):
            pixels = np.full((32, 32, 1), 10 * label + number, np.uint8)
            path = tmp_path / "data" / f"class {label:02d}" / f"{number}.png"
            Image.fromarray(pixels[..., 0]).save(path)
    splits = data.load(tmp_path / "data", 32)
    page = Page(write_report(network((32, 32, 1), 25), splits, tmp_path / "report.html"))
    assert "Of 25 classes, the 12 most often confused." in page.text
    assert "The other 5 classes" in page.text
    assert "Images of each class" in page.text


def test_the_history_of_fit_is_taken_as_it_is():
    rows = as_rows({"loss": [2.0, 1.0], "val_accuracy": [0.5, 0.7], "val_loss": [1.0, 2.0]})
    assert rows[1] == {"epoch": 2, "loss": 1.0, "val_accuracy": 0.7, "val_loss": 2.0}
    assert best_epoch(rows) == 2
    assert as_rows(()) == []


@pytest.mark.parametrize(
    ("history", "message"),
    [
        ({"loss": [1], "accuracy": [1, 2]}, "one length"),
        ([1, 2], "a history is a sequence of rows"),
    ],
)
def test_other_histories_are_errors(history, message):
    with pytest.raises(InputError, match=message):
        as_rows(history)


def test_confusions_by_hand():
    confusion = np.array([[5, 2, 0], [0, 4, 0], [3, 1, 2]])
    assert confused_pairs(confusion) == [(2, 0, 3), (0, 1, 2), (2, 1, 1)]
    assert shown_classes(confusion) == [0, 1, 2]
    large = 7 * np.eye(30, dtype=int)
    large[3, 8] = 2
    assert {3, 8} <= set(shown_classes(large))
    assert len(shown_classes(large)) == 12


def test_large_splits_are_sampled(splits):
    outcome = judge(network((48, 48, 3), 2), splits, "train", most=10)
    assert len(outcome.labels) == 10
    assert not outcome.whole
    np.testing.assert_array_equal(outcome.labels, splits.labels("train")[outcome.positions])


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (network((48, 48, 3), 3), "one score for each of 2 classes"),
        (network((32, 32, 3), 2), r"takes images of the shape \(None, 32, 32, 3\)"),
    ],
)
def test_models_that_do_not_fit_the_data_are_errors(model, message, splits, tmp_path):
    with pytest.raises(InputError, match=message):
        write_report(model, splits, tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()


def test_numbered_phases_have_names():
    row = {"loss": 1.0, "val_loss": 1.0, "learning_rate": 0.1}
    rows = as_rows([{**row, "phase": 1}, {**row, "phase": 1.0}, {**row, "phase": 2}])
    section = curves_section(rows)
    assert section.count(">phase 1</text>") == section.count(">phase 2</text>") == 2


def test_a_copy_in_another_split_is_a_leak(tmp_path):
    root = tmp_path / "leak"
    for split in ("train", "validation"):
        for label in (0, 1):
            (root / split / str(label)).mkdir(parents=True)
            for number in range(2):
                pixels = np.random.default_rng([split == "train", label, number]).integers(
                    0, 256, (40, 40), dtype=np.uint8
                )
                Image.fromarray(pixels).save(root / split / str(label) / f"{number}.png")
    shutil.copy(root / "train/0/0.png", root / "validation/0/9.png")
    leaking = data.load(root, 40)
    found = [c for c in data_checks(leaking, data.find_duplicates(leaking), ()) if not c.well]
    assert [check.text.split(",")[0] for check in found] == [
        "1 validation image is a copy or near copy of a training image"
    ]


def test_a_resumed_reader_finds_the_same_figures(finished, tmp_path):
    """Anyone can write the page again from the run folder."""
    run = open_run(finished.folder)
    page = Page(write_report(run.load_model(), run.data(), tmp_path / "again.html"))
    assert f"{100 * finished.metrics['test'].accuracy:.2f} %" in page.text
