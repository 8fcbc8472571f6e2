"""What is fused, and that it changes nothing but what is said."""

import itertools

import numpy as np
import pytest

from kerascnn import augment
from kerascnn.augment import Values
from kerascnn.augment.parameters import stages
from kerascnn.augment.plan import kind_of
from kerascnn.errors import InputError


def kinds(*steps):
    return [group.kind for group in augment.Compose(steps).plan]


def test_any_number_of_steps_is_two_passes():
    geometric = [augment.Rotate(), augment.Shear(), augment.Zoom(), augment.Flip()] * 2
    tone = [augment.Brightness(), augment.Gamma(), augment.Invert(), augment.Posterize()] * 2
    assert kinds(*geometric, *tone) == ["warp", "table"]
    interleaved = [step for pair in zip(geometric, tone, strict=True) for step in pair]
    assert kinds(*interleaved) == ["warp", "table"]


def test_order_of_the_kinds():
    assert kinds(augment.Brightness(), augment.Rotate()) == ["table", "warp"]
    assert kinds(augment.Hue(), augment.Saturation(), augment.Gamma()) == ["matrix", "table"]
    assert kinds(augment.Gamma(), augment.Hue(), augment.Gamma()) == ["table", "matrix", "table"]
    blurred = [augment.Rotate(), augment.GaussianBlur(), augment.Rotate()]
    assert kinds(*blurred) == ["warp", "local", "warp"]
    assert kinds(augment.Rotate(), augment.Sharpness(), augment.Zoom()) == ["warp", "local"]


def test_what_measures_starts_a_group():
    assert kinds(augment.Gamma(), augment.Equalize(), augment.Gamma()) == ["table", "table"]


def test_branches_of_a_choice_share_groups():
    choice = augment.RandomChoice(
        [augment.Hue(), augment.Equalize(), augment.Saturation(), augment.Contrast()]
    )
    assert kinds(choice) == ["matrix", "table"]
    assert kinds(augment.RandAugment()) == [
        *("warp", "table", "matrix", "local", "table", "matrix", "local")
    ]


def one_by_one(steps, images):
    for step in steps:
        images = augment.Compose([step])(images)
    return images


def test_tables_fuse_exactly(photos):
    steps = [
        augment.Brightness(Values((1.3,))),
        augment.Gamma(Values((0.7,))),
        augment.Equalize(),
        augment.Solarize(120),
        augment.AutoContrast(),
        augment.Posterize(5),
    ]
    np.testing.assert_array_equal(augment.Compose(steps)(photos), one_by_one(steps, photos))


def test_matrices_fuse_up_to_rounding(photos):
    steps = [
        augment.Saturation(Values((0.6,))),
        augment.Hue(Values((0.05,))),
        augment.Saturation(Values((0.9,))),
    ]
    middle = photos // 2 + 64  # nothing is cut off on the way
    fused = augment.Compose(steps)(middle).astype(int)
    # Two roundings less, each by up to 0.5, passed on by matrices whose rows sum to 1.7 at most.
    assert np.abs(fused - one_by_one(steps, middle)).max() <= 2


def test_warps_fuse_without_the_blur_of_repeated_interpolation(photos):
    """There and back again: fused, nothing happens; one by one, the image is blurred thrice."""
    steps = [
        augment.Zoom(Values((1.25,))),
        augment.Translate(Values((4.5,)), Values((-3.5,)), unit="pixel"),
        augment.Translate(Values((-4.5,)), Values((3.5,)), unit="pixel"),
        augment.Zoom(Values((0.8,))),
    ]
    fused = augment.Compose(steps)(photos).astype(int)
    assert np.abs(fused - photos).max() <= 1  # the product of the matrices is rounded
    blurred = one_by_one(steps, photos).astype(int)
    inside = np.abs(blurred - photos)[:, 20:-20, 25:-25]
    assert inside.mean() > 2


