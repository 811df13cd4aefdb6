"""`python -m pipelines.build_index`, the same as `fitrank build-index`."""

from fitrank_tf.cli.main import run_named

if __name__ == "__main__":
    run_named("build-index")
