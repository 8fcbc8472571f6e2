"""Who imports whom, and what a fresh process loads."""

import ast
import fnmatch
import functools
import graphlib
import re
import subprocess
import sys
from pathlib import Path

import fresh
import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "kerascnn"

EVERYWHERE = {"arguments", "errors", "files", "inputs", "lazy", "names"}
# Layers whose fast path is TensorFlow's own.
FAST_PATHS = {
    "_compiled.py",
    "activation.py",
    "batch_normalization.py",
    "depthwise_conv.py",
    "grouped_conv.py",
    "layer_normalization.py",
}
# Derivatives and compiling are each backend's own: Keras has no operation for them.
DERIVATIVES = {"compiled.py", "gradient.py"}
# What the backend computes on: Keras has no question for it.
DEVICES = {"precision.py"}
# The parts of augmentation and of training that `tf.data` runs.
TF_DATA = {"arrays.py", "dataset.py", "tensor_batches.py"}
STANDARD_LIBRARY_ONLY = ("arithmetic.py", "errors.py", "lazy.py")
STANDARD_LIBRARY_ONLY += ("export/contract/strict_json.py",)
STANDARD_LIBRARY_ONLY += tuple(
    str(path.relative_to(PACKAGE))
    for folder in ("catalog", "files")
    for path in PACKAGE.glob(f"{folder}/**/*.py")
)


def imports(path: Path) -> list[tuple[str, bool]]:
    """Absolute module names a file imports, and whether each import runs on importing the file."""
    return [(name, at_import) for name, at_import, _ in every_import(path)]


