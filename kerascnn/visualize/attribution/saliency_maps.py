"""Which pixels the score of a class is sensitive to: saliency maps and SmoothGrad.

Simonyan, Vedaldi, Zisserman, Deep Inside Convolutional Networks: Visualising Image Classification
Models and Saliency Maps, 2014, arXiv:1312.6034, section 3.1.
Smilkov, Thorat, Kim, Viégas, Wattenberg, SmoothGrad: removing noise by adding noise, 2017,
arXiv:1706.03825, section 3.
"""

import keras
import numpy as np

from kerascnn.arguments import checked_seed
from kerascnn.errors import InputError
from kerascnn.inputs.keywords import keras_words
from kerascnn.visualize.attribution.scores import Classes, choose, float_images, summed_slopes


@keras_words()
def saliency(
    model: keras.Model,
    images: np.ndarray,
    classes: Classes = None,
    *,
    against: bool = False,
    batch_size: int = 32,
) -> np.ndarray:
    """By how much the score of a class changes with each pixel: the largest |slope| of its colours.

    Args:
        model: Any model with one image input and the output `[B, classes]`.
        images: `[B, H, W, C]`, as the model takes them.
        classes: The class of each image, or one for all; the model's choice if None.
        against: Explain what speaks against the class, or lowers the quantity, instead.
        batch_size: Images at a time.

    Returns:
        float32 `[B, H, W]`, 0 or more: score per unit of the pixel's value.

    Raises:
        InputError: Images or classes that do not fit, or a model without derivatives.
    """
    return smooth_grad(
        *(model, images, classes), against=against, noise=0, samples=1, batch_size=batch_size
    )


@keras_words()
def smooth_grad(
    model: keras.Model,
    images: np.ndarray,
    classes: Classes = None,
    *,
    against: bool = False,
    noise: float = 0.15,
    samples: int = 50,
    seed: int = 0,
    batch_size: int = 32,
) -> np.ndarray:
    """Saliency without its speckles: slopes averaged over noisy copies of each image.

    Each image meets the same noise, whatever other images come with it.

    Args:
        model: Any model with one image input and the output `[B, classes]`.
        images: `[B, H, W, C]`, as the model takes them.
        classes: The class of each image, or one for all; the model's choice, without noise, if
            None.
        against: Explain what speaks against the class, or lowers the quantity, instead.
        noise: Standard deviation, as a share of the image's range (largest less smallest value);
            the paper looks at 0.1 to 0.2.
        samples: Noisy copies of each image; the paper sees little change beyond 50.
        seed: Of the noise; the same on any backend.
        batch_size: Noisy images at a time.

    Returns:
        float32 `[B, H, W]`: the largest absolute value of the average over the colours.

    Raises:
        InputError: Images, classes, noise or samples that do not fit, or a model without
            derivatives.
    """
    images = float_images(model, images)
    if noise < 0 or samples < 1:
        raise InputError(
            "expected `noise` of 0 or more and at least one of `samples`. Received: "
            f"noise={noise}, samples={samples}."
        )
    seed = checked_seed(seed)
    spread = noise * np.ptp(images, axis=(1, 2, 3), keepdims=True)

    def vary(rows: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        if not noise:
            return images[rows]
        drawn = {
            number: np.random.default_rng((seed, number)).standard_normal(images.shape[1:], "f4")
            for number in np.unique(numbers)
        }
        return images[rows] + spread[rows] * np.stack([drawn[number] for number in numbers])

    wanted = choose(model, images, classes, batch_size, against)
    weights = np.full(samples, 1 / samples)
    slopes = summed_slopes(model, images.shape, wanted, vary, weights, batch_size)
    return np.abs(slopes).max(axis=-1)
