"""`python -m pipelines.build_index`, the same as `fitrank build-index`."""

from fitrank_tf.cli.build_index import main
from fitrank_tf.cli.command import run_command

if __name__ == "__main__":
    run_command(main)
