"""`kerascnn demo`: the whole path on embedded data, in about a minute."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kerascnn.cli import console, keras_backend

if TYPE_CHECKING:
    from kerascnn.files import FolderKind


@click.command(short_help="The whole path on embedded data.")
@click.option("--out", "-o", metavar="FOLDER", default="demo", show_default=True)
@click.option("--epochs", type=click.IntRange(min=1), default=20, show_default=True)
def command(out: str, epochs: int) -> None:
    """Train LeNet-5 on real handwritten digits, export float32 and int8, verify and replay them.

    The digits are scikit-learn's 1,797 images, so nothing is downloaded. The folder is replaced
    if an earlier demo wrote it.
    """
    import time

    from kerascnn.files import claim, refuse_existing, sweep, user_path

    folder = user_path(out, "demo folder")
    sweep(folder)
    refuse_existing(folder, demo_kind(), overwrite=True)
    start = time.perf_counter()
    console.note("1/4 training LeNet-5 on the embedded digits")
    keras_backend.import_tensorflow()
    with claim(folder):
        _demonstrate(folder, epochs)
    quoted = shlex.quote(str(folder / "bundle"))
    console.say(f"report: {folder / 'bundle' / 'report.html'}")
    console.say(f"run:    {folder / 'run'}")
    console.say(f"took {time.perf_counter() - start:.0f} s")
    console.next_steps(
        f"kerascnn selftest {quoted}   (what 3/4 did)",
        "kerascnn train YOUR_PHOTOS --model LeNet5 --out run   (one folder per class)",
        "kerascnn export run --recipes float32,int8 --out bundle",
    )


def demo_kind() -> "FolderKind":
    """What the folder of a demo holds: a run of LeNet-5 on the digits, and its bundle."""
    from kerascnn.export.contract.manifest import BUNDLE
    from kerascnn.files import FolderKind, json_object
    from kerascnn.training.run_folder import RUN

    def contents(mark: Path) -> list[str] | None:
        config = json_object(mark) or {}
        if (config.get("source"), config.get("model")) != ("digits", "LeNet5"):
            return None
        found = [f"run/{name}" for name in RUN.contents(mark) or ()]
        manifest = mark.parent.parent / "bundle" / BUNDLE.mark
        inside = BUNDLE.contents(manifest) if manifest.is_file() else None
        return [*found, *(f"bundle/{name}" for name in (BUNDLE.mark, *(inside or ())))]

    return FolderKind("the folder of an earlier demo", f"run/{RUN.mark}", contents)


def _demonstrate(folder: Path, epochs: int) -> None:
    from kerascnn.cli import bundle_table
    from kerascnn.cli.progress import TrainingProgress
    from kerascnn.cli.selftest import replay
    from kerascnn.export import export_bundle
    from kerascnn.training import open_run, train

    run, bundle = folder / "run", folder / "bundle"
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
    console.say(replay(bundle))
    console.note("4/4 done")
    bundle_table.show_report(result, "test")
