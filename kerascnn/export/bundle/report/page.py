"""`report.html`: the measurements of a bundle as one page that needs nothing but a browser."""

from collections.abc import Mapping, Sequence

from kerascnn import tasks
from kerascnn.export.bundle.report import tables
from kerascnn.export.bundle.report import targets as report_targets
from kerascnn.export.bundle.report.pictures import Answer, Picture
from kerascnn.export.bundle.report.values import BundleReport
from kerascnn.pages import format as page
from kerascnn.pages import frame, picture
from kerascnn.tasks import Output

_LINES = 4  # answers under a picture before they are grouped


def to_html(report: BundleReport, pictures: Sequence[Picture], hashes: Mapping[str, str]) -> str:
    """The page: styles and images are inside it, and it loads nothing from anywhere.

    Args:
        report: What was measured.
        pictures: Images to show with their answers.
        hashes: SHA-256 of the files of the bundle that are not models, by name.
    """
    return frame.document(
        f"{report.model}: bundle report",
        (
            _header(report),
            tables.files_section(report),
            _contract(report),
            _pictures(report, pictures),
            report_targets.section(report),
            _device(report),
            tables.checks_section(report),
            tables.operators_section(report),
            tables.hashes_section(report, hashes),
            _footer(report),
        ),
        frame.stylesheet("kerascnn.export.bundle.report", "report.css"),
    )


def _header(report: BundleReport) -> str:
    count = len(report.files)
    subject = "The file answers" if count == 1 else f"All {count} files answer"
    task, count = tasks.get(report.task), len(report.class_names)
    outputs = f"{count:,} {task.nouns[count != 1]}"
    return (
        f"<header>\n<h1>{page.text(report.model)}</h1>\n"
        f"<p>{page.text(task.title)} · {outputs} · "
        f"{report.parameters:,} parameters · exported {page.text(report.created[:10])} "
        f"with kerascnn {page.text(report.versions.kerascnn)}</p>\n</header>\n"
        '<div class="verdict"><div aria-hidden="true">✓</div><div>'
        f"{subject} like the Keras model. <span>{_verdict(report)} {report.images:,} "
        f"{page.text(report.evaluation)}.</span></div></div>"
    )


def _verdict(report: BundleReport) -> str:
    agreements = [file.agreement for file in report.files if file.agreement is not None]
    if not agreements:
        worst = max(file.mean_abs for file in report.files)
        share = page.percent(worst, 2) if worst >= 0.0001 else "less than 0.01 %"
        return f"The mean difference is at most {share} of a quantity's range, on"
    least = min(agreements)
    share = "all" if least == 1 else f"{page.percent(least, 2)} or more of"
    return f"{tasks.get(report.task).adjective} on {share}"


def _contract(report: BundleReport) -> str:
    _, height, width, channels = report.input.shape
    rule = report.input.resize
    size = f"{width} {page.TIMES} {height}"
    fitting = {
        "stretch": f"stretched to {size}, whatever its aspect ratio",
        "crop": f"scaled until it covers {size}, then cropped around the centre",
        "pad": f"shrunk until it fits into {size} if it is larger, never enlarged, "
        f"and centred on pixels of value {rule.pad_value}",
    }[rule.fit]
    types: dict[str, list[str]] = {}
    for file in report.files:
        given = ", ".join(dict.fromkeys(file.output_dtypes))
        kind = f"{file.input_dtype} in, {given} out"
        types.setdefault(kind, []).append(file.recipe)
    tensors = "; ".join(f"{', '.join(names)}: {kind}" for kind, names in types.items())
    many = tasks.get(report.task).nouns[1].capitalize()
    output = "; ".join(_output(one, len(report.outputs) > 1) for one in report.outputs)
    rows = (
        (
            "Image",
            f"{size} pixels, {'RGB' if channels == 3 else 'one grey channel'}",
        ),
        ("Values", "raw pixels, 0 to 255; all scaling is inside the files"),
        ("Other sizes", f"{fitting}; bilinear, antialiased when shrinking"),
        ("Output", output),
        ("Tensors", page.text(tensors)),
        (many, page.text(_listed(report.class_names))),
    )
    items = "".join(f"<dt>{term}</dt><dd>{meaning}</dd>" for term, meaning in rows)
    heading = "<h2>What goes in, what comes out</h2>"
    return f'<section>\n{heading}\n<dl class="card">{items}</dl>\n</section>'


def _output(output: Output, several: bool) -> str:
    words = {
        "probabilities": "probabilities, one per class, that sum to 1",
        "logits": "one score per class; softmax makes probabilities of them",
        "independent": "one probability per class, whatever the others",
        "quantities": "one number per quantity, in its own unit",
    }[output.kind]
    if output.thresholds is not None:
        limits = {f"{100 * limit:g} %" for limit in output.thresholds}
        above = limits.pop() if len(limits) == 1 else "its threshold"
        words = f"one probability per label, whatever the others; given above {above}"
    elif output.is_binary:
        words = "one probability, that of the second class; the first has the rest"
    return f"{page.text(output.role)}: {words}" if several else words


