"""`python -m pipelines.train_detector`, the same as `fitrank train-detector`."""

from fitrank_tf.cli.main import run_named

if __name__ == "__main__":
    run_named("train-detector")
