"""Bundles with random damage: a right answer, or one line that says what is wrong."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import mutants
import pytest
from PIL import Image

KITS = Path(__file__).parents[2] / "export"
NODE = shutil.which("node")
TRY = Path(__file__).parent / "try_damaged.py"


def outcomes(bundle, folder, damaged, count, *arguments):
    """What the Python kit did with each of `count` damaged bundles."""
    command = [sys.executable, TRY, bundle, folder, damaged, str(count), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(KITS / "python")}
    done = subprocess.run(
        [*map(str, command)], capture_output=True, text=True, env=environment, check=False
    )
    found = [SimpleNamespace(**json.loads(line)) for line in done.stdout.splitlines()]
    assert (done.returncode, len(found)) == (0, count), done.stderr
    return found


@pytest.mark.parametrize(
    ("name", "damaged", "count"),
    [
        ("bundle", "manifest", 80),
        ("bundle", "golden.npz", 20),
        ("bundle", "colours_float32.tflite", 40),
        ("two-outputs", "manifest", 60),
        ("two-outputs", "two_int8.tflite", 20),
        ("version2-multi-label", "manifest", 40),
    ],
)
def test_the_self_test_of_the_python_kit(bundle, bundles, tmp_path, name, damaged, count):
    source = {"bundle": bundle, **bundles}[name]
    found = outcomes(source, tmp_path / "b", damaged, count, "--selftest", "{}")
    answered = [result for result in found if not mutants.refused(result)]
    for result in answered:
        lines = result.stdout.splitlines()
        assert result.stderr == "", result
        assert {line.split()[0] for line in lines} <= {"ok", "FAIL"}, result
        assert result.returncode == any(line.startswith("FAIL") for line in lines), result
    assert len(answered) < count


def test_the_labels_of_the_python_kit(bundle, photos, tmp_path):
    photo = tmp_path / "a.png"
    Image.fromarray(photos[0]).save(photo)
    found = outcomes(bundle, tmp_path / "b", "labels.txt", 30, "{}", photo, "--json")
    answered = [result for result in found if not mutants.refused(result, "labels")]
    assert 5 < len(answered) < 25
    for result in answered:
        (one,) = json.loads(result.stdout)
        assert [top["label"] for top in one["top"]] == [
            result.labels[top["index"]] for top in one["top"]
        ]
    for result in outcomes(bundle, tmp_path / "c", "labels.txt", 15, "{}", photo):
        assert mutants.refused(result, "labels") or result.stdout[:-1].isprintable()


@pytest.fixture(scope="module")
def reader():
    """`bundle.py` of the kits for microcontrollers and MediaPipe, as a module."""
    spec = importlib.util.spec_from_file_location("kit_bundle", KITS / "micro" / "bundle.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("damaged", ["manifest", "golden.npz", "labels.txt"])
def test_the_reader_of_the_other_python_kits(reader, bundles, tmp_path, damaged):
    outcomes, messages = set(), []
    for folder in mutants.bundles(bundles["two-outputs"], tmp_path / "b", damaged, 100, seed=1):
        try:
            manifest, labels = reader.read_bundle(folder)
            inputs, outputs = reader.read_golden(folder, manifest)
            outcomes.add((len(labels), len(inputs), *map(len, outputs.values())))
        except reader.KitError as error:
            outcomes.add("refused")
            messages.append(str(error))
    assert "refused" in outcomes
    assert outcomes <= {"refused", (3, 8, 8, 8)}
    assert max(map(len, messages)) < 3000  # cut to a line where it is told


SCRIPT = """
import {readFileSync, readdirSync} from "node:fs";
import {oneLine, openBundle} from "KIT/bundle.js";
import {readGolden} from "KIT/npz.js";
const found = {};
for (const name of readdirSync(process.env.BUNDLES)) {
  const folder = `${process.env.BUNDLES}/${name}`;
  try {
    const read = async (file) => new Uint8Array(readFileSync(`${folder}/${file}`));
    const bundle = await openBundle(read);
    const {golden, outputs} = bundle.manifest;
    const roles = outputs.map(({role}) => role);
    const {inputs} = await readGolden(bundle.read(golden.path), roles, 20000);
    found[name] = [bundle.labels.length, inputs.shape[0]];
  } catch (error) {
    found[name] = oneLine(error);
  }
}
console.log(JSON.stringify(found));
"""


def in_node(folder):
    """What the browser kit makes of each bundle in a folder: what it read, or its line."""
    script = SCRIPT.replace("KIT", (KITS / "browser").as_uri())
    done = subprocess.run(
        [NODE, "--input-type=module", "--eval", script],
        capture_output=True,
        text=True,
        env={"BUNDLES": str(folder)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.skipif(NODE is None, reason="no node on this machine")
def test_the_reader_of_the_browser_kit(bundles, tmp_path):
    made, bundle = tmp_path / "made", bundles["two-outputs"]
    for damaged, count in (("manifest", 200), ("golden.npz", 40), ("labels.txt", 40)):
        folders = mutants.bundles(bundle, tmp_path / damaged, damaged, count, seed=2)
        for number, folder in enumerate(folders):
            shutil.copytree(folder, made / f"{damaged} {number}")
    found = in_node(made)
    assert len(found) == 280
    lines = [outcome for outcome in found.values() if isinstance(outcome, str)]
    assert 150 < len(lines) < 280
    assert all(0 < len(line) < 320 and line.isprintable() for line in lines)
    assert all(outcome == [3, 8] for outcome in found.values() if not isinstance(outcome, str))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"a": 1, "a": 2}', "has a key twice in one object: a"),
        ('{"a": [{"b": 1}, {"b": 2, "\\u0062": 3}]}', "has a key twice in one object: b"),
        ('{"constructor": 1}', "unknown key constructor"),
        ('{"a": "\\"}{", "c": {"a": 1}}', "unknown key a"),
        ("[" * 100_000, "manifest.json"),
        ('{"schema_version": 1e999}', "manifest.json"),
    ],
)
@pytest.mark.skipif(NODE is None, reason="no node on this machine")
def test_a_manifest_that_the_browser_would_take_otherwise(tmp_path, text, words):
    (tmp_path / "made" / "0").mkdir(parents=True)
    (tmp_path / "made" / "0" / "manifest.json").write_text(text)
    assert words in in_node(tmp_path / "made")["0"]
