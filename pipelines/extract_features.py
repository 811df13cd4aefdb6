"""`python -m pipelines.extract_features`, the same as `fitrank extract-features`."""

from fitrank_tf.cli.command import run_command
from fitrank_tf.cli.extract_features import main

if __name__ == "__main__":
    run_command(main)
