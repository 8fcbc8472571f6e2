"""The SavedModel for servers: both signatures, and image files decoded and resized in the graph."""

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kerascnn.data.images.decode import load_image
from kerascnn.data.images.resize import ResizeRule
from kerascnn.errors import InputError, OutputExistsError
from kerascnn.export import export_serving
from kerascnn.export.contract.resize import check_resize
from kerascnn.export.saved_models.encoded_images import decode

LABELS = ["a", "b", "c", "d", "é"]
CROP = {"fit": "crop", "filter": "bilinear", "antialias": True, "pad_value": 0}


@pytest.fixture(scope="session")
def served(tiny_model, tmp_path_factory):
    """`tiny_model` (24 x 24 RGB) as written, and loaded as a server does."""
    import tensorflow as tf

    folder = tmp_path_factory.mktemp("serving") / "model"
    result = export_serving(tiny_model, folder, resize=CROP, class_names=LABELS)
    return result, tf.saved_model.load(str(folder))


def smooth(height, width, channels, seed=0):
    """An image like a photo: smooth, with edges."""
    random = np.random.default_rng(seed)
    small = random.integers(0, 256, (5, 6, 3), np.uint8)
    large = Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)
    pixels = np.array(large)
    pixels[height // 3 : height // 2, width // 4 : width // 2] = (250, 30, 40)
    return pixels if channels == 3 else pixels[:, :, 0]


def encoded(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def test_raw_pixels_give_the_models_scores_and_the_best_label(served, tiny_model, tiny_images):
    import tensorflow as tf

    result, loaded = served
    serve = loaded.signatures["serving_default"]
    answer = serve(image=tf.constant(tiny_images[:7], tf.float32))
    expected = np.asarray(tiny_model(tiny_images[:7].astype(np.float32)))
    np.testing.assert_allclose(answer["scores"], expected, atol=1e-5)
    names = [name.decode() for name in answer["label"].numpy()]
    assert names == [LABELS[i] for i in expected.argmax(-1)]
    assert result.signatures == ("serving_default", "encoded")
    assert result.max_abs < 1e-4
    assert result.input_shape == (None, 24, 24, 3)


def test_a_batch_of_jpegs_of_any_size_is_answered_as_from_files(served, tiny_model, tmp_path):
    import tensorflow as tf

    _, loaded = served
    files, pixels = [], []
    for i, size in enumerate([(60, 90), (24, 24), (200, 31)]):
        path = tmp_path / f"{i}.jpg"
        Image.fromarray(smooth(*size, 3, seed=i)).save(path, quality=90)
        files.append(path.read_bytes())
        pixels.append(load_image(path, (24, 24), 3, ResizeRule(fit="crop")))
    answer = loaded.signatures["encoded"](image_bytes=tf.constant(files))
    expected = np.asarray(tiny_model(np.stack(pixels).astype(np.float32)))
    np.testing.assert_allclose(answer["scores"], expected, atol=0.03)
    np.testing.assert_array_equal(answer["scores"].numpy().argmax(-1), expected.argmax(-1))


KINDS = {
    "photo.jpg": lambda: encoded(Image.fromarray(smooth(61, 47, 3)), "JPEG", quality=92),
    "grey.jpg": lambda: encoded(Image.fromarray(smooth(61, 47, 1)), "JPEG", quality=92),
    "rgb.png": lambda: encoded(Image.fromarray(smooth(37, 61, 3)), "PNG"),
    "grey.png": lambda: encoded(Image.fromarray(smooth(37, 61, 1)), "PNG"),
    "rgba.png": lambda: encoded(_clear(smooth(37, 61, 3)), "PNG"),
    "grey_alpha.png": lambda: encoded(_clear(smooth(37, 61, 3)).convert("LA"), "PNG"),
    "palette.png": lambda: encoded(Image.fromarray(smooth(37, 61, 3)).quantize(32), "PNG"),
    "small.bmp": lambda: encoded(Image.fromarray(smooth(9, 12, 3)), "BMP"),
    "moving.gif": lambda: encoded(Image.fromarray(smooth(37, 61, 3)).quantize(32), "GIF"),
    "exact.png": lambda: encoded(Image.fromarray(smooth(20, 24, 3)), "PNG"),
}


def _clear(pixels):
    image = Image.fromarray(pixels).convert("RGBA")
    image.putalpha(
        Image.fromarray(
            np.linspace(0, 255, pixels.shape[0] * pixels.shape[1])
            .reshape(pixels.shape[:2])
            .astype(np.uint8)
        )
    )
    return image


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("fit", ["stretch", "crop", "pad"])
@pytest.mark.parametrize("name", list(KINDS))
def test_decoding_follows_the_contract(name, fit, channels, tmp_path):
    content = KINDS[name]()
    (tmp_path / name).write_bytes(content)
    rule = ResizeRule(fit=fit, pad_value=77)
    expected = load_image(tmp_path / name, (20, 24), channels, rule)
    found = decode(content, (20, 24, channels), check_resize(rule.to_dict())).numpy()
    assert found.shape == (20, 24, channels)
    assert np.abs(found - expected).max() <= 2
    assert np.abs(found - expected).mean() < 0.6
    if name == "exact.png" and fit != "crop":
        np.testing.assert_array_equal(found, expected)


@pytest.mark.shared
def test_real_photos_are_decoded_as_pillow_decodes_them():
    folder = os.environ.get("KERASCNN_SHARED")
    photos = sorted((Path(folder) / "photos").rglob("*.jpg"))[:6] if folder else []
    if not photos:
        pytest.skip("no photos: set KERASCNN_SHARED")
    rule = ResizeRule(fit="crop")
    for path in photos:
        expected = load_image(path, (160, 160), 3, rule)
        found = decode(path.read_bytes(), (160, 160, 3), check_resize(rule.to_dict())).numpy()
        assert np.abs(found - expected).max() <= 3
        assert np.abs(found - expected).mean() < 0.6


def test_a_file_that_is_no_image_is_the_servers_error(served):
    import tensorflow as tf

    with pytest.raises(tf.errors.InvalidArgumentError):
        served[1].signatures["encoded"](image_bytes=tf.constant([b"no image"]))


def test_what_cannot_be_served_is_refused(tiny_model, served, tmp_path):
    with pytest.raises(InputError, match="2 class names were given for 5 outputs"):
        export_serving(tiny_model, tmp_path / "out", class_names=["a", "b"])
    with pytest.raises(InputError, match="resize"):
        export_serving(tiny_model, tmp_path / "out", resize={"fit": "squash"})
    with pytest.raises(OutputExistsError):
        export_serving(tiny_model, served[0].path)
    assert not (tmp_path / "out").exists()
