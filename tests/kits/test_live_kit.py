"""The Python kit on folders, on files that arrive, on videos and on a camera."""

import ast
import contextlib
import importlib.util
import itertools
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from mutants import refused
from PIL import Image

from kerascnn.export.runtime.interpreter import TFLiteModel

KIT = Path(__file__).parents[2] / "export" / "python"
NAMES = ["rot", "grün", "blau", "grau"]
HOUR = 3600.0  # no test depends on how fast the machine is


@pytest.fixture(scope="session")
def live():
    """`live.py` as a module; `run.py` is found beside it."""
    spec = importlib.util.spec_from_file_location("kit_live", KIT / "live.py")
    module = importlib.util.module_from_spec(spec)
    path = list(sys.path)
    spec.loader.exec_module(module)
    yield module
    sys.path[:] = path
    sys.modules.pop("run", None)


@pytest.fixture
def call(live, capfd):
    def run(*arguments):
        code = live.main([str(part) for part in arguments])
        captured = capfd.readouterr()
        return SimpleNamespace(returncode=code, stdout=captured.out, stderr=captured.err)

    return run


@pytest.fixture(scope="session")
def two(bundle):
    """Two plain pictures with different answers: [20, 24, 3] each, and their labels."""
    colours = [np.array(c, np.uint8) for c in np.ndindex(2, 2, 2)]
    plain = [np.full((20, 24, 3), 255 * colour, np.uint8) for colour in colours]
    model = TFLiteModel(bundle / "colours_float32.tflite")
    best = model.predict(np.stack(plain)).argmax(axis=1)
    other = int(np.flatnonzero(best != best[0])[0])
    return [plain[0], plain[other]], [NAMES[best[0]], NAMES[best[other]]]


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def test_folders_are_read_by_name_at_any_depth(run_kit, bundle, two, tmp_path):
    pictures, names = two
    (tmp_path / "b").mkdir()
    for path, pixels in (("c.PNG", pictures[0]), ("b/a.bmp", pictures[1])):
        Image.fromarray(pixels).save(tmp_path / path)
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / ".hidden.png").write_text("no image")
    result = run_kit(bundle, tmp_path, "--json-lines", "--top", "1")
    assert result.returncode == 0, result.stderr
    found = lines(result.stdout)
    assert [Path(one["image"]).name for one in found] == ["a.bmp", "c.PNG"]
    assert [one["top"][0]["label"] for one in found] == names[::-1]


def test_a_folder_without_images_is_refused(run_kit, bundle, tmp_path):
    result = run_kit(bundle, tmp_path)
    assert result.returncode == 2
    assert "holds no image file" in result.stderr


def test_one_form_of_json_at_a_time(run_kit, bundle, tmp_path):
    result = run_kit(bundle, tmp_path, "--json", "--json-lines")
    assert result.returncode == 2
    assert "not both" in result.stderr


