"""Cached features are those of the backbone, and never those of another one or of other images."""

import keras
import numpy as np
import pytest
from backbones import backbone, images

from kerascnn.errors import DataError, InputError
from kerascnn.transfer import FeatureCache, cache_features, mirrored, original
from kerascnn.transfer.feeding.batches import RowBatches

LABELS = np.arange(10) % 3


def batches(pixels=None, labels=LABELS, size=4):
    pixels = images(10) if pixels is None else pixels
    return [(pixels[i : i + size], labels[i : i + size]) for i in range(0, len(labels), size)]


@pytest.fixture
def pooled():
    model = backbone()
    return keras.Model(model.inputs[0], keras.layers.GlobalAveragePooling2D()(model.output))


@pytest.fixture
def counted(pooled, monkeypatch):
    """The backbone, which counts how many batches it is given."""
    pooled.seen = []
    predict = pooled.predict_on_batch
    monkeypatch.setattr(
        pooled, "predict_on_batch", lambda batch: pooled.seen.append(len(batch)) or predict(batch)
    )
    return pooled


def test_features_and_labels_of_every_view(pooled, tmp_path):
    found = cache_features(pooled, batches(), tmp_path, views=[original, mirrored])
    np.testing.assert_array_equal(found.labels, LABELS)
    for features, pixels in zip(found.features, (images(10), images(10)[:, :, ::-1]), strict=True):
        expected = np.asarray(pooled(pixels, training=False))
        np.testing.assert_allclose(features, expected, rtol=1e-5, atol=1e-6)


def test_what_is_there_is_not_computed_again(counted, tmp_path):
    first = cache_features(counted, batches(), tmp_path)
    assert counted.seen == [4, 4, 4]  # the last batch of two, filled up
    shuffled = np.random.default_rng(1).permutation(10)
    again = cache_features(counted, batches(images(10)[shuffled], LABELS[shuffled]), tmp_path)
    assert counted.seen == [4, 4, 4]  # the last batch of two, filled up
    assert again.folder == first.folder


@pytest.mark.parametrize("change", ["pixel", "label", "pairing", "weight", "view"])
def test_another_anything_is_another_cache(change, counted, tmp_path):
    cache_features(counted, batches(), tmp_path)
    pixels, labels, views = images(10).copy(), LABELS.copy(), [original]
    if change == "pixel":
        pixels[7, 0, 0, 0] += 1
    elif change == "label":
        labels[7] = 0
    elif change == "pairing":
        labels = labels[::-1]
    elif change == "weight":
        kernel = counted.trainable_variables[0]
        kernel.assign(np.asarray(kernel) * 1.0001)
    else:
        views = [mirrored]
    seen = len(counted.seen)
    cache_features(counted, batches(pixels, labels), tmp_path, views=views)
    assert len(counted.seen) > seen


def test_images_that_differ_when_read_again_are_refused_and_nothing_stays(pooled, tmp_path):
    class Augmented:
        draws = np.random.default_rng(0)

        def __iter__(self):
            for pixels, labels in batches():
                yield pixels + self.draws.random(), labels

    with pytest.raises(DataError, match="differ each time the data is read"):
        cache_features(pooled, Augmented(), tmp_path)
    assert not list(tmp_path.iterdir())


def test_no_image_is_an_error(pooled, tmp_path):
    with pytest.raises(DataError, match="holds no image"):
        cache_features(pooled, [], tmp_path)


def test_an_interrupted_cache_leaves_nothing(counted, tmp_path, monkeypatch):
    def fail(batch):
        raise KeyboardInterrupt

    monkeypatch.setattr(counted, "predict_on_batch", fail)
    with pytest.raises(KeyboardInterrupt):
        cache_features(counted, batches(), tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_damaged_cache_is_computed_again_and_this_is_said(counted, tmp_path, caplog):
    found = cache_features(counted, batches(), tmp_path)
    path = found.folder / "features-0.bin"
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(InputError, match="damaged: it should have"):
        FeatureCache(found.folder)
    cache_features(counted, batches(), tmp_path)
    assert len(counted.seen) == 6
    assert "computed again" in caplog.text


def test_a_folder_without_a_cache_says_so(tmp_path):
    with pytest.raises(InputError, match="no feature cache"):
        FeatureCache(tmp_path)


def test_rows_come_once_an_epoch_in_an_order_of_seed_and_epoch():
    views = [np.arange(10.0), -np.arange(10.0)]

    data = RowBatches(views, LABELS, 4, seed=3)
    assert len(data) == 3
    drawn = [np.concatenate([data.at(epoch, i)[0] for i in range(3)]) for epoch in range(4)]
    for epoch, rows in enumerate(drawn):
        sign = -1 if epoch % 2 else 1
        np.testing.assert_array_equal(np.sort(sign * rows), np.arange(10))
    assert not np.array_equal(drawn[0], drawn[2])
    rest = data.epochs(2, 4)
    assert len(rest) == 6
    found = np.concatenate([rest[i][0] for i in range(6)])
    np.testing.assert_array_equal(found, np.concatenate(drawn[2:]))
    np.testing.assert_array_equal(np.concatenate([x for x, _ in data]), np.arange(10))
