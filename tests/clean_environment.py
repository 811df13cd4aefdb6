"""Runs commands as on a machine where nothing of this checkout is set."""

import os
import subprocess
from pathlib import Path


def run_clean(folder: Path, *command: str | Path) -> subprocess.CompletedProcess:
    """Runs a command in a folder, without Python's and TensorFlow's variables."""
    environment = {
        k: v for k, v in os.environ.items() if not k.startswith(("TF_", "PYTHON"))
    }
    environment["FITRANK_CACHE"] = str(folder / "cache")
    return subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
