"""What a user's type checker finds in a script, and what it lets pass."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ACCEPTED, REFUSED = HERE / "accepted.py", HERE / "refused.py"


def mistakes() -> set[int]:
    lines = REFUSED.read_text(encoding="utf-8").splitlines()
    return {number for number, line in enumerate(lines, 1) if line.endswith("# mistake")}


def found(command: list[str], cwd: Path) -> dict[str, set[int]]:
    """Lines with errors, by file."""
    command = [*command, str(ACCEPTED), str(REFUSED)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    lines: dict[str, set[int]] = {"accepted.py": set(), "refused.py": set()}
    for name, number in re.findall(r"(\w+\.py):(\d+)(?::\d+)?(?: -)?:? error", done.stdout):
        lines[name].add(int(number))
    assert lines["refused.py"], done.stdout + done.stderr
    return lines


def test_mypy_finds_the_mistakes_and_no_others(tmp_path):
    # As in a project of one's own: none of our settings, stubs of other packages missing.
    command = [sys.executable, "-m", "mypy", "--config-file=", "--ignore-missing-imports"]
    assert found([*command, "--cache-dir", str(tmp_path)], tmp_path) == {
        "accepted.py": set(),
        "refused.py": mistakes(),
    }


def test_pyright_finds_the_mistakes_and_no_others(tmp_path):
    pyright = shutil.which("basedpyright") or shutil.which("pyright")
    if pyright is None:
        pytest.skip("pyright is not installed")
    (tmp_path / "pyrightconfig.json").write_text('{"typeCheckingMode": "basic"}')
    command = [pyright, "--pythonpath", sys.executable, "--project", str(tmp_path)]
    assert found(command, tmp_path) == {"accepted.py": set(), "refused.py": mistakes()}
