"""Entry point: finds the subcommand, and turns errors into one line."""

import contextlib
import importlib
import itertools
import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn

import click

from kerascnn import __version__
from kerascnn.cli import streams, supervisor
from kerascnn.cli.optional_value import OptionalValue
from kerascnn.errors import KerascnnError

# Subcommand -> its line in `kerascnn --help`, so that help imports none of them.
COMMANDS = {
    "demo": "Train, export, verify and replay a small model on embedded data.",
    "models": "List the architectures, with their sizes, costs and accuracies.",
    "summary": "Show a model layer by layer: shapes, parameters, operations.",
    "augment": "Show what an augmentation does to images, and how fast it is.",
    "train": "Train a model on a folder of photos, a table or a data set.",
    "evaluate": "Measure the accuracy of a run, a model file or a bundle.",
    "predict": "Name what is in images.",
    "explain": "Draw what in images spoke for a class.",
    "export": "Turn a run or a .keras file into a verified bundle for devices.",
    "selftest": "Check a bundle without TensorFlow, as on a device.",
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

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, command, rest = super().resolve_command(context, args)
        if command is not None:
            _refuse_missing_values(command, rest)
        return name, command, rest


def _refuse_missing_values(command: click.Command, arguments: Sequence[str]) -> None:
    """Raises UsageError where an option has an empty value, or would take the next option for it.

    An empty one is what a shell makes of a variable that is not set.
    """
    options = {
        name: option
        for option in command.params
        if isinstance(option, click.Option)
        for name in option.opts
    }
    for given, following in itertools.pairwise((*arguments, None)):
        if given == "--":
            return
        name, equals, value = str(given).partition("=")
        option = options.get(name)
        if option is None or option.is_flag or option.count or isinstance(option, OptionalValue):
            continue
        wanted = option.metavar or "a value"
        if (value if equals else following) == "":
            raise click.UsageError(f"{name} needs {wanted}, and what is given is empty.")
        if not equals and (following in options or following in ("--help", "-h", "--")):
            raise click.UsageError(f"{name} needs {wanted}, but {following} follows it.")


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    subcommand_metavar="COMMAND [ARGS]...",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with `kerascnn demo`. `kerascnn COMMAND --help` explains a command.",
)
@click.version_option(__version__, prog_name="kerascnn")
@click.option("--debug", is_flag=True, help="Show tracebacks and TensorFlow's own messages.")
@click.pass_context
def kerascnn(context: click.Context, debug: bool) -> None:
    """From a folder of photos to a verified TFLite file on a device."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())
        return
    from kerascnn.cli import console

    console.set_up(debug)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs the command line and exits: 0 done, 1 internal error, 2 bad input, 130 interrupted.

    Args:
        arguments: Those of the process by default, which then works in a process that is watched.
    """
    streams.set_up()
    watched = arguments is None
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in arguments
    if debug:  # so that it may stand anywhere
        arguments = ["--debug", *(item for item in arguments if item != "--debug")]
    if watched and not debug:
        supervisor.fork_worker()
    try:
        kerascnn.main(arguments, prog_name="kerascnn", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Exit as stop:
        code = stop.exit_code
    except BrokenPipeError:  # who reads the output has seen enough
        code = 0
        streams.discard(sys.stdout)
    except (KeyboardInterrupt, click.Abort):
        code = _fail("interrupted", INTERRUPTED, debug)
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        more = f" `{context.command_path} --help` explains it." if context else ""
        code = _fail(f"{error.format_message().rstrip('.')}.{more}", BAD_INPUT, debug)
    except KerascnnError as error:
        code = _fail(str(error), BAD_INPUT, debug)
    except Exception as error:  # noqa: BLE001 - the last resort: no traceback without --debug
        code = _fail(*_explain(error), debug)
    else:
        code = 0
    try:
        sys.stderr.flush()
    except (OSError, ValueError):  # nobody hears notes; the interpreter would make it an error
        streams.discard(sys.stderr)
    sys.exit(code)


def _explain(error: Exception) -> tuple[str, int]:
    """What to say of an error that is not one of ours, and the exit code."""
    text = " ".join(str(error).split()) or type(error).__name__
    names = {kind.__name__ for kind in type(error).__mro__}
    if "ResourceExhaustedError" in names or isinstance(error, MemoryError):
        full = "No space left" in text
        cause = "the disk is full" if full else "there is not enough memory"
        cure = "" if full else " Try smaller images or batches (--image-size, --batch-size)."
        return f"{cause}: {streams.cut(text, 120)}.{cure}", BAD_INPUT
    if isinstance(error, OSError) and error.strerror:
        place = error.filename if isinstance(error.filename, str) else "the output"
        return f"{place}: {error.strerror}.", BAD_INPUT
    if isinstance(error, OSError):
        return text, BAD_INPUT
    return f"internal error: {type(error).__name__}: {text}", INTERNAL_ERROR


def _fail(message: str, code: int, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    line = streams.visible(message)
    if not debug:
        hint = " (add --debug for the traceback)" if code == INTERNAL_ERROR else ""
        line = streams.cut(line, streams.LINE - len(hint)) + hint
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"kerascnn: {line}\n")
        sys.stderr.flush()
    return code
