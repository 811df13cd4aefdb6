"""`python -m pipelines.export`, the same as `fitrank export`."""

from fitrank_tf.cli.main import run_named

if __name__ == "__main__":
    run_named("export")
