"""What `kerascnn export` and `kerascnn demo` show of the files they wrote."""

from typing import TYPE_CHECKING

from kerascnn.cli import console

if TYPE_CHECKING:
    from kerascnn.tasks import Metrics


def show_report(result, split: str) -> None:  # type: ignore[no-untyped-def]
    """Prints the table of a bundle: one line per file."""
    report = result.report
    score = "accuracy" if report.keras is None else report.keras.title
    rows = [("Keras model", _score(report.keras), "-", "-", "-", "-")]
    rows += [
        (
            file.recipe,
            _score(file.score),
            console.percent(file.agreement),
            console.size(file.bytes),
            f"{file.median_ms:.3f} ms",
            str(file.delegate_partitions),
        )
        for file in report.files
    ]
    console.show_table(
        f"{report.model} on {report.images} held-out images ({split}), verified",
        ("file", score, "agreement", "size", "latency", "partitions"),
        rows,
    )
    for file in report.files:
        show_outside(file.recipe, file)
    console.say(f"bundle: {result.folder}")


def show_outside(name: str, file) -> None:  # type: ignore[no-untyped-def]
    """Says why a file does not run in one partition."""
    from kerascnn.export.runtime.delegate import sentences

    if file.delegate_partitions == 1:
        return
    head = f"{name}: {file.delegate_partitions or 'no'} partitions of the CPU delegate; outside it"
    for line in sentences(file.undelegated_reasons):
        console.say(f"{head} stay {line}")


def _score(score: "Metrics | None") -> str:
    """The figure that says how good a file is, or a line for each quantity."""
    if score is None:
        return "-"
    lines = score.lines(console.percent)
    return "\n".join(lines if score.share is None else lines[:1])
