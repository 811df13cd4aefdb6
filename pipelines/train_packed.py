"""`python -m pipelines.train_packed`, the same as `fitrank train-packed`."""

from fitrank_tf.cli.command import run_command
from fitrank_tf.cli.train_packed import main

if __name__ == "__main__":
    run_command(main)
