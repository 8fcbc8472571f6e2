"""Every reader of a path of the user's takes regular files only: none hangs, none fills memory."""

import ast
import os
import signal
import socket
from pathlib import Path

import keras
import numpy as np
import pytest

import kerascnn
from kerascnn import data, export
from kerascnn.errors import KerascnnError
from kerascnn.export.contract import manifest
from kerascnn.inference import open_predictors
from kerascnn.training import open_run
from kerascnn.transfer import Embedder, FeatureCache
from kerascnn.weights import read

PACKAGE = Path(kerascnn.__file__).parent


def embedder(path):
    """The folder of an Embedder with an odd file in it."""
    for name in ("model.keras", "gallery.npz"):
        (path.parent / name).write_bytes(b"")
    return Embedder.load(path.parent)


# The file that a reader is given, and the reader.
READERS = {
    "load_model": ("model.keras", kerascnn.load_model),
    **{
        f"weights{suffix}": (f"w{suffix}", read)
        for suffix in (".weights.h5", ".keras", ".h5", ".npz", ".safetensors", ".pth")
    },
    "create_model": ("w.h5", lambda path: kerascnn.create_model("LeNet5", weights=path)),
    "load_csv": ("t.csv", data.load),
    "fingerprint": ("t.csv", data.fingerprint),
    "load_folder": ("photos", data.load),
    "load_image": ("a.png", lambda path: data.load_image(path, 8, 3)),
    "inspect": ("m.tflite", export.inspect),
    "TFLiteModel": ("m.tflite", export.TFLiteModel),
    "runs_on": ("m.tflite", export.runs_on),
    "benchmark_tflite": ("m.tflite", export.benchmark_tflite),
    "verify_tflite": (
        "m.tflite",
        lambda path: export.verify_tflite(np.zeros((1, 2)), path, np.zeros((1, 8, 8, 3))),
    ),
    "predictors.keras": ("m.keras", open_predictors),
    "predictors.tflite": ("m.tflite", open_predictors),
    "manifest": ("manifest.json", lambda path: manifest.read(path.parent)),
    "open_run": ("config.json", lambda path: open_run(path.parent)),
    "embedder": ("embedder.json", embedder),
    "feature_cache": ("cache.json", lambda path: FeatureCache(path.parent)),
}


def make_socket(path):
    with socket.socket(socket.AF_UNIX) as server:
        before = Path.cwd()
        os.chdir(path.parent)  # names of sockets are short
        try:
            server.bind(path.name)
        finally:
            os.chdir(before)


ODD = {
    "pipe": os.mkfifo,
    "folder": os.mkdir,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "socket": make_socket,
    "loop": lambda path: path.symlink_to(path),
}


@pytest.fixture
def no_hang():
    """Ends a test that waits for a pipe, instead of waiting with it."""

    def end(*_):
        raise TimeoutError("it waits for the file")

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(120)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("reader", READERS)
def test_what_is_no_regular_file_is_refused(reader, odd, tmp_path, no_hang):
    name, call = READERS[reader]
    if reader == "load_folder" and odd == "folder":
        pytest.skip("a folder is what it takes")
    ODD[odd](tmp_path / name)
    with pytest.raises(KerascnnError) as raised:
        call(tmp_path / name)
    assert len(str(raised.value).splitlines()) == 1


@pytest.mark.parametrize("reader", ["load_csv", "inspect", "manifest", "open_run"])
def test_files_of_a_size_that_cannot_be_are_refused(reader, tmp_path):
    name, call = READERS[reader]
    with (tmp_path / name).open("wb") as file:
        file.truncate(1 << 41)  # no byte of it on the disk
    with pytest.raises(KerascnnError, match="larger than a"):
        call(tmp_path / name)


def test_folders_with_odd_files_in_them_are_read_without_them(tmp_path, no_hang):
    pixels = np.zeros((8, 8, 3), np.uint8)
    for name in ("cats", "dogs"):
        (tmp_path / name).mkdir()
        for number in range(3):
            keras.utils.save_img(tmp_path / name / f"{number}.png", pixels)
        for odd, make in ODD.items():
            if odd != "folder":
                make(tmp_path / name / f"{odd}.png")
    splits = data.load(tmp_path)
    assert sum(splits.counts.values()) == 6


# Calls that read. Outside of files/ each has its reason.
READS = {"read_bytes", "read_text", "load", "File", "ZipFile", "open", "safe_open", "imread"}
OWNERS = {"load": {"np", "torch"}, "File": {"h5py"}, "open": None}
ELSEWHERE = {
    "model_file.py": "files of which it was checked that they are regular",
    "cli/export.py": "the report that it wrote",
    "cli/streams.py": "the null device",
    "cli/supervisor.py": "standard error",
    "cli/targets.py": "the bundle that it wrote",
    "data/annotations/formats/labelme.py": "in memory",
    "data/annotations/form/mask_table.py": "the regular file that it opened",
    "data/annotations/form/orientation.py": "the regular file that it opened",
    "data/images/decode.py": "files of which it was checked what they are",
    "export/runtime/benchmark.py": "what the processor is",
    "export/conversion/conversion_cache.py": "entries of the cache, which are ours",
    "export/conversion/convert.py": "what the converter wrote",
    "export/contract/manifest.py": "files of a bundle, checked before",
    "export/flatbuffer/metadata.py": "in memory",
    "export/flatbuffer/metadata_reading.py": "in memory",
    "export/saved_models/signatures.py": "the first bytes of what would be replaced",
    "export/targets/tflm_sources.py": "our templates, and the first line of what would be replaced",
    "pages/frame.py": "our style sheets",
    "transfer/cache.py": "into the temporary folder of the features",
    "transfer/gallery.py": "checked before",
    "weights/fetch.py": "a download",
    "weights/imagenet.py": "our list of classes",
    "weights/readers.py": "checked when it is named",
}


def reads(path: Path) -> list[int]:
    """Lines of calls that read files."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        function = node.func
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        owner = getattr(getattr(function, "value", None), "id", None)
        if name in READS and (OWNERS.get(name) is None or owner in OWNERS[name]):
            if name in ("read_bytes", "read_text") and isinstance(function, ast.Name):
                continue  # ours
            if owner in ("os", "files"):
                continue  # file descriptors; ours
            found.append(node.lineno)
    return found


def test_nothing_is_read_but_through_files():
    found = {
        path.relative_to(PACKAGE).as_posix(): reads(path)
        for path in PACKAGE.rglob("*.py")
        if path.parent.name != "files"
    }
    reading = {name: lines for name, lines in found.items() if lines}
    assert reading.keys() <= ELSEWHERE.keys(), reading
    assert not ELSEWHERE.keys() - reading.keys()
