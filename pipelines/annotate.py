"""`python -m pipelines.annotate`, the same as `fitrank annotate`."""

from fitrank_tf.cli.main import run_named

if __name__ == "__main__":
    run_named("annotate")
