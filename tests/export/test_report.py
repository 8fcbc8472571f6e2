"""The reports: every figure in the JSON, one self-contained page for people."""

import base64
import dataclasses
import html.parser
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from kerascnn import tasks
from kerascnn.export.bundle.measure import Images, Meaning
from kerascnn.export.bundle.report.page import to_html
from kerascnn.export.bundle.report.pictures import pictures
from kerascnn.export.bundle.report.values import (
    BundleReport,
    Machine,
    RecipeReport,
    spread,
    stratified,
    to_json,
)
from kerascnn.export.contract.manifest import Input, Resize, Versions
from kerascnn.pages import format as page
from kerascnn.tasks import Metric
from kerascnn.tasks.classification import ClassificationMetrics
from kerascnn.tasks.multi_label import MultiLabelMetrics
from kerascnn.tasks.outputs import Output
from kerascnn.tasks.regression import RegressionMetrics, TargetMetrics

NAMES = ("<b>rose</b>", "oak & elm", "tulip")


SCORES = Output(role="scores", shape=(1, 3), kind="probabilities")


def figures(accuracy, loss):
    return ClassificationMetrics(accuracy, None, loss, 1234, {}, ((1, 2), (3, 4)))


def answers(task, outputs, labels=None, kind=None):
    """Cards of a model called Keras and of others, by their outputs of one role."""
    meaning = tasks.get(task)
    named = {by: {meaning.roles[0]: values} for by, values in outputs.items()}
    first = named["Keras"]
    described = meaning.describe(first, [kind], "the model")
    images = Images(np.zeros((len(outputs["Keras"]), 4, 4, 3), np.uint8), labels, first)
    return pictures(images, named, Meaning(meaning, described, NAMES))


def recipe(name, **changes):
    values = {
        "recipe": name,
        "description": f"how {name} is stored",
        "best_for": "tests",
        "path": f"net_{name}.tflite",
        "bytes": 40_000,
        "sha256": name[0] * 64,
        "size_ratio": 1.0,
        "input_dtype": "float32",
        "output_dtypes": ("float32",),
        "score": figures(0.875, 0.4),
        "agreement": 1.0,
        "max_abs": 1.25e-7,
        "mean_abs": 1e-8,
        "median_ms": 2.0,
        "p10_ms": 1.9,
        "p90_ms": 2.5,
        "latency_ratio": 1.0,
        "delegate_partitions": 1,
        "operators": {"CONV_2D": 2, "SOFTMAX": 1},
        "undelegated_operators": {},
        "undelegated_reasons": {},
        "checks": (Metric(name="max_abs", value=1e-7, limit=1e-4, passed=True),),
        "checked_images": 100,
        "seconds": 0.2,
    }
    return RecipeReport(**{**values, **changes})


@pytest.fixture
def report():
    int8 = recipe(
        "int8",
        bytes=10_000,
        size_ratio=0.25,
        latency_ratio=1.5,
        median_ms=3.0,
        score=figures(0.85, 0.5),
        agreement=0.9996,
        undelegated_operators={"TANH": 4, "SOFTMAX": 1},
        undelegated_reasons={"SOFTMAX": "none for 8 <bits>", "TANH": "none for 8 <bits>"},
    )
    return BundleReport(
        model="net <1>",
        parameters=61706,
        task="classification",
        class_names=NAMES,
        input=Input(
            shape=(1, 32, 48, 1),
            layout="NHWC",
            color="grayscale",
            range=(0, 255),
            resize=Resize(fit="pad", filter="bilinear", antialias=True, pad_value=0),
        ),
        outputs=(SCORES,),
        created="2026-01-02T03:04:05+00:00",
        evaluation="held-out images",
        images=1234,
        keras=figures(0.875, 0.4),
        baseline="float32",
        runs=50,
        files=(recipe("float32"), int8),
        versions=Versions(
            kerascnn="1", keras="3", tensorflow="2", ai_edge_litert="2.3", litert_quantizer="0.1"
        ),
        machine=Machine(cpu="CPU <X>", cores=2, system="Linux", python="3.11"),
    )


