"""What `kerascnn export` and `kerascnn demo` show of the files they wrote."""

from kerascnn.cli import console
from kerascnn.tasks import Metrics


def show_report(result, split: str) -> None:  # type: ignore[no-untyped-def]
    """Prints the table of a bundle: one line per file."""
    report = result.report
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
        (
            *("file", report.keras.title, "agreement", "size", "latency"),
            "partitions",
        ),
        rows,
    )
    for file in report.files:
        show_outside(file.recipe, file)
    console.say(f"bundle: {result.folder}")


def show_outside(name: str, file) -> None:  # type: ignore[no-untyped-def]
    """Says why a file does not run in one piece."""
    from kerascnn.export.delegate import sentences

    if file.delegate_partitions == 1:
        return
    pieces = f"{name}: {file.delegate_partitions or 'no'} pieces in the CPU delegate; outside it"
    for line in sentences(file.undelegated_reasons):
        console.say(f"{pieces} stay {line}")


def _score(score: Metrics) -> str:
    """The one figure of a file, or the error of each quantity."""
    if score.share is not None:
        return console.percent(score.share)
    return "\n".join(score.lines(console.percent))
