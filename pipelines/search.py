"""`python -m pipelines.search`, the same as `fitrank search`."""

from fitrank_tf.cli.main import run_named

if __name__ == "__main__":
    run_named("search")
