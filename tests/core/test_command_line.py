"""How commands are named in messages, and how they end."""

import subprocess
import sys

import pytest

from fitrank_tf.core.command_line import command_line, exit_with_status


@pytest.mark.parametrize(
    ("program", "called"),
    [
        ("/shop/pipelines/search.py", "python -m pipelines.train_features"),
        ("/venv/bin/fitrank", "fitrank train-features"),
        ("/venv/site-packages/fitrank_tf/__main__.py", "fitrank train-features"),
        ("", "fitrank train-features"),
    ],
)
def test_a_command_is_named_as_it_was_called(program, called, monkeypatch) -> None:
    monkeypatch.setattr(sys, "argv", [program])
    assert command_line("train-features") == called


@pytest.mark.parametrize("lines", [1, 100_000])
def test_an_output_that_is_closed_early_ends_the_command_quietly(lines) -> None:
    program = (
        "from fitrank_tf.core.command_line import exit_with_status\n"
        "import time\n"
        f"exit_with_status(lambda _: [time.sleep(1), *map(print, range({lines}))])"
    )
    ran = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    ran.stdout.close()
    assert ran.stderr.read() == b""
    assert ran.wait() == 141


def test_a_pipe_that_is_not_the_output_is_no_quiet_end() -> None:
    def main(_) -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        exit_with_status(main)
