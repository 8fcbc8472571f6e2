"""The manifest: read strictly, written the same each time, and equal to its JSON Schema."""

import dataclasses
import json
from pathlib import Path

import jsonschema
import pytest

from kerascnn.errors import BundleError
from kerascnn.export.contract import manifest as contract

SCHEMA = Path(__file__).parents[2] / "export" / "manifest.schema.json"
FLOAT = {"dtype": "float32", "scale": None, "zero_point": None}
UINT8 = {"dtype": "uint8", "scale": 1.0, "zero_point": 0}
SCORES = {
    "role": "scores",
    "shape": [1, 3],
    "kind": "probabilities",
    "thresholds": None,
    "ranges": None,
}
NAMES = ("labels.txt", "golden.npz", "net_float32.tflite", "net_int8.tflite", "r.json", "r.html")


@pytest.fixture
def folder(tmp_path):
    """A bundle whose files hold a few bytes: a manifest does not look into them."""
    for name in NAMES[1:]:
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / "labels.txt").write_bytes("a\nb c\nä\x0b\n".encode())
    (tmp_path / "manifest.json").write_text(json.dumps(valid(tmp_path)), "utf-8")
    return tmp_path


def valid(folder=None):
    """A manifest as JSON holds it."""

    def digest(name):
        return "0" * 64 if folder is None else contract.sha256_of(folder / name)

    def model(recipe, tensor):
        name = f"net_{recipe}.tflite"
        return {
            "recipe": recipe,
            "path": name,
            "bytes": len(name),
            "sha256": digest(name),
            "input": dict(tensor),
            "outputs": [dict(tensor)],
            "tolerances": [{"max_abs": 0.25, "mean_abs": 0.03, "agreement": 0.95}],
        }

    return {
        "schema_version": 3,
        "versions": dict.fromkeys(
            ("kerascnn", "keras", "tensorflow", "ai_edge_litert", "litert_quantizer"), "1.0"
        ),
        "model": {"name": "net", "task": "classification", "classes": 3, "parameters": 7},
        "input": {
            "shape": [1, 8, 9, 1],
            "layout": "NHWC",
            "color": "grayscale",
            "range": [0, 255],
            "resize": {"fit": "pad", "filter": "bilinear", "antialias": True, "pad_value": 0},
        },
        "outputs": [dict(SCORES)],
        "labels": {"path": "labels.txt", "sha256": digest("labels.txt")},
        "golden": {"path": "golden.npz", "sha256": digest("golden.npz"), "count": 2},
        "files": [model("float32", FLOAT), model("int8", UINT8)],
        "reports": {
            "json": {"path": "r.json", "sha256": digest("r.json")},
            "html": {"path": "r.html", "sha256": digest("r.html")},
        },
    }


def edited(folder, edit):
    data = valid(folder)
    edit(data)
    (folder / "manifest.json").write_text(json.dumps(data), "utf-8")
    return folder


def put(path, value):
    """An edit that sets the value at a path of keys."""

    def edit(data):
        *parents, last = path
        for key in parents:
            data = data[key]
        data[last] = value

    return edit


def drop(*path):
    def edit(data):
        *parents, last = path
        for key in parents:
            data = data[key]
        del data[last]

    return edit


def test_reads_every_value_as_it_is_in_the_file(folder):
    manifest = contract.read(folder)
    assert json.loads(contract.to_json(manifest)) == valid(folder)


RANGES = [[-1.5, 2], [2000, 2010], [0, 0]]


def of_task(task):
    """A manifest of each task."""
    data = valid()
    data["model"]["task"] = task
    output = data["outputs"][0]
    if task == "multi_label":
        output |= {"kind": "independent", "thresholds": [0.5, 0.5, 0.25]}
    if task == "regression":
        output |= {"role": "values", "kind": "quantities", "ranges": RANGES}
        for file in data["files"]:
            file["tolerances"][0]["agreement"] = None
    return data


