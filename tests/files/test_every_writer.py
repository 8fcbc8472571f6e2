"""Every function that writes a path of the user's refuses to replace what is of another kind."""

import ast
from pathlib import Path

import keras
import numpy as np
import pytest
from belongings import CONTENTS, NOTES, make_photos, snapshot

import kerascnn
from kerascnn import export, visualize
from kerascnn.errors import OutputExistsError
from kerascnn.training import write_report
from kerascnn.transfer import Embedder
from kerascnn.visualize import plot_confusion, plot_history, plot_layer_errors, plot_zoo

PACKAGE = Path(kerascnn.__file__).parent
IMAGES = np.zeros((4, 8, 8, 3), np.uint8)


@pytest.fixture(scope="module")
def model():
    return keras.Sequential(
        [keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(2, "softmax")]
    )


POINT = visualize.ZooPoint("LeNet5", "lenet", 1, 1, 50.0)
ROW = {"epoch": 1, "loss": 1.0, "val_loss": 1.0, "accuracy": 0.5, "val_accuracy": 0.5}
# What writes a file, and what kind.
FILES = {
    "export_tflite": ("tflite", lambda p, m: export.export_tflite(m, p, overwrite=True)),
    "write_report": ("html", lambda p, m: write_report(m, None, p)),
    "plot_zoo": ("png", lambda p, m: plot_zoo([POINT], p)),
    "plot_history": ("png", lambda p, m: plot_history([ROW], p)),
    "plot_confusion": ("png", lambda p, m: plot_confusion([[1, 0], [0, 1]], ["a", "b"], p)),
    "plot_layer_errors": ("png", lambda p, m: plot_layer_errors(["a"], [0.1], p)),
    "save_animation": ("gif", lambda p, m: visualize.save_animation(IMAGES, p)),
}
# What writes a folder.
FOLDERS = {
    "train": lambda p, m: kerascnn.train("digits", "LeNet5", p, overwrite=True),
    "export_bundle": lambda p, m: export.export_bundle(m, p, samples=IMAGES, overwrite=True),
    "export_saved_model": lambda p, m: export.export_saved_model(m, p, overwrite=True),
    "export_serving": lambda p, m: export.export_serving(m, p, overwrite=True),
    "write_tflm_sources": lambda p, m: export.write_tflm_sources("absent", p, overwrite=True),
    "Embedder.save": lambda p, m: Embedder(m).save(p, overwrite=True),
}


@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize("writer", FILES)
def test_files_of_another_kind_stay(writer, content, model, tmp_path):
    kind, write = FILES[writer]
    if kind == content:
        pytest.skip("that is what it writes")
    (tmp_path / "mine").write_bytes(CONTENTS[content])
    with pytest.raises(OutputExistsError, match="mine is not replaced: it is not"):
        write(tmp_path / "mine", model)
    assert snapshot(tmp_path) == {"mine": CONTENTS[content]}


@pytest.mark.parametrize("writer", [*FILES, *FOLDERS])
def test_folders_of_the_users_stay(writer, model, tmp_path):
    write = FILES[writer][1] if writer in FILES else FOLDERS[writer]
    before = snapshot(make_photos(tmp_path / "photos"))
    with pytest.raises(OutputExistsError, match="photos is not replaced"):
        write(tmp_path / "photos", model)
    assert snapshot(tmp_path / "photos") == before


@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize("writer", FOLDERS)
def test_a_file_where_a_folder_would_be_stays(writer, content, model, tmp_path):
    (tmp_path / "mine").write_bytes(CONTENTS[content])
    with pytest.raises(OutputExistsError, match="mine is not replaced: it is a file"):
        FOLDERS[writer](tmp_path / "mine", model)
    assert snapshot(tmp_path) == {"mine": CONTENTS[content]}


WROTE = {
    "export_saved_model": lambda p, m: export.export_saved_model(m, p, verify=False),
    "Embedder.save": lambda p, m: Embedder(m).save(p),
}


