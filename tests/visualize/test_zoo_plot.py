"""The figure of accuracy against operations: what is drawn where, and that labels are readable."""

import itertools
import math

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from kerascnn import catalog
from kerascnn.errors import InputError
from kerascnn.visualize import ZooPoint, plot_zoo, zoo_plot

ALL = [
    ZooPoint(entry.name, entry.family, entry.macs, entry.params, entry.top1)
    for entry in catalog.entries()
    if entry.top1 is not None
]


def labels(figure):
    """Label -> its extent in pixels."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    return {text.get_text(): text.get_window_extent(renderer) for text in figure.axes[0].texts}


def test_every_architecture_has_a_label_and_none_covers_another():
    figure = zoo_plot._figure(ALL)
    found = labels(figure)
    assert set(found) == {point.name for point in ALL}
    for (one, a), (other, b) in itertools.combinations(found.items(), 2):
        assert not a.overlaps(b), f"{one} and {other}"
    frame = figure.axes[0].get_window_extent()
    for name, box in found.items():
        assert frame.x0 <= box.x0 < box.x1 <= frame.x1, name
        assert frame.y0 <= box.y0 < box.y1 <= frame.y1, name


def test_labels_stay_close_to_their_blobs():
    figure = zoo_plot._figure(ALL)
    found = labels(figure)
    for point in ALL:
        x, y = figure.axes[0].transData.transform((point.macs / 1e9, point.top1))
        box = found[point.name]
        gap = math.hypot(max(box.x0 - x, 0, x - box.x1), max(box.y0 - y, 0, y - box.y1))
        assert gap < 150, point.name


def test_area_is_proportional_to_parameters():
    points = [ZooPoint("a", "x", 10**9, 10**7, 70.0), ZooPoint("b", "y", 10**10, 4 * 10**7, 80.0)]
    figure = zoo_plot._figure(points)
    blobs = [
        c for c in figure.axes[0].collections if c.get_sizes()[0] > 20 and len(c.get_offsets())
    ]
    sizes = sorted(blob.get_sizes()[0] for blob in blobs)
    assert sizes[1] == pytest.approx(4 * sizes[0])
    assert figure.axes[0].get_xscale() == "log"


def test_families_are_told_apart_by_colour():
    families = list(dict.fromkeys(point.family for point in ALL))
    colors = zoo_plot._colors(families)
    assert all(colors[one] != colors[other] for one, other in itertools.pairwise(families))


def test_crowded_points_never_get_labels_on_one_another():
    points = [ZooPoint(f"network{i}", "x", 10**9 + i * 10**6, 10**8, 75.0) for i in range(60)]
    found = labels(zoo_plot._figure(points))
    assert len(found) > 20
    for a, b in itertools.combinations(found.values(), 2):
        assert not a.overlaps(b)


def test_a_png_is_written_and_replaced(tmp_path):
    for points in (ALL[:1], ALL):
        plot_zoo(points, tmp_path / "zoo.png")
    with Image.open(tmp_path / "zoo.png") as image:
        assert image.format == "PNG"
        assert min(image.size) > 800


def test_nothing_to_plot_is_an_error(tmp_path):
    with pytest.raises(InputError, match="nothing to plot"):
        plot_zoo([], tmp_path / "zoo.png")
    assert not list(tmp_path.iterdir())