def older(version, task="image-classification"):
    """A manifest of version 1 or 2, as kerascnn wrote them."""
    data = valid()
    scores, classes = task == "image-multi-label", task == "image-classification"
    data["schema_version"], data["model"]["task"] = version, task
    del data["outputs"]
    data["output"] = {
        "shape": [1, 3],
        "kind": "scores" if scores else "probabilities" if classes else "quantities",
        "thresholds": [0.5, 0.5, 0.25] if scores else None,
        "ranges": None if scores or classes else RANGES,
    }
    for file in data["files"]:
        del file["tolerances"]
        file["output"] = file.pop("outputs")[0]
        file["tolerance"] = {
            "max_abs": 0.25,
            "mean_abs": 0.03,
            "top1_agreement": 0.95 if classes else None,
            "decision_agreement": 0.95 if scores else None,
        }
        if version == 1:
            del file["tolerance"]["decision_agreement"]
    if version == 1:
        del data["output"]["thresholds"], data["output"]["ranges"]
    return data


OLD = [
    (1, "image-classification", "classification"),
    (2, "image-classification", "classification"),
    (2, "image-multi-label", "multi_label"),
    (2, "image-regression", "regression"),
]


def matches_schema(data):
    jsonschema.validate(data, json.loads(SCHEMA.read_text("utf-8")))


@pytest.mark.parametrize("task", ["classification", "multi_label", "regression"])
def test_each_task_is_read_and_written_as_it_is(task):
    data = of_task(task)
    assert json.loads(contract.to_json(contract.parse(json.dumps(data)))) == data
    matches_schema(data)


@pytest.mark.parametrize(("version", "old", "task"), OLD)
def test_older_versions_say_the_same_in_the_form_of_the_newest(version, old, task):
    data = older(version, old)
    matches_schema(data)
    assert contract.parse(json.dumps(data)) == contract.parse(json.dumps(of_task(task)))


def test_one_number_stands_for_two_classes():
    data = valid()
    data["outputs"][0] |= {"kind": "independent", "shape": [1, 1]}
    data["model"]["classes"] = 2
    assert contract.parse(json.dumps(data)).output.is_binary
    matches_schema(data)
    data["model"]["classes"] = 1
    with pytest.raises(BundleError, match=r"model\.classes: expected 2, as the outputs say, got 1"):
        contract.parse(json.dumps(data))


def change(task, path, value):
    return pytest.param(task, put(path, value), id=f"{task} {'.'.join(map(str, path))} {value}")


OUTPUT = ["outputs", 0]
LIMIT = ["files", 1, "tolerances", 0, "agreement"]


@pytest.mark.parametrize(
    ("task", "edit"),
    [
        change("multi_label", [*OUTPUT, "kind"], "probabilities"),
        change("multi_label", [*OUTPUT, "thresholds"], None),
        change("multi_label", [*OUTPUT, "thresholds"], [0.5, 0.5, 1.5]),
        change("multi_label", [*OUTPUT, "ranges"], [[0, 1]] * 3),
        change("multi_label", LIMIT, None),
        change("regression", [*OUTPUT, "kind"], "independent"),
        change("regression", [*OUTPUT, "ranges"], None),
        change("regression", [*OUTPUT, "ranges"], [[0, 1, 2]] * 3),
        change("regression", [*OUTPUT, "thresholds"], [0.5] * 3),
        change("regression", [*OUTPUT, "role"], "scores"),
        change("regression", LIMIT, 0.9),
        change("classification", [*OUTPUT, "thresholds"], [0.5] * 3),
        change("classification", LIMIT, None),
        change("classification", ["outputs"], [SCORES, {**SCORES, "role": "count"}]),
        change("classification", ["outputs"], []),
        change("classification", [*OUTPUT, "role"], "inputs"),
        change("classification", [*OUTPUT, "role"], "Scores"),
        change("classification", [*OUTPUT, "shape"], [3]),
        change("classification", [*OUTPUT, "shape"], [2, 3]),
    ],
)
def test_what_does_not_suit_the_task_is_refused_by_reader_and_schema(task, edit):
    data = of_task(task)
    edit(data)
    with pytest.raises(BundleError):
        contract.parse(json.dumps(data))
    with pytest.raises(jsonschema.ValidationError):
        matches_schema(data)


