"""Entry point: finds the subcommand, and turns errors into one line."""

import importlib
import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn

import click

from kerascnn import __version__
from kerascnn.errors import KerascnnError

# Subcommand -> its line in `kerascnn --help`, so that help imports none of them.
COMMANDS = {
    "demo": "Train, export, verify and replay a small model on embedded data.",
    "models": "List the architectures, with their sizes, costs and accuracies.",
    "summary": "Show a model layer by layer: shapes, parameters, operations, receptive fields.",
    "augment": "Show what an augmentation does to images, and how fast it is.",
    "train": "Train a model on a folder of photos, a TFDS data set or the digits.",
    "evaluate": "Measure the accuracy of a run, a model file or a bundle.",
    "predict": "Name what is in images.",
    "explain": "Draw what in images spoke for a class.",
    "export": "Turn a run or a .keras file into a verified bundle for devices.",
    "benchmark": "Measure the latency of .tflite files on this machine.",
}
BAD_INPUT, INTERNAL_ERROR, INTERRUPTED = 2, 1, 130


class LazyGroup(click.Group):
    """A group whose commands live in modules of the same name, loaded on use."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        return importlib.import_module(f"kerascnn.cli.{name}").command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with `kerascnn demo`. `kerascnn COMMAND --help` explains a command.",
)
@click.version_option(__version__, prog_name="kerascnn")
@click.option("--debug", is_flag=True, help="Show tracebacks and TensorFlow's own messages.")
def kerascnn(debug: bool) -> None:
    """From a folder of photos to a verified TFLite file on a device."""
    from kerascnn.cli import console

    console.set_up(debug)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs the command line and exits: 0 done, 1 internal error, 2 bad input, 130 interrupted."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in arguments
    if debug:  # so that it may stand anywhere
        arguments = ["--debug", *(item for item in arguments if item != "--debug")]
    try:
        kerascnn.main(arguments, standalone_mode=False)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as error:
        _fail(error.format_message(), BAD_INPUT, debug)
    except (KeyboardInterrupt, click.Abort):
        _fail("interrupted", INTERRUPTED, debug)
    except (KerascnnError, OSError) as error:
        _fail(str(error), BAD_INPUT, debug)
    except Exception as error:  # noqa: BLE001 - the last resort: no traceback without --debug
        _fail(f"internal error: {type(error).__name__}: {error}", INTERNAL_ERROR, debug)
    sys.exit(0)


def _fail(message: str, code: int, debug: bool) -> NoReturn:
    if debug:
        traceback.print_exc()
    line = " ".join(message.split())
    hint = "" if debug or code != INTERNAL_ERROR else " (add --debug for the traceback)"
    sys.stderr.write(f"kerascnn: {line}{hint}\n")
    sys.exit(code)
