"""The chapters of docs/course: their code, what it prints and draws, and their Spanish twins.

Code blocks of a page run from top to bottom in one namespace. A ```text block right after a
```python block is what that block prints. Pictures lie in docs/course/pictures; each holds the hash
of the code that drew it.
"""

import ast
import contextlib
import hashlib
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COURSE = Path(__file__).resolve().parent / "course"
PICTURES = COURSE / "pictures"
LARGEST_PICTURE = 150_000  # bytes

FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)
INDENTED_CODE = re.compile(r"^[ \t]+```python", re.MULTILINE)
PICTURE = re.compile(r"!\[[^\]]*\]\((?:\.\./)?pictures/([\w.-]+)\)")
NUMBER = re.compile(r"\d+(?:\.\d+)?")


@dataclass(frozen=True)
class Step:
    """A block of code of a page; `output` is what the page says it prints, or None."""

    code: str
    line: int
    output: str | None


def chapters(folder: Path = COURSE) -> list[Path]:
    """The English chapters in their order; with `folder` COURSE / "es" the Spanish ones."""
    return sorted(folder.glob("[0-9][0-9]-*.md"))


def twin(chapter: Path) -> Path:
    """The Spanish page of an English chapter; raises FileNotFoundError where there is not one."""
    found = sorted((chapter.parent / "es").glob(f"{chapter.name[:2]}-*.md"))
    if len(found) != 1:
        raise FileNotFoundError(
            f"{chapter.name}: expected one page es/{chapter.name[:2]}-*.md, found {len(found)}"
        )
    return found[0]


def read(path: Path) -> str:
    """The text of a page."""
    return path.read_text(encoding="utf-8")


def pieces(page: str) -> list[str | Step]:
    """A page as text and code in turns, from text to text; what is printed goes with its code."""
    blocks = list(FENCE.finditer(page))
    found: list[str | Step] = []
    rest = 0
    for block, following in zip(blocks, [*blocks[1:], None], strict=True):
        if block[1] != "python":
            continue
        text, rest, output = page[rest : block.start()], block.end(), None
        if following and following[1] == "text" and not page[rest : following.start()].strip():
            output, rest = following[2], following.end()
        found += [text, Step(block[2], page.count("\n", 0, block.start(2)), output)]
    return [*found, page[rest:]]


def steps(page: str) -> list[Step]:
    """The code blocks of a page, each with the output shown right after it."""
    return [piece for piece in pieces(page) if isinstance(piece, Step)]


def pictures(page: str) -> list[str]:
    """Names of the pictures of the course that a page shows."""
    return PICTURE.findall(FENCE.sub("", page))


def drawn_by(page: str, picture: str) -> str:
    """The hash of the code that draws a picture: that of its block and of all blocks before it."""
    blocks = [step.code for step in steps(page)]
    last = next(number for number, code in enumerate(blocks) if f'"{picture}"' in code)
    return hashlib.sha256("".join(blocks[: last + 1]).encode()).hexdigest()


def headings(page: str) -> list[str]:
    """The levels of the headings of a page, as "#", "##" and so on."""
    return re.findall(r"^(#+) ", FENCE.sub("", page), re.MULTILINE)


def run(path: Path, folder: Path, names: dict[str, Any] | None = None) -> list[str]:
    """Runs the code of a page in an empty folder, and leaves there what it writes.

    Args:
        path: The page.
        folder: Where it runs.
        names: Gets the names that the code defines.

    Returns:
        What the page says wrongly, one sentence each: outputs and pictures. An exception of the
        code is raised, with the lines of the page in its traceback.
    """
    import keras
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    page, faults = read(path), []
    namespace = {} if names is None else names
    namespace["__name__"] = "__main__"
    keras.utils.clear_session()  # names of layers are counted from the start
    with contextlib.chdir(folder):
        for step in steps(page):
            printed = io.StringIO()
            code = compile("\n" * step.line + step.code, str(path), "exec")
            with contextlib.redirect_stdout(printed):
                exec(code, namespace)
            if step.output is not None and _lines(step.output) != _lines(printed.getvalue()):
                faults.append(
                    f"{path.name}, code of line {step.line + 1}: the page shows\n{step.output}"
                    f"but it prints\n{printed.getvalue()}"
                )
    pyplot.close("all")
    if INDENTED_CODE.search(page):
        faults.append(
            f"{path.name}: an indented python block would not be run; begin it at the margin"
        )
    faults.extend(
        f"{path.name}: shows pictures/{name}, which its code does not write"
        for name in pictures(page)
        if not (folder / name).is_file()
    )
    return faults


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip("\n").splitlines()]


def differences(english: Path, spanish: Path) -> list[str]:
    """What a page and its twin do not share: code, figures, pictures, headings, links."""
    one, other = read(english), read(spanish)
    shared = {
        "code but for strings and comments": lambda page: [_masked(s.code) for s in steps(page)],
        "figures of the outputs": lambda page: [
            NUMBER.findall(s.output or "") for s in steps(page)
        ],
        "pictures": pictures,
        "levels of headings": headings,
    }
    faults = [
        f"{english.name} and es/{spanish.name} have different {what}: {first} and {second}"
        for what, of in shared.items()
        for first, second in [_first_difference(of(one), of(other))]
        if first != second
    ]
    if f"](es/{spanish.name})" not in one:
        faults.append(f"{english.name} does not link to es/{spanish.name}")
    if f"](../{english.name})" not in other:
        faults.append(f"es/{spanish.name} does not link to ../{english.name}")
    return faults


def _first_difference(one: list, other: list) -> tuple:
    for first, second in zip(one, other, strict=False):
        if first != second:
            return first, second
    return len(one), len(other)


def _masked(code: str) -> str:
    """The syntax tree of the code as text, with the words of its strings left out."""
    return ast.unparse(_Mask().visit(ast.parse(code)))


class _Mask(ast.NodeTransformer):
    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        is_word = isinstance(node.value, str) and not re.search(r"\.\w{2,4}$", node.value)
        return ast.Constant("") if is_word else node  # names of files stay

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.JoinedStr:
        values = [value for value in node.values if isinstance(value, ast.FormattedValue)]
        return ast.JoinedStr([self._value(value) for value in values])

    def _value(self, node: ast.FormattedValue) -> ast.FormattedValue:
        spec = ast.unparse(node.format_spec) if node.format_spec else ""
        digits = re.search(r"\.\d+\w?", spec)  # a column may be wider for longer words
        return ast.FormattedValue(
            self.visit(node.value), node.conversion, ast.Constant(digits[0]) if digits else None
        )
