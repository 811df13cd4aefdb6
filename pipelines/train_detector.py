"""`python -m pipelines.train_detector`, the same as `fitrank train-detector`."""

from fitrank_tf.cli.command import run_command
from fitrank_tf.cli.train_detector import main

if __name__ == "__main__":
    run_command(main)
