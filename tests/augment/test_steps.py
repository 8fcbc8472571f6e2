"""Each step against Pillow, or against a few lines of NumPy where Pillow lacks it."""

import math

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from kerascnn import augment
from kerascnn.augment import Values
from kerascnn.errors import InputError


def each(images, function):
    """A function of a Pillow image, on every image of a batch."""
    return np.stack([np.asarray(function(Image.fromarray(image))) for image in images])


def run(step, images, **options):
    """The step alone, with its draws all alike where the step has but one value to draw."""
    return augment.Compose([step], **options)(images).astype(int)


def differences(a, b):
    return np.abs(a.astype(int) - b.astype(int))


def transform(image, method, coefficients):
    """Pillow's transform in floating point: on 8 bits it cuts decimals off."""
    planes = [Image.fromarray(np.asarray(plane, np.float32)) for plane in image.split()]
    moved = [p.transform(p.size, method, coefficients, Image.BILINEAR) for p in planes]
    return np.stack(moved, axis=-1).round()


def centred(a, b, d, e, size=(128, 96)):
    x, y = size[0] / 2, size[1] / 2
    return a, b, x - a * x - b * y, d, e, y - d * x - e * y


COS, SIN = math.cos(math.radians(25)), math.sin(math.radians(25))
GEOMETRIC = {
    "rotate": (augment.Rotate(Values((25,))), centred(COS, -SIN, SIN, COS)),
    "shear x": (augment.Shear(Values((0.3,)), 0), centred(1, 0.3, 0, 1)),
    "shear y": (augment.Shear(0, Values((-0.2,))), centred(1, 0, -0.2, 1)),
    "translate": (augment.Translate(Values((0.1,)), Values((-0.2,))), (1, 0, -12.8, 0, 1, 19.2)),
    "zoom in": (augment.Zoom(Values((1.3,))), centred(1 / 1.3, 0, 0, 1 / 1.3)),
    "zoom out": (augment.Zoom(Values((0.6,))), centred(1 / 0.6, 0, 0, 1 / 0.6)),
}


@pytest.mark.parametrize("name", GEOMETRIC)
def test_geometric_steps_are_pillows_affine_transform(photos, name):
    step, coefficients = GEOMETRIC[name]
    expected = each(photos, lambda image: transform(image, Image.AFFINE, coefficients))
    difference = differences(run(step, photos), expected)
    # Places are rounded to 1/256 pixel and weights to 1/256: beside an edge of 255, two steps of 1.
    # A pixel whose centre falls on the image's border may be inside here and outside there.
    assert (difference > 2).mean() < 5e-4
    assert difference.mean() < 0.2  # one value in six differs by 1


def test_flips_move_pixels_unchanged(photos):
    both = run(augment.Flip(vertical=True, probability=1), photos)
    np.testing.assert_array_equal(both, photos[:, ::-1, ::-1])
    np.testing.assert_array_equal(run(augment.Flip(probability=0), photos), photos)


def test_half_of_the_images_are_flipped():
    image = np.zeros((4, 4, 1), np.uint8)
    image[:, :2] = 255
    flipped = augment.Compose([augment.Flip()])(np.stack([image] * 1000))[:, 0, 0, 0] == 0
    assert 430 < flipped.sum() < 570  # 4.4 standard deviations


def test_rotation_is_counter_clockwise(photos):
    square = photos[:, :96, :96]
    turned = run(augment.Rotate(Values((90,))), square)
    assert differences(turned, np.rot90(square, axes=(1, 2))).max() <= 1


def test_perspective_is_pillows(photos):
    """The corners' places are read off a moved box; Pillow is given the same map."""
    from kerascnn.augment.arrays import numpy_namespace
    from kerascnn.augment.random import Random

    step = augment.Perspective(0.5)
    pipeline = augment.Compose([step])
    part = pipeline.plan[0].parts[0]
    start = Random.start(numpy_namespace(), 3, np.arange(4, dtype=np.int32))
    matrices = step.matrices(part.stream(start), (96, 128)).astype(np.float64)
    expected = []
    for image, m in zip(photos, matrices / matrices[:, 2:, 2:], strict=True):
        eight = m.flatten()[:8]
        expected.append(transform(Image.fromarray(image), Image.PERSPECTIVE, eight))
    difference = differences(pipeline(photos, seed=3), np.stack(expected))
    assert (difference > 2).mean() < 5e-4
    corners = np.linalg.inv(matrices) @ np.array([[0, 128, 128, 0], [0, 0, 96, 96], [1.0] * 4])
    x, y = corners[:, 0] / corners[:, 2], corners[:, 1] / corners[:, 2]
    inward = np.stack([x[:, 0], 128 - x[:, 1], 128 - x[:, 2], x[:, 3]])
    assert inward.min() > -1e-3
    assert inward.max() <= 32.001
    assert y[:, 0].max() <= 24.001
    assert len(np.unique(inward.round(3))) == 16


