"""Who imports whom, and what a fresh process loads."""

import ast
import subprocess
import sys
from pathlib import Path

import fresh
import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "kerascnn"

# Part of the package -> the parts it may import, besides itself and those for everyone.
EVERYWHERE = {"arguments", "errors", "files", "inputs", "lazy"}
ALLOWED = {
    "arguments": set(),
    "copying": set(),
    "errors": set(),
    "files": set(),
    "inputs": set(),
    "lazy": set(),
    "catalog": set(),
    "arithmetic": set(),
    "signal": set(),
    "profile": {"arithmetic"},
    "properties": {"profile", "visualize"},
    "registration": set(),
    "model_file": {"registration"},
    "serialization": {"model_file", "registration"},
    "layers": {"copying"},
    "quantization": {"copying", "layers"},
    "tasks": set(),
    "last_layers": {"quantization", "tasks"},
    "losses": set(),
    "augment": set(),
    "weights": {"catalog", "model_file"},
    "models": {"layers", "weights"},
    "data": {"tasks"},
    "export": {"copying", "last_layers", "pages", "profile", "quantization", "tasks"},
    "pages": set(),
    "transfer": {"augment", "copying", "layers", "losses", "serialization"},
    "visualize": {"last_layers", "tasks"},
    "training": {
        *("augment", "catalog", "copying", "data", "export", "last_layers", "losses", "pages"),
        *("model_file", "quantization", "serialization", "tasks", "transfer", "visualize"),
    },
    "inference": {
        *("catalog", "data", "export", "last_layers", "model_file", "serialization", "tasks"),
        *("training", "weights"),
    },
    "cli": {
        *("augment", "catalog", "data", "export", "inference", "model_file", "pages", "profile"),
        *("serialization", "tasks", "training", "visualize"),
    },
    "__init__": {"catalog", "registration", "serialization", "training"},
    "__main__": {"cli"},
}
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
STANDARD_LIBRARY_ONLY += ("export/strict_json.py",)
STANDARD_LIBRARY_ONLY += tuple(
    str(path.relative_to(PACKAGE))
    for folder in ("catalog", "files")
    for path in PACKAGE.glob(f"{folder}/**/*.py")
)


def imports(path: Path) -> list[tuple[str, bool]]:
    """Absolute module names a file imports, and whether each import runs on importing the file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = set()
    for node in ast.walk(tree):
        is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if is_function or (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)):
            inside |= {id(child) for child in ast.walk(node)}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        found += [(name, id(node) not in inside) for name in names]
    return found


def part(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


FILES = [pytest.param(path, id=str(path.relative_to(PACKAGE))) for path in PACKAGE.rglob("*.py")]


@pytest.mark.parametrize("path", FILES)
def test_imports_go_in_the_allowed_directions(path):
    own = part(path)
    for name, _ in imports(path):
        if not name.startswith("kerascnn."):
            continue
        target = name.split(".")[1]
        if target in ALLOWED:
            assert target in ALLOWED[own] | EVERYWHERE | {own}, f"{own} must not import {name}"


@pytest.mark.parametrize("path", FILES)
def test_heavy_libraries_are_imported_where_they_are_used(path):
    allowed = {"tensorflow": {"data", "export", "cli"}, "matplotlib": {"visualize", "cli"}}
    if path.name in FAST_PATHS:
        allowed["tensorflow"].add("layers")
    if part(path) == "visualize" and path.name in DERIVATIVES:
        allowed["tensorflow"].add("visualize")
    if part(path) == "training" and path.name in DEVICES:
        allowed["tensorflow"].add("training")
    if path.name in TF_DATA:
        allowed["tensorflow"] |= {"augment", "transfer"}
    for name, at_import in imports(path):
        library = name.split(".")[0]
        if library in ("tensorflow", "tensorflow_datasets", "matplotlib"):
            key = "matplotlib" if library == "matplotlib" else "tensorflow"
            assert part(path) in allowed[key], f"{path.name} must not import {name}"
            child = path.name == "_child.py"  # runs as a process of its own
            assert not at_import or child, f"{name} must be imported inside a function"


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
