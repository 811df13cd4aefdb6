"""Running the local server on a bundle, for soak tests."""

import contextlib
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.server_process import local_server

_POLL = "--file_system_poll_wait_seconds=1"


@contextlib.contextmanager
def bundle_server(
    bundle: Path, models: Sequence[str], folder: Path, flags: Sequence[str] = ()
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Serves models of a bundle and polls for new versions until the block ends.

    Args:
        bundle: directory of the bundle.
        models: names of the models.
        folder: directory for the configuration and the log.
        flags: further flags of `python -m serving.server`.

    Yields:
        The gRPC address, and the process.

    Raises:
        FitRankError: as `local_server`.
    """
    arguments = [*server_command(bundle, models, folder), *flags]
    with local_server("server", arguments, folder / "server.log") as running:
        yield running


def server_command(bundle: Path, models: Sequence[str], folder: Path) -> list[str]:
    """Writes the configuration, and returns the arguments of `python -m`.

    Args:
        bundle: directory of the bundle.
        models: names of the models.
        folder: directory for the configuration.
    """
    config = folder / "models.config"
    config.write_text(_config(bundle, models), encoding="utf-8")
    return ["serving.server", f"--model_config_file={config}", _POLL]


def _config(bundle: Path, models: Sequence[str]) -> str:
    """A `models.config` with the newest version of each model."""
    entries = "".join(
        f'  config {{ name: "{name}" base_path: "{bundle.resolve() / name}" '
        'model_platform: "tensorflow" }\n'
        for name in models
    )
    return f"model_config_list {{\n{entries}}}\n"
