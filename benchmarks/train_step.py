"""Training steps of kerascnn and its peers, in turns, on the same images.

    python benchmarks/train_step.py [MODEL ...] [--peers keras.applications torchvision]
        [--batch 16] [--size 128] [--rounds 15] [--budget 120] [--name train_step]

One step: uint8 images and labels in, preprocessing, forward, softmax cross-entropy, backward, SGD
with momentum 0.9, the loss out. Dropout and stochastic depth are as each library has them by
default. Writes benchmarks/results/NAME.json and the tables of benchmarks/README.md.
"""

from contenders import Contender
from side_by_side import main

MODELS = (
    "ResNet50",
    "MobileNetV2",
    "MobileNetV3Large",
    "EfficientNetB0",
    "DenseNet121",
    "InceptionV3",
    "VGG16",
    "ConvNeXtTiny",
)


def train(contender: Contender) -> None:
    """One step."""
    contender.train()


if __name__ == "__main__":
    main("train_step", __doc__, MODELS, train, batches=1)
