"""`python -m benchmarks.soak`, see `benchmarks/soak/`."""

from benchmarks.soak.command import main
from fitrank_tf.cli.options.command import run_command

if __name__ == "__main__":
    run_command(main)
