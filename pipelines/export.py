"""`python -m pipelines.export`, the same as `fitrank export`."""

from fitrank_tf.cli.command import run_command
from fitrank_tf.cli.export import main

if __name__ == "__main__":
    run_command(main)
