"""`python -m pipelines.clicks`, the same as `fitrank clicks`."""

from fitrank_tf.cli.main import run_named

if __name__ == "__main__":
    run_named("clicks")