@pytest.mark.parametrize(
    ("task", "edit"),
    [
        change("multi_label", [*OUTPUT, "thresholds"], [0.5]),
        change("regression", [*OUTPUT, "ranges"], [[2, 1], [0, 1], [0, 1]]),
        change("classification", ["files", 0, "outputs"], [FLOAT, FLOAT]),
        change("classification", ["files", 0, "tolerances"], []),
        change("ranking", ["model", "name"], "a task that nobody registered"),
    ],
)
def test_counts_orders_and_tasks_are_checked(task, edit):
    data = of_task(task)
    edit(data)
    with pytest.raises(BundleError, match=r"output|tolerances|model\.task"):
        contract.parse(json.dumps(data))


@pytest.mark.parametrize(
    ("version", "task", "path", "value", "message"),
    [
        (1, "image-classification", ["output", "thresholds"], None, "schema version 1 has none"),
        (
            *(1, "image-classification", ["files", 0, "tolerance", "decision_agreement"], None),
            r"unknown key 'decision_agreement' in files\[0\].tolerance",
        ),
        (1, "image-classification", ["model", "task"], "image-regression", "in schema version 1"),
        (1, "image-classification", ["model", "task"], "classification", "model.task: expected"),
        (1, "image-classification", ["outputs"], [SCORES], "unknown key 'outputs'"),
        (2, "image-classification", ["output", "kind"], "scores", "output.kind"),
        (
            2,
            "image-classification",
            ["output", "shape"],
            [1, 4],
            r"output.shape: expected \[1, 3\]",
        ),
        (2, "image-multi-label", ["output", "thresholds"], None, "thresholds"),
        (2, "image-multi-label", ["files", 0, "tolerance", "top1_agreement"], 0.9, "expected null"),
        (2, "image-regression", ["output", "ranges"], None, "ranges"),
        (2, "image-regression", ["files", 1, "tolerance", "extra"], 1, "unknown key 'extra'"),
    ],
)
def test_older_versions_are_read_as_strictly(version, task, path, value, message):
    data = older(version, task)
    put(path, value)(data)
    with pytest.raises(BundleError, match=message):
        contract.parse(json.dumps(data))


def test_writes_equal_manifests_with_equal_bytes(folder):
    manifest = contract.read(folder)
    first = contract.write(manifest, folder).read_bytes()
    assert contract.write(contract.read(folder), folder).read_bytes() == first


def test_labels_are_split_at_line_feeds_only(folder):
    assert contract.read_labels(folder, contract.read(folder)) == ("a", "b c", "ä\x0b")


def test_file_is_found_by_recipe(folder):
    assert contract.read(folder).file("int8").path == "net_int8.tflite"


def test_file_of_an_unknown_recipe_names_the_known(folder):
    with pytest.raises(BundleError, match=r"no recipe 'int4'.*float32, int8"):
        contract.read(folder).file("int4")


def test_a_valid_manifest_fits_the_schema():
    jsonschema.validate(valid(), json.loads(SCHEMA.read_text("utf-8")))


def test_the_schema_is_itself_valid():
    jsonschema.Draft202012Validator.check_schema(json.loads(SCHEMA.read_text("utf-8")))


