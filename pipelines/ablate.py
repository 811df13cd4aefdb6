"""`python -m pipelines.ablate`, the same as `fitrank ablate`."""

from fitrank_tf.cli.ablate import main
from fitrank_tf.cli.command import run_command

if __name__ == "__main__":
    run_command(main)
