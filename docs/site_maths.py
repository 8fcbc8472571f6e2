"""Formulas between dollar signs become MathML, which browsers draw without scripts or fonts."""

import html
import re
from typing import Any

from latex2mathml.converter import convert

FORMULA = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.DOTALL)


def on_page_content(content: str, **_: Any) -> str:
    """Replaces each formula that pymdownx.arithmatex has marked."""
    return FORMULA.sub(_mathml, content)


def _mathml(match: re.Match) -> str:
    kind, bracket, formula = match.groups()
    display = "block" if bracket == "[" else "inline"
    maths = convert(html.unescape(formula).strip(), display=display)
    return f'<{kind} class="arithmatex">{maths}</{kind}>'
