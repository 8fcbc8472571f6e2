"""The tables of `report.html`."""

from collections.abc import Mapping

from kerascnn.export.bundle.report.values import BundleReport, RecipeReport
from kerascnn.export.runtime.delegate import sentences
from kerascnn.pages import format as page
from kerascnn.pages import frame
from kerascnn.tasks import Metric, Metrics

_CHECKS = {
    "finite": "every output is a number",
    "varies": "answers depend on the image",
    "max_abs": "largest difference of an output",
    "mean_abs": "mean difference of the outputs",
    "top1_agreement": "same best class, near ties aside",
    "accuracy_drop": "accuracy lost",
    "label_agreement": "same labels given, near ties aside",
    "max_of_range": "largest difference, as a share of the quantity's range",
    "mean_of_range": "mean difference, as a share of the quantity's range",
}


def files_section(report: BundleReport) -> str:
    """What each file costs and gives."""
    size, time = (
        max(getattr(file, name) for file in report.files) for name in ("bytes", "median_ms")
    )
    labelled = report.keras is not None
    score = report.keras.title if report.keras is not None else ""
    columns = [score] if labelled else []
    columns += ["same answer"] if any(output.decides for output in report.outputs) else []
    columns += ["difference", "size", "time per image", "CPU delegate"]
    head = "".join(f'<th scope="col">{column}</th>' for column in ["file", *columns])
    rows = []
    if labelled:
        dashes = "".join(f"<td class=none>{page.NONE}</td>" for _ in columns[1:])
        rows.append(
            '<tr class="reference"><th scope="row">Keras<small>the model the files were made from'
            f"</small></th>{page.cell(score, _score(report.keras, None))}{dashes}</tr>"
        )
    for file in report.files:
        base = file.recipe == report.baseline
        count = file.delegate_partitions
        partitions = "1 partition" if count == 1 else f"{count} partitions"
        cells = [page.cell(score, _score(file.score, report.keras))] if labelled else []
        if file.agreement is not None:
            same = page.figure(page.percent(file.agreement, 2))
            cells.append(page.cell("same answer", same))
        smaller = "" if base else page.ratio(file.size_ratio, "smaller", "larger")
        faster = "" if base else page.ratio(file.latency_ratio, "faster", "slower")
        cells += [
            page.cell(
                "difference",
                page.figure(f"max {page.short(file.max_abs)}", f"mean {page.short(file.mean_abs)}"),
            ),
            page.cell(
                "size",
                page.figure(page.size(file.bytes), smaller, under=page.bar(file.bytes / size)),
            ),
            page.cell(
                "time per image",
                page.figure(
                    page.duration(file.median_ms), faster, under=page.bar(file.median_ms / time)
                ),
            ),
            page.cell("CPU delegate", page.figure(partitions, _outside(file))),
        ]
        title = f"{page.text(file.recipe)}<small>{page.text(file.description)}</small>"
        rows.append(f'<tr><th scope="row">{title}</th>{"".join(cells)}</tr>')
    ratios = (
        f" Sizes and times are compared with {page.text(report.baseline)}."
        if len(report.files) > 1
        else ""
    )
    kinds = {output.kind for output in report.outputs}
    unit = ", as shares of each quantity's range" if kinds == {"quantities"} else ""
    unit = ", which are probabilities" if kinds <= {"probabilities", "independent"} else unit
    return (
        "<section>\n<h2>The files</h2>\n"
        f'<p class="soft">Measured on {report.images:,} {page.text(report.evaluation)}. '
        f"Differences are between the file's outputs and the Keras model's{unit}.{ratios}"
        f" Times are medians of {report.runs} single runs, one thread, on "
        f"{page.text(report.machine.cpu)}.</p>\n"
        f'<div class="card scroll"><table class="files"><thead><tr>{head}</tr></thead>\n'
        f"<tbody>{''.join(rows)}</tbody></table></div>\n{_reasons(report)}</section>"
    )


