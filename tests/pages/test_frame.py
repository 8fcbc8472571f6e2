"""The frame of a page, and pictures inside it."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from kerascnn.pages import frame, picture


def decoded(tag):
    content = re.search(r'src="data:image/(png|jpeg);base64,([^"]+)"', tag)
    return Image.open(io.BytesIO(base64.b64decode(content.group(2))))


def test_a_page_loads_nothing_and_follows_the_colour_scheme():
    source = frame.document("a <b>", ["<p>text</p>", ""], "p { margin: 0; }\n")
    assert "<title>a &lt;b&gt;</title>" in source
    assert "prefers-color-scheme: dark" in source
    assert "p { margin: 0; }" in source
    assert not re.search(r"https?:|@import|url\(|<script|<link", source)


def test_commands_are_text():
    assert frame.commands([("why?", "run a<b")]) == "<pre><em># why?</em>\nrun a&lt;b</pre>\n"


def test_tiny_images_keep_their_pixels():
    pixels = np.random.default_rng(0).integers(0, 256, (8, 12, 1), np.uint8)
    tag = picture.inline(pixels, "a 'tiny' <one>")
    assert "class=pixelated" in tag
    assert "<one>" not in tag
    np.testing.assert_array_equal(np.asarray(decoded(tag)), pixels[..., 0])


@pytest.mark.parametrize("channels", [1, 3])
def test_photographs_are_shrunk(channels):
    tag = picture.inline(np.zeros((300, 600, channels), np.uint8), "dark", size=100)
    assert "pixelated" not in tag
    assert decoded(tag).size == (100, 50)
