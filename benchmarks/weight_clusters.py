"""Size of zipped int8 files whose weights share a few values, and their accuracy.

    python benchmarks/weight_clusters.py RUN ... [--clusters 8,16,32] [--samples 500]

From the model of each finished run folder comes one int8 file with all 255 steps for the weights,
and one for each number of clusters. Answers are those of the files on all test images; the archive
is a zip of the one file (deflate, level 9). Writes benchmarks/results/weight_clusters.json.
"""

import argparse
import io
import os
import time
import zipfile
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import record

from kerascnn.export import TFLiteModel, convert_float
from kerascnn.export.quantize.quantizer import quantize
from kerascnn.training import open_run


def zipped(content: bytes) -> int:
    """Bytes of a zip archive with this file."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("model.tflite", content)
    return len(stream.getvalue())


def measure(folder: str, clusters: list[int], samples: int) -> dict[str, Any]:
    """Bytes, zipped bytes and accuracy in percent of the files of one run."""
    run = open_run(folder)
    splits = run.data()
    images, labels = splits.arrays("test" if splits.test is not None else "validation")
    known, _ = splits.sample("train", samples, seed=run.config.seed)
    float_file = convert_float(run.load_model())
    files = {}
    for count in (None, *clusters):
        start = time.perf_counter()
        content = quantize(float_file, "int8", known, clusters=count)
        seconds = time.perf_counter() - start
        answers = TFLiteModel(content).predict(images).argmax(-1)
        row = {
            "bytes": len(content),
            "zip_bytes": zipped(content),
            "accuracy": round(100 * float(np.mean(answers == labels)), 2),
            "seconds": round(seconds, 1),
        }
        files["all" if count is None else str(count)] = row
        print(run.config.model, count, row, flush=True)
    return {"model": run.config.model, "images": len(images), "files": files}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", metavar="RUN")
    parser.add_argument("--clusters", default="8,16,32")
    parser.add_argument("--samples", type=int, default=500)
    args = parser.parse_args()
    clusters = [int(count) for count in args.clusters.split(",")]
    record.write(
        "weight_clusters",
        {
            f"{open_run(folder).config.model} {open_run(folder).config.source}": measure(
                folder, clusters, args.samples
            )
            for folder in args.runs
        },
    )


if __name__ == "__main__":
    main()
