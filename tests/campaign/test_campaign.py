"""The campaign in a short form, and that its columns count what they say."""

import json
import os
import subprocess
import sys
from pathlib import Path

import judging
import pytest
from judging import ACCEPTED, EITHER, NOTED, REFUSED, Case, judge

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="forks, pipes and limits of Unix")
HERE = Path(__file__).parent
SAMPLE = 24


def test_a_sample_of_bad_inputs(tmp_path):
    """In a process that has not computed with TensorFlow, as forks need it."""
    command = [sys.executable, HERE / "campaign.py", "--cases", str(SAMPLE), "--kills", "0"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [*command, "--json", tmp_path / "table.json"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-6000:]}{done.stderr[-2000:]}"
    rows = json.loads((tmp_path / "table.json").read_text())["table"]
    assert len(rows) >= 12
    assert rows["all"]["cases"] >= len(rows) - 1  # something of each group
    assert {name: rows["all"][name] for name in judging.FAULTS} == dict.fromkeys(judging.FAULTS, 0)


def test_the_committed_table_is_of_the_whole_campaign(repository):
    path = repository / "benchmarks" / "results" / "bad_inputs.json"
    rows = json.loads(path.read_text("utf-8"))["figures"]["table"]
    assert rows["all"]["cases"] >= 320
    assert sum(rows["all"][name] for name in judging.FAULTS) == 0


def fail():
    raise KeyError("mine")


def refuse(text):
    from kerascnn.errors import InputError

    raise InputError(text)


def write(path, text="text"):
    path.write_text(text)


FAULTY = {
    "traceback": Case("", "", lambda here, world: fail()),
    "traceback, signal": Case("", "", lambda here, world: os.abort()),
    "exit": Case("", "", lambda here, world: os._exit(3), ACCEPTED),
    "hang": Case("", "", lambda here, world: loop()),
    "lost, changed": Case("", "", lambda here, world: write(world / "mine"), ACCEPTED),
    "lost, removed": Case("", "", lambda here, world: (world / "mine").unlink(), ACCEPTED),
    "left": Case("", "", lambda here, world: (write(here / "half"), refuse("half")), EITHER),
    "left, hidden": Case("", "", lambda here, world: write(here / ".kerascnn-1"), ACCEPTED),
    "silent": Case("", "", lambda here, world: None, REFUSED),
    "silent, no note": Case("", "", lambda here, world: None, NOTED, "skipped"),
    "unclear": Case("", "", lambda here, world: refuse("wrong"), REFUSED, "option"),
    "unclear, long": Case("", "", lambda here, world: refuse("x" * 501), REFUSED, "x"),
    "unclear, lines": Case("", "", lambda here, world: refuse("a\nb"), REFUSED, ""),
    "refused": Case("", "", lambda here, world: refuse("no"), ACCEPTED),
}


def loop():
    while True:
        pass


@pytest.mark.parametrize("name", FAULTY)
def test_a_column_counts_what_it_says(name, tmp_path, monkeypatch):
    monkeypatch.setattr(judging, "CPU_SECONDS", 1)
    (tmp_path / "world").mkdir()
    write(tmp_path / "world" / "mine", "mine")
    outcome = judge(FAULTY[name], tmp_path / "world", tmp_path / "case")
    assert outcome.faults == (name.partition(",")[0],), outcome.said


def test_what_ends_well_has_no_fault(tmp_path):
    (tmp_path / "world").mkdir()
    for number, case in enumerate(
        (
            Case("", "", lambda here, world: refuse("no such option"), REFUSED, "option"),
            Case("", "", lambda here, world: write(here / "out.png"), ACCEPTED),
            Case("", "", lambda here, world: print("2 skipped", file=sys.stderr), NOTED, "skipped"),
            Case("", "", lambda here, world: refuse("either"), EITHER, "either"),
            Case("", "", ("models", "--help"), ACCEPTED),
            Case("", "", ("models", "{here}/x"), REFUSED, "no model"),
        )
    ):
        assert judge(case, tmp_path / "world", tmp_path / str(number)).faults == ()
