"""8-bit weights rounded one by one against weights rounded together, on photos not calibrated on.

    python benchmarks/weight_rounding.py PHOTOS [--model MobileNet] [--option alpha=0.25]
        [--weights FILE|imagenet] [--samples 200] [--seed 0] [--name weight_rounding]

The same float file becomes an int8 file (ranges: all that the samples show) and a weight_only_int8
file, with the quantiser's own rounding and with that of `kerascnn.export`. `agreement` is the share
of the validation photos whose best class is the float file's, `error` the mean difference of an
output. Writes benchmarks/results/NAME.json.
"""

import argparse
import os
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import arguments
import numpy as np
import record

import kerascnn
from kerascnn.export import TFLiteModel, convert_float
from kerascnn.export.quantize.calibration import min_max, observe, ranges_of, signature
from kerascnn.export.quantize.litert import rewrite
from kerascnn.export.quantize.weight_rounding import round_weights
from kerascnn.export.recipes import get


def main() -> None:
    """Measures, prints and writes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos")
    parser.add_argument("--model", default="MobileNet")
    parser.add_argument("--option", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--weights", default="imagenet")
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--name", default="weight_rounding", help="in benchmarks/results")
    args = parser.parse_args()
    model = kerascnn.create_model(
        args.model, weights=args.weights, **arguments.options(args.option)
    )
    splits = kerascnn.data.load(args.photos, model.input_shape[1:3], channels=3, seed=args.seed)
    samples, _ = splits.sample("train", args.samples, seed=args.seed)
    photos, _ = splits.arrays("validation")
    float_file = convert_float(model)
    ranges = ranges_of(observe(float_file, samples), min_max, signature(float_file)[2])
    wanted = TFLiteModel(float_file).predict(photos)
    found: dict[str, dict[str, Any]] = {}
    for rounding, content in (
        ("one by one", float_file),
        ("together", round_weights(float_file, samples)),
    ):
        for name in ("int8", "weight_only_int8"):
            recipe = get(name)
            known = ranges if recipe.needs_samples else None
            file = rewrite(content, recipe, recipe.choose_io("uint8"), known)
            got = TFLiteModel(file).predict(photos)
            found[f"{name}, {rounding}"] = {
                "agreement": round(float((got.argmax(-1) == wanted.argmax(-1)).mean()), 4),
                "error": float(np.abs(got - wanted).mean()),
            }
    for kind, row in found.items():
        print(f"{kind:<30} agreement {100 * row['agreement']:.1f} %, error {row['error']:.2e}")
    figures = {
        "benchmark": "weight_rounding",
        "model": args.model,
        "options": args.option,
        "samples": len(samples),
        "photos": len(photos),
        "seed": args.seed,
        "files": found,
    }
    print(record.write(args.name, figures))


if __name__ == "__main__":
    main()
