"""The data a model was trained on: counts, samples, and what may be wrong with it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kerascnn.pages import format as page
from kerascnn.pages import frame, picture
from kerascnn.training.report.data_checks import SPLITS, Check

if TYPE_CHECKING:
    from kerascnn.data import DuplicatePair, Duplicates, ImageReference, SmallImage, Splits

CLASSES, SAMPLES = 20, 4  # classes with pictures, and pictures of each
PAIRS, SMALL, FILES = 12, 8, 20
_SIDE = 128  # pixels of a small picture


def data_section(
    splits: "Splits",
    duplicates: "Duplicates",
    small: Sequence["SmallImage"],
    checks: Sequence[Check],
) -> str:
    """Counts and samples of each class, the checks, and the pictures that belong to them."""
    counts = ", ".join(f"{count:,} {SPLITS[split]}" for split, count in splits.counts.items())
    height, width, channels = splits.image_shape
    about = (
        f"{counts} images in {len(splits.class_names):,} classes, brought to {width} {page.TIMES} "
        f"{height} pixels, {'grey' if channels == 1 else 'RGB'}. Four training images of each "
        f"class{_which(splits)}."
    )
    return (
        frame.section("Data", _classes(splits), _table(splits), about=about)
        + f"\n<h3>Checks</h3>\n{check_list(checks)}"
        + _pairs(splits, duplicates.pairs)
        + _small(splits, small)
        + _skipped(splits)
    )


def check_list(checks: Sequence[Check]) -> str:
    """The checks as a list, those that ask for something marked."""
    items = "".join(
        f'<li class="{"well" if check.well else "ill"}">{page.text(check.text)}</li>'
        for check in checks
    )
    return f'<ul class="card checklist">{items}</ul>\n'


def _which(splits: "Splits") -> str:
    return "" if len(splits.class_names) <= CLASSES else f", of {CLASSES} classes"


def _classes(splits: "Splits") -> str:
    labels = splits.labels("train")
    total = len(splits.class_names)
    most = max(splits.class_counts["train"])
    cards = []
    for label in np.linspace(0, total - 1, min(total, CLASSES)).round().astype(int).tolist():
        members = np.flatnonzero(labels == label)
        places = np.linspace(0, len(members) - 1, min(SAMPLES, len(members))).round().astype(int)
        images, _ = splits.take("train", members[places])
        name = splits.class_names[label]
        shown = "".join(picture.inline(image, name, _SIDE) for image in images)
        counts = ", ".join(
            f"{counted[label]:,} {SPLITS[split]}" for split, counted in splits.class_counts.items()
        )
        cards.append(
            f'<div class="card class"><strong>{page.text(name)}</strong><small>{counts}</small>'
            f"{page.bar(splits.class_counts['train'][label] / most)}"
            f'<div class="strip">{shown}</div></div>'
        )
    return f'<div class="pictures">{"".join(cards)}</div>'


def _table(splits: "Splits") -> str:
    """Counts of all classes, where not all have a card."""
    if len(splits.class_names) <= CLASSES:
        return ""
    heads = "".join(
        f'<th scope="col">{split}</th>' for split in ("class", *map(SPLITS.get, splits.counts))
    )
    rows = "".join(
        f'<tr><th scope="row">{page.text(name)}</th>'
        + "".join(f"<td>{counted[label]:,}</td>" for counted in splits.class_counts.values())
        + "</tr>"
        for label, name in enumerate(splits.class_names)
    )
    table = f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    return frame.folded("Images of each class", f'<div class="scroll">{table}</div>')


def _pairs(splits: "Splits", pairs: Sequence["DuplicatePair"]) -> str:
    if not pairs:
        return ""
    cards = "".join(_pair(splits, pair) for pair in pairs[:PAIRS])
    rest = f" The first {PAIRS} of {len(pairs):,}." if len(pairs) > PAIRS else ""
    return (
        f'<h3>Copies</h3>\n<p class="soft">Copies in different splits and with different labels '
        f"come first.{rest}</p>\n"
        f'<div class="pictures">{cards}</div>'
    )


def _pair(splits: "Splits", pair: "DuplicatePair") -> str:
    kind = "all pixels equal" if pair.exact else f"{pair.bits} of 64 hash bits differ"
    remarks = [kind]
    if pair.across:
        remarks.append(f"one in {SPLITS[pair.first.split]}, one in {SPLITS[pair.second.split]}")
    bad = " wrong" if pair.across or pair.labels_differ else ""
    labels = [splits.labels(one.split)[one.position] for one in (pair.first, pair.second)]
    names = [splits.class_names[label] for label in labels]
    title = " ≠ ".join(names) if pair.labels_differ else names[0]
    views = "".join(_view(splits, one) for one in (pair.first, pair.second))
    return (
        f'<figure class="card answer{bad}"><div class="views">{views}</div><figcaption>'
        f"<strong>{page.text(title)}</strong><span>{page.text('; '.join(remarks))}</span>"
        f"<small>{page.text(pair.first.name)}<br>{page.text(pair.second.name)}</small>"
        "</figcaption></figure>"
    )


def _view(splits: "Splits", image: "ImageReference") -> str:
    pixels, _ = splits.take(image.split, [image.position])
    return picture.inline(pixels[0], image.name)


def _small(splits: "Splits", small: Sequence["SmallImage"]) -> str:
    if not small or splits.own_size is not None:
        return ""
    first = sorted(small, key=lambda one: one.height * one.width)[:SMALL]
    cards = "".join(
        f'<figure class="card answer">{_view(splits, one.image)}'
        f"<figcaption><strong>{one.width} {page.TIMES} {one.height}</strong>"
        f"<small>{page.text(one.image.name)}</small></figcaption></figure>"
        for one in first
    )
    return f'<h3>Smallest images</h3>\n<div class="pictures narrow">{cards}</div>'


def _skipped(splits: "Splits") -> str:
    if not splits.skipped:
        return ""
    rows = "".join(
        f'<tr><th scope="row">{page.text(file.path.name)}</th>'
        f"<td>{page.text(file.reason)}</td></tr>"
        for file in splits.skipped[:FILES]
    )
    rest = len(splits.skipped) - FILES
    more = f'<p class="note">and {rest:,} more</p>' if rest > 0 else ""
    return frame.folded(
        "Skipped files", f'<div class="scroll"><table><tbody>{rows}</tbody></table></div>{more}'
    )
