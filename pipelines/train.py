"""`python -m pipelines.train`, the same as `fitrank train`."""

from fitrank_tf.cli.main import run_named

if __name__ == "__main__":
    run_named("train")
