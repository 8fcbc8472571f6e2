"""The published tables."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kerascnn import augment
from kerascnn.augment import policies
from kerascnn.augment.policy_tables import SUB_POLICIES
from kerascnn.augment.step import Guard


def amounts(name, wide, levels):
    space = policies.WIDE if wide else policies.LARGEST
    return [policies.amount(name, level / (len(levels) - 1), space) for level in levels]


def test_amounts_of_the_papers():
    """arXiv:1805.09501, table 6; arXiv:2103.10158, table 1: the ends of each range."""
    largest, wide = policies.LARGEST, policies.WIDE
    for operation, narrow_end, wide_end in (
        ("ShearX", 0.3, 0.99),
        ("Rotate", 30, 135),
        ("Color", 0.9, 0.99),
        ("Posterize", 4, 2),
        ("Solarize", 0, 0),
    ):
        assert policies.amount(operation, 1, largest) == narrow_end
        assert policies.amount(operation, 1, wide) == wide_end
    assert policies.amount("TranslateY", 1, largest) * 331 == 150
    assert policies.amount("TranslateY", 1, wide) == 32
    assert policies.amount("Brightness", 0.3, largest) == pytest.approx(0.27)


@pytest.mark.parametrize("policy", SUB_POLICIES)
def test_sub_policies_are_25_pairs(policy):
    rows = [policies.read_row(row) for row in SUB_POLICIES[policy]]
    assert [len(row) for row in rows] == [2] * 25
    for operation, probability, magnitude in (item for row in rows for item in row):
        assert 0 <= probability <= 1
        assert (magnitude is None) == (operation in ("AutoContrast", "Equalize", "Invert"))
        assert magnitude is None or magnitude in range(10)


def test_rows_of_the_paper():
    """arXiv:1805.09501, tables 7 to 9: the first and the last row of each, as printed there."""
    rows = {name: [policies.read_row(r) for r in table] for name, table in SUB_POLICIES.items()}
    assert rows["imagenet"][0] == [("Posterize", 0.4, 8), ("Rotate", 0.6, 9)]
    assert rows["imagenet"][-1] == [("Equalize", 0.8, None), ("Equalize", 0.6, None)]
    assert rows["cifar10"][0] == [("Invert", 0.1, None), ("Contrast", 0.2, 6)]
    assert rows["cifar10"][-1] == [("TranslateY", 0.7, 9), ("AutoContrast", 0.9, None)]
    assert rows["svhn"][0] == [("ShearX", 0.9, 4), ("Invert", 0.2, None)]
    assert rows["svhn"][-1] == [("ShearX", 0.7, 2), ("Invert", 0.1, None)]


def test_every_choice_is_as_likely():
    for policy, count in ((augment.RandAugment(1), 14), (augment.TrivialAugmentWide(), 14)):
        guards = {part.guards for part in policy.parts()}
        assert len(guards) == count - 1  # the identity has no part
        assert {round(g.high - g.low, 6) for (g,) in guards} == {round(1 / count, 6)}
    guards = {part.guards[0] for part in augment.AutoAugment().parts()}
    assert len(guards) == 25
    assert Guard((0,), 0.0, 1 / 25) in guards


def test_magnitude_nothing_changes_nothing(photos):
    """At magnitude 0 only equalisation, auto-contrast and the end of solarising are left."""
    images = np.concatenate([photos] * 8)
    result = augment.Compose([augment.RandAugment(1, magnitude=0)])(images)
    unchanged = (np.abs(result.astype(int) - images) <= 1).all(axis=(1, 2, 3)).mean()
    assert unchanged > 0.6


@pytest.mark.parametrize(
    "step", [augment.RandAugment(), augment.TrivialAugmentWide(), augment.AutoAugment("svhn")]
)
def test_policies_act(photos, step):
    images = np.concatenate([photos] * 4)
    result = augment.Compose([step])(images, seed=1)
    changed = (result != images).any(axis=(1, 2, 3))
    assert changed.mean() > 0.6
    assert len({image.tobytes() for image in result}) > 12


ORACLE = Path(__file__).parent / "torchvision_tables.py"


def test_tables_are_torchvisions():
    """Needs an environment with torchvision, named by KERASCNN_TORCH_PYTHON or this one."""
    import json
    import os

    python = os.environ.get("KERASCNN_TORCH_PYTHON", sys.executable)
    done = subprocess.run([python, ORACLE], capture_output=True, text=True, check=False)
    if done.returncode == 3:
        pytest.skip("no torchvision")
    assert done.returncode == 0, done.stderr
    theirs = json.loads(done.stdout)
    for name, table in SUB_POLICIES.items():
        ours = [[list(item) for item in policies.read_row(row)] for row in table]
        assert ours == theirs["policies"][name]
    for space, key in ((policies.LARGEST, "rand"), (policies.WIDE, "trivial")):
        assert set(theirs[key]) == set(policies.OPERATIONS)
        for operation, magnitudes in theirs[key].items():
            if magnitudes is not None:
                ours = [policies.amount(operation, i / 30, space) for i in range(31)]
                np.testing.assert_allclose(ours, magnitudes, rtol=1e-5, atol=1e-4)
