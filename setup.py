"""Brings `saved_models/` into the package; all else of packaging is in pyproject.toml."""

from setuptools import find_packages, setup

SHIPPED = "fitrank_tf.saved_models"

setup(
    packages=[*find_packages(include=["fitrank_tf*"]), SHIPPED],
    package_dir={SHIPPED: "saved_models"},
)