BROKEN = [
    (put(["extra"], 1), "unknown key 'extra'"),
    (put(["versions", "numpy"], "2"), "unknown key 'numpy' in versions"),
    (put(["model", "extra"], 1), "unknown key 'extra' in model"),
    (put(["input", "resize", "extra"], 1), "unknown key 'extra' in input.resize"),
    (put(["golden", "extra"], 1), "unknown key 'extra' in golden"),
    (put(["files", 1, "extra"], 1), r"unknown key 'extra' in files\[1\]"),
    (put(["files", 0, "input", "extra"], 1), r"unknown key 'extra' in files\[0\].input"),
    (put(["reports", "json", "extra"], 1), "unknown key 'extra' in reports.json"),
    (drop("labels"), "no key 'labels'"),
    (drop("input", "color"), "no key 'color' in input"),
    (drop("files", 0, "tolerances", 0, "max_abs"), "no key 'max_abs'"),
    (put(["schema_version"], 4), "made by a newer kerascnn: schema 4, this one reads 3: upgrade"),
    (put(["schema_version"], 0), "schema_version: expected 1 to 3, got 0"),
    (put(["schema_version"], "1"), "schema_version: expected 1 to 3, got '1'"),
    (put(["schema_version"], 2), "unknown key 'outputs'"),
    (put(["model", "classes"], "3"), 'model.classes: expected an integer, got "3"'),
    (put(["model", "classes"], 0), "model.classes"),
    (put(["model", "task"], "image-classification"), "model.task: expected .classification. or"),
    (put(["input", "shape"], [1, 8, 9]), "input.shape: expected a list of 4 values"),
    (put(["input", "shape"], [2, 8, 9, 1]), "input.shape"),
    (put(["input", "shape"], [1, 8, 0, 1]), "input.shape"),
    (put(["input", "color"], "rgb"), r"input.shape: expected \[1, H, W, 3\]"),
    (put(["input", "color"], "bgr"), "input.color"),
    (put(["input", "layout"], "NCHW"), "input.layout"),
    (put(["input", "range"], [0, 1]), "input.range"),
    (put(["input", "resize", "fit"], "zoom"), "input.resize.fit"),
    (put(["input", "resize", "antialias"], False), "input.resize.antialias: expected true"),
    (put(["input", "resize", "pad_value"], 300), "input.resize.pad_value"),
    (put(["outputs", 0, "kind"], "scores"), r"outputs\[0\].kind"),
    (put(["outputs", 0, "extra"], 1), r"unknown key 'extra' in outputs\[0\]"),
    (put(["golden", "count"], 0), "golden.count"),
    (put(["files"], []), "files: there must be at least one"),
    (put(["files"], {}), "files: expected a list"),
    (put(["files", 0, "bytes"], 0), "bytes"),
    (put(["files", 0, "bytes"], True), r"files\[0\].bytes: expected an integer, got true"),
    (put(["files", 0, "sha256"], "A" * 64), "64 hex digits"),
    (put(["files", 0, "input", "scale"], 1.0), "float32 needs null"),
    (put(["files", 1, "input", "scale"], None), "uint8 needs a scale and a zero point"),
    (put(["files", 1, "outputs", 0, "scale"], 0), r"outputs\[0\].scale: expected a number above 0"),
    (put(["files", 1, "outputs", 0, "zero_point"], 0.5), "zero_point: expected an integer"),
    (put(["files", 1, "input", "dtype"], "int32"), "dtype"),
    (put(["files", 0, "tolerances", 0, "max_abs"], -0.1), "max_abs"),
    (put(["files", 0, "tolerances", 0, "agreement"], 1.5), "agreement"),
    (put(["labels", "path"], "../labels.txt"), "'../labels.txt' leaves the bundle"),
    (put(["labels", "path"], "/etc/hostname"), "'/etc/hostname' leaves the bundle"),
    (put(["labels", "path"], "sub/labels.txt"), "leaves the bundle"),
    (put(["labels", "path"], "sub\\labels.txt"), "leaves the bundle"),
    (put(["labels", "path"], "C:labels.txt"), "leaves the bundle"),
    (put(["labels", "path"], ".."), "leaves the bundle"),
    (put(["labels", "path"], ""), "leaves the bundle"),
]