def start(bundle, folder, *arguments):
    """Starts `live.py --watch` as its user would."""
    command = [sys.executable, str(KIT / "live.py"), str(bundle), "--watch", str(folder)]
    return subprocess.Popen(
        [*command, "--interval", "0.1", "--json-lines", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Tests that run in the background were started with Ctrl-C ignored, and would pass that on.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def lines_of(pipe):
    """A queue that a thread fills with the lines of a pipe."""
    found = queue.Queue()
    threading.Thread(target=lambda: [found.put(line) for line in pipe], daemon=True).start()
    return found


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_images_are_answered_as_they_arrive_until_ctrl_c(bundle, two, tmp_path, end):
    pictures, names = two
    Image.fromarray(pictures[0]).save(tmp_path / "old.png")
    process = start(bundle, tmp_path)
    stdout, stderr = lines_of(process.stdout), lines_of(process.stderr)
    answers, said = {}, ""
    try:
        for name, pixels in (("first.png", pictures[1]), ("second.png", pictures[0])):
            wait = 1.0
            while name not in answers:  # replaced until it is seen, however slow the start is
                assert process.poll() is None, list(stderr.queue)
                wait *= 2
                Image.fromarray(pixels).save(tmp_path / "part.tmp", format="PNG")
                os.replace(tmp_path / "part.tmp", tmp_path / name)
                with contextlib.suppress(queue.Empty):
                    while name not in answers:
                        answer = json.loads(stdout.get(timeout=wait))
                        answers[Path(answer["image"]).name] = answer["top"][0]["label"]
        (tmp_path / "broken.png").write_text("no image")
        while "broken.png" not in said:
            said = stderr.get(timeout=HOUR)
        process.send_signal(end)
        process.wait(timeout=HOUR)
    finally:
        process.kill()
    assert process.returncode == 0
    assert "broken.png is not a readable image" in said
    assert not any("Traceback" in line for line in list(stderr.queue))
    assert answers == {"first.png": names[1], "second.png": names[0]}


def test_what_is_there_already_is_answered_when_asked_for(call, bundle, two, tmp_path):
    pictures, names = two
    for number, pixels in enumerate(pictures):
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    options = ("--existing", "--count", "2", "--interval", "0.05", "--top", "1", "--threads", "2")
    result = call(bundle, "--watch", tmp_path, *options)
    assert result.returncode == 0
    assert [line.split(": ")[1].split()[0] for line in result.stdout.splitlines()] == names


def test_a_file_that_is_still_written_is_waited_for(live, monkeypatch, tmp_path):
    """Looks: nothing, then half of a file, then all of it twice."""
    path = tmp_path / "a.png"
    looks = iter([{}, {}, {path: (10, 1)}, {path: (20, 2)}, {path: (20, 2)}])
    seen = []
    monkeypatch.setattr(live, "states", lambda folder: next(looks))
    monkeypatch.setattr(live.time, "sleep", lambda seconds: seen.append("look"))
    monkeypatch.setattr(live.run, "load_image", lambda path, manifest: "pixels")

    class Answers:
        manifest, finished = None, False

        def pixels(self, *arguments):
            seen.append(arguments)
            self.finished = True

    live.watch(Answers(), tmp_path, 1.0, existing=False)
    assert seen == ["look", "look", "look", ("pixels", {"image": str(path)}, str(path))]


class Capture:
    """Stands in for OpenCV's camera: 50 frames a second until they end; counts those given."""

    def __init__(self, frames):
        self.frames, self.given, self.released = iter(frames), 0, False

    def read(self):
        time.sleep(0.02)
        frame = next(self.frames, None)
        self.given += frame is not None
        return frame is not None, frame

    def release(self):
        self.released = True


def test_a_camera_is_answered_until_it_ends(live, call, bundle, two, monkeypatch):
    pictures, names = two
    # OpenCV gives BGR.
    capture = Capture(itertools.cycle([pictures[0][:, :, ::-1], pictures[1][:, :, ::-1]]))
    monkeypatch.setattr(live, "open_capture", lambda source: (capture, 30.0))
    result = call(bundle, "--camera", "--count", "5", "--json-lines", "--top", "1")
    assert result.returncode == 0
    found = lines(result.stdout)
    assert len(found) == 5
    for one in found:
        assert one["top"][0]["label"] == names[(one["frame"] - 1) % 2]
    assert capture.released
    capture.frames, capture.released = iter([]), False
    result = call(bundle, "--camera", "3")
    assert result.returncode == 2
    assert result.stderr.splitlines() == ["live.py: error: camera 3 gives no more frames"]


def test_a_slow_model_gets_the_newest_frame(live):
    capture = Capture(itertools.count())
    newest = live.Newest(capture)
    first, number = newest.after(0)
    while capture.given < number + 5:  # the model is slow
        time.sleep(0.01)
    second, later = newest.after(number)
    newest.close()
    assert first == number - 1
    assert second == later - 1 > first + 3


@pytest.fixture(scope="session")
def with_opencv():
    """A Python that has OpenCV and what the kit needs: this one, or that of KERASCNN_KIT_PYTHON."""
    python = os.environ.get("KERASCNN_KIT_PYTHON", sys.executable)
    done = subprocess.run(
        [python, "-c", "import cv2, PIL, numpy"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip("no OpenCV: install export/python/requirements-live.txt in an environment")
    return python


def test_a_video_is_answered_frame_by_frame(with_opencv, bundle, two, tmp_path):
    pictures, names = two
    path = tmp_path / "film.avi"
    np.save(tmp_path / "frames.npy", np.stack([pictures[0]] * 5 + [pictures[1]] * 5)[..., ::-1])
    script = (
        "import cv2, numpy, sys\n"
        "film = cv2.VideoWriter(sys.argv[2], cv2.VideoWriter_fourcc(*'MJPG'), 10, (24, 20))\n"
        "for frame in numpy.load(sys.argv[1]): film.write(frame)\n"
        "film.release()\n"
    )
    subprocess.run([with_opencv, "-c", script, tmp_path / "frames.npy", path], check=True)
    command = [with_opencv, KIT / "live.py", bundle, "--video", path, "--every", "3"]
    result = subprocess.run(
        [*map(str, command), "--json-lines"], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    found = lines(result.stdout)
    assert [(one["frame"], one["seconds"]) for one in found] == [
        *((0, 0.0), (3, 0.3), (6, 0.6), (9, 0.9))
    ]
    labels = [one["top"][0]["label"] for one in found]
    assert labels == [names[0], names[0], names[1], names[1]]


def test_a_pipe_in_place_of_a_video_is_a_line(with_opencv, bundle, tmp_path):
    os.mkfifo(tmp_path / "film.avi")
    command = [with_opencv, KIT / "live.py", bundle, "--video", tmp_path / "film.avi"]
    result = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    assert refused(result, "not a regular file", "film.avi", program="live.py")


def test_without_opencv_it_says_what_to_install(live, call, bundle, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "cv2", None)
    result = call(bundle, "--video", tmp_path / "film.avi")
    assert result.returncode == 2
    assert "pip install -r requirements-live.txt" in result.stderr.splitlines()[0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "one of the arguments --camera --video --watch is required"),
        (("--watch", "gone"), "gone is not a folder"),
        (("--camera", "0", "--watch", "."), "not allowed with"),
        (("--camera", "--count", "0"), "--count must be at least 1"),
        (("--watch", ".", "--interval", "0"), "--interval must be above 0"),
        (("--watch", ".", "--interval", "nan"), "--interval must be above 0"),
        (("--watch", ".", "--interval", "inf"), "at most 86400, not inf"),
        (("--watch", ".", "--interval", "1e300"), "at most 86400, not 1e+300"),
        (("--camera", "99999999999"), "there is no camera 99999999999"),
        (("--camera", "-1"), "there is no camera -1"),
        (("--watch", ".", "--threads", "99999999999"), "--threads must be 1 to 1024"),
        (("--watch", ".", "--count", "9" * 5000), "--count"),
        (("--watch", ".", "--recipe", "int4"), "no recipe 'int4'"),
    ],
)
def test_a_command_line_without_sense_is_one_line(call, bundle, arguments, words):
    result = call(bundle, *arguments)
    assert result.returncode == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith("live.py: error: ")
    assert len(line) < 350
    assert words in line


@pytest.mark.parametrize("name", ["run.py", "live.py"])
def test_the_kit_is_python_3_9_and_imports_no_keras(name):
    tree = ast.parse((KIT / name).read_text("utf-8"), feature_version=(3, 9))
    modules = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            modules.add(node.module.split(".")[0])
    own = {"numpy", "PIL", "ai_edge_litert", "tflite_runtime", "cv2", "run"}
    assert modules <= own | set(sys.stdlib_module_names)
