"""The pages of docs/ lead where they say, and the site builds without a warning."""

import importlib
import re
import subprocess
import sys

import pytest

import kerascnn

FENCED = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)")
MODULES = kerascnn._MODULES


def test_the_links_of_the_pages_lead_to_files(repository):
    broken = [
        f"{page.relative_to(repository)}: {target}"
        for page in (repository / "docs").rglob("*.md")
        for target in LINK.findall(FENCED.sub("", page.read_text(encoding="utf-8")))
        if not (page.parent / target).exists()
    ]
    assert broken == []


def test_the_first_page_shows_the_code_of_the_readme(repository):
    pages = [repository / "README.md", repository / "docs" / "index.md"]
    code = [re.findall(r"```python\n.*?```", p.read_text(encoding="utf-8"), re.S) for p in pages]
    assert code[1] == code[0][:1]


@pytest.mark.parametrize("module", MODULES)
def test_the_reference_has_a_page_of_each_module(repository, module):
    page = (repository / "docs" / "api" / f"{module}.md").read_text(encoding="utf-8")
    assert page.startswith(f"# kerascnn.{module}\n")
    for file in ("mkdocs.yml", "docs/api/index.md"):
        assert f"{module}.md" in (repository / file).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def site(repository, tmp_path_factory):
    """The folder of the built site."""
    pytest.importorskip("mkdocs", reason="`make docs` builds the site")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    built = subprocess.run(command, cwd=repository, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    return folder


def test_the_site_needs_no_network(site):
    pages = list(site.rglob("*.html"))
    assert len(pages) > 30
    for page in pages:
        text = page.read_text(encoding="utf-8")
        loaded = re.findall(r'<(?:script|img|link|iframe)[^>]*?(?:src|href)="(https?:[^"]+)', text)
        assert loaded == [], page


@pytest.mark.parametrize("module", MODULES)
def test_the_reference_shows_each_public_name(site, module):
    page = (site / "api" / f"{module}.html").read_text(encoding="utf-8")
    names = getattr(importlib.import_module(f"kerascnn.{module}"), "__all__", ())
    shown = {name.rpartition(".")[2] for name in re.findall(r'id="(kerascnn\.[\w.]+)"', page)}
    assert set(names) - shown == set(), "without a docstring the reference leaves a name out"


def test_the_spanish_pages_have_the_words_of_a_spanish_theme(site):
    for path, language, word in [("course/es", "es", "Búsqueda"), ("", "en", "Search")]:
        page = (site / path / "index.html").read_text(encoding="utf-8")
        assert f'<html lang="{language}"' in page
        assert f'placeholder="{word}"' in page


def test_links_out_of_the_pages_name_the_file(site):
    page = (site / "devices.html").read_text(encoding="utf-8")
    assert "<code>export/browser/README.md</code>" in page
    assert "../export/" not in page


def test_formulas_become_mathml():
    pytest.importorskip("latex2mathml", reason="`make docs` installs it")
    from site_maths import on_page_content

    made = on_page_content(
        '<p>of <span class="arithmatex">\\(a \\le b\\)</span> and '
        '<span class="arithmatex">\\(x_1\\)</span></p>'
        '<div class="arithmatex">\\[\n\\frac{a}{b} &lt; 1\n\\]</div>'
    )
    assert made.count("<math") == 3
    assert 'display="block"' in made
    assert "<mfrac><mrow><mi>a</mi></mrow><mrow><mi>b</mi></mrow></mfrac>" in made
