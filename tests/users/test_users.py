"""What users write, run in a clean environment: a wheel of this checkout, nothing of the checkout.

The environment is new; of this one it sees the libraries, not the editable installation.
"""

import os
import site
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

SCRIPTS = sorted(
    path.name for path in Path(__file__).parent.glob("*.py") if not path.name.startswith("test_")
)
NEEDS = {"own_training_loop.py": "tensorboard"}


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


@pytest.fixture(scope="session")
def wheel(repository, tmp_path_factory):
    pytest.importorskip("hatchling", reason="hatchling, which builds the wheel, is not installed")
    folder = tmp_path_factory.mktemp("wheel")
    build = f"import hatchling.build; print(hatchling.build.build_wheel({str(folder)!r}))"
    run(sys.executable, "-c", build, cwd=repository)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="session")
def clean_python(wheel, tmp_path_factory):
    """The interpreter of an environment with the wheel, and this one's libraries behind it."""
    folder = tmp_path_factory.mktemp("users") / "env"
    venv.create(folder, symlinks=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    # A folder that a .pth file names is searched, and the .pth files in it are not read: an
    # editable installation of kerascnn is one of those.
    (packages / "libraries.pth").write_text("\n".join(libraries()) + "\n")
    return folder / "bin" / "python"


def libraries():
    """The folders that this interpreter takes packages from."""
    known = {*site.getsitepackages(), *(path for path in sys.path if path.endswith("-packages"))}
    return sorted(known)


def test_the_environment_has_the_wheel_and_not_the_checkout(clean_python, repository, tmp_path):
    where = "import kerascnn; print(kerascnn.__file__); from kerascnn.cli.selftest import kit"
    told = run(clean_python, "-c", f"{where}; print(kit(), kit().is_file())", cwd=tmp_path)
    package, kit = told.splitlines()
    assert "site-packages/kerascnn/__init__.py" in package
    assert str(repository) not in package
    assert kit.endswith("site-packages/kerascnn/_kit/run.py True")


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_users_script_runs(script, clean_python, repository, tmp_path):
    if script in NEEDS:
        pytest.importorskip(NEEDS[script])
    arguments = [repository / "README.md", tmp_path / "work"] if script == "readme.py" else []
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "KERASCNN")) and name != "KERAS_BACKEND"
    }
    environment["HOME"] = str(tmp_path)
    where = Path(__file__).with_name(script)
    printed = run(clean_python, where, *arguments, cwd=tmp_path, env=environment)
    assert printed.strip()
