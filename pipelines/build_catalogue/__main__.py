"""`python -m pipelines.build_catalogue`, the same as `fitrank build-catalogue`."""

from fitrank_tf.cli.main import run_named

if __name__ == "__main__":
    run_named("build-catalogue")
