"""`kerascnn demo`: the whole path on embedded data, in about a minute."""

from pathlib import Path

import click

from kerascnn.cli import console


@click.command(short_help="The whole path on embedded data.")
@click.option("--out", "-o", metavar="FOLDER", default="demo", show_default=True)
@click.option("--epochs", type=click.IntRange(min=1), default=20, show_default=True)
def command(out: str, epochs: int) -> None:
    """Train LeNet-5 on real handwritten digits, export float32 and int8, verify and replay them.

    The digits are scikit-learn's 1,797 images, so nothing is downloaded. The folder is replaced
    if an earlier demo wrote it.
    """
    import subprocess
    import sys
    import time

    from kerascnn.errors import InputError, VerificationError

    folder = Path(out)
    run, bundle = folder / "run", folder / "bundle"
    if folder.exists() and not run.is_dir() and any(folder.iterdir()):
        raise InputError(f"{folder} is not an earlier demo. Choose another --out.")
    start = time.perf_counter()
    console.note("1/4 training LeNet-5 on the embedded digits")
    console.import_tensorflow()
    from kerascnn.cli.export import show_report
    from kerascnn.cli.progress import TrainingProgress
    from kerascnn.export import export_bundle
    from kerascnn.training import open_run, train

    progress = TrainingProgress()
    try:
        train("digits", "LeNet5", run, epochs=epochs, overwrite=True, callbacks=[progress])
    finally:
        progress.close()
    console.note("2/4 exporting and verifying float32 and int8")
    opened = open_run(run)
    splits = opened.data()
    images, labels = splits.sample("train", 200, seed=0)
    result = export_bundle(
        opened.load_model(),
        bundle,
        recipes=("float32", "int8"),
        samples=images,
        labels=labels,
        class_names=splits.class_names,
        resize=splits.resize.to_dict(),
        evaluation=splits.arrays("test"),
        overwrite=True,
    )
    console.note("3/4 replaying the bundle with the device kit, without TensorFlow")
    replay = subprocess.run(
        [sys.executable, "-I", str(_kit()), "--selftest", str(bundle)],
        capture_output=True,
        text=True,
        check=False,
    )
    console.say(replay.stdout.rstrip())
    if replay.returncode:
        raise VerificationError(f"the device kit refused the bundle: {replay.stderr.strip()}")
    console.note("4/4 done")
    show_report(result, "test")
    console.say(f"report: {bundle / 'report.html'}")
    console.say(f"run:    {run}")
    console.say(f"took {time.perf_counter() - start:.0f} s")
    console.next_steps(
        "kerascnn train YOUR_PHOTOS --model LeNet5 --out run   (one folder per class)",
        "kerascnn export run --recipes float32,int8 --out bundle",
    )


def _kit() -> Path:
    """The Python device kit: beside this package when installed, in export/ in a checkout."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "_kit" / "run.py"
    return installed if installed.is_file() else package.parent / "export" / "python" / "run.py"
