"""LeNet-5 on MNIST with plain compile and fit, then an int8 file of it.

    python examples/lenet_mnist.py [--source digits] [--epochs 20] [--out lenet5_int8.tflite]

Without TensorFlow Datasets' MNIST at hand, run it on the embedded digits: `--source digits`.

Measured: see the README, "Measured" (same network, optimiser, schedule and seeds).
"""

import argparse

import keras

import kerascnn


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", default="tfds:mnist")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--out", default="lenet5_int8.tflite")
    args = parser.parse_args()

    keras.utils.set_random_seed(0)
    data = kerascnn.data.load(args.source, image_size=32, batch_size=64)
    classes = len(data.class_names)
    model = kerascnn.models.LeNet5(input_shape=data.image_shape, classes=classes)

    steps = args.epochs * len(data.train)
    schedule = keras.optimizers.schedules.CosineDecay(
        1e-4, decay_steps=steps - steps // 20, warmup_target=3e-3, warmup_steps=steps // 20
    )
    model.compile(
        keras.optimizers.AdamW(schedule, weight_decay=0.1),
        keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
        metrics=["accuracy"],
    )
    train, validation = (kerascnn.data.one_hot(d, classes) for d in (data.train, data.validation))
    model.fit(train, validation_data=validation, epochs=args.epochs, verbose=2)

    images, labels = data.sample("train", 200)
    result = kerascnn.export.export_tflite(
        model,
        args.out,
        recipe="int8",
        samples=images,
        labels=labels,
        class_names=data.class_names,
        overwrite=True,
    )
    test = data.arrays("test")
    keras_accuracy = (model.predict(test[0], verbose=0).argmax(1) == test[1]).mean()
    int8_accuracy = kerascnn.export.evaluate_tflite(result.path, *test).accuracy
    print(f"{result.path}: {result.bytes} bytes, {result.delegate_partitions} partitions")
    print(f"test accuracy: Keras {keras_accuracy:.4f}, int8 {int8_accuracy:.4f}")


if __name__ == "__main__":
    main()
