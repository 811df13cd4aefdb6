"""`python -m pipelines.train_features`, the same as `fitrank train-features`."""

from fitrank_tf.cli.main import run_named

if __name__ == "__main__":
    run_named("train-features")
