"""`python -m pipelines.evaluate`, the same as `fitrank evaluate`."""

from fitrank_tf.cli.main import run_named

if __name__ == "__main__":
    run_named("evaluate")