@pytest.fixture
def shown():
    """Answers to 20 tiny grey images; the file errs on the first."""
    random = np.random.default_rng(0)
    labels = np.arange(20) % 3
    outputs = np.full((20, 3), 0.1, np.float32)
    outputs[np.arange(20), labels] = 0.8
    other = outputs.copy()
    other[0] = [0.1, 0.8, 0.1]
    images = random.integers(0, 256, (20, 8, 12, 1), np.uint8)
    meaning = Meaning(tasks.get("classification"), (SCORES,), NAMES)
    first = {"scores": outputs}
    return pictures(
        Images(images, labels, first), {"Keras": first, "int8": {"scores": other}}, meaning
    )


class Page(html.parser.HTMLParser):
    """Collects tags and text, and fails on tags that are closed in the wrong order."""

    def __init__(self, source):
        super().__init__()
        self.open, self.tags, self.words = [], [], []
        self.feed(source)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def test_json_holds_every_figure(report):
    data = json.loads(to_json(report))
    assert data.pop("schema_version") == 3
    expected = json.loads(json.dumps(dataclasses.asdict(report)))
    expected["keras"] = {"accuracy": 0.875, "top5_accuracy": None, "loss": 0.4}
    for file, accuracy, loss in zip(expected["files"], (0.875, 0.85), (0.4, 0.5), strict=True):
        file["score"] = {"accuracy": accuracy, "top5_accuracy": None, "loss": loss}
        file["checks"] = [{"name": "max_abs", "value": 1e-7, "limit": 1e-4}]
    assert data == expected  # the confusions of a thousand classes are not in it


def test_json_refuses_what_json_cannot_hold(report):
    with pytest.raises(ValueError, match="JSON compliant"):
        to_json(dataclasses.replace(report, keras=figures(float("nan"), 0)))


def test_page_is_well_formed(report, shown):
    assert Page(to_html(report, shown, {"labels.txt": "a" * 64})).open == []


def test_page_loads_nothing(report, shown):
    source = to_html(report, shown, {})
    sources = [
        value
        for _, attributes in Page(source).tags
        for key, value in attributes.items()
        if key in ("src", "href", "srcset", "action")
    ]
    assert len(sources) == len(shown)
    assert all(value.startswith("data:image/") for value in sources)
    assert not re.search(r"https?:|@import|url\(|<script|<link", source)


def test_page_follows_the_colour_scheme_and_the_width(report):
    source = to_html(report, (), {})
    assert "prefers-color-scheme: dark" in source
    assert 'name="viewport"' in source


def test_names_are_escaped(report, shown):
    source = to_html(report, shown, {})
    assert "<b>rose" not in source
    assert "net <1>" in Page(source).text
    assert "CPU <X>" in Page(source).text


def test_page_tells_the_figures_of_each_file(report):
    text = Page(to_html(report, (), {})).text
    for figure in (
        "85 % -2.50 points",
        "87.5 % as Keras".replace("87.5", "87.50"),
        "99.96 %",
        "max 1.2e-7",
        "40.0 kB",
        f"4.0{page.TIMES} smaller",
        f"1.5{page.TIMES} slower",
        "outside: 4 TANH, 1 SOFTMAX",
        "SOFTMAX, TANH: none for 8 <bits>",
        "1,234 held-out images",
    ):
        assert figure in text


def test_page_says_the_input_contract_in_words(report):
    text = Page(to_html(report, (), {})).text
    assert f"48 {page.TIMES} 32 pixels, one grey channel" in text
    assert "never enlarged" in text


def test_page_without_labels_has_no_accuracy(report):
    files = tuple(dataclasses.replace(file, score=None) for file in report.files)
    bare = dataclasses.replace(report, keras=None, files=files)
    assert "accuracy" not in Page(to_html(bare, (), {})).text


