"""How figures are written for people."""


def percent(share: float | None) -> str:
    """0.98765 as "98.77 %"."""
    return "-" if share is None else f"{100 * share:.2f} %"


def number(value: float | None) -> str:
    """A quantity with four digits."""
    return "-" if value is None else f"{value:.4g}"


def shortened(value: object, most: int = 60) -> str:
    """A value as Python writes it, cut to what a line of text can hold."""
    text = repr(value)
    return text if len(text) <= most else f"{text[: most - 3]}..."
