"""Runs the tests of the device kits with the real clients, each in an environment of its own.

    python tests/kits/with_clients.py FOLDER

FOLDER keeps the environments. A client that cannot be installed here (no build for this platform,
no npm, no network) is named, and its tests are skipped with their reason.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[2]
KITS = ROOT / "export"
TESTS = ("tests/kits", "tests/export/test_metadata.py", "tests/export/test_layouts.py")


def python_client(*requirements: str) -> Callable[[Path], Path]:
    """Makes a virtual environment; the result is its Python."""

    def install(folder: Path) -> Path:
        python = folder / "bin" / "python"
        run([sys.executable, "-m", "venv", folder])
        run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *requirements])
        return python

    return install


def browser_client(folder: Path) -> Path:
    """Fetches what the page needs; the result is the folder of packages."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(KITS / "browser" / "package.json", folder)
    npm = shutil.which("npm")
    if npm is None:
        raise RuntimeError("there is no npm")
    run([npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", folder])
    return folder / "node_modules"


CLIENTS = {
    "KERASCNN_TFLM_PYTHON": python_client("--pre", "-r", str(KITS / "micro/requirements.txt")),
    "KERASCNN_MEDIAPIPE_PYTHON": python_client("-r", str(KITS / "mediapipe/requirements.txt")),
    # The last MediaPipe that has the writer of TFLite Metadata: the oracle of ours.
    "KERASCNN_MEDIAPIPE_METADATA_PYTHON": python_client("mediapipe==0.10.21"),
    "KERASCNN_KIT_PYTHON": python_client(
        *("-r", str(KITS / "python/requirements.txt")),
        *("-r", str(KITS / "python/requirements-live.txt")),
    ),
    "KERASCNN_LITERT_JS": browser_client,
}


def run(command: list[str | Path]) -> None:
    """Runs a command; RuntimeError with its last words if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["it said nothing"]
        raise RuntimeError(lines[-1])


def installed(variable: str, folder: Path) -> str | None:
    """Where a client is, made now if it was not made before; None if it cannot be installed."""
    name = variable.removeprefix("KERASCNN_").removesuffix("_PYTHON").lower()
    place, done = folder / name, folder / f"{name}.installed"
    if done.exists():
        return done.read_text(encoding="utf-8")
    try:
        found = CLIENTS[variable](place)
    except (RuntimeError, OSError) as error:
        print(f"{name}: left out: {error}", flush=True)
        return None
    done.write_text(str(found), encoding="utf-8")
    print(f"{name}: installed", flush=True)
    return str(found)


def main() -> int:
    folder = Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(2) as pool:
        places = pool.map(lambda variable: installed(variable, folder), CLIENTS)
        found = {name: place for name, place in zip(CLIENTS, places, strict=True) if place}
    command = [sys.executable, "-m", "pytest", "-rs", *TESTS]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **found}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
