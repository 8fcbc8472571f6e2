"""A trained run that several tests look at."""

import pytest

from kerascnn.training import train


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A short run of LeNet-5 on the embedded digits."""
    folder = tmp_path_factory.mktemp("training") / "run"
    return train("digits", "LeNet5", folder, epochs=3, seed=1)
