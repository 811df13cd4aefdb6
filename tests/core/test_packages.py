"""A package of an extra that is not there is one line."""

import pytest

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.packages import imports_of, missing_packages


def test_a_missing_package_names_its_extra() -> None:
    with (
        pytest.raises(FitRankError) as raised,
        imports_of("beam"),
    ):
        import no_such_package  # noqa: F401
    line = 'no_such_package is not installed; `pip install "fitrank-tf[beam]"`'
    assert str(raised.value) == line


def test_what_is_there_is_imported() -> None:
    with imports_of("beam"):
        import json
    assert json.loads("1") == 1


def test_another_failure_is_left_as_it_is() -> None:
    with pytest.raises(ZeroDivisionError), imports_of("beam"):
        _ = 1 / 0


def test_a_system_is_skipped_for_all_that_it_lacks() -> None:
    assert missing_packages("Any", ("json", "numpy")) is None
    line = missing_packages("Any", ("json", "none_a", "none_b"))
    assert line == (
        'Any is skipped: none_a, none_b not installed; `pip install "fitrank-tf[bench]"`'
    )
