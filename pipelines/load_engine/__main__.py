"""`python -m pipelines.load_engine`, the same as `fitrank load-engine`."""

from fitrank_tf.cli.main import run_named

if __name__ == "__main__":
    run_named("load-engine")
