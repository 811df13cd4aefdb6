"""The words by which a request sets bounds to numbers: "under", "at least", "between".

`number_words.json` has them, of all languages together:

| key           | meaning                                                                |
|---------------|------------------------------------------------------------------------|
| `comparisons` | {operator of a filter: words before a number}; "not under" before      |
|               | "under"                                                                |
| `between`     | words before two numbers                                               |
| `and`         | words between those                                                    |
| `of price`    | names of attributes, one of which a bare number means                  |
| `money`       | signs and words beside a number of such an attribute                   |
| `units`       | words after a number that is of something else, such as "5 years"      |
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any


@cache
def number_words() -> Mapping[str, Any]:
    """`number_words.json`."""
    file = Path(__file__).with_suffix(".json")
    return json.loads(file.read_text(encoding="utf-8"))
