"""Charts: every point is where its numbers say, and the frame fits them."""

import math
import re
import xml.etree.ElementTree as ET

import pytest

from kerascnn.pages import charts
from kerascnn.pages.charts import Axes, Band, Line, line_chart, ticks


def drawing(chart):
    return ET.fromstring(re.search(r"<svg.*</svg>", chart, re.DOTALL).group())


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]), (0, 100, [0, 20, 40, 60, 80, 100]), (0.11, 0.14, None)],
)
def test_ticks_are_round_and_inside(low, high, expected):
    found = ticks(low, high)
    assert expected is None or found == expected
    assert 3 <= len(found) <= 6
    assert low <= found[0] < found[-1] <= high


def test_epochs_are_whole_numbers():
    assert ticks(1, 3, whole=True) == [1, 2, 3]
    assert ticks(1, 30, whole=True) == [5, 10, 15, 20, 25, 30]


def test_points_are_where_their_numbers_say():
    axes = Axes((0, 10), (0, 2), "epoch")
    middle = charts.LEFT + (charts.WIDTH - charts.LEFT - charts.RIGHT) / 2
    assert axes.across(5) == middle
    assert axes.down(0) == charts.HEIGHT - charts.BOTTOM
    assert axes.down(2) == charts.TOP


def test_a_curve_falls_where_its_values_fall():
    line = Line("loss", [1, 2, 3], [3.0, 2.0, 1.0])
    points = drawing(line_chart("Loss", [line], "epoch")).find("polyline").get("points").split()
    places = [tuple(map(float, point.split(","))) for point in points]
    left, right = charts.LEFT, charts.WIDTH - charts.RIGHT
    assert [x for x, _ in places] == [left, (left + right) / 2, right]
    heights = [y for _, y in places]
    assert heights == sorted(heights)  # down the page
    assert heights[1] == pytest.approx((heights[0] + heights[2]) / 2, abs=0.1)


@pytest.mark.parametrize("values", [[0.5], [0.5, 0.5], [0.0, 0.0], [1e-9, 2e-9], [1.0, math.nan]])
def test_odd_values_still_fit(values):
    chart = line_chart("Loss", [Line("loss", range(1, 1 + len(values)), values)], "epoch")
    for circle in drawing(chart).iter("circle"):
        assert charts.LEFT <= float(circle.get("cx")) <= charts.WIDTH - charts.RIGHT
        assert charts.TOP <= float(circle.get("cy")) <= charts.HEIGHT - charts.BOTTOM


def test_no_finite_value_is_no_chart():
    assert line_chart("Loss", [Line("loss", [1], [math.nan])], "epoch") == ""


def test_bands_and_names_are_drawn_and_escaped():
    line = Line("<loss>", [1, 2, 3, 4], [4, 3, 2, 1])
    chart = line_chart("A & B", [line, line], "epoch", bands=[Band("head", 1, 2.5)], marked=3)
    band = drawing(chart).find("rect")
    assert float(band.get("width")) == (charts.WIDTH - charts.LEFT - charts.RIGHT) / 2
    assert "<loss>" not in chart
    assert chart.count("&lt;loss&gt;</span>") == 2


def test_colours_are_the_pages_own():
    chart = line_chart("Loss", [Line("loss", [1, 2], [1, 2])], "epoch")
    assert not re.search(r"#[0-9a-f]{3}|rgb|fill=|stroke=", chart)
