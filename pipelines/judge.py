"""`python -m pipelines.judge`, the same as `fitrank judge`."""

from fitrank_tf.cli.main import run_named

if __name__ == "__main__":
    run_named("judge")