def _reasons(report: BundleReport) -> str:
    """Why operators run outside the CPU delegate, each sentence once."""
    found: dict[str, str] = {}
    for file in report.files:
        found |= file.undelegated_reasons
    if not found:
        return ""
    lines = "".join(f"<li>{page.text(line)}</li>" for line in sentences(found))
    return f'<p class="soft">Outside the CPU delegate stay:</p><ul class="soft">{lines}</ul>\n'


def _score(score: Metrics | None, reference: Metrics | None) -> str:
    """The main figures; of a share, also how far it is from the Keras model's."""
    if score is None:
        return page.figure("no labels")
    first, *rest = score.lines(lambda share: page.percent(share, 2))
    change = ""
    if score.share is not None and reference is not None and reference.share is not None:
        points = 100 * (score.share - reference.share)
        change = "as Keras" if abs(points) < 0.005 else f"{points:+.2f} points"
    return page.figure(first, change, *rest)


def _outside(file: RecipeReport) -> str:
    kinds = file.undelegated_operators
    if not kinds:
        return "nothing outside"
    if len(kinds) <= 3:
        return "outside: " + ", ".join(f"{count} {name}" for name, count in kinds.items())
    return f"{sum(kinds.values())} operators outside"


def checks_section(report: BundleReport) -> str:
    """The figures each file was kept for, with their limits."""
    names = list(dict.fromkeys(check.name for file in report.files for check in file.checks))
    head = '<th scope="col">check</th>' + "".join(
        f'<th scope="col">{page.text(file.recipe)}</th>' for file in report.files
    )
    rows = []
    for name in names:
        cells = []
        for file in report.files:
            check = next((check for check in file.checks if check.name == name), None)
            cells.append(page.cell(file.recipe, _check(check, name)))
        role, _, plain = name.rpartition(".")
        title = (f"{role}: " if role else "") + _CHECKS.get(plain, plain)
        rows.append(f'<tr><th scope="row">{page.text(title)}</th>{"".join(cells)}</tr>')
    count = report.files[0].checked_images
    return (
        "<section>\n<h2>How they were checked</h2>\n"
        f'<p class="soft">Before a file was kept, its answers to {count:,} sample images were '
        "compared with the Keras model's, within these limits. A few of these images are in "
        "golden.npz, for the self-test of every device.</p>\n"
        f'<div class="card scroll"><table class="checks"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>\n</section>"
    )


def _check(check: Metric | None, name: str) -> str:
    if check is None:
        return page.NONE
    name = name.rpartition(".")[2]
    if name in ("finite", "varies"):
        return page.figure("yes")
    if name.endswith("agreement"):
        limit = f"at least {page.percent(check.limit, 2)}"
        return page.figure(page.percent(check.value, 2), limit)
    if name == "accuracy_drop":
        limit = f"at most {100 * check.limit:.2f}"
        return page.figure(f"{100 * check.value:.2f} points", limit)
    return page.figure(page.short(check.value), f"at most {page.short(check.limit)}")


def operators_section(report: BundleReport) -> str:
    """The operators of each file, folded away."""
    rows = "".join(_operator_row(file) for file in report.files)
    table = f'<div class="scroll"><table><tbody>{rows}</tbody></table></div>'
    return frame.folded("Operators of each file", table)


def _operator_row(file: RecipeReport) -> str:
    listed = ", ".join(f"{count} {name}" for name, count in file.operators.items())
    return f'<tr><th scope="row">{page.text(file.recipe)}</th><td>{page.text(listed)}</td></tr>'


def hashes_section(report: BundleReport, hashes: Mapping[str, str]) -> str:
    """The SHA-256 of each file of the bundle, folded away."""
    known = {**{file.path: file.sha256 for file in report.files}, **hashes}
    rows = "".join(
        f'<tr><th scope="row">{page.text(name)}</th><td class="hash">{page.text(digest)}</td></tr>'
        for name, digest in known.items()
    )
    table = f'<div class="scroll"><table class="hashes"><tbody>{rows}</tbody></table></div>'
    return frame.folded("SHA-256 of the files", table)
