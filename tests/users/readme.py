"""Runs the README as it is printed: each block of Python and each command, from top to bottom.

    python readme.py README.md FOLDER

It runs what `import kerascnn` finds, in FOLDER, which it fills with what the README names: photos,
a table of labels, a photo, and the device kits. Prints a line for each step, and stops at the
first that fails.
"""

import csv
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from contextlib import redirect_stdout
from pathlib import Path

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROGRAMS = ("kerascnn", "python", "pip", "make")
# What is not run, each with its reason.
LEFT_OUT = {
    "pip install git+<this repository>": "kerascnn is installed already, from a wheel",
    "pip install -r export/python/requirements.txt": "its packages are among kerascnn's own",
    "make demo": "make is for a clone; `kerascnn demo`, which it calls, is run",
    "make test": "this is one of its tests",
}
# Options added to a command that would fetch weights or train for long: documented ones.
ADDED = {
    "kerascnn train photos --fine-tune": "--weights none --model LeNet5 --image-size 32 --epochs 2",
    "kerascnn predict MobileNet": "--weights mobilenet.weights.h5",
    "kerascnn demo": "--epochs 3",
}


def steps(text):
    """The Python blocks and the commands of a page, in order: ("python" or "command", text)."""
    for language, block in FENCE.findall(text):
        if language == "python":
            yield "python", block
        elif language in ("", "bash"):
            for line in block.splitlines():
                command = re.split(r"\s+#\s", line)[0].strip()
                if command.startswith(PROGRAMS):
                    yield "command", command


def stage(readme, folder):
    """What the README names and does not make."""
    import numpy as np
    from PIL import Image

    rng = np.random.default_rng(0)
    rows = [["image", "red", "dark"]]
    for number, name in enumerate(["daisy", "rose", "tulip"]):
        (folder / "photos" / name).mkdir(parents=True)
        for place in range(10):
            pixels = rng.integers(0, 80, (40, 40, 3), np.uint8)
            pixels[..., number] += 120
            Image.fromarray(pixels).save(folder / "photos" / name / f"{place}.jpg")
            rows.append([f"photos/{name}/{place}.jpg", int(number == 0), place % 2])
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    shutil.copy(folder / "photos" / "rose" / "3.jpg", folder / "photo.jpg")
    shutil.copytree(readme.parent / "export", folder / "export")


def small_backbone(keras):
    """In place of keras.applications.MobileNetV2, whose weights are fetched."""

    def backbone(input_shape, include_top, weights):
        images = keras.Input(input_shape)
        x = keras.layers.AveragePooling2D(16)(images)
        x = keras.layers.Conv2D(8, 1, use_bias=False)(x)
        x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
        return keras.Model(images, x, name="small")

    return backbone


def run_command(command):
    """Runs a command: kerascnn's in this process, which has TensorFlow already."""
    program, *arguments = shlex.split(command)
    if program == "kerascnn":
        from kerascnn.cli.main import main

        try:
            main(arguments)
        except SystemExit as stop:
            return stop.code
    arguments = [sys.executable if program == "python" else program, *arguments]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    print(done.stdout, done.stderr)
    return done.returncode


def main():
    readme, folder = (Path(path).resolve() for path in sys.argv[1:])
    folder.mkdir(parents=True, exist_ok=True)
    stage(readme, folder)
    os.chdir(folder)
    import keras

    import kerascnn

    keras.applications.MobileNetV2 = small_backbone(keras)
    kerascnn.models.MobileNet(alpha=0.25).save_weights("mobilenet.weights.h5")
    namespace, left = {"__name__": "__main__"}, set(LEFT_OUT)
    for number, (kind, text) in enumerate(steps(readme.read_text(encoding="utf-8"))):
        start, printed, code = time.perf_counter(), io.StringIO(), 0
        title = text if kind == "command" else text.splitlines()[-1]
        if text in LEFT_OUT:
            left.discard(text)
            print(f"left out  {title}: {LEFT_OUT[text]}", flush=True)
            continue
        with redirect_stdout(printed):
            if kind == "python":
                exec(compile(text, f"README.md, block {number}", "exec"), namespace)
            else:
                added = [more for begin, more in ADDED.items() if text.startswith(begin)]
                code = run_command(" ".join([text, *added]))
        print(
            f"{'failed' if code else 'ran'}  {title} ({time.perf_counter() - start:.1f} s)",
            flush=True,
        )
        if code:
            print(printed.getvalue())
            sys.exit(f"exit code {code}")
    if left:
        sys.exit(f"the README no longer names {sorted(left)}")


if __name__ == "__main__":
    main()