@pytest.mark.parametrize("writer", WROTE)
def test_what_was_written_is_replaced_but_not_with_notes_of_the_users_in_it(
    writer, model, tmp_path
):
    WROTE[writer](tmp_path / "out", model)
    FOLDERS[writer](tmp_path / "out", model)
    (tmp_path / "out" / "notes.txt").write_text(NOTES)
    with pytest.raises(OutputExistsError, match=r"'notes\.txt' in it is not part of it"):
        FOLDERS[writer](tmp_path / "out", model)
    assert (tmp_path / "out" / "notes.txt").read_text() == NOTES


# Calls that write, rename or remove. Outside of a block that writes to a temporary place they are
# in files/ alone, but for these, each of which has its reason.
WRITES = {
    *("write_text", "write_bytes", "savefig", "save", "savez", "savez_compressed", "copyfile"),
    *("rename", "replace", "unlink", "rmtree", "rmdir", "remove", "mkdir", "makedirs", "symlink"),
    *("write_out", "save_weights", "tofile", "touch", "move", "copy", "copytree", "open"),
}
ELSEWHERE = {
    "cli/drawings.py": "the folder that holds the pictures",
    "cli/streams.py": "the null device",
    "data/annotations/formats/tfds_boxes.py": "into a temporary folder",
    "cli/supervisor.py": "standard error",
    "export/conversion/_child.py": "the process that converts, in a temporary folder",
    "export/bundle/write.py": "into the temporary folder of the bundle",
    "export/conversion/conversion_cache.py": "entries of the cache, which are ours",
    "export/conversion/frozen.py": "a temporary SavedModel",
    "export/saved_models/serving.py": "into memory",
    "export/saved_models/signatures.py": "into the temporary folder of the SavedModel",
    "pages/picture.py": "into memory",
    "training/run_folder.py": "the backup of a finished run, which is ours",
    "training/finish.py": "into the backup, which is ours",
    "training/keeper.py": "backups of earlier epochs, which are ours",
    "training/quantized.py": "the backup in a run, which is ours",
    "transfer/cache.py": "into the temporary folder of the features",
    "weights/fetch.py": "a download that is damaged",
}
READS = {"r", "rb"}


def is_a_write(call: ast.Call) -> bool:
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    if name not in WRITES or (isinstance(function, ast.Name) and name == "write_text"):
        return False  # the latter is ours
    if name == "open":
        given = [*call.args, *(k.value for k in call.keywords if k.arg == "mode")]
        modes = {a.value for a in given if isinstance(a, ast.Constant) and isinstance(a.value, str)}
        return any(mode.strip("bt+") in ("w", "a", "x") for mode in modes)
    if name in ("replace", "copy", "remove", "save", "move"):  # of texts, arrays, lists, too
        owner = function.value if isinstance(function, ast.Attribute) else None
        owners = {"save": None, "copy": ("shutil",), "move": ("shutil",)}
        wanted = owners.get(name, ("os",))
        return wanted is None or (isinstance(owner, ast.Name) and owner.id in wanted)
    return True


def unguarded_writes(path: Path) -> list[int]:
    """Lines of calls that write, outside of blocks that begin with our own writers."""
    found = []

    def visit(node: ast.AST, guarded: bool) -> None:
        if isinstance(node, ast.With):
            guarded = guarded or any("atomic_" in ast.dump(i.context_expr) for i in node.items)
        if isinstance(node, ast.Call) and not guarded and is_a_write(node):
            found.append(node.lineno)
        for child in ast.iter_child_nodes(node):
            visit(child, guarded)

    visit(ast.parse(path.read_text(encoding="utf-8")), guarded=False)
    return found


def test_nothing_writes_but_through_files():
    found = {
        str(path.relative_to(PACKAGE)): unguarded_writes(path)
        for path in PACKAGE.rglob("*.py")
        if path.parent.name != "files"
    }
    writing = {name: lines for name, lines in found.items() if lines}
    assert writing.keys() <= ELSEWHERE.keys(), writing
    assert not ELSEWHERE.keys() - writing.keys()
