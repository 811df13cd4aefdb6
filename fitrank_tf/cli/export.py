"""Exports a bundle's SavedModels to the repository that servers read.

    --bundle DIR      copies the newest versions into the repository; new versions become
                      canaries
    --promote         makes every canary the stable version
    --roll_back       withdraws the canaries; without canaries, the versions before the
                      stable ones become canaries, to be promoted once they are loaded

Each call rewrites the repository's `models.config`; servers that poll it
(`--model_config_file_poll_wait_seconds`) load the changes.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from fitrank_tf.cli.options.command import DEFAULT_BUNDLE
from fitrank_tf.core.command_line import command_parser
from fitrank_tf.export.repository import SERVED_MODELS, Repository
from fitrank_tf.export.serving_config import CANARY, STABLE, server_flags


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = command_parser("export", __doc__)
    ways = parser.add_mutually_exclusive_group()
    ways.add_argument("--bundle", default=DEFAULT_BUNDLE)
    ways.add_argument("--promote", action="store_true")
    ways.add_argument("--roll_back", action="store_true")
    parser.add_argument(
        "--output_dir", default="saved_models/repository", help="the repository"
    )
    parser.add_argument(
        "--base_path",
        default="/models",
        help="path of the repository on the servers (default: %(default)s, as in "
        "TF-Serving's image; for the local server the repository itself)",
    )
    parser.add_argument(
        "--models",
        default="",
        help="models to export; search_scann is for servers with ScaNN's ops (default: "
        f"{','.join(SERVED_MODELS)}, and engine_search where there is one)",
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None) -> None:
    """See the module."""
    options = parse(arguments)
    repository = Repository(Path(options.output_dir), options.base_path)
    if options.promote:
        repository.promote()
    elif options.roll_back:
        repository.roll_back()
    else:
        models = tuple(filter(None, options.models.split(",")))
        repository.add(Path(options.bundle), models)
    print(f"{'model':<16}{STABLE:>8}{CANARY:>8}")
    for name, labels in sorted(repository.labels.items()):
        canary = labels.canary if labels.on_trial else "-"
        print(f"{name:<16}{labels.stable:>8}{canary:>8}")
    print(f"repository     {options.output_dir}")
    print(f"server flags   {' '.join(server_flags(options.base_path))}")
