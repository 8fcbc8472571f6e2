#!/usr/bin/env python3
"""Replays a kerascnn bundle in MediaPipe Tasks' ImageClassifier.

    python selftest.py BUNDLE [--recipe int8]   does MediaPipe answer what Keras answered?

The golden inputs have the model's size, so MediaPipe resizes nothing and its scores are the file's
outputs. It needs numpy and mediapipe, `bundle.py` beside it, and no file of kerascnn.
Exit codes: 0 all well, 1 a file failed, 2 bad input (one line on stderr says which).
"""

import argparse
import sys
from pathlib import Path

try:
    import mediapipe
    import numpy as np
    from mediapipe.tasks.python import BaseOptions, vision
except ImportError as error:
    print(f"selftest.py: error: {error}: pip install -r requirements.txt", file=sys.stderr)
    sys.exit(2)

from bundle import KitError, choose_files, is_binary, judge, read_bundle, read_golden, require


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
                    known = labels[category.index]
                    same = category.category_name == known
                    require(same, f"{path}: label {category.category_name!r}, expected {known!r}")
                    row[category.index] = category.score
    except (RuntimeError, ValueError) as error:
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
        try:
            found = {"scores": outputs(folder / file["path"], inputs, labels)}
            failures += not judge(manifest, file, found, expected)
        except KitError as error:
            print(f"FAIL {file['recipe']:<16}", *str(error).split())
            failures += 1
    return 1 if failures else 0


class Parser(argparse.ArgumentParser):
    def error(self, message: str):
        raise KitError(f"{message} (selftest.py --help shows the usage)")


def main(arguments=None) -> int:
    parser = Parser("selftest.py", None, __doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="folder with a manifest.json")
    parser.add_argument("--recipe", help="the file to use (default: all)")
    try:
        options = parser.parse_args(arguments)
        manifest, labels = read_bundle(options.bundle)
        files = choose_files(manifest, options.recipe)
        return selftest(options.bundle, manifest, files, labels)
    except (KitError, OSError) as error:
        print("selftest.py: error:", *str(error).split(), file=sys.stderr)  # one line, always
        return 2


if __name__ == "__main__":
    sys.exit(main())
