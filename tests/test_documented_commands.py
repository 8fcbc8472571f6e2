"""Commands and options that the documentation names exist. (The README's are run: tests/users.)"""

import importlib
import re
import shlex
from pathlib import Path

import click
import pytest

from kerascnn.cli.main import COMMANDS

ROOT = Path(__file__).resolve().parent.parent
PAGES = [
    *ROOT.glob("*.md"),
    *(ROOT / "docs").glob("*.md"),
    *(ROOT / "docs" / "course").rglob("*.md"),
    *ROOT.glob("export/**/*.md"),
    ROOT / "benchmarks" / "README.md",
]
PAGES = [page for page in PAGES if "node_modules" not in page.parts]
FENCE = re.compile(r"^ *```(\w*)[^\n]*\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")


def options_of(command):
    """The options of one of kerascnn's commands."""
    found = importlib.import_module(f"kerascnn.cli.{command}").command
    names = {name for p in found.params if isinstance(p, click.Option) for name in p.opts}
    return names | {name for p in found.params for name in p.secondary_opts} | {"--help", "--debug"}


OPTIONS = {command: options_of(command) for command in COMMANDS}
SCRIPTS = {
    path.relative_to(ROOT).as_posix(): set(OPTION.findall(path.read_text("utf-8"))) | {"--help"}
    for folder in ("export", "examples", "benchmarks", "docs", "tests/users", "tests/campaign")
    for path in (ROOT / folder).rglob("*.py")
}
ALL = set().union({"--version"}, *OPTIONS.values(), *SCRIPTS.values())


def commands(text):
    """Command lines of the blocks of a page, and those in its sentences."""
    for language, block in FENCE.findall(text):
        if language in ("", "bash"):
            for line in block.replace("\\\n", " ").splitlines():
                yield re.split(r"\s+#(?:\s|$)", line)[0].strip()
    yield from SPAN.findall(FENCE.sub("", text))


def faults(text, page):
    """What a page names and is not there."""
    for line in commands(text):
        try:
            words = shlex.split(line)
        except ValueError:  # a piece of code with a quote
            continue
        named = [
            word.partition("=")[0] for word in words if OPTION.fullmatch(word.partition("=")[0])
        ]
        if words[:1] == ["kerascnn"] and len(words) > 1 and re.fullmatch(r"[a-z]+", words[1]):
            known = OPTIONS.get(words[1])
            if known is None:
                yield f"{line}: there is no command {words[1]}"
            else:
                yield from (f"{line}: no option {name}" for name in named if name not in known)
        elif re.search(r"(^|/)python[0-9.]*$", words[0] if words else "") and len(words) > 1:
            script = words[1]
            if script.endswith(".py"):
                known = script_options(script, page)
                if known is None:
                    yield f"{line}: there is no {script}"
                else:
                    yield from (f"{line}: no option {name}" for name in named if name not in known)
        else:
            yield from (f"{line}: no option {name} anywhere" for name in named if name not in ALL)


def script_options(script, page):
    """The options of a script that is named from the root, or from where its page says to be."""
    places = [
        script,
        (page.parent.relative_to(ROOT) / script).as_posix(),
        f"export/python/{script}",
    ]
    return next((SCRIPTS[place] for place in places if place in SCRIPTS), None)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_commands_and_options_of_a_page_exist(page):
    assert [*faults(page.read_text(encoding="utf-8"), page)] == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("```\nkerascnn trian photos\n```", "no command trian"),
        ("```\nkerascnn train photos --epoch 3  # --nothing\n```", "no option --epoch"),
        ("see `kerascnn export RUN --sensitive x`", "no option --sensitive"),
        ("with `--no-such-option`", "no option --no-such-option anywhere"),
        ("```\npython examples/nothing.py\n```", "no examples/nothing.py"),
        ("```\npython export/python/run.py --self-test B\n```", "no option --self-test"),
    ],
)
def test_what_does_not_exist_is_a_fault(text, fault):
    (found,) = faults(text, ROOT / "README.md")
    assert fault in found
