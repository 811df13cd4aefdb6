"""`python -m fitrank_tf`, the same as `fitrank`."""

from fitrank_tf.cli.main import main

if __name__ == "__main__":
    main()
