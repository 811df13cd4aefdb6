"""`python -m pipelines.search`, the same as `fitrank search`."""

from fitrank_tf.cli.command import run_command
from fitrank_tf.cli.search import main

if __name__ == "__main__":
    run_command(main)
