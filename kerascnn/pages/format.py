"""Numbers and small pieces of `report.html`, as HTML."""

import html
import re

TIMES, DASH = "\N{MULTIPLICATION SIGN}", "\N{EN DASH}"
NONE = f"<span>{DASH}</span>"


def text(value: object) -> str:
    """Any value as text that HTML shows as it is; what UTF-8 cannot hold, as \\udcNN."""
    return html.escape(str(value).encode("utf-8", "backslashreplace").decode())


def percent(share: float, digits: int = 1) -> str:
    """A share as a percentage that says 100 only when it is all."""
    number = f"{100 * share:.{digits}f}"
    if share < 1 and float(number) == 100:
        number = f"{100 - 10**-digits:.{digits}f}"
    return f"{number.removesuffix('.' + '0' * digits)} %"


def short(value: float) -> str:
    """Two digits: 0.0041, 7.2e-7."""
    return re.sub(r"e-0?", "e-", f"{value:.2g}")


def size(count: int) -> str:
    """Bytes as kB or MB."""
    return f"{count / 1e6:.2f} MB" if count >= 1e6 else f"{count / 1e3:.1f} kB"


def duration(milliseconds: float) -> str:
    """A time in ms, or in µs below one."""
    value, unit = (milliseconds, "ms") if milliseconds >= 1 else (1000 * milliseconds, "µs")
    return f"{value:.{0 if value >= 100 else 1}f} {unit}"


def ratio(factor: float, less: str, more: str) -> str:
    """A factor in words: 0.25 is "4.0x smaller" where `less` is "smaller"."""
    if 0.95 < factor < 1.05:
        return "the same"
    return f"{1 / factor:.1f}{TIMES} {less}" if factor < 1 else f"{factor:.1f}{TIMES} {more}"


def bar(share: float) -> str:
    """A bar of `share` of the full length."""
    return f'<span class="bar"><i style="width:{100 * min(1.0, max(share, 0.01)):.1f}%"></i></span>'


def cell(label: str, content: str) -> str:
    """A table cell; `label` names it where the table has become a list, on a phone."""
    return f'<td data-label="{text(label)}">{content}</td>'


def figure(value: str, *notes: str, under: str = "") -> str:
    """A value with notes below it, empty ones left out; `under` is HTML between the two."""
    lines = "".join(f"<small>{text(note)}</small>" for note in notes if note)
    return f"<span>{text(value)}</span>{under}{lines}"
