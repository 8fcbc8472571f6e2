"""`kerascnn selftest`, and the device kit for the commands that run it."""

import subprocess
import sys
from pathlib import Path

import click

from kerascnn.cli import console


@click.command(short_help="Replay a bundle as a device does.")
@click.argument("path", metavar="BUNDLE")
@click.option("--recipe", metavar="NAME", help="Replay this file only [all of them].")
@click.option("--threads", type=click.IntRange(min=1, max=1024), default=1, show_default=True)
def command(path: str, recipe: str | None, threads: int) -> None:
    """Replay the golden inputs of a BUNDLE, and compare with what the Keras model gave.

    It is done by the Python device kit, in a process without TensorFlow: what passes here passes
    on a device with Python. The kit is one file, export/python/run.py in the source tree, which
    runs where kerascnn is not installed: python run.py --selftest BUNDLE.
    """
    from kerascnn.errors import InputError
    from kerascnn.files import user_path

    folder = user_path(path, "bundle")
    if not (folder / "manifest.json").exists():
        raise InputError(f"not a bundle: {path} (it has no manifest.json).")
    console.say(replay(folder, *(["--recipe", recipe] if recipe else []), f"--threads={threads}"))


def replay(folder: Path, *options: str) -> str:
    """What the kit says of a bundle, a line for each file.

    Raises:
        BundleError: It cannot be read.
        VerificationError: A file does not compute what the Keras model computed.
    """
    from kerascnn.errors import BundleError, VerificationError

    # "=" and "./": whatever a folder is called, it is no option.
    place = str(folder if folder.is_absolute() else Path.cwd() / folder)
    done = subprocess.run(
        [sys.executable, "-I", str(kit()), "--selftest", place, *options],
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode == 0:
        return done.stdout.rstrip()
    said = (done.stderr.strip() or done.stdout.strip()).splitlines() or ["it said nothing"]
    reason = said[-1].removeprefix("run.py: error: ")
    if done.returncode != 1:
        raise BundleError(f"the bundle {folder} cannot be replayed: {reason}")
    failed = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("FAIL")]
    raise VerificationError(
        f"{folder} does not compute here what the Keras model computed: {', '.join(failed)}. "
        "Export it again, or report this machine. " + reason
    )


def kit() -> Path:
    """The Python device kit: beside this package when installed, in export/ in a checkout."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "_kit" / "run.py"
    return installed if installed.is_file() else package.parent / "export" / "python" / "run.py"