def _listed(names: Sequence[str], most: int = 20) -> str:
    rest = f" and {len(names) - most:,} more, in labels.txt" if len(names) > most else ""
    return ", ".join(names[:most]) + rest


def _pictures(report: BundleReport, pictures: Sequence[Picture]) -> str:
    figures = []
    for shown in pictures:
        wrong = any(answer.right is False for answer in shown.answers)
        # Quantities of two files are hardly ever the same, which is no mistake.
        differ = _judges(report) and len({a.label for a in shown.answers}) > 1
        groups = _grouped(shown.answers)
        lines = [_answer(answers, len(groups), differ) for answers in groups]
        grouped = "<ul class=grouped>" if len(groups) < len(shown.answers) else "<ul>"
        title = shown.truth if shown.truth is not None else shown.answers[0].label
        figures.append(
            f'<figure class="card{" wrong" if wrong or differ else ""}">'
            f"{picture.inline(shown.pixels, title)}"
            f"<figcaption><strong>{page.text(title)}</strong>{grouped}{''.join(lines)}</ul></figcaption>"
            "</figure>"
        )
    labelled = any(shown.truth is not None for shown in pictures)
    truth = tasks.get(report.task).truth
    if not _judges(report):
        legend = f"{truth} in bold, then each model's." if labelled else "Each model's values."
    elif labelled:
        legend = f"{truth} in bold, then each model's answer. Mistakes come first and are marked ✗."
    else:
        legend = "Each model's answer. Images on which the answers differ come first, in red."
    return (
        f'<section>\n<h2>A few predictions</h2>\n<p class="soft">{legend}</p>\n'
        f'<div class="pictures">{"".join(figures)}</div>\n</section>'
    )


def _judges(report: BundleReport) -> bool:
    """Whether an answer can be right or wrong."""
    return all(output.decides for output in report.outputs)


def _grouped(answers: Sequence[Answer]) -> list[list[Answer]]:
    """One line for each model, or for each answer where that many lines would hide the point."""
    if len(answers) <= _LINES:
        return [[answer] for answer in answers]
    groups: dict[str, list[Answer]] = {}
    for answer in answers:
        groups.setdefault(answer.label, []).append(answer)
    return list(groups.values())


def _answer(answers: Sequence[Answer], groups: int, differ: bool) -> str:
    """A line for models that give one answer."""
    first = answers[0]
    known = [answer.probability for answer in answers if answer.probability is not None]
    chances = sorted({page.percent(probability, 0) for probability in known}, key=_number)
    chance = chances[0] if len(chances) == 1 else ""
    if len(chances) > 1:
        chance = f"{_number(chances[0])}{page.DASH}{chances[-1]}"
    wrong = first.right is False or (first.right is None and differ)
    mark = '<span class="mark" title="wrong">✗</span> ' if first.right is False else ""
    who = ", ".join(answer.by for answer in answers)
    if groups == 1:
        who = "Keras and every file" if len(answers) > 1 else first.by
    return (
        f"<li{' class=no' if wrong else ''}><span>{page.text(who)}</span>"
        f"<b>{mark}{page.text(first.label)}</b><span>{chance}</span></li>"
    )


def _number(percentage: str) -> int:
    return int(percentage.removesuffix(" %"))


def _device(report: BundleReport) -> str:
    lines = (
        ("once, on the device (Python 3.9 or newer)", "pip install -r requirements.txt"),
        ("does it compute here what Keras computed?", "python run.py --selftest BUNDLE"),
        (
            "what is on a picture?",
            f"python run.py BUNDLE photo.jpg --recipe {report.files[-1].recipe}",
        ),
        ("how fast is it here?", "python run.py --benchmark BUNDLE"),
    )
    return (
        "<section>\n<h2>On a device</h2>\n"
        "<p>Copy this folder and kerascnn's device kit <code>export/python</code> "
        "(<code>run.py</code> and <code>requirements.txt</code>) to the device. It needs neither "
        "TensorFlow nor Keras.</p>\n"
        f"{frame.commands(lines)}"
        f"{_elsewhere(report)}</section>"
    )


def _elsewhere(report: BundleReport) -> str:
    if [output.role for output in report.outputs] != ["scores"]:
        return ""  # TFLite's metadata are for classifiers
    return (
        "<p>Phones and browsers open the <code>.tflite</code> files directly: the labels are "
        "embedded as TFLite Metadata.</p>\n"
    )


def _footer(report: BundleReport) -> str:
    versions, machine = report.versions, report.machine
    return frame.footer(
        (
            f"kerascnn {versions.kerascnn}",
            f"Keras {versions.keras}",
            f"TensorFlow {versions.tensorflow}",
            f"ai-edge-litert {versions.ai_edge_litert}",
            f"litert-quantizer {versions.litert_quantizer}",
            f"Python {machine.python}",
            f"{machine.system}, {machine.cpu}, {machine.cores} cores",
            report.created,
        )
    )