@pytest.mark.parametrize(("edit", "message"), BROKEN)
def test_a_broken_manifest_is_one_clear_error(folder, edit, message):
    with pytest.raises(BundleError, match=message) as caught:
        contract.read(edited(folder, edit))
    assert "\n" not in str(caught.value)
    assert "manifest.json" in str(caught.value)


@pytest.mark.parametrize("edit", [edit for edit, message in BROKEN])
def test_the_schema_refuses_what_the_reader_refuses(edit):
    data = valid()
    edit(data)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(data, json.loads(SCHEMA.read_text("utf-8")))


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (put(["outputs", 0, "shape"], [1, 4]), "model.classes: expected 4, as the outputs say"),
        (put(["files", 1, "recipe"], "float32"), "recipe 'float32' appears 2 times"),
        (put(["files", 1, "path"], "labels.txt"), "path 'labels.txt' appears 2 times"),
        (put(["labels", "path"], "manifest.json"), "'manifest.json' leaves"),
        (put(["labels", "path"], "gone.txt"), "gone.txt is missing"),
        (put(["labels", "sha256"], "0" * 64), "labels.txt was altered: expected sha256 0000"),
        (put(["files", 0, "bytes"], 5), "net_float32.tflite is damaged: expected 5 bytes, got 18"),
    ],
)
def test_values_that_contradict_each_other_or_the_files_are_errors(folder, edit, message):
    with pytest.raises(BundleError, match=message):
        contract.read(edited(folder, edit))


def test_an_altered_file_is_named_with_both_hashes(folder):
    (folder / "golden.npz").write_bytes(b"Golden.npz")
    known = valid(folder)["golden"]["sha256"]
    with pytest.raises(BundleError, match=f"golden.npz was altered.*got {known}"):
        contract.read(folder)


def test_a_link_out_of_the_bundle_is_refused(folder, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "labels.txt"
    (folder / "labels.txt").rename(outside)
    (folder / "labels.txt").symlink_to(outside)
    with pytest.raises(BundleError, match="leaves the bundle"):
        contract.read(folder)


def test_as_many_labels_as_classes(folder):
    (folder / "labels.txt").write_bytes(b"a\nb\n")
    (folder / "manifest.json").write_text(json.dumps(valid(folder)), "utf-8")
    with pytest.raises(BundleError, match="2 lines for 3 classes"):
        contract.read(folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not valid JSON"),
        ("{", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ("[]", "expected an object"),
        ('{"a": 1, "a": 2}', "key 'a' appears twice"),
        ('{"a": NaN}', "NaN is not a number"),
        ('{"a": ' + "9" * 5000 + "}", "not valid JSON"),
    ],
)
def test_text_that_is_no_manifest_is_one_clear_error(folder, text, message):
    (folder / "manifest.json").write_text(text)
    with pytest.raises(BundleError, match=message):
        contract.read(folder)


def test_bytes_that_are_no_text_are_an_error(folder):
    (folder / "manifest.json").write_bytes(b"\xff\xfe")
    with pytest.raises(BundleError, match="not UTF-8"):
        contract.read(folder)


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(BundleError, match="no such bundle"):
        contract.read(tmp_path / "gone")


def test_a_folder_without_a_manifest_is_an_error(tmp_path):
    with pytest.raises(BundleError, match=r"has no manifest\.json"):
        contract.read(tmp_path)


def test_a_manifest_that_breaks_the_rules_is_not_written(folder, tmp_path):
    manifest = contract.read(folder)
    before = (folder / "manifest.json").read_bytes()
    broken = dataclasses.replace(manifest, files=())
    with pytest.raises(BundleError, match="files"):
        contract.write(broken, folder)
    assert (folder / "manifest.json").read_bytes() == before
