"""`python -m pipelines.evaluate`, the same as `fitrank evaluate`."""

from fitrank_tf.cli.command import run_command
from fitrank_tf.cli.evaluate import main

if __name__ == "__main__":
    run_command(main)