def test_center_crop_and_padding(photos):
    cropped = run(augment.CenterCrop((40, 50)), photos)
    np.testing.assert_array_equal(cropped, photos[:, 28:68, 39:89])
    padded = run(augment.CenterCrop((100, 130)), photos, fill=(1, 2, 3))
    np.testing.assert_array_equal(padded[:, 2:98, 1:129], photos)
    assert (padded[:, 0] == (1, 2, 3)).all()


def test_random_crop_is_a_window(photos):
    pipeline = augment.Compose([augment.RandomCrop((64, 64), padding=8)])
    padded = np.pad(photos, [(0, 0), (8, 8), (8, 8), (0, 0)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, (64, 64), axis=(1, 2))
    cropped = pipeline(photos)
    for image, found in zip(cropped, windows, strict=True):
        assert (found == image.transpose(2, 0, 1)).all(axis=(2, 3, 4)).any()


def test_resize_is_pillows_without_its_filter(photos):
    larger = run(augment.Resize((150, 200)), photos)  # enlarging, Pillow has no filter either
    expected = each(photos, lambda image: image.resize((200, 150), Image.BILINEAR))
    assert differences(larger, expected).max() <= 2


def test_random_resized_crop_is_a_resized_window(photos):
    from kerascnn.augment.arrays import numpy_namespace
    from kerascnn.augment.random import Random

    step = augment.RandomResizedCrop(96, scale=(0.1, 0.6))
    random = Random.start(numpy_namespace(), 0, np.arange(500, dtype=np.int32))
    m = step.matrices(random, (96, 128))
    width, height = m[:, 0, 0] * 96, m[:, 1, 1] * 96
    left, top = m[:, 0, 2], m[:, 1, 2]
    whole = np.stack([width, height, left, top])
    np.testing.assert_allclose(whole, whole.round(), atol=1e-3)
    assert left.min() >= 0
    assert top.min() >= 0
    assert (left + width).max() <= 128.001
    assert (top + height).max() <= 96.001
    area = width * height / (96 * 128)
    assert 0.09 < area.min() < 0.13
    assert 0.55 < area.max() < 0.61
    assert abs(area.mean() - 0.35) < 0.03  # uniform; 4.6 standard errors
    ratio = np.log(width / height)
    assert abs(ratio.mean()) < 0.05
    assert abs(np.abs(ratio).max() - math.log(4 / 3)) < 0.06


def enhance(enhancer, factor):
    return lambda image: enhancer(image).enhance(factor)


POINTWISE = {
    "brightness": (augment.Brightness(Values((1.4,))), enhance(ImageEnhance.Brightness, 1.4)),
    "contrast": (augment.Contrast(Values((0.5,))), enhance(ImageEnhance.Contrast, 0.5)),
    "more contrast": (augment.Contrast(Values((1.7,))), enhance(ImageEnhance.Contrast, 1.7)),
    "saturation": (augment.Saturation(Values((0.3,))), enhance(ImageEnhance.Color, 0.3)),
    "more saturation": (augment.Saturation(Values((1.8,))), enhance(ImageEnhance.Color, 1.8)),
    "invert": (augment.Invert(), ImageOps.invert),
    "posterize": (augment.Posterize(3), lambda image: ImageOps.posterize(image, 3)),
    "solarize": (augment.Solarize(100), lambda image: ImageOps.solarize(image, 100)),
    "auto-contrast": (augment.AutoContrast(), ImageOps.autocontrast),
    "equalize": (augment.Equalize(), ImageOps.equalize),
    "grayscale": (augment.Grayscale(1), lambda image: image.convert("L").convert("RGB")),
    "sharper": (augment.Sharpness(Values((1.9,))), enhance(ImageEnhance.Sharpness, 1.9)),
    "smoother": (augment.Sharpness(Values((0.2,))), enhance(ImageEnhance.Sharpness, 0.2)),
}
# Pillow cuts decimals off where this package rounds; it rounds the mean grey and the luma to whole
# numbers first, which counts times the distance of the factor from 1.
TOLERANCES = {"invert": 0, "posterize": 0, "solarize": 0, "equalize": 0, "more saturation": 2}
TOLERANCES["sharper"] = 2


@pytest.mark.parametrize("name", POINTWISE)
def test_tone_colour_and_sharpness_are_pillows(photos, name):
    step, function = POINTWISE[name]
    difference = differences(run(step, photos), each(photos, function))
    assert difference.max() <= TOLERANCES.get(name, 1)


def test_equalize_and_autocontrast_of_flat_images():
    flat = np.full((2, 8, 8, 3), 77, np.uint8)
    for step in (augment.Equalize(), augment.AutoContrast()):
        np.testing.assert_array_equal(run(step, flat), flat)


def test_gamma_and_solarize_add(photos):
    expected = 255 * (photos / 255.0) ** 0.6
    assert np.abs(run(augment.Gamma(Values((0.6,))), photos) - expected).max() <= 0.51
    added = np.where(photos < 90, np.minimum(photos + 60.0, 255), photos)
    np.testing.assert_array_equal(run(augment.SolarizeAdd(60, 90), photos), added)


def test_hue_keeps_luma_and_turns_chroma(photos):
    import colorsys

    turned = run(augment.Hue(Values((0.1,))), photos[:, ::8, ::8] // 2 + 64)
    source = (photos[:, ::8, ::8] // 2 + 64).reshape(-1, 3)
    yiq = np.array([colorsys.rgb_to_yiq(*color) for color in source / 255.0])
    angle = 0.2 * math.pi
    chroma = (yiq[:, 1] + 1j * yiq[:, 2]) * np.exp(1j * angle)
    rotated = np.stack([yiq[:, 0], chroma.real, chroma.imag], axis=1)
    rgb = np.array([colorsys.yiq_to_rgb(*color) for color in rotated]) * 255  # cut to 0..1
    # colorsys has three decimals of the same NTSC matrix.
    assert np.abs(turned.reshape(-1, 3) - rgb).max() <= 1.5
    same = run(augment.Hue(Values((0.0,))), photos)
    assert differences(same, photos).max() == 0


def test_pca_lighting_adds_one_colour_per_image(photos):
    middle = photos // 2 + 64
    change = run(augment.PCALighting(0.1), middle) - middle
    assert all(np.ptp(change[i, ..., c]) <= 1 for i in range(4) for c in range(3))
    assert len({tuple(color) for color in change[:, 0, 0]}) == 4
    shifts = augment.Compose([augment.PCALighting(0.1)])(np.full((4000, 2, 2, 3), 128, np.uint8))
    covariance = np.cov(shifts[:, 0, 0].astype(float).T)
    vectors = np.array(
        [[-0.5675, 0.7192, 0.4009], [-0.5808, -0.0045, -0.8140], [-0.5836, -0.6948, 0.4203]]
    )
    expected = vectors @ np.diag(np.array([0.2175, 0.0188, 0.0045]) ** 2) @ vectors.T
    expected *= 25.5**2
    # The standard error of a variance of 4,000 draws is 2.2 %; rounding adds 1/12.
    np.testing.assert_allclose(covariance, expected, atol=0.12 * expected.max())


def test_blur_is_a_gaussian(photos):
    from scipy.ndimage import gaussian_filter

    blurred = run(augment.GaussianBlur(Values((1.5,))), photos)
    expected = gaussian_filter(
        photos.astype(float), (0, 1.5, 1.5, 0), mode="nearest", truncate=3.34
    )
    assert np.abs(blurred - expected).max() <= 1.0  # the filter ends at 5 pixels in both
    pillow = each(photos, lambda image: image.filter(ImageFilter.GaussianBlur(1.5)))
    assert differences(blurred, pillow).mean() < 0.6  # Pillow's is made of box filters


def test_noise_has_the_deviation_asked_for():
    grey = np.full((4, 128, 128, 3), 128, np.uint8)
    noise = run(augment.GaussianNoise(Values((8.0,))), grey) - 128.0
    assert abs(noise.std() - math.sqrt(64 + 1 / 12)) < 0.1
    assert abs(noise.mean()) < 0.1
    assert abs(np.corrcoef(noise[..., 0].ravel(), noise[..., 1].ravel())[0, 1]) < 0.02
    assert abs(np.corrcoef(noise[:, :-1].ravel(), noise[:, 1:].ravel())[0, 1]) < 0.02


@pytest.mark.parametrize("quality", [20, 60, 95])
def test_jpeg_is_what_a_file_would_lose(photos, quality, tmp_path):
    def through_a_file(image):
        image.save(tmp_path / "image.jpg", quality=quality, subsampling=0)
        return Image.open(tmp_path / "image.jpg").copy()

    expected = each(photos, through_a_file)
    difference = differences(run(augment.JPEGArtifacts(quality), photos), expected)
    # The IJG library transforms in integers: a coefficient halfway between two multiples may go the
    # other way, and changes its whole block by up to half a quantum.
    assert difference.mean() < 0.6
    assert (difference > 4).mean() < 0.03
    loss = differences(photos, expected).mean()
    assert difference.mean() < (0.5 if quality > 90 else 0.2) * loss


def test_erasing_covers_one_rectangle(photos):
    erased = run(augment.RandomErasing(1, scale=(0.1, 0.3), value=7), photos)
    for image, source in zip(erased, photos, strict=True):
        rows, columns = np.nonzero((image != source).any(axis=-1))
        box = image[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        assert (box == 7).all()
        assert 0.08 < box.size / image.size < 0.32
    noise = augment.Compose([augment.RandomErasing(1, scale=(1, 1), ratio=(1, 1))])(
        np.zeros((1, 64, 64, 3), np.uint8)
    )
    counts = np.bincount(noise.ravel(), minlength=256)
    assert ((counts - 48) ** 2 / 48).sum() < 360  # 255 degrees of freedom


def test_cutout_and_gridmask(photos):
    white = np.full((200, 64, 64, 3), 255, np.uint8)
    covered = (run(augment.Cutout(0.5), white) == 0).all(axis=-1)
    assert covered.sum(axis=(1, 2)).max() == 32 * 32
    assert covered.sum(axis=(1, 2)).min() < 32 * 20  # partly outside
    grid = (run(augment.GridMask(Values((0.25,)), keep=0.5), white) == 0).all(axis=-1)
    np.testing.assert_array_equal(grid.sum(axis=(1, 2)), 32 * 32)  # half of both axes
    assert len({image.tobytes() for image in grid}) > 50


def test_elastic_moves_smoothly(photos):
    from scipy.ndimage import map_coordinates

    step = augment.ElasticTransform(20.0, 4.0)
    y, x = np.mgrid[:96, :128]
    ramps = np.stack([x, y, x * 0], axis=-1).astype(np.uint8)[None]
    moved = augment.Compose([step])(ramps, seed=5).astype(float)
    # The ramps tell where each pixel came from; the photo must have come from there too.
    places = [moved[0, ..., 1], moved[0, ..., 0]]
    photo = augment.Compose([step])(photos[:1], seed=5)[0]
    expected = np.stack(
        [map_coordinates(photos[0, ..., c].astype(float), places, order=1) for c in range(3)], -1
    )
    assert np.abs(photo - expected).mean() < 6  # the ramps are rounded to whole pixels
    shift = moved[0, ..., 0] - x
    assert shift.std() > 0.5
    assert np.abs(np.diff(shift, axis=1)).max() <= 3


def test_grey_images_stay_grey(photos):
    grey = photos[..., :1]
    pipeline = augment.get("strong", (96, 128))
    assert pipeline(grey).shape == grey.shape
    np.testing.assert_array_equal(run(augment.Saturation(Values((0.0,))), grey), grey)
    expected = each(grey[..., 0], ImageOps.equalize)
    np.testing.assert_array_equal(run(augment.Equalize(), grey)[..., 0], expected)


def test_float_images_are_rounded_and_stay_float(photos):
    pipeline = augment.get("standard", (96, 128))
    result = pipeline(photos.astype(np.float32) + 0.3)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, pipeline(photos))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: augment.Rotate(400), "within -360..360"),
        (lambda: augment.Rotate("much"), "must be a number"),
        (lambda: augment.Brightness((2, 1)), "lower bound first"),
        (lambda: augment.Brightness(-1), "must not be negative"),
        (lambda: augment.Flip(probability=2), "within 0..1"),
        (lambda: augment.Resize((3, 4, 5)), "integer or"),
        (lambda: augment.Translate(unit="inch"), '"fraction" or "pixel"'),
        (lambda: augment.RandomErasing(value="stars"), '"noise"'),
        (lambda: augment.Values(()), "one value or more"),
        (lambda: augment.Compose([3]), "takes steps of"),
        (lambda: augment.Compose([], fill=300), "within 0..255"),
        (lambda: augment.RandomChoice([]), "one step or more"),
        (lambda: augment.get("nonsense", 32), "Known: none, light"),
        (lambda: augment.RandAugment(magnitude=31), "within 0..30"),
        (lambda: augment.AutoAugment("mnist"), "imagenet, cifar10, svhn"),
        (lambda: augment.MixUp(1), "2 or more"),
        (lambda: augment.Compose([augment.MixUp(3), augment.Flip()]), "must be the last"),
        (lambda: augment.from_config({"name": "Twist"}), "unknown step 'Twist'"),
        (lambda: augment.from_config({"name": "Flip", "angle": 3}), "has no angle"),
    ],
)
def test_bad_arguments_are_explained(make, message):
    with pytest.raises(InputError, match=message):
        make()


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((2, 8, 8, 3), np.int64), "uint8 or float"),
        (np.zeros((2, 8, 8, 4), np.uint8), "1 or 3"),
        (np.zeros((8, 8), np.uint8), "1 or 3"),
        (np.zeros((2, 1, 8, 3), np.uint8), "2x2 pixels"),
    ],
)
def test_bad_images_are_explained(images, message):
    with pytest.raises(InputError, match=message):
        augment.Compose([augment.Flip()])(images)


def test_a_crop_larger_than_the_image(photos):
    with pytest.raises(InputError, match="larger than the image"):
        augment.Compose([augment.RandomCrop(100)])(photos)
