"""The embedded source "digits": 1,797 real handwritten digits, 8x8, that need no download.

They come with scikit-learn (a part of the UCI set "Optical Recognition of Handwritten Digits").
"""

import numpy as np

from kerascnn.data.collection import Collection
from kerascnn.data.plan import Request, make_plan
from kerascnn.data.stores import ArrayStore, allocate

TEST_SPLIT = 0.2


def read_digits(request: Request) -> Collection:
    """Returns the digits with their values 0..16 spread over 0..255."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    pixels = np.round(digits.images * 255 / 16).astype(np.uint8)[..., np.newaxis]
    plan = make_plan(request, common_size=(8, 8), grey=True)
    images = allocate(len(pixels), plan.size, plan.channels, in_memory=True)
    images[...] = plan.rule.apply_batch(pixels, plan.size, plan.channels)
    return Collection(
        store=ArrayStore(images),
        labels=digits.target.astype(np.int32),
        keys=[str(number) for number in range(len(pixels))],
        class_names=tuple(str(digit) for digit in digits.target_names),
        plan=plan,
        official={"train": np.arange(len(pixels))},
    )
