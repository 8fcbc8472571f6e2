"""Inference of kerascnn and its peers, in turns, on the same images.

    python benchmarks/inference.py [MODEL ...] [--peers keras.applications torchvision]
        [--batch 16] [--size 128] [--rounds 15] [--budget 120] [--name inference]

Thirty-two batches of uint8 images in, an array of probabilities out: `model.predict` for Keras
models, a loop in inference mode for PyTorch's. Writes benchmarks/results/NAME.json and the tables
of benchmarks/README.md.
"""

from contenders import Contender
from side_by_side import main
from train_step import MODELS


def infer(contender: Contender) -> None:
    """One pass over the images."""
    contender.infer()


if __name__ == "__main__":
    main("inference", __doc__, MODELS, infer, batches=32)
