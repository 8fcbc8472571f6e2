"""Each chapter of the course runs, prints and draws what it shows, and has its Spanish twin."""

import re
import socket

import chapters
import numpy as np
import pytest
from PIL import Image

ENGLISH = """# Sums
[En español](es/01-sumas.md)

```python
# Adds.
total = 1 + 2
print(f"total: {total:.1f}")
```

```text
total: 3.0
```

## Drawn

```python
from matplotlib import pyplot as plt

figure, axes = plt.subplots(figsize=(1, 1))
axes.plot([total], label="sum")
figure.savefig("sum.png")
```

![The sum](pictures/sum.png)
"""

SPANISH = (
    ENGLISH.replace("# Sums\n[En español](es/01-sumas.md)", "# Sumas\n[In English](../01-sums.md)")
    .replace("# Adds.", "# Suma.")
    .replace("total: ", "suma: ")
    .replace('label="sum"', 'label="suma"')
    .replace("## Drawn", "## Dibujada")
    .replace("![The sum](pictures", "![La suma](../pictures")
)


@pytest.fixture
def made_up(tmp_path):
    """Returns a function that writes a chapter and its twin, and a folder to run it in."""
    (tmp_path / "course" / "es").mkdir(parents=True)
    (tmp_path / "run").mkdir()

    def write(english=ENGLISH, spanish=SPANISH):
        page = tmp_path / "course" / "01-sums.md"
        page.write_text(english, encoding="utf-8")
        (tmp_path / "course" / "es" / "01-sumas.md").write_text(spanish, encoding="utf-8")
        return page, tmp_path / "run"

    return write


