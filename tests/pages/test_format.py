"""Numbers as people read them, and text that cannot become HTML."""

import pytest

from kerascnn.pages import format as page


@pytest.mark.parametrize(
    ("share", "digits", "text"),
    [(1, 2, "100 %"), (0.99999, 2, "99.99 %"), (0.5, 1, "50 %"), (0.123, 1, "12.3 %")],
)
def test_a_share_is_100_percent_only_when_it_is_all(share, digits, text):
    assert page.percent(share, digits) == text


@pytest.mark.parametrize(
    ("value", "text"), [(2.5, "2.5 ms"), (0.0235, "23.5 µs"), (0.5, "500 µs"), (120, "120 ms")]
)
def test_times_are_short(value, text):
    assert page.duration(value) == text


@pytest.mark.parametrize(
    ("factor", "words"),
    [(0.25, f"4.0{page.TIMES} less"), (3, f"3.0{page.TIMES} more"), (1.01, "the same")],
)
def test_ratios_are_words(factor, words):
    assert page.ratio(factor, "less", "more") == words


@pytest.mark.parametrize(("value", "text"), [(0.00412, "0.0041"), (7.2e-07, "7.2e-7"), (12, "12")])
def test_two_digits_are_enough(value, text):
    assert page.short(value) == text


def test_text_cannot_become_html():
    assert page.text('<b a="1">&') == "&lt;b a=&quot;1&quot;&gt;&amp;"
