"""Every field that a user fills is documented, with its bound."""

import dataclasses
import inspect
import re

import pytest

from fitrank_tf.client.channel import Security
from fitrank_tf.datasets.catalogue import CatalogueSource
from fitrank_tf.datasets.csv_catalogue import CsvCatalogueOptions
from fitrank_tf.retrieval.scann_index import ScannSettings
from tests.config.field_rules import RULES

OTHERS = (CatalogueSource, CsvCatalogueOptions, ScannSettings, Security)
# One entry of a docstring's section: its name, and its text over as many lines.
_ENTRY = re.compile(r"^    (\w+): (.+(?:\n {6,}.+)*)", re.MULTILINE)


def documented(cls: type) -> dict[str, str]:
    """{field: text} of the section `Attributes:` of a class's docstring."""
    _, _, section = inspect.getdoc(cls).partition("\nAttributes:\n")
    entries = _ENTRY.findall(section.partition("\n\n")[0])
    return {name: " ".join(text.split()) for name, text in entries}


def test_a_field_without_a_text_is_not_documented() -> None:
    class Example:
        """An example.

        Attributes:
            first: a text
                of two lines.
            second:
            third: another.

        fourth: no part of the section.
        """

    assert documented(Example) == {"first": "a text of two lines.", "third": "another."}


@pytest.mark.parametrize("cls", [*RULES, *OTHERS], ids=lambda cls: cls.__name__)
def test_every_field_is_documented_in_order(cls: type) -> None:
    assert list(documented(cls)) == [field.name for field in dataclasses.fields(cls)]


@pytest.mark.parametrize("section", RULES, ids=lambda section: section.__name__)
def test_bounds_are_documented(section: type) -> None:
    texts = documented(section)
    missing = {
        field: rule.documented
        for field, rule in RULES[section].items()
        if rule.documented not in texts[field]
    }
    assert not missing
