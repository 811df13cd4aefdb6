"""`python -m pipelines.extract_features`, the same as `fitrank extract-features`."""

from fitrank_tf.cli.main import run_named

if __name__ == "__main__":
    run_named("extract-features")
