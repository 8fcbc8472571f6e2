"""Small pictures and annotation files to read."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from made_annotations import box, write_picture

Write = Callable[..., Path]


@pytest.fixture
def picture(tmp_path: Path) -> Write:
    """Writes a picture below the test's folder."""

    def write(name: str, size: tuple[int, int] = (40, 30), orientation: int | None = None) -> Path:
        return write_picture(tmp_path / name, size, orientation)

    return write


@pytest.fixture
def coco(tmp_path: Path) -> Write:
    """Writes a COCO file with pictures of 40x30 pixels: one box in each unless told otherwise."""

    def write(
        annotations: list[dict[str, Any]] | None = None,
        categories: list[dict[str, Any]] | None = None,
        images: list[dict[str, Any]] | None = None,
        name: str = "annotations.json",
        pictures: bool = True,
    ) -> Path:
        if images is None:
            images = [{"id": 1, "file_name": "a.png", "width": 40, "height": 30}]
        if categories is None:
            categories = [{"id": 1, "name": "cat"}]
        if annotations is None:
            annotations = [box(1, 1)]
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        for image in images if pictures else ():
            file = path.parent / image["file_name"]
            if not file.exists():
                write_picture(file)
        document = {"images": images, "annotations": annotations, "categories": categories}
        path.write_text(json.dumps(document), encoding="utf-8")
        return path

    return write


@pytest.fixture
def voc(tmp_path: Path) -> Write:
    """Writes a VOC XML file and its picture of 40x30 pixels."""

    def write(
        name: str = "a",
        objects: str = "",
        size: tuple[Any, Any] | None = (40, 30),
        filename: str | None = None,
        folder: str = "Annotations",
        picture: str | None = "JPEGImages/{}.jpg",
        extra: str = "",
    ) -> Path:
        path = tmp_path / folder / f"{name}.xml"
        path.parent.mkdir(parents=True, exist_ok=True)
        if picture:
            write_picture(tmp_path / picture.format(name))
        stated = f"<size><width>{size[0]}</width><height>{size[1]}</height></size>" if size else ""
        file = f"{name}.jpg" if filename is None else filename
        path.write_text(
            f"<annotation>{extra}<filename>{file}</filename>{stated}{objects}</annotation>",
            encoding="utf-8",
        )
        return path

    return write
