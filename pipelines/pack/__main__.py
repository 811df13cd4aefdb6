"""`python -m pipelines.pack`, the same as `fitrank pack`."""

from fitrank_tf.cli.main import run_named

if __name__ == "__main__":
    run_named("pack")
