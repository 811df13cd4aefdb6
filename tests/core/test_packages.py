"""A missing package of an extra is an error of one line."""

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


def test_installed_packages_are_imported() -> None:
    with imports_of("beam"):
        import json
    assert json.loads("1") == 1


def test_other_errors_are_unchanged() -> None:
    with pytest.raises(ZeroDivisionError), imports_of("beam"):
        _ = 1 / 0


def test_a_skipped_system_names_all_missing_packages() -> None:
    assert missing_packages("Any", ("json", "numpy")) is None
    line = missing_packages("Any", ("json", "none_a", "none_b"))
    assert line == (
        'Any is skipped: none_a, none_b not installed; `pip install "fitrank-tf[bench]"`'
    )
