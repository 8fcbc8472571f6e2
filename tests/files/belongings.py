"""What a user may have where something is to be written, for the tests of this folder."""

import io
import zipfile
from pathlib import Path

from kerascnn import files

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40
NOTES = "Bought milk.\n"


def zipped(*names: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            archive.writestr(name, "{}")
    return stream.getvalue()


# What people have in files, by a word for it.
CONTENTS = {
    "png": PNG,
    "gif": b"GIF89a" + b"\0" * 40,
    "jpeg": b"\xff\xd8\xff\xe0" + b"\0" * 40,
    "svg": b'<?xml version="1.0"?>\n<!-- drawn -->\n<svg xmlns="http://www.w3.org/2000/svg"/>\n',
    "html": b"<!doctype html>\n<html><body>mine</body></html>\n",
    "xml": b"<?xml version='1.0'?><note/>\n",
    "tflite": b"\x1c\0\0\0TFL3" + b"\0" * 40,
    "keras": zipped("metadata.json", "config.json", "model.weights.h5"),
    "docx": zipped("[Content_Types].xml", "word/document.xml"),
    "json": b'{"name": "mine"}\n',
    "text": NOTES.encode(),
    "python": b"print('mine')\n",
    "bytes": bytes(range(256)),
    "h5": b"\x89HDF\r\n\x1a\n" + b"\0" * 40,
}


def snapshot(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its name."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


THING = files.FolderKind(
    "a thing", "thing.json", lambda mark: ("inner/*",) if files.json_object(mark) else None
)


def make_thing(folder: Path, text: str = "1") -> None:
    """Writes a folder of that kind."""
    (folder / "inner").mkdir(parents=True, exist_ok=True)
    (folder / "inner" / "value").write_text(text)
    (folder / "thing.json").write_text('{"a": 1}')


def make_photos(folder: Path) -> Path:
    """Writes a folder that is nothing of ours."""
    (folder / "2024").mkdir(parents=True)
    (folder / "2024" / "cat.png").write_bytes(PNG)
    (folder / "notes.txt").write_text(NOTES)
    return folder
