"""Continuous integration runs what a maintainer can run: targets and settings that exist."""

import re
import subprocess

import pytest


@pytest.fixture(scope="module")
def workflow(repository):
    return (repository / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def settings(repository):
    """The settings that `tests/settings.sh` names when it is called without one."""
    command = [repository / "tests" / "settings.sh"]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 2
    return re.findall(r"^  ([\w-]+)  +\w", done.stderr, re.MULTILINE)


def test_each_setting_runs_in_continuous_integration(workflow, settings):
    listed = re.search(r"setting:\n((?: +- [\w-]+\n)+)", workflow)
    # `plain` is the job `tests`; every job there runs as an ordinary user.
    assert {*listed[1].replace("- ", "").split(), "plain", "ordinary-user"} == set(settings)


def test_each_setting_has_its_place_in_the_script(repository, settings):
    script = (repository / "tests" / "settings.sh").read_text(encoding="utf-8")
    assert re.findall(r"^  ([a-z][\w-]+)\)", script, re.MULTILINE) == settings


def test_the_targets_of_the_workflow_exist(workflow, repository):
    makefile = (repository / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"make ([a-z-]+)", workflow))
    named |= set(re.search(r"target: \[(.*)\]", workflow)[1].split(", "))
    assert {"test", "test-settings", "lint", "docs"} <= named
    for target in named:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_actions_are_pinned_to_a_commit(workflow):
    used = re.findall(r"uses: (\S+)", workflow)
    assert used
    assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action) for action in used)


def test_an_unknown_setting_is_refused(repository):
    done = subprocess.run([repository / "tests" / "settings.sh", "nonsense"], capture_output=True)
    assert done.returncode == 2
