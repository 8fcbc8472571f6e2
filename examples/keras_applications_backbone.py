"""A backbone of keras.applications: its preprocessing in the graph, fine-tuned, exported.

    python examples/keras_applications_backbone.py [--source digits] [--weights imagenet]
        [--image-size 64] [--epochs 10] [--out mobilenetv2.tflite]

`--source` may be a folder of class folders. What keras.applications.mobilenet_v2 wants, pixels in
-1..1, becomes a layer of the model ("signed"), so that the exported file takes raw pixels. Without
`--weights` the backbone starts from random ones: that needs no download and shows the way, but not
what transfer brings.

Measured with the defaults (random weights, 20 and 10 epochs, seed 0) on the test split: accuracy
94.4 % in Keras, 93.0 % of the int8 file, which has 650 kB. 60 s of processor time, on 2 cores that
were shared. With published weights it was not measured.
"""

import argparse
from dataclasses import replace

import keras

import kerascnn
from kerascnn.transfer import attach_head, default_phases, fine_tune


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--source", default="digits")
    parser.add_argument("--weights")
    parser.add_argument("--image-size", type=int, default=64)
    parser.add_argument(
        "--epochs", type=int, default=10, help="of the phase that trains all layers"
    )
    parser.add_argument("--out", default="mobilenetv2.tflite")
    args = parser.parse_args()

    keras.utils.set_random_seed(0)
    data = kerascnn.data.load(args.source, args.image_size, channels=3)
    backbone = keras.applications.MobileNetV2(
        data.image_shape, alpha=0.35, include_top=False, weights=args.weights
    )
    if not args.weights:  # Keras's 0.999 is for ten thousands of steps, not for hundreds
        for layer in backbone.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.momentum = 0.9
    model = attach_head(backbone, len(data.class_names), preprocessing="signed")
    head, everything = default_phases()
    if not args.weights:  # there is nothing to keep
        head = replace(head, exact=False)
        everything = replace(everything, learning_rate=2e-3, guarded=False, average=0.0)
    result = fine_tune(
        model,
        data.train,
        data.validation,
        phases=[head, replace(everything, epochs=args.epochs)],
        batch_norm="frozen" if args.weights else "train",
    )
    print(f"kept epoch {result.best_epoch} of {len(result.history)}, cached: {result.cached}")

    images, labels = data.sample("train", 200)
    exported = kerascnn.export.export_tflite(
        model,
        args.out,
        recipe="int8",
        samples=images,
        labels=labels,
        class_names=data.class_names,
        overwrite=True,
    )
    test = data.arrays("validation" if data.test is None else "test")
    accuracy = kerascnn.export.evaluate_tflite(exported.path, *test).accuracy
    keras_accuracy = (model.predict(test[0], verbose=0).argmax(axis=1) == test[1]).mean()
    print(f"{exported.path}: {exported.bytes} bytes")
    print(f"accuracy: Keras {keras_accuracy:.4f}, int8 {accuracy:.4f}")


if __name__ == "__main__":
    main()
