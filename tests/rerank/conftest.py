"""Fixtures of the re-ranker's tests."""

from tests.queries.conftest import records

__all__ = ["records"]
