"""`python -m pipelines.compare`, the same as `fitrank compare`."""

from fitrank_tf.cli.main import run_named

if __name__ == "__main__":
    run_named("compare")
