"""The code of each guide runs as it is printed: from top to bottom, in a fresh namespace."""

import chapters
import pytest
import stages

from kerascnn.training import FineTune

# What a page finds in its folder, and what takes the place of a download.
STAGES = {
    "augmentation.md": (stages.photos,),
    "devices.md": (),
    "explain.md": (),
    "features.md": (stages.digits,),
    "graphs.md": (stages.padded_graph,),
    "labels_and_quantities.md": (stages.photos, stages.table),
    "properties.md": (),
    "quantization.md": (),
    "signal.md": (),
    "transfer.md": (stages.photos, stages.applications, stages.phases, stages.training),
    "weights.md": (),
}


# Run by tests/users, as part of the README, by tests/data/annotations and by tests/training.
ELSEWHERE = {"index.md", "annotations.md", "detection.md"}


def test_every_guide_with_code_is_run(repository):
    pages = (repository / "docs").glob("*.md")
    with_code = {page.name for page in pages if "```python" in chapters.read(page)}
    assert with_code == set(STAGES) | ELSEWHERE


@pytest.fixture(scope="module")
def ran(repository, tmp_path_factory):
    """Runs a guide: the names it leaves, and its folder."""
    done = {}

    def run(guide):
        if guide not in done:
            folder = tmp_path_factory.mktemp(guide.partition(".")[0])
            names = {}
            with pytest.MonkeyPatch.context() as patch:
                for stage in STAGES[guide]:
                    stage(folder, patch)
                faults = chapters.run(repository / "docs" / guide, folder, names)
            done[guide] = faults, names, {path.name for path in folder.iterdir()}
        return done[guide]

    return run


@pytest.mark.parametrize("guide", STAGES)
def test_the_code_of_a_guide_runs_as_printed(ran, guide):
    faults, _, _ = ran(guide)
    assert faults == []


@pytest.mark.parametrize(
    ("guide", "files"),
    [
        ("devices.md", {"model.tflite", "tflm", "served"}),
        ("explain.md", {"explained.png"}),
        ("features.md", {"filters.png", "map.png", "evolution.gif", "climb.gif", "landscape.png"}),
        ("labels_and_quantities.md", {"run", "model.tflite"}),
        ("quantization.md", {"digits.tflite", "mixed.tflite", "best.tflite", "aware.tflite"}),
        ("transfer.md", {"mine.keras", "features", "rates.png", "known"}),
        ("weights.md", {"mine.weights.h5", "mine.keras"}),
    ],
)
def test_a_guide_writes_what_it_says(ran, guide, files):
    assert ran(guide)[2] >= files


def test_the_guides_compute_what_their_comments_say(ran):
    names = {guide: ran(guide)[1] for guide in STAGES}
    assert names["signal.md"]["same"]
    assert names["signal.md"]["adds_up"]
    assert names["properties.md"]["error"] < 1e-3
    assert names["properties.md"]["field"].extent == (19, 19)
    assert names["explain.md"]["pictures"].shape == (4, 64, 64, 3)
    assert names["features.md"]["top"].patches.shape == (16, 9, 14, 14, 1)
    assert names["features.md"]["landscape"].losses.shape == (7, 7)
    assert names["features.md"]["evolution"].epochs == [0, 1, 2, 4, 8]
    assert names["graphs.md"]["summary"].undelegated_reasons == {
        "PADV2": "the delegate has no kernel for it"
    }
    assert names["devices.md"]["made"].operators
    assert isinstance(names["transfer.md"]["plan"], FineTune)
    assert names["augmentation.md"]["probabilities"].shape == (8, 3)
