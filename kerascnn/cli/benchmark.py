"""`kerascnn benchmark`."""

import click

from kerascnn.cli import console, options


@click.command(short_help="Measure latency.")
@click.argument("paths", nargs=-1, required=True, metavar="BUNDLE|FILE.tflite...")
@click.option("--threads", type=click.IntRange(min=1, max=1024), default=1, show_default=True)
@click.option("--runs", type=click.IntRange(min=1), default=50, show_default=True)
@click.option("--no-delegate", is_flag=True, help="Without XNNPACK.")
@options.as_json
def command(
    paths: tuple[str, ...], threads: int, runs: int, no_delegate: bool, as_json: bool
) -> None:
    """Measure the latency of .tflite files on this machine, batch 1, run by run in turn."""
    from dataclasses import asdict
    from pathlib import Path

    from kerascnn.errors import InputError
    from kerascnn.export import inspect
    from kerascnn.export.contract import manifest
    from kerascnn.export.runtime.benchmark import compare
    from kerascnn.files import check_file, user_path

    files: list[Path] = []
    for text in paths:
        path = user_path(text, "file or bundle")
        if not path.exists():
            raise InputError(f"no such file or bundle: {path}.")
        if path.is_dir():
            files += [path / file.path for file in manifest.read(path).files]
        else:
            files.append(check_file(path, "file or bundle"))
    comparison = compare(files, threads=threads, runs=runs, delegate=not no_delegate)
    if as_json:
        console.show_json(
            [
                {"path": str(path), **asdict(result), "ratio": ratio}
                for path, result, ratio in zip(
                    files, comparison.results, comparison.ratios, strict=True
                )
            ]
        )
        return
    rows = [
        (
            path.name,
            f"{result.median_ms:.3f} ms",
            f"{result.p10_ms:.3f} .. {result.p90_ms:.3f}",
            f"{ratio:.2f}",
            console.size(path.stat().st_size),
            str(inspect(path).delegate_partitions),
        )
        for path, result, ratio in zip(files, comparison.results, comparison.ratios, strict=True)
    ]
    console.show_table(
        f"{comparison.results[0].cpu}, {threads} thread(s), {runs} runs each",
        ("file", "median", "p10 .. p90", "ratio", "size", "partitions"),
        rows,
    )
