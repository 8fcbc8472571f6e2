#!/usr/bin/env python3
"""Replays a kerascnn bundle in MediaPipe Tasks' ImageClassifier.

    python selftest.py BUNDLE [--recipe int8]   does MediaPipe answer what Keras answered?

The golden inputs have the model's size, so MediaPipe resizes nothing and its scores are the file's
outputs. It needs numpy and mediapipe, `bundle.py` beside it, and no file of kerascnn.
Exit codes: 0 all well, 1 a file failed, 2 bad input (one line on stderr says which).
"""

import sys
from argparse import RawTextHelpFormatter
from pathlib import Path

try:
    import mediapipe
    import numpy as np
    from mediapipe.tasks.python import BaseOptions, vision
except ImportError as error:
    reason = " ".join(str(error).split())[:200]
    print(f"selftest.py: error: {reason}: pip install -r requirements.txt", file=sys.stderr)
    sys.exit(2)

from bundle import (
    KitError,
    Parser,
    choose_files,
    guarded,
    is_binary,
    judge,
    printable,
    read_bundle,
    read_golden,
    rehearse,
    require,
)


def outputs(path: Path, inputs: np.ndarray, labels: list) -> np.ndarray:
    """MediaPipe's scores [n, classes] for raw pixels [n, H, W, 3], in the order of the labels.

    A category's index is the place of its output; its name comes from the label file inside the
    model, and both must agree with the bundle's labels.
    """
    options = vision.ImageClassifierOptions(
        base_options=BaseOptions(model_asset_path=str(path)), max_results=-1
    )
    found = np.full((len(inputs), len(labels)), np.nan, np.float32)
    try:
        with vision.ImageClassifier.create_from_options(options) as classifier:
            for row, pixels in zip(found, inputs):  # noqa: B905 (Python 3.9)
                image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=pixels)
                for category in classifier.classify(image).classifications[0].categories:
                    inside = 0 <= category.index < len(labels)
                    require(inside, f"{path}: output {category.index} of {len(labels)}")
                    known = labels[category.index]
                    same = category.category_name == known
                    require(same, f"{path}: label {category.category_name!r}, expected {known!r}")
                    row[category.index] = category.score
    except (RuntimeError, ValueError, OSError) as error:
        raise KitError(f"MediaPipe refuses {path.name}: {error}") from error
    return found


def selftest(folder: Path, manifest: dict, files: list, labels: list) -> int:
    require(manifest["input"]["color"] == "rgb", "MediaPipe takes RGB images only")
    (output, *others) = manifest["outputs"]
    scores = output["role"] == "scores" and not others
    require(scores, "MediaPipe's ImageClassifier gives scores of classes or labels, nothing else")
    if is_binary(output):  # one number, which MediaPipe calls by the name of the second class
        labels = labels[1:]
    inputs, expected = read_golden(folder, manifest)
    failures = 0
    for file in files:
        path = folder / file["path"]
        try:
            rehearse(path, lambda path=path: outputs(path, inputs[:1], labels))
            found = {output["role"]: outputs(path, inputs, labels)}
            failures += not judge(manifest, file, found, expected)
        except KitError as error:
            print(printable(f"FAIL {file['recipe']:<16} {' '.join(str(error).split())}"))
            failures += 1
    return 1 if failures else 0


def run(arguments) -> int:
    """What the command line asks for; its exit code."""
    parser = Parser("selftest.py", None, __doc__, formatter_class=RawTextHelpFormatter)
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="folder with a manifest.json")
    parser.add_argument("--recipe", help="the file to use (default: all)")
    options = parser.parse_args(arguments)
    manifest, labels = read_bundle(options.bundle)
    files = choose_files(manifest, options.recipe)
    return selftest(options.bundle, manifest, files, labels)


def main(arguments=None) -> int:
    return guarded("selftest.py", lambda: run(arguments))


if __name__ == "__main__":
    sys.exit(main())
