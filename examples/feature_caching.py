"""Feature caching: one head on one frozen backbone, by `model.fit` and on features computed once.

    python examples/feature_caching.py [--source digits] [--image-size 96] [--epochs 20]
        [--weights FILE|imagenet]

A frozen backbone gives the same features for the same image in each epoch. `fit_head` computes them
once and trains the head on them; given a folder, `cache=FOLDER`, it finds them there the next time.
`--source` may be a folder of class folders. The time does not depend on what the weights are, so
they are random without `--weights`, and the accuracy is low.

Measured with the defaults (1,079 training images, 20 epochs, seed 0) on 2 cores that were shared:
model.fit 12.9 s, fit_head 4.7 s, and 3.0 s when it found the features.
"""

import argparse
import tempfile
import time

import keras

import kerascnn
from kerascnn.transfer import attach_head, fit_head, freeze, original


def build(data: "kerascnn.data.Splits", weights: str | None) -> keras.Model:
    """A quarter-width MobileNet, frozen, with a new head, compiled."""
    keras.utils.set_random_seed(0)
    backbone = kerascnn.models.MobileNet(
        include_top=False, alpha=0.25, weights=weights, input_shape=data.image_shape
    )
    model = attach_head(backbone, len(data.class_names))
    freeze(model, "head")
    model.compile(
        keras.optimizers.Adam(1e-2), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return model


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--source", default="digits")
    parser.add_argument("--image-size", type=int, default=96)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--weights")
    args = parser.parse_args()
    data = kerascnn.data.load(args.source, args.image_size, channels=3)

    def report(name: str, start: float, model: keras.Model) -> None:
        seconds = time.perf_counter() - start
        accuracy = model.evaluate(data.validation, verbose=0)[1]
        print(f"{name:<18} {seconds:5.1f} s, validation accuracy {accuracy:.1%}", flush=True)

    model = build(data, args.weights)
    start = time.perf_counter()
    model.fit(
        data.train,
        validation_data=data.validation,
        epochs=args.epochs,
        shuffle=False,  # the data comes shuffled
        verbose=0,
    )
    report("model.fit", start, model)

    with tempfile.TemporaryDirectory() as folder:
        for name in ("fit_head", "fit_head, again"):
            model = build(data, args.weights)
            start = time.perf_counter()
            fit_head(
                *(model, data.train, data.validation),
                epochs=args.epochs,
                views=(original,),  # no mirror images, so that both see the same
                cache=folder,
            )
            report(name, start, model)


if __name__ == "__main__":
    main()
