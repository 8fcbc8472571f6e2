"""Fine-tunings with an export, killed at moments spread over them; each is then brought to its end.

Each one is a process of its own, `python -m kerascnn train --fine-tune --export`, as a user starts
it. The supervisor, the worker and the converter are killed at once, as by a machine that stops.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import world
from judging import Case, Outcome, snapshot

OPTIONS = (
    *("--fine-tune", "--weights", "none", "--model", "LeNet5"),
    *("--image-size", "32", "--epochs", "2", "--export", "dynamic_int8"),
)
RUN_FILES = {
    *("config.json", "confusion_matrix.png", "curves.png", "history.csv", "labels.txt"),
    *("metrics.json", "model.keras", "report.html"),
}
WALL_SECONDS = 900


def all_of(folder: Path, count: int, seed: int) -> list[Outcome]:
    """Kills so many; a whole one first says how long it takes."""
    folder.mkdir()
    photos = folder / "photos"
    world.write_photos(photos)
    whole = folder / "whole"
    code, said, seconds = command(whole, photos, None)
    faults = ["exit"] if code else left(whole)
    outcomes = [Outcome(Case("kill", "not killed", ()), tuple(faults), code, said, seconds, 0)]
    rng = random.Random(f"kills {seed}")
    for number in range(count):
        moment = seconds * (number + rng.random()) / count
        outcomes.append(killed(folder / str(number), photos, moment))
        outcome = outcomes[-1]
        print(f"kill at {moment:.1f} of {seconds:.1f} s: {outcome.faults or 'well'}", flush=True)
        if outcome.faults:
            print(outcome.said, flush=True)
        shutil.rmtree(folder / str(number))
    return outcomes


def command(here: Path, photos: Path, moment: float | None, *more: str) -> tuple[int, str, float]:
    """Exit code, standard error and seconds of the training, killed after `moment` seconds."""
    (here / "temporary").mkdir(parents=True, exist_ok=True)
    arguments = more or ("train", str(photos), "--out", "run", *OPTIONS)
    environment = {**os.environ, "TMPDIR": str(here / "temporary")}
    begin = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "kerascnn", *arguments],
        cwd=here,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        _, said = process.communicate(timeout=moment or WALL_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        _, said = process.communicate()
    return process.returncode, said, time.monotonic() - begin


def killed(here: Path, photos: Path, moment: float) -> Outcome:
    """Kills one, looks at what is there, and goes on as the messages say until all is there."""
    before = snapshot(photos)
    code, said, seconds = command(here, photos, moment)
    while code == 0:  # the machine has become faster
        shutil.rmtree(here)
        moment *= 0.8
        code, said, seconds = command(here, photos, moment)
    case = Case("kill", f"after {moment:.0f} s", ())
    told, faults = [said], []
    if code != -signal.SIGKILL:
        faults.append("exit")
    faults += broken(here)
    for _ in range(3):
        if (here / "run-bundle").is_dir() and (here / "run" / "report.html").is_file():
            break
        code, said, _ = command(here, photos, None, *following(here, photos))
        told.append(said)
        if "Traceback (" in said or "internal error" in said:
            faults.append("traceback")
        elif code == -signal.SIGKILL:
            faults.append("hang")
        elif code not in (0, 2):
            faults.append("exit")
    else:
        faults.append("refused")
    if snapshot(photos) != before:
        faults.append("lost")
    if code == 0:  # who came last has swept
        faults += left(here)
    faults += broken(here)
    return Outcome(case, tuple(dict.fromkeys(faults)), code, "\n".join(told), seconds, 0)


def following(here: Path, photos: Path) -> tuple[str, ...]:
    """What a user does then: --resume, or the export of a run that is complete."""
    if not (here / "run").exists():
        return ("train", str(photos), "--out", "run", *OPTIONS)
    if (here / "run" / "metrics.json").is_file() and not (here / "run" / "backup").exists():
        return ("export", "run", "--recipes", "dynamic_int8", "--out", "run-bundle")
    return ("train", "--resume", "--out", "run", "--export", "dynamic_int8")


def broken(here: Path) -> list[str]:
    """A bundle that is there is whole; so is each JSON file of a run."""
    faults = []
    bundle = here / "run-bundle"
    if bundle.exists():
        manifest = json.loads((bundle / "manifest.json").read_text("utf-8"))
        files = [file["path"] for file in manifest["files"]]
        if not all((bundle / name).is_file() for name in (*files, "report.html", "golden.npz")):
            faults.append("left")
    for path in (here / "run").glob("*.json"):
        try:
            json.loads(path.read_text("utf-8"))
        except ValueError:
            faults.append("left")
    return faults


def left(here: Path) -> list[str]:
    """Whether something else than a run, a bundle and nothing in the temporary folder is there."""
    there = {*os.listdir(here)} - {"temporary"}
    whole = there == {"run", "run-bundle"} and {*os.listdir(here / "run")} >= RUN_FILES
    temporary = [name for name in os.listdir(here / "temporary") if name.startswith("kerascnn")]
    backup = (here / "run" / "backup").exists()
    return [] if whole and not backup and not temporary else ["left"]