def test_tiny_images_are_embedded_pixel_by_pixel(report, shown):
    tags = [attributes for tag, attributes in Page(to_html(report, shown, {})).tags if tag == "img"]
    content = base64.b64decode(tags[0]["src"].split(",")[1])
    assert tags[0]["class"] == "pixelated"
    np.testing.assert_array_equal(
        np.asarray(Image.open(io.BytesIO(content))), shown[0].pixels[..., 0]
    )


def test_hashes_are_on_the_page(report):
    text = Page(to_html(report, (), {"labels.txt": "a" * 64})).text
    assert "a" * 64 in text
    assert "i" * 64 in text


def test_mistakes_come_first_and_are_marked(shown):
    assert [answer.right for answer in shown[0].answers] == [True, False]
    assert all(answer.right for picture in shown[1:] for answer in picture.answers)


def test_pictures_show_classes_in_turn(shown):
    assert {picture.truth for picture in shown[1:4]} == set(NAMES)
    assert len(shown) == 12


def test_probabilities_of_logits_are_their_softmax():
    outputs = np.array([[2.0, 0.0, 0.0]], np.float32)
    (picture,) = answers("classification", {"Keras": outputs}, kind="logits")
    assert picture.answers[0].probability == pytest.approx(np.e**2 / (np.e**2 + 2))
    assert picture.truth is picture.answers[0].right is None


def test_labels_are_named_together_and_wrong_sets_come_first():
    outputs = np.array([[0.9, 0.2, 0.8], [0.1, 0.2, 0.3]], np.float32)
    truth = np.array([[1, 0, 1], [0, 1, 0]], bool)
    wrong, right = answers("multi_label", {"Keras": outputs}, truth)
    assert (wrong.truth, wrong.answers[0].label, wrong.answers[0].right) == (
        *("oak & elm", "no label"),
        False,
    )
    assert right.answers[0].label == "<b>rose</b>, tulip"
    assert right.answers[0].probability is None


def labelled(report):
    score = MultiLabelMetrics(0.9, 0.7, 0.125, 0.4, 1234, {})
    files = tuple(dataclasses.replace(file, score=score) for file in report.files)
    output = Output(role="scores", shape=(1, 3), kind="independent", thresholds=(0.5,) * 3)
    return dataclasses.replace(
        *(report,), task="multi_label", outputs=(output,), keras=score, files=files
    )


def valued(report):
    errors = zip(NAMES, (0.25, 3.0, 1e-3), strict=True)
    rows = {name: TargetMetrics(mae, mae, 0.5, 0.0, 1.0) for name, mae in errors}
    score = RegressionMetrics(0.5, 1234, rows)
    files = tuple(dataclasses.replace(file, score=score, agreement=None) for file in report.files)
    output = Output(role="values", shape=(1, 3), kind="quantities", ranges=((0, 1),) * 3)
    return dataclasses.replace(
        *(report,), task="regression", outputs=(output,), keras=score, files=files
    )


def test_page_of_labels(report):
    text = Page(to_html(labelled(report), (), {})).text
    assert "Multi-label image classifier · 3 labels" in text
    assert "All labels alike on 99.96 % or more of 1,234" in text
    assert "decisions right" in text


def test_page_of_quantities(report):
    outputs = np.array([[0.5, 2001, 3]], np.float32)
    shown = answers("regression", {"Keras": outputs, "int8": outputs + 1}, outputs)
    source = to_html(valued(report), shown, {})
    text = Page(source).text
    assert "Image regressor · 3 quantities" in text
    assert "same answer" not in text
    assert "tulip 0.001" in text
    assert "oak & elm 2001, tulip 3" in text
    assert 'class="card wrong"' not in source
    assert Page(source).open == []


def test_stratified_takes_one_of_each_class_in_turn():
    classes = np.array([0, 0, 0, 1, 2, 2])
    assert stratified(classes) == [0, 3, 4, 1, 5, 2]


def test_spread_is_even_and_keeps_the_ends():
    assert spread(np.arange(9), 3).tolist() == [0, 4, 8]