def test_fused_warp_is_the_product_of_the_steps(photos):
    """On a ramp, which interpolation leaves a ramp, fused and one by one agree."""
    y, x = np.mgrid[:96, :128]
    ramp = np.stack([x, y, 255 - x - y // 2], axis=-1).clip(0, 255).astype(np.uint8)[None]
    steps = [
        augment.Rotate(Values((10,))),
        augment.Zoom(Values((1.2,))),
        augment.Shear(Values((0.1,)), Values((0.05,))),
    ]
    fused = augment.Compose(steps)(ramp).astype(int)
    difference = np.abs(fused - one_by_one(steps, ramp))[:, 24:-24, 32:-32]
    # One by one rounds to whole values three times: up to 0.5 each, and the last 0.5 in both.
    assert difference.max() <= 2


def test_tone_commutes_with_a_warp_inside_the_image(photos):
    steps = [augment.Rotate(Values((20,))), augment.Invert(), augment.Zoom(Values((1.4,)))]
    fused = augment.Compose(steps)(photos).astype(int)
    order = [steps[0], steps[2], steps[1]]
    np.testing.assert_array_equal(fused, augment.Compose(order)(photos))


def test_images_do_not_depend_on_their_neighbours(photos):
    pipeline = augment.get("strong", (96, 128))
    batch = pipeline(photos, seed=4, index=100)
    for i, image in enumerate(photos):
        np.testing.assert_array_equal(pipeline(image, seed=4, index=100 + i), batch[i])
    shuffled = pipeline(photos[[2, 0]], seed=4, index=np.array([102, 100]))
    np.testing.assert_array_equal(shuffled, batch[[2, 0]])


def test_draws_differ_by_image_seed_and_epoch(photos):
    same = np.stack([photos[0]] * 4)
    pipeline = augment.get("standard", (96, 128))
    first = pipeline(same)
    assert len({image.tobytes() for image in first}) == 4
    for other in ({"seed": 1}, {"epoch": 1}, {"index": 4}):
        assert (first != pipeline(same, **other)).any(axis=(1, 2, 3)).all()
    np.testing.assert_array_equal(first, pipeline(same, seed=0, index=0, epoch=0))


def test_guards(photos):
    images = np.zeros((4000, 2, 2, 1), np.uint8)
    applied = augment.Compose([augment.RandomApply(augment.Invert(), 0.3)])(images)
    assert abs((applied[:, 0, 0, 0] == 255).mean() - 0.3) < 4.5 * np.sqrt(0.21 / 4000)
    choice = augment.RandomChoice(
        [augment.Invert(), augment.SolarizeAdd(Values((50.0,))), augment.Identity()], (1, 2, 1)
    )
    values = augment.Compose([choice])(images)[:, 0, 0, 0]
    for value, expected in ((255, 0.25), (50, 0.5), (0, 0.25)):
        assert abs((values == value).mean() - expected) < 4.5 * np.sqrt(0.25 / 4000)


def test_sizes_cannot_change_for_some_images_only(photos):
    with pytest.raises(InputError, match="cannot act on some"):
        augment.Compose([augment.RandomApply(augment.Resize(32))])(photos)


def test_masks_and_boxes_follow(photos):
    masks = (photos.sum(axis=-1) > 380).astype(np.int32)
    boxes = np.tile(np.array([[[10, 20, 60, 50], [0, 0, 128, 96]]], np.float32), (4, 1, 1))
    flip = augment.Compose([augment.Flip(probability=1)])
    images, moved, corners = flip(photos, masks=masks, boxes=boxes)
    np.testing.assert_array_equal(images, photos[:, :, ::-1])
    np.testing.assert_array_equal(moved, masks[:, :, ::-1])
    np.testing.assert_allclose(corners[0], [[68, 20, 118, 50], [0, 0, 128, 96]], atol=1e-3)

    pipeline = augment.Compose([augment.Rotate(30), augment.Perspective(0.3)], mask_fill=7)
    inked = np.zeros_like(photos)
    inked[:, 20:50, 10:60] = 255
    for i, (image, mask, box) in enumerate(
        zip(*pipeline(inked, masks=inked[..., :1], boxes=boxes[:, :1]), strict=True)
    ):
        rows, columns = np.nonzero(image[..., 0] > 127)
        found = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        assert np.abs(box[0] - found).max() <= 1.5, i
        assert set(np.unique(mask)) == {0, 7, 255}
        # Interpolated and cut at one half, or nearest: the same but for some pixels of the border.
        assert ((image[..., 0] > 127) != (mask[..., 0] == 255)).mean() < 0.005


def test_elastic_moves_masks_and_refuses_boxes(photos):
    pipeline = augment.Compose([augment.RandomApply(augment.ElasticTransform(30.0, 4.0), 0.5)])
    ramp = np.tile(np.arange(128, dtype=np.uint8)[None, None, :, None], (8, 96, 1, 1))
    images, masks = pipeline(ramp, masks=ramp)
    assert 0 < (images != ramp).any(axis=(1, 2, 3)).sum() < 8
    assert np.abs(images.astype(int) - masks).max() <= 1  # nearest against interpolated
    with pytest.raises(InputError, match="boxes cannot follow"):
        pipeline(ramp, boxes=np.zeros((8, 1, 4)))


@pytest.mark.parametrize(
    ("policy", "count"),
    [(augment.RandAugment(3), 3), (augment.TrivialAugmentWide(), 1), (augment.AutoAugment(), 2)],
)
def test_operations_that_exclude_each_other_are_one_stage(policy, count):
    parts = tuple(part for part in policy.parts() if kind_of(part) == "warp")
    found = stages(parts)
    assert len(found) <= count < len(parts)
    assert sorted(part.path for stage in found for part in stage) == sorted(p.path for p in parts)
    place = {part: i for i, stage in enumerate(found) for part in stage}
    for first, second in itertools.combinations(parts, 2):
        assert first.excludes(second) or place[first] < place[second]


@pytest.mark.parametrize("name", augment.NAMES)
def test_named_pipelines(photos, name):
    pipeline = augment.get(name.upper(), (96, 128))
    images = pipeline(photos)
    assert images.shape == photos.shape
    assert images.dtype == np.uint8
    changed = (images != photos).any(axis=(1, 2, 3))
    assert not changed.any() if name == "none" else changed.sum() >= 3
    # Nothing is so strong that the photo is gone.
    correlation = np.corrcoef(images.mean(axis=-1).ravel(), photos.mean(axis=-1).ravel())[0, 1]
    assert correlation > 0.1
    assert augment.from_config(augment.to_config(pipeline)) == pipeline


def test_the_gallery_has_a_row_of_draws_for_each_name(photos):
    page = augment.gallery(photos[0], draws=2, seed=4)
    for row, name in enumerate(augment.NAMES):
        expected = augment.get(name, (96, 128))(photos[:1], seed=4)[0]
        top = 16 + row * (96 + 16)
        np.testing.assert_array_equal(page[top : top + 96, 4:132], expected)
    with pytest.raises(InputError, match="1 or more"):
        augment.gallery(photos[0], draws=0)


@pytest.mark.parametrize("name", augment.NAMES)
def test_named_pipelines_take_grey_images(photos, name):
    grey = photos[:, ::4, ::4, :1]
    pipeline = augment.get(name, grey.shape[1:3])
    found = pipeline(grey)
    assert found.shape == grey.shape
    if name in ("alexnet", "resnet", "strong"):  # coloured light, coloured noise
        assert (found != grey).any()
        return
    # As RGB images of three equal channels; turning the hue rounds.
    colored = pipeline(np.repeat(grey, 3, axis=-1))
    assert np.abs(found.astype(int) - colored).max() <= 1


@pytest.mark.parametrize("name", sorted(augment._STEPS.keys() - {"Compose", "Sequence"}))
def test_every_step_survives_its_configuration(name):
    import json

    needed = {"MixUp": (3,), "CutMix": (3,), "Values": ((1, 2),), "RandomApply": (augment.Flip(),)}
    needed |= dict.fromkeys(("Resize", "CenterCrop", "RandomCrop", "RandomResizedCrop"), (32,))
    needed["RandomChoice"] = ([augment.Flip(), augment.Rotate(Values((3, 4)))],)
    step = getattr(augment, name)(*needed.get(name, ()))
    assert augment.from_config(json.loads(json.dumps(augment.to_config(step)))) == step
