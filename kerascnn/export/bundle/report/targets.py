"""The table of `report.html` that says which device clients run each file."""

from kerascnn.export.bundle.report.values import BundleReport
from kerascnn.export.targets.verdict import Verdict
from kerascnn.pages import format as page


def section(report: BundleReport) -> str:
    """What each file runs on, and every reason where it does not."""
    verdicts = {verdict.target: verdict for file in report.files for verdict in file.runs_on}
    if not verdicts:
        return ""
    head = '<th scope="col">device client</th>' + "".join(
        f'<th scope="col">{page.text(file.recipe)}</th>' for file in report.files
    )
    rows = []
    for name, known in verdicts.items():
        cells = []
        for file in report.files:
            found = next((v for v in file.runs_on if v.target == name), None)
            cells.append(page.cell(file.recipe, page.NONE if found is None else _answer(found)))
        rows.append(f'<tr><th scope="row">{page.text(known.title)}</th>{"".join(cells)}</tr>')
    return (
        "<section>\n<h2>What it runs on</h2>\n"
        '<p class="soft">Found in the files: operators and their types, shapes, input and output '
        "types, where constants lie, metadata. Other types of input are one export away: "
        "<code>kerascnn export --target</code>.</p>\n"
        f'<div class="card scroll"><table class="checks"><thead><tr>{head}</tr></thead>\n'
        f"<tbody>{''.join(rows)}</tbody></table></div>\n</section>"
    )


def _answer(verdict: Verdict) -> str:
    return page.figure("yes" if verdict.runs else "no", "; ".join(verdict.because))
