"""Our int8 export against the TensorFlow converter's own, on MobileNetV2: time, size, speed.

    python benchmarks/quantize.py [--images 20] [--runs 100]

Both start from the same Keras model (random weights, 224x224) and calibrate on the same random
images. Latencies of the two files are measured run by run in turn. Writes
benchmarks/results/quantize.json.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import record

from kerascnn.export.conversion.convert import convert_float
from kerascnn.export.quantize.quantizer import quantize
from kerascnn.export.recipes import RECIPES
from kerascnn.export.runtime.benchmark import compare
from kerascnn.export.runtime.summary import inspect


def converter_int8(model: keras.Model, images: np.ndarray) -> bytes:
    import tensorflow as tf

    with tempfile.TemporaryDirectory() as folder:
        signature = [keras.InputSpec(shape=(1, *model.input_shape[1:]), dtype="float32")]
        model.export(folder, input_signature=signature, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([image[None]] for image in images)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.uint8
        return converter.convert()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=20)
    parser.add_argument("--runs", type=int, default=100)
    args = parser.parse_args()
    keras.utils.set_random_seed(0)
    inputs = keras.Input((224, 224, 3))
    scaled = keras.layers.Rescaling(1 / 127.5, -1)(inputs)
    model = keras.applications.MobileNetV2(weights=None, input_tensor=scaled)
    images = np.random.default_rng(0).integers(0, 256, (args.images, 224, 224, 3))
    images = images.astype("uint8")

    start = time.perf_counter()
    float_file = convert_float(model, cache=False)
    converted = time.perf_counter()
    ours = quantize(float_file, RECIPES["int8"], images, io="uint8")
    quantized = time.perf_counter()
    theirs = converter_int8(model, images.astype("float32"))
    end = time.perf_counter()

    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for name, content in (("float32", float_file), ("ours", ours), ("converter", theirs)):
            paths.append(Path(folder, f"{name}.tflite"))
            paths[-1].write_bytes(content)
        times = compare(paths, runs=args.runs)
        files = {
            path.stem: {
                "bytes": path.stat().st_size,
                "median_ms": round(result.median_ms, 3),
                "partitions": inspect(path).delegate_partitions,
            }
            for path, result in zip(paths, times.results, strict=True)
        }
    figures = {
        "float_conversion_s": round(converted - start, 2),
        "our_quantisation_s": round(quantized - converted, 2),
        "converter_int8_s": round(end - quantized, 2),
        "files": files,
    }
    for name, value in figures.items():
        print(name, value)
    print(record.write("quantize", figures))


if __name__ == "__main__":
    main()
