#!/usr/bin/env python3
"""Runs a kerascnn bundle on what a camera sees, on a video file, or on new files in a folder.

    python live.py BUNDLE --camera [0]       what is in front of the camera, until Ctrl-C
    python live.py BUNDLE --video FILE       what is in a video, frame by frame
    python live.py BUNDLE --watch FOLDER     what is on each image that arrives, until Ctrl-C

It needs run.py beside it and what that needs; camera and video need OpenCV too:
pip install -r requirements-live.txt. Exit codes: 0 all well, 2 bad input (one line on stderr).
"""

import os
import signal
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))  # also when started with python -I

import run
from PIL import Image
from run import KitError, require

DAY = 86_400  # seconds


class Answers:
    """Runs the model on one image after the other, and writes what it says."""

    def __init__(self, options) -> None:
        self.manifest, self.labels, files = run.open_bundle(options)
        self.file, self.top = files[0], options.top
        self.model = run.ImageModel(options.bundle, self.manifest, self.file, options.threads)
        self.output, self.left = run.Output(options), options.count

    def frame(self, frame, number: int, seconds: float) -> None:
        """Answers a frame as OpenCV gives it: BGR, or grey."""
        image = Image.fromarray(frame if frame.ndim == 2 else frame[:, :, 2::-1])
        source = {"frame": number, "seconds": round(seconds, 3)}
        self.pixels(run.to_pixels(image, self.manifest), source, f"{seconds:.2f} s")

    def pixels(self, pixels, source: dict, words: str) -> None:
        values = self.model.run(pixels)
        found = run.answer(self.manifest, self.labels, values, self.top)
        self.output.write(source, self.file["recipe"], found, words)
        self.left = None if self.left is None else self.left - 1

    @property
    def finished(self) -> bool:
        """Whether there were as many answers as were asked for."""
        return self.left == 0


class Newest:
    """The newest frame of a camera: a model that is slower than it skips frames, and never lags."""

    def __init__(self, capture) -> None:
        self.capture, self.frame, self.number, self.ended = capture, None, 0, False
        self.arrived = threading.Condition()
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self) -> None:
        while not self.ended:
            there, frame = self.capture.read()
            with self.arrived:
                self.frame, self.number = frame, self.number + 1
                self.ended = self.ended or not there
                self.arrived.notify()

    def after(self, number: int):
        """The newest frame and its number, waited for if it is not newer than `number`."""
        with self.arrived:
            while self.number <= number and not self.ended:
                self.arrived.wait(0.1)  # in pieces, so that Ctrl-C is heard
            return (None if self.ended else self.frame), self.number

    def close(self) -> None:
        self.ended = True
        self.thread.join(1.0)


def open_capture(source):
    """A camera by its number, or a video file, opened by OpenCV."""
    try:
        import cv2
    except ImportError as error:
        advice = "pip install -r requirements-live.txt"
        raise KitError(f"camera and video need OpenCV ({error}): {advice}") from error
    name = f"camera {source}" if isinstance(source, int) else source
    if not isinstance(source, int):
        with run.open_file(source):  # says why it cannot be read; a pipe would never end
            source = str(source)
    try:
        capture = cv2.VideoCapture(source)
    except (cv2.error, ValueError) as error:  # of a name that is not UTF-8
        raise KitError(f"{name} cannot be opened by OpenCV: {error}") from error
    require(capture.isOpened(), f"{name} cannot be opened by OpenCV")
    return capture, float(capture.get(cv2.CAP_PROP_FPS))


def camera(answers: Answers, number: int) -> None:
    """Answers the newest frame again and again."""
    capture, _ = open_capture(number)
    newest, seen, start = Newest(capture), 0, time.monotonic()
    try:
        while not answers.finished:
            frame, seen = newest.after(seen)
            require(frame is not None, f"camera {number} gives no more frames")
            answers.frame(frame, seen, time.monotonic() - start)
    finally:
        newest.close()
        capture.release()


def video(answers: Answers, path: Path, every: int) -> None:
    """Answers every so many frames of a file, from the first to the last."""
    capture, rate = open_capture(path)
    number = 0
    try:
        while not answers.finished and capture.grab():
            if number % every == 0:
                there, frame = capture.retrieve()
                require(there, f"frame {number} of {path} cannot be decoded")
                answers.frame(frame, number, number / rate if rate > 0 else 0.0)
            number += 1
    finally:
        capture.release()
    require(number, f"{path} holds no frame that OpenCV can decode")


def watch(answers: Answers, folder: Path, interval: float, existing: bool) -> None:
    """Answers each image file that arrives in a folder, or is replaced, once it is complete."""
    require(os.path.isdir(folder), f"{folder} is not a folder")
    known = {} if existing else states(folder)
    before = {}
    while not answers.finished:
        now = states(folder)
        # A file that is still being written has another size or time at the next look.
        arrived = [path for path, state in now.items() if before.get(path) == state]
        for path in sorted(path for path in arrived if known.get(path) != now[path]):
            known[path] = now[path]
            try:
                pixels = run.load_image(path, answers.manifest)
            except KitError as error:  # the next pictures still get their answer
                run.complain(error, "live.py")
                continue
            answers.pixels(pixels, {"image": str(path)}, str(path))
            if answers.finished:
                return
        before = now
        known = {path: state for path, state in known.items() if path in now}
        time.sleep(interval)


def states(folder: Path) -> dict:
    """Size and time of the image files of a folder."""
    found = {}
    for path in folder.iterdir():
        try:
            if run.is_image(path):
                about = path.stat()
                found[path] = (about.st_size, about.st_mtime_ns)
        except OSError:  # gone between the two looks, or not ours to look at
            continue
    return found


def work(arguments) -> int:
    """What the command line asks for; its exit code."""
    parser = run.parser_for("live.py", __doc__)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--camera", type=int, nargs="?", const=0, metavar="N", help="camera number (default 0)"
    )
    source.add_argument("--video", type=Path, metavar="FILE", help="a video file")
    source.add_argument("--watch", type=Path, metavar="FOLDER", help="a folder to wait at")
    parser.add_argument(
        "--every", type=int, default=1, metavar="N", help="with --video: each Nth frame (default 1)"
    )
    parser.add_argument(
        "--interval", type=float, default=1.0, help="with --watch: seconds between looks"
    )
    parser.add_argument(
        "--existing", action="store_true", help="with --watch: also what is there already"
    )
    parser.add_argument("--count", type=int, metavar="N", help="stop after N answers")
    options = parser.parse_args(arguments)
    require(options.every >= 1, "--every must be at least 1")
    interval, number = options.interval, options.camera
    require(0 < interval <= DAY, f"--interval must be above 0 and at most {DAY}, not {interval}")
    require(options.count is None or options.count >= 1, "--count must be at least 1")
    require(number is None or 0 <= number < 1 << 31, f"there is no camera {run.shown(number)}")
    answers = Answers(options)
    if options.watch is not None:
        watch(answers, options.watch, interval, options.existing)
    elif options.video is not None:
        video(answers, options.video, options.every)
    else:
        camera(answers, number)
    return 0


def main(arguments=None) -> int:
    return run.guarded("live.py", lambda: work(arguments), interrupted=0)  # the way to end it


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # services end it so
    sys.exit(main())
