"""`python -m pipelines.pack`, the same as `fitrank pack`."""

from fitrank_tf.cli.command import run_command
from fitrank_tf.cli.pack import main

if __name__ == "__main__":
    run_command(main)
