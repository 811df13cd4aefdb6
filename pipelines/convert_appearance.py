"""`python -m pipelines.convert_appearance`, the same as `fitrank convert-appearance`."""

from fitrank_tf.cli.command import run_command
from fitrank_tf.cli.convert_appearance import main

if __name__ == "__main__":
    run_command(main)
