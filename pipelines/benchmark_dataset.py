"""`python -m pipelines.benchmark_dataset`, the same as `fitrank benchmark-dataset`."""

from fitrank_tf.cli.main import run_named

if __name__ == "__main__":
    run_named("benchmark-dataset")
