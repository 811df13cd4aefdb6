"""`python -m pipelines.train`, the same as `fitrank train`."""

from fitrank_tf.cli.command import run_command
from fitrank_tf.cli.train import main

if __name__ == "__main__":
    run_command(main)
