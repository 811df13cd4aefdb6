"""`python -m pipelines.annotate`, the same as `fitrank annotate`."""

from fitrank_tf.cli.annotate import main
from fitrank_tf.cli.command import run_command

if __name__ == "__main__":
    run_command(main)
