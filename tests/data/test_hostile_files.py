"""Files made to fill memory or to be waited for: one line for each, and measured limits."""

import io
import os
import struct
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from hostile_files import (
    HOSTILE,
    flat_png,
    jpeg,
    overlapping,
    with_segments,
)
from PIL import Image
from stored_pixels import chunk, png, tiff

from kerascnn.data import ResizeRule, load_image
from kerascnn.data.images import decode, memory
from kerascnn.data.images.file_head import BadHead, check_directory, read_head
from kerascnn.errors import DataError

MEBIBYTE = 2**20
TOLD = {
    "pixels.png": "40000x40000 pixels are more than 89,478,485 allowed|more than 89,478,485 pixels",
    "exif.jpg": "metadata of 286 MiB",
    "parts.jpg": "metadata of 286 MiB",
    "exif.png": "metadata of 8,583 MiB",
    "tags.tif": "metadata of 38,147 MiB",
    "values.tif": "metadata of 114 MiB",
    "many.tif": "metadata of 1,152,921,504,606,846,976 tags",
    "tile.tif": "tiles of 1000000x1000000 in one of 8x8",
    "segments.jpg": "metadata of more than 64 MiB",
    "junk.jpg": "no JPEG data",
}


# Of this program: ru_maxrss begins with the memory of the process that started it.
PEAK = """
import re
print(int(re.search("VmHWM:.*?(\\d+)", open("/proc/self/status").read())[1]) // 1024)
"""


def measured(code: str, *arguments: str) -> tuple[list[str], int]:
    """Runs code with PIL and kerascnn.data; returns what it printed and its peak in MiB."""
    end = PEAK
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{end}", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    lines = done.stdout.splitlines()
    return lines[:-1], int(lines[-1])


READ_ALL = """
import sys
from pathlib import Path
from kerascnn.data.plan import Request
from kerascnn.data.scan import scan
request = Request.check(32, 3, "auto", "auto", None)
paths = sorted(path for path in Path(sys.argv[1]).iterdir())
found = scan(paths, request)
for file in found.skipped:
    print(file.path.name, file.reason, sep=": ")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is of Linux")
def test_a_folder_of_hostile_files_stays_below_a_limit(tmp_path):
    for name, content in HOSTILE.items():
        (tmp_path / name).write_bytes(content)
    lines, peak = measured(READ_ALL, str(tmp_path))
    assert {line.split(": ")[0] for line in lines} == set(HOSTILE)
    assert peak < 400


@pytest.mark.parametrize("name", HOSTILE)
def test_each_hostile_file_has_its_line(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(HOSTILE[name])
    message = TOLD.get(name, "damaged image|pixels|not an image")
    with pytest.raises(DataError, match=f"{name}: .*({message})") as caught:
        load_image(path, 8, 3)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


LOWER_LIMIT = """
from kerascnn.data.images import memory
memory.MOST, memory.DECODING = 2**27, memory.Budget(2**27)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is of Linux")
def test_images_at_the_limit_take_turns(tmp_path):
    kinds = [(5600, 5600, 3, 8), (4000, 4000, 4, 8), (4600, 4600, 1, 16), (2800, 11200, 3, 8)]
    for number, kind in enumerate(kinds):
        (tmp_path / f"{number}.png").write_bytes(flat_png(*kind))
    (tmp_path / "more.png").write_bytes(flat_png(5900, 5900))
    lines, peak = measured(LOWER_LIMIT + READ_ALL, str(tmp_path))
    assert lines == [
        "more.png: 5900x5900 pixels are more than can be decoded in 128 MiB; shrink the image first"
    ]
    assert peak < 280  # 128 MiB of pixels, the interpreter, what NumPy and Pillow hold beside


def test_metadata_behind_the_pixels_is_checked_before_it_is_read(tmp_path):
    content = png(np.zeros((8, 8, 3), np.uint8), behind=[chunk(b"eXIf", overlapping(9000, 10**6))])
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(DataError, match="metadata of 8,583 MiB"):
        load_image(tmp_path / "a.png", 8, 3)


def test_narrow_images_are_fitted_in_every_way():
    narrow = Image.new("L", (1, 3_000_000), 77)
    for fit in ("stretch", "crop", "pad"):
        pixels = ResizeRule(fit=fit).apply(narrow, 64, 3)
        assert pixels.shape == (64, 64, 3)
        assert pixels.max() == 77


