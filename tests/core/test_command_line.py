"""Messages name a command as this process was called."""

import sys

import pytest

from fitrank_tf.core.command_line import command_line


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
