"""Small models and the `.tflite` files made from them, built once for a whole run.

The files are made with the public converter and quantiser directly, so that the file-level tests
do not depend on the conversion code of kerascnn.
"""

import os
import warnings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest

RGB_SHAPE = (24, 24, 3)
GREY_SHAPE = (32, 32, 1)


def images(shape, count, seed=0):
    """Seeded uint8 images that differ in brightness, contrast and blobs: no two give one answer."""
    random = np.random.default_rng(seed)
    height, width, channels = shape
    rows, columns = np.mgrid[0:height, 0:width]
    result = []
    for _ in range(count):
        centre = random.uniform(0, [height, width])
        distance = (rows - centre[0]) ** 2 + (columns - centre[1]) ** 2
        blob = np.exp(-distance / random.uniform(10, 200))[..., np.newaxis]
        image = random.uniform(0, 120, channels) + blob * random.uniform(50, 135, channels)
        result.append(image + random.normal(0, 10, shape))
    return np.clip(result, 0, 255).round().astype(np.uint8)


@pytest.fixture(scope="session")
def tiny_model():
    """A seeded RGB net, 24x24x3 raw pixels in, 5 probabilities out."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(11)
    inputs = keras.Input(RGB_SHAPE, name="image")
    x = layers.Rescaling(1 / 127.5, offset=-1.0)(inputs)
    x = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu")(x)
    x = layers.DepthwiseConv2D(3, padding="same", activation="relu")(x)
    x = layers.Conv2D(16, 1, activation="relu")(x)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dense(5, kernel_initializer=keras.initializers.RandomNormal(stddev=4.0))(x)
    return keras.Model(inputs, layers.Softmax()(x), name="tiny")


@pytest.fixture(scope="session")
def grey_model():
    """A seeded LeNet-like net, 32x32x1 raw pixels in, 10 probabilities out."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(12)
    inputs = keras.Input(GREY_SHAPE, name="image")
    x = layers.Rescaling(1 / 255)(inputs)
    for filters in (6, 16):
        x = layers.Conv2D(filters, 5, activation="tanh")(x)
        x = layers.AveragePooling2D(2)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(84, activation="tanh")(x)
    x = layers.Dense(10, kernel_initializer=keras.initializers.RandomNormal(stddev=1.0))(x)
    return keras.Model(inputs, layers.Softmax()(x), name="grey")


@pytest.fixture(scope="session")
def tiny_images():
    """48 images for `tiny_model`, uint8 `[48, 24, 24, 3]`."""
    return images(RGB_SHAPE, 48)


@pytest.fixture(scope="session")
def grey_images():
    """48 images for `grey_model`, uint8 `[48, 32, 32, 1]`."""
    return images(GREY_SHAPE, 48)


def convert(model, folder):
    """The float `.tflite` of a model, batch 1, as `folder/float.tflite`."""
    import keras
    import tensorflow as tf

    signature = [keras.InputSpec(shape=(1, *model.input_shape[1:]), dtype="float32", name="image")]
    model.export(folder / "saved", input_signature=signature, verbose=False)
    path = folder / "float.tflite"
    path.write_bytes(tf.lite.TFLiteConverter.from_saved_model(str(folder / "saved")).convert())
    return path


def quantize(float_path, samples):
    """The int8 `.tflite` (int8 input and output) of a float one, beside it."""
    from litert_quantizer import quantizer, recipe
    from litert_quantizer.calibrator import CalibrationMode, Calibrator
    from litert_quantizer.utils.qsv_utils import min_max_update

    # The quantiser's default is a moving average of the ranges, which clips a fifth of them here.
    batches = [{"image": image[np.newaxis].astype(np.float32)} for image in samples]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the memory that keeping every tensor takes
        calibrator = Calibrator(
            str(float_path),
            mode=CalibrationMode.CALIBRATION_PROFILER_BASED,
            qsv_update_func=min_max_update,
        )
        calibrator.calibrate({"serving_default": batches}, None)
        job = quantizer.Quantizer(str(float_path))
        job.load_quantization_recipe(recipe.static_wi8_ai8())
        result = job.quantize(calibrator.get_model_qsvs())
    path = float_path.with_name("int8.tflite")
    result.export_model(str(path))
    return path


@pytest.fixture(scope="session")
def float_file(tiny_model, tmp_path_factory):
    """`tiny_model` as a float32 `.tflite`."""
    return convert(tiny_model, tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def int8_file(float_file, tiny_images):
    """`tiny_model` as an int8 `.tflite` with int8 input and output, calibrated on `tiny_images`."""
    return quantize(float_file, tiny_images)


@pytest.fixture(scope="session")
def grey_float_file(grey_model, tmp_path_factory):
    """`grey_model` as a float32 `.tflite`."""
    return convert(grey_model, tmp_path_factory.mktemp("grey"))


@pytest.fixture(scope="session")
def grey_int8_file(grey_float_file, grey_images):
    """`grey_model` as an int8 `.tflite` with int8 input and output, calibrated on `grey_images`."""
    return quantize(grey_float_file, grey_images)


@pytest.fixture(scope="session")
def hard_model(grey_images):
    """A grey net whose layer `hard` loses its small weights to a large, useless one in int8."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(13)
    inputs = keras.Input(GREY_SHAPE, name="image")
    x = layers.Rescaling(1 / 255)(inputs)
    options = {"activation": "relu", "kernel_initializer": "he_normal"}
    x = layers.Conv2D(16, 3, strides=4, name="stem", **options)(x)
    for name in ("one", "two", "hard", "three", "four"):
        x = layers.Conv2D(16, 1, name=name, **options)(x)
    x = layers.Flatten()(x)
    scores = layers.Dense(5, name="scores")(x)
    model = keras.Model(inputs, layers.Softmax()(scores), name="hard_model")
    before, hard = model.get_layer("two"), model.get_layer("hard")
    kernel, bias = before.get_weights()
    bias[0] = -1000.0  # this channel is always 0
    before.set_weights([kernel, bias])
    kernel, bias = hard.get_weights()
    kernel[..., 0, :] = 300.0
    hard.set_weights([kernel, bias])
    answers = np.asarray(keras.Model(inputs, scores)(grey_images.astype("float32")))
    spread = answers.std(axis=0) / 3  # no class is every image's answer
    kernel = model.get_layer("scores").kernel.numpy()
    model.get_layer("scores").set_weights([kernel / spread, -answers.mean(axis=0) / spread])
    return model


@pytest.fixture(scope="session")
def hard_file(hard_model, tmp_path_factory):
    """`hard_model` as a float32 `.tflite`."""
    return convert(hard_model, tmp_path_factory.mktemp("hard"))