@pytest.mark.parametrize("scale", [2, 4])
def test_jpegs_beyond_the_limit_are_decoded_smaller(tmp_path, monkeypatch, scale):
    ramp = np.linspace(0, 255, 64 * 96).reshape(64, 96).astype(np.uint8)
    Image.fromarray(ramp).save(tmp_path / "large.jpg", quality=95)
    whole = load_image(tmp_path / "large.jpg", (16, 24), 1)
    monkeypatch.setattr(decode, "MAX_PIXELS", 64 * 96 // scale**2)
    pixels, header = decode.decode(tmp_path / "large.jpg", (16, 24), 1, ResizeRule())
    assert (header.scale, header.height, header.width) == (scale, 64, 96)
    assert np.abs(pixels.astype(int) - whole).max() <= 4


def test_a_panorama_of_200_megapixels_is_read(tmp_path):
    (tmp_path / "panorama.jpg").write_bytes(jpeg((20000, 10000)))
    pixels = load_image(tmp_path / "panorama.jpg", 8, 3)
    assert np.abs(pixels.astype(int) - (10, 200, 30)).max() < 3


def test_a_progressive_jpeg_that_must_be_held_whole_is_refused(tmp_path, monkeypatch):
    (tmp_path / "a.jpg").write_bytes(jpeg((640, 640), progressive=True, subsampling=0))
    head = read_head(io.BytesIO((tmp_path / "a.jpg").read_bytes()), 10)
    assert head.beside == 640 * 640 * 6
    monkeypatch.setattr(memory, "MOST", 640 * 640 * 5)
    with pytest.raises(DataError, match=r"640x640 pixels are more than can be decoded in"):
        load_image(tmp_path / "a.jpg", 8, 3)


def test_a_baseline_jpeg_in_several_scans_is_held_whole_too():
    content = jpeg((640, 640), subsampling=2)
    place = content.index(b"\xff\xda")
    scan = b"\xff\xda\0\x08\x01\x01\0\0\x3f\0"  # of the first component alone
    head = read_head(io.BytesIO(content[:place] + scan + content[place + 14 :]), 10)
    assert head.beside == 640 * 640 * 3
    assert read_head(io.BytesIO(content), 10).beside == 0


def test_large_exif_of_a_camera_is_no_fault(tmp_path):
    note = os.urandom(60_000)
    exif = Image.Exif()
    exif[0x927C] = note  # the maker's own
    exif[0x0112] = 6
    stream = io.BytesIO()
    Image.new("RGB", (30, 20)).save(stream, "JPEG", exif=exif)
    comments = [(0xFE, os.urandom(60_000))] * 100
    profile = [(0xE2, b"ICC_PROFILE\0\x01\x02" + os.urandom(50_000))] * 2
    (tmp_path / "a.jpg").write_bytes(with_segments(stream.getvalue(), *comments, *profile))
    assert decode.read_header(tmp_path / "a.jpg").height == 30


@pytest.mark.parametrize("length", [0, 1, 7, 8, 9, 20])
def test_cut_metadata_is_no_fault_of_the_check(length):
    check_directory(overlapping(5, 100)[:length])


def test_metadata_inside_metadata_is_followed():
    inner = struct.pack("<H", 9000) + struct.pack("<HHII", 1, 1, 10**5, 8) * 9000
    outer = struct.pack("<H", 1) + struct.pack("<HHII", 0x8769, 4, 1, 26) + bytes(4)
    with pytest.raises(BadHead, match="metadata of 8"):
        check_directory(b"II*\0\x08\0\0\0" + outer + inner)


def test_a_file_of_too_many_bytes_is_refused(tmp_path):
    path = tmp_path / "a.png"
    with path.open("wb") as file:
        file.write(flat_png(8, 8))
        file.truncate(600 * MEBIBYTE)  # takes no room on the disk
    with pytest.raises(DataError, match="600 MiB are more than the 512 allowed"):
        load_image(path, 8, 3)


@pytest.mark.parametrize("kind", ["pipe", "device", "socket", "folder"])
@pytest.mark.skipif(sys.platform == "win32", reason="no such files there")
def test_what_is_no_file_is_named_and_never_waited_for(tmp_path, kind, monkeypatch):
    import socket

    path = tmp_path / "a.jpg"
    monkeypatch.chdir(tmp_path)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    else:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("a.jpg")
    what = {"pipe": "a named pipe, not a file", "device": "a device", "socket": "a socket"}
    with pytest.raises(DataError, match=rf"a\.jpg: .*{what.get(kind, 'is a folder')}"):
        load_image(path, 8, 3)


def test_truncated_tiffs_are_not_black_below(tmp_path):
    whole = tiff(bytes([200]) * 64, (8, 8), [8])
    place = whole.index(struct.pack("<HHII", 257, 4, 1, 8)) + 8
    taller = whole[:place] + struct.pack("<I", 800) + whole[place + 4 :]
    (tmp_path / "a.tif").write_bytes(taller)
    with pytest.raises(DataError, match="damaged image: parts of it are missing"):
        load_image(tmp_path / "a.tif", 8, 1)


def test_memory_is_shared_by_threads():
    budget = memory.Budget(100)
    held, most, lock = 0, 0, threading.Lock()

    def work(count: int) -> None:
        nonlocal held, most
        for _ in range(50):
            with budget.hold(count):
                with lock:
                    held += min(count, 100)
                    most = max(most, held)
                with lock:
                    held -= min(count, 100)

    threads = [threading.Thread(target=work, args=(count,)) for count in (40, 60, 30, 500, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 0 < most <= 100


def test_a_fault_keeps_no_pixels_in_memory(tmp_path):
    from kerascnn.data.plan import Request
    from kerascnn.data.scan import scan

    content = flat_png(64, 64)
    paths = [tmp_path / f"{number}.png" for number in range(3)]
    for path in paths:
        path.write_bytes(content[: len(content) // 2])
    found = scan([Path(path) for path in paths], Request.check(8, 3, "auto", "auto", None))
    assert len(found.skipped) == 3
    fault = decode.UnreadableImage("x")
    try:
        try:
            raise ValueError
        except ValueError as error:
            raise fault from error
    except decode.UnreadableImage as error:
        alone = error.alone()
    assert (alone.__traceback__, alone.__context__, alone.__cause__) == (None, None, None)
