"""`python -m pipelines.train_packed`, the same as `fitrank train-packed`."""

from fitrank_tf.cli.main import run_named

if __name__ == "__main__":
    run_named("train-packed")
