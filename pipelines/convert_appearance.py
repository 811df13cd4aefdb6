"""`python -m pipelines.convert_appearance`, the same as `fitrank convert-appearance`."""

from fitrank_tf.cli.main import run_named

if __name__ == "__main__":
    run_named("convert-appearance")
