"""`python -m pipelines.client`, the same as `fitrank client`."""

from fitrank_tf.cli.main import run_named

if __name__ == "__main__":
    run_named("client")
