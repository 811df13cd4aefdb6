"""The command `fitrank`, which runs one of the commands of this package."""

import argparse
import importlib
import importlib.util
import sys
from collections.abc import Mapping, Sequence

import fitrank_tf
from fitrank_tf.core.command_line import USER_ERROR, exit_with_status
from fitrank_tf.core.errors import FitRankError

# {command: what it does}. `fitrank X-Y` runs `main` of `fitrank_tf/cli/x_y.py`, or of a
# file in a folder there.
COMMANDS: Mapping[str, str] = {
    "check-catalogue": "checks a catalogue before any training",
    "train": "trains, exports and measures all three systems",
    "search": "searches a bundle's catalogue",
    "client": "searches a server's catalogue",
    "demo": "serves a page to look at a bundle's search",
    "evaluate": "measures a bundle's systems on any catalogue",
    "benchmark-dataset": "measures a bundle on a public data set in the field's protocol",
    "compare": "compares two bundles on the same judgments, with a test",
    "clicks": "learns position bias from click logs, grades and estimates by clicks",
    "judge": "makes a judged set: sheets to grade by eye, qrels from the grades",
    "build-index": "changes the catalogue that a bundle searches",
    "build-catalogue": "computes a bundle's side of a catalogue of any size",
    "load-engine": "loads a bundle's catalogue into a vector database",
    "export": "exports a bundle's SavedModels to a model repository",
    "extract-features": "extracts the image features of a whole catalogue",
    "ablate": "measures the effect of each part of a system",
    "annotate": "collects and checks manual boxes and labels",
    "train-detector": "trains the garment detector",
    "train-features": "trains the heads for colour names, patterns and attributes",
    "convert-appearance": "converts a network for the appearance features",
    "pack": "packs the towers' training data for a machine without TensorFlow",
    "train-packed": "trains towers on packed products, without TensorFlow",
}
_FOLDERS: Mapping[str, str] = {
    "build-catalogue": "engine",
    "load-engine": "engine",
    "pack": "packed",
    "train-packed": "packed",
}
# Those that run no model start without what models need.
_WITHOUT_MODELS = ("client",)
# What the client alone does not have.
_OPTIONS = "fitrank_tf.cli.options"


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command that the first argument names, with the other arguments.

    Args:
        arguments: of the command line; None takes those of the process.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    name = _parser().parse_args(given[:1] or ["--help"]).command.replace("_", "-")
    if name not in COMMANDS:
        print(f"error: {_unknown(name)}", file=sys.stderr)
        sys.exit(USER_ERROR)
    run_named(name, given[1:])


def run_named(name: str, arguments: Sequence[str] | None = None) -> None:
    """Runs a command and exits with its status.

    The module is imported inside what prints errors, so that a `FitRankError` of the
    import is printed as one line too.

    Args:
        name: one of `COMMANDS`.
        arguments: of the command; None takes those of the process.
    """

    def run(given: Sequence[str] | None) -> None:
        importlib.import_module(module_of(name)).main(given)

    if name in _WITHOUT_MODELS:
        exit_with_status(run, arguments)
    elif importlib.util.find_spec(_OPTIONS):
        importlib.import_module(f"{_OPTIONS}.command").run_command(run, arguments)
    else:
        exit_with_status(_refuse_all_but_the_client, [name])


def module_of(name: str) -> str:
    """The module of a command.

    Args:
        name: one of `COMMANDS`.
    """
    folder = [_FOLDERS[name]] if name in _FOLDERS else []
    return ".".join(["fitrank_tf.cli", *folder, name.replace("-", "_")])


def _refuse_all_but_the_client(names: Sequence[str] | None) -> None:
    """Says where the other commands are, in an installation of the client alone."""
    [name] = names or [""]
    raise FitRankError(
        f"`fitrank {name}` is not in fitrank-tf-client; `pip install fitrank-tf`"
    )


def _parser() -> argparse.ArgumentParser:
    width = max(map(len, COMMANDS))
    parser = argparse.ArgumentParser(
        prog="fitrank",
        description="Fashion search: trains, searches, measures and serves.",
        epilog="commands:\n"
        + "\n".join(f"  {name:{width}}  {does}" for name, does in COMMANDS.items())
        + "\n\n`fitrank COMMAND --help` lists the options of a command.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="fitrank [--help] [--version] COMMAND ...",
    )
    parser.add_argument("command", metavar="COMMAND", help="one of those below")
    version = f"fitrank {fitrank_tf.__version__}"
    parser.add_argument("--version", action="version", version=version)
    return parser


def _unknown(name: str) -> str:
    import difflib

    near = difflib.get_close_matches(name, COMMANDS, n=1, cutoff=0.0)
    return f"unknown command {name!r}; did you mean {near[0]!r}? (fitrank --help lists all)"
