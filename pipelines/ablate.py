"""`python -m pipelines.ablate`, the same as `fitrank ablate`."""

from fitrank_tf.cli.main import run_named

if __name__ == "__main__":
    run_named("ablate")
