"""`python -m pipelines.demo`, the same as `fitrank demo`."""

from fitrank_tf.cli.main import run_named

if __name__ == "__main__":
    run_named("demo")
