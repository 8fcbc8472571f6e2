"""The data a model was trained on: counts, samples, and what may be wrong with it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kerascnn import tasks
from kerascnn.pages import format as page
from kerascnn.pages import frame, picture
from kerascnn.training.report.data_checks import SPLITS, Check

if TYPE_CHECKING:
    from kerascnn.data import DuplicatePair, Duplicates, ImageReference, SmallImage, Splits

SHOWN = 20  # names with pictures of their own
PAIRS, SMALL, FILES = 12, 8, 20


def data_section(
    splits: "Splits",
    duplicates: "Duplicates",
    small: Sequence["SmallImage"],
    checks: Sequence[Check],
    samples: tuple[str, str],
) -> str:
    """Counts and samples, the checks, and the pictures that belong to them.

    Args:
        splits: The data.
        duplicates: Copies in it.
        small: Images that were enlarged.
        checks: What is well and what is not.
        samples: HTML of training images, and half a sentence that says what they are.
    """
    counts = ", ".join(f"{count:,} {SPLITS[split]}" for split, count in splits.counts.items())
    height, width, channels = splits.image_shape
    shown, what = samples
    names = len(splits.class_names)
    about = (
        f"{counts} images in {names:,} {tasks.get(splits.task).nouns[names != 1]}, brought to "
        f"{width} {page.TIMES} {height} pixels, {'grey' if channels == 1 else 'RGB'}. {what}."
    )
    return (
        frame.section("Data", shown, _table(splits), about=about)
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


def _table(splits: "Splits") -> str:
    """Counts of all classes, where not all have a card."""
    if len(splits.class_names) <= SHOWN or not splits.class_counts["train"]:
        return ""
    noun = tasks.get(splits.task).nouns[0]
    heads = "".join(
        f'<th scope="col">{split}</th>' for split in (noun, *map(SPLITS.get, splits.counts))
    )
    rows = "".join(
        f'<tr><th scope="row">{page.text(name)}</th>'
        + "".join(f"<td>{counted[label]:,}</td>" for counted in splits.class_counts.values())
        + "</tr>"
        for label, name in enumerate(splits.class_names)
    )
    table = f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    return frame.folded(f"Images of each {noun}", f'<div class="scroll">{table}</div>')


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
    task = tasks.get(splits.task)
    names = [
        task.truth_in_words(splits.labels(one.split)[one.position], splits.class_names)
        for one in (pair.first, pair.second)
    ]
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