@pytest.fixture
def no_network(monkeypatch):
    connect = socket.socket.connect

    def refuse(self, address):
        if self.family == socket.AF_UNIX:  # another process of this machine
            return connect(self, address)
        raise ConnectionError("a chapter of the course needs the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


class TestTheRunner:
    def test_a_right_chapter_has_no_faults(self, made_up):
        page, folder = made_up()
        assert chapters.run(page, folder) == []
        assert chapters.differences(page, chapters.twin(page)) == []
        assert [path.name for path in folder.iterdir()] == ["sum.png"]

    @pytest.mark.parametrize(
        ("right", "wrong", "fault"),
        [
            ("total: 3.0\n", "total: 4.0\n", r"line 5: .*total: 4\.0\nbut it prints\ntotal: 3\.0"),
            ("pictures/sum", "pictures/product", "shows pictures/product.png"),
            ("## Drawn", "??? note\n    ```python\n    1 / 0\n    ```", "indented python block"),
        ],
    )
    def test_it_finds_what_a_page_says_wrongly(self, made_up, right, wrong, fault):
        page, folder = made_up(ENGLISH.replace(right, wrong))
        (found,) = chapters.run(page, folder)
        assert re.search(fault, found, re.DOTALL), found

    def test_an_error_of_the_code_has_the_line_of_the_page(self, made_up):
        page, folder = made_up(ENGLISH.replace("1 + 2", "1 + missing"))
        with pytest.raises(NameError) as raised:
            chapters.run(page, folder)
        assert raised.traceback[-1].lineno + 1 == 6

    def test_an_output_further_down_belongs_to_no_block(self):
        (step,) = chapters.steps("```python\nprint(1)\n```\n\nTwo:\n\n```text\n2\n```\n")
        assert (step.code, step.line, step.output) == ("print(1)\n", 1, None)

    @pytest.mark.parametrize(
        ("right", "wrong", "fault"),
        [
            ("1 + 2", "2 + 1", "different code"),
            ("total:.1f", "total:.2f", "different code"),
            ('savefig("sum', 'savefig("suma', "different code"),
            ("suma: 3.0\n", "suma: 3.5\n", "different figures"),
            ("pictures/sum", "pictures/suma", "different pictures"),
            ("## Dibujada", "### Dibujada", "different levels"),
            ("](../01-sums.md)", "](../sums.md)", "does not link"),
        ],
    )
    def test_it_finds_where_the_twin_differs(self, made_up, right, wrong, fault):
        assert right in SPANISH
        page, _ = made_up(spanish=SPANISH.replace(right, wrong))
        (found,) = chapters.differences(page, chapters.twin(page))
        assert fault in found

    def test_a_chapter_without_twin_is_an_error(self, made_up):
        page, _ = made_up()
        chapters.twin(page).unlink()
        with pytest.raises(FileNotFoundError, match="expected one page es/01"):
            chapters.twin(page)


# What these show was learned in the chapter, and sums of floats differ by processor and threads.
# So each shows something else on every machine, in the same places.
LEARNED = {
    *("shifted_digits.png", "gradients.png", "transfer.png", "attributions.png", "units.png"),
}


def same_values(one, other):
    """Whether two pictures of the same numbers look alike, whatever drew their letters."""
    small = [np.asarray(image.convert("L").resize((32, 32)), float) for image in (one, other)]
    return np.abs(small[0] - small[1]).mean() < 4


def same_places(one, other):
    """Whether two pictures leave the same rows and columns empty: margins, and between panels."""
    empty = [np.asarray(image.convert("L")) > 250 for image in (one, other)]
    return all(np.mean(empty[0].all(axis) != empty[1].all(axis)) < 0.03 for axis in (0, 1))


def stale(page, folder):
    """The kept pictures that are not what the page's code draws into `folder`."""
    found = []
    for name in chapters.pictures(page):
        drawn, kept = Image.open(folder / name), Image.open(chapters.PICTURES / name)
        same = same_places if name in LEARNED else same_values
        by_this_code = kept.info.get("code") == chapters.drawn_by(page, name)
        if not by_this_code or drawn.size != kept.size or not same(drawn, kept):
            found.append(name)
    return found


def panels(rng, top=2):
    """Eight panels of noise, with gutters, as a picture."""
    page = np.full((66, 130), 255, np.uint8)
    for row in (top, top + 32):
        for column in (2, 34, 66, 98):
            page[row : row + 28, column : column + 28] = rng.integers(0, 256, (28, 28))
    return Image.fromarray(page)


def test_pictures_are_compared_by_their_values_or_by_their_places():
    rng = np.random.default_rng(0)
    one, other, lower, empty = panels(rng), panels(rng), panels(rng, 6), Image.new("L", (130, 66))
    assert same_values(one, one)
    assert not same_values(one, empty)
    assert same_places(one, other)  # other noise
    assert not same_places(one, lower)
    assert not same_places(one, empty)
    assert not same_places(one, Image.new("L", (130, 66), "white"))


def test_a_picture_knows_the_code_that_drew_it():
    known = chapters.drawn_by(ENGLISH, "sum.png")
    assert known == chapters.drawn_by(ENGLISH + "\n```python\nprint(2)\n```\n", "sum.png")
    assert known != chapters.drawn_by(ENGLISH.replace("1 + 2", "1 + 3"), "sum.png")


@pytest.mark.parametrize("chapter", chapters.chapters(), ids=lambda path: path.stem)
class TestAChapter:
    def test_its_code_prints_and_draws_what_it_shows(self, chapter, tmp_path, no_network):
        assert chapters.run(chapter, tmp_path) == []
        drawn_anew = f"python docs/draw_course.py {chapter.name[:2]} draws them anew"
        assert stale(chapters.read(chapter), tmp_path) == [], drawn_anew

    def test_its_twin_says_the_same(self, chapter):
        assert chapters.differences(chapter, chapters.twin(chapter)) == []


def test_the_pictures_are_those_that_the_chapters_show():
    shown = {
        name for path in chapters.chapters() for name in chapters.pictures(chapters.read(path))
    }
    kept = {path.name: path.stat().st_size for path in chapters.PICTURES.glob("*")}
    assert set(kept) == shown, "python docs/draw_course.py draws them"
    assert [name for name, size in kept.items() if size > chapters.LARGEST_PICTURE] == []


def test_the_numbers_of_the_chapters_are_those_of_the_course():
    numbers = [int(path.name[:2]) for path in chapters.chapters()]
    spanish = [int(path.name[:2]) for path in chapters.chapters(chapters.COURSE / "es")]
    assert numbers == spanish == list(range(1, 16))
