"""`python -m pipelines.train_features`, the same as `fitrank train-features`."""

from fitrank_tf.cli.command import run_command
from fitrank_tf.cli.train_features import main

if __name__ == "__main__":
    run_command(main)