@functools.cache
def every_import(path: Path) -> list[tuple[str, bool, bool]]:
    """The same, and whether it is for type checkers alone."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside, typing = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            inside |= {id(child) for child in ast.walk(node)}
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            typing |= {id(child) for child in ast.walk(node)}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        place = id(node)
        found += [(name, place not in inside | typing, place in typing) for name in names]
    return found


def file_of(name: str, top: Path) -> Path | None:
    """The file below `top` that a dotted name is in, or None."""
    path = top
    for word in name.split("."):
        if (path / word).is_dir():
            path /= word
        elif path.joinpath(f"{word}.py").is_file():
            return path / f"{word}.py"
        else:
            break
    path /= "__init__.py"
    return path if path.is_file() else None


def read_table() -> dict[str, list[str]]:
    """The table of CONTRIBUTING: part of the package -> patterns of the parts it may import."""
    text = (PACKAGE.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([\w/]+)` \| [^|]+ \| ([^|]+) \|$", text, re.MULTILINE)
    return {name: allowed.split(", ") if allowed != "-" else [] for name, allowed in rows}


TABLE = read_table()
PARTS = [*TABLE, *sorted(EVERYWHERE), "__init__", "__main__"]


def part(path: Path) -> str:
    """The longest row of the table that a file is in."""
    words = path.relative_to(PACKAGE).with_suffix("").parts
    for count in range(len(words), 0, -1):
        name = "/".join(words[:count]).removesuffix("/__init__")
        if name in PARTS:
            return name
    raise AssertionError(f"{path} is in no part of CONTRIBUTING's table")


FILES: dict[str, list[Path]] = {}
for _file in sorted(PACKAGE.rglob("*.py")):
    FILES.setdefault(part(_file), []).append(_file)


@functools.cache
def imported_parts(name: str) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in FILES[name]:
        for module, _ in imports(path):
            file = file_of(module.removeprefix("kerascnn."), PACKAGE)
            if module.startswith("kerascnn.") and file is not None:
                found.setdefault(part(file), path)
    return {other: path for other, path in found.items() if other != name}


def may(name: str, other: str) -> bool:
    if other in EVERYWHERE:
        return True
    patterns = TABLE.get(name, ["*"] if name in ("__init__", "__main__") else [])
    return any(fnmatch.fnmatch(other, "*" if p == "everything" else p) for p in patterns)


@pytest.mark.parametrize("name", PARTS)
def test_a_part_imports_what_the_table_allows(name):
    found = imported_parts(name)
    assert [
        f"{path} imports {other}" for other, path in found.items() if not may(name, other)
    ] == []
    plain = {pattern for pattern in TABLE.get(name, []) if pattern != "everything"}
    assert {p for p in plain if not any(fnmatch.fnmatch(o, p) for o in found)} == set(), "unused"


def test_parts_do_not_import_in_circles():
    assert (
        circles({Path(name): {Path(other) for other in imported_parts(name)} for name in PARTS})
        == []
    )


def circles(after: dict[Path, set[Path]]) -> list[str]:
    """What cannot be put in order, as text."""
    try:
        list(graphlib.TopologicalSorter(after).static_order())
    except graphlib.CycleError as error:
        return [path.name for path in error.args[1]]
    return []


@pytest.mark.parametrize("folder", ["kerascnn", "benchmarks", "examples", "tests"])
def test_files_do_not_import_in_circles(folder):
    top = PACKAGE.parent / folder
    after = {}
    for path in top.rglob("*.py"):
        names = (name for name, _, typing in every_import(path) if not typing)
        if folder == "kerascnn":
            names = (n.removeprefix("kerascnn.") for n in names if n.startswith("kerascnn."))
        found = {file_of(name, top) for name in names}
        after[path] = {file for file in found if file not in (None, path, top / "__init__.py")}
    assert circles(after) == []


def test_folders_are_no_larger_than_one_can_read():
    large = {"layers", "models", "catalog", "cli", "published", "names"}
    sizes = {
        str(folder.relative_to(PACKAGE)): len([*folder.glob("*.py")])
        for folder in (PACKAGE, *PACKAGE.rglob("*"))
        if folder.is_dir() and folder.name not in large
    }
    assert {name: size for name, size in sizes.items() if size > 27} == {}


@pytest.mark.parametrize("name", PARTS)
def test_heavy_libraries_are_imported_where_they_are_used(name):
    for path in FILES[name]:
        allowed = {"tensorflow": {"data", "export", "cli"}, "matplotlib": {"visualize", "cli"}}
        if path.name in FAST_PATHS:
            allowed["tensorflow"].add("layers")
        if name.startswith("visualize") and path.name in DERIVATIVES:
            allowed["tensorflow"].add("visualize")
        if name == "training" and path.name in DEVICES:
            allowed["tensorflow"].add("training")
        if path.name in TF_DATA:
            allowed["tensorflow"] |= {"augment", "transfer"}
        for module, at_import in imports(path):
            library = module.split(".")[0]
            if library in ("tensorflow", "tensorflow_datasets", "matplotlib"):
                key = "matplotlib" if library == "matplotlib" else "tensorflow"
                assert name.split("/")[0] in allowed[key], f"{path} must not import {module}"
                child = path.name == "_child.py"  # runs as a process of its own
                assert not at_import or child, f"{module} must be imported inside a function"


@pytest.mark.parametrize("name", STANDARD_LIBRARY_ONLY)
def test_standard_library_only(name):
    for module, at_import in imports(PACKAGE / name):
        root = module.split(".")[0]
        if at_import:
            assert root in sys.stdlib_module_names | {"kerascnn"}, f"{name} imports {module}"


@pytest.mark.parametrize(
    "code",
    [
        "import kerascnn",
        "import kerascnn; kerascnn.catalog.find('LeNet5'); kerascnn.list_models()",
        "import kerascnn.arithmetic",
        "import kerascnn.augment; kerascnn.augment.get('strong', 32)",
        "import kerascnn.data",
        "import kerascnn.export",
        "import kerascnn.properties",
        "import kerascnn.inference",
        "import kerascnn.signal; kerascnn.signal.sobel()",
        "import kerascnn.tasks; kerascnn.tasks.get('regression')",
        "import kerascnn.training, kerascnn.training.checks, kerascnn.cli.export_checks",
        "import kerascnn.transfer",
        "import kerascnn.visualize",
        "from kerascnn.cli.main import main; main(['--help'])",
        "from kerascnn.cli.main import main; main(['train', '--help'])",
        "from kerascnn.cli.main import main; main(['models'])",
    ],
)
def test_a_fresh_process_loads_neither_keras_nor_tensorflow(code):
    check = (
        "import atexit, sys, os\n"
        "def look():\n"
        "    heavy = {'keras', 'tensorflow', 'matplotlib', 'sklearn'} & set(sys.modules)\n"
        "    if heavy: os.write(2, repr(heavy).encode()); os._exit(9)\n"
        "atexit.register(look)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", check + code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def name_and_scale(path):
    """Of a model and its loss, for a fresh process."""
    import kerascnn

    model = kerascnn.load_model(path)
    return model.name, [float(value) for value in model.loss.scale]


def test_load_model_registers_layers_and_losses_in_a_fresh_process(tmp_path):
    import kerascnn
    from kerascnn.losses import ScaledHuber

    model = kerascnn.models.LeNet5Original()
    model.compile("sgd", ScaledHuber([2.0] * 10))
    model.save(tmp_path / "model.keras")
    name, scale = fresh.call(name_and_scale, tmp_path / "model.keras")
    assert (name, scale) == ("lenet5original", [2.0] * 10)


def test_unknown_names_are_attribute_errors():
    import kerascnn

    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = kerascnn.nonsense
