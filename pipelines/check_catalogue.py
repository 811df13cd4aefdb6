"""`python -m pipelines.check_catalogue`, the same as `fitrank check-catalogue`."""

from fitrank_tf.cli.main import run_named

if __name__ == "__main__":
    run_named("check-catalogue")
