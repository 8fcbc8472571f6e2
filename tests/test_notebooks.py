"""The notebooks are what docs/make_notebooks.py makes of the chapters, whose code the tests run."""

import json
import re

import chapters
import make_notebooks
import pytest

PAGE = """# 1. Sums

[En español](es/01-sumas.md) · Slides: lecture 1.

```python
print(1 + 2)
```

```text
3
```

See [the guide](../signal.md), [the paper](https://arxiv.org/abs/1603.07285).

```python
figure.savefig("drawn.png", dpi=120)
image.save("saved.png")
```

![Drawn](pictures/drawn.png)

![Saved](pictures/saved.png)

## Exercises
1. How much is it?

    ??? success "Answer"
        Three.

        Really.

2. Why?

!!! note "Beware"
    Twice.

```bash
kerascnn demo
```
"""
PROSE = """## Exercises
1. How much is it?

    <details><summary>Answer</summary>

    Three.

    Really.

    </details>

2. Why?

> **Beware**
>\x20
> Twice.

```bash
kerascnn demo
```"""
NOTEBOOKS = make_notebooks.notebooks()
HOUR = 3600  # no test depends on how fast the machine is


def cells(text, kind):
    found = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == kind]
    return ["".join(cell["source"]) for cell in found]


@pytest.fixture
def made(tmp_path):
    """A notebook of one made-up chapter."""
    page = tmp_path / "docs" / "course" / "01-sums.md"
    page.parent.mkdir(parents=True)
    page.write_text(PAGE, encoding="utf-8")
    return make_notebooks.notebook(tmp_path / "examples" / "notebooks" / "sums.ipynb", [page])


def test_code_becomes_cells_and_other_pictures_are_shown(made):
    install, *code = cells(made, "code")
    assert "%pip install" in install
    assert code == [
        "print(1 + 2)",
        'figure.savefig("drawn.png", dpi=120)\nimage.save("saved.png")',
        'import IPython\n\nIPython.display.Image("saved.png")',
    ]


def test_text_loses_outputs_and_twins_and_keeps_its_links(made):
    opening, title, links, exercises = cells(made, "markdown")
    assert opening.startswith("Chapters 1 to 1")
    assert title == "# 1. Sums\n\nSlides: lecture 1."
    link = "[the guide](../../docs/signal.md)"
    assert links == f"See {link}, [the paper](https://arxiv.org/abs/1603.07285)."
    assert exercises == PROSE


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
class TestANotebook:
    def test_it_is_what_the_script_makes(self, path):
        made = make_notebooks.notebook(path, NOTEBOOKS[path])
        assert path.is_file(), "run python docs/make_notebooks.py"
        assert path.read_text(encoding="utf-8") == made, "run python docs/make_notebooks.py"

    def test_its_code_is_that_of_the_chapters(self, path):
        code = cells(path.read_text(encoding="utf-8"), "code")
        pages = [chapters.read(page) for page in NOTEBOOKS[path]]
        wanted = [step.code.strip("\n") for page in pages for step in chapters.steps(page)]
        assert [cell for cell in code[1:] if not cell.startswith("import IPython")] == wanted

    def test_it_is_valid(self, path):
        nbformat = pytest.importorskip("nbformat", reason="`make docs` installs it")
        nbformat.validate(json.loads(path.read_text(encoding="utf-8")))


# The tests of the chapters run the English code.
SPANISH = [path for path in NOTEBOOKS if path.parent.name == "es"]


@pytest.mark.parametrize("path", SPANISH, ids=lambda path: path.stem)
def test_it_runs_in_jupyter_and_prints_what_its_chapters_show(path, tmp_path):
    nbformat = pytest.importorskip("nbformat", reason="`make docs` installs it")
    nbclient = pytest.importorskip("nbclient", reason="`make docs` installs it")
    notebook = nbformat.read(path, 4)
    nbclient.NotebookClient(
        notebook,
        timeout=None,
        startup_timeout=HOUR,
        iopub_timeout=HOUR,
        resources={"metadata": {"path": str(tmp_path)}},
    ).execute()
    log = re.compile(r"^INFO:tensorflow:.*\n", re.MULTILINE)  # in Jupyter it goes where prints go
    printed = [
        log.sub("", "".join(out.text for out in cell.outputs if out.get("name") == "stdout"))
        for cell in notebook.cells
        if cell.cell_type == "code" and cell.id != "install" and "IPython" not in cell.source
    ]
    steps = [s for page in NOTEBOOKS[path] for s in chapters.steps(chapters.read(page))]
    shown = [(s.output, out) for s, out in zip(steps, printed, strict=True) if s.output is not None]
    assert [out.split() for _, out in shown] == [output.split() for output, _ in shown]


def test_there_is_no_other_notebook():
    assert set(make_notebooks.NOTEBOOKS.rglob("*.ipynb")) == set(NOTEBOOKS)
