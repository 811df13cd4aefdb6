"""The small words of a request: those that deny, those that join, those that say nothing.

`request_words.json` has them by language. All languages hold at once, for a request does
not say which one it is in; of a word with two roles the first of `ROLES` counts.

| role          | meaning                                                                  |
|---------------|--------------------------------------------------------------------------|
| `not`         | what follows is not wanted: "without", "anything but"                    |
| `not after`   | what stands before is not wanted: "nahi chahiye"                         |
| `no negation` | phrases with such a word that deny nothing: "not only", "no show"        |
| `or`, `and`   | join the values of a list                                                |
| `end`         | the reach of a denial ends here: "but", "with", "please"                 |
| `filler`      | may stand between a denial and what it denies: "any", "the"              |
| `talk`        | says nothing of the product                                              |

`yes` is no role: a catalogue's values that say that a product is what the attribute is
called (`words.yes_words`).
"""

from collections.abc import Mapping
from functools import cache

from fitrank_tf.queries.words import plain_words, small_words

ROLES = ("no negation", "not", "not after", "or", "and", "end", "filler", "talk")


@cache
def request_words() -> Mapping[str, str]:
    """{word or phrase as `plain_words` has it: its role}."""
    languages = small_words().values()
    roles: dict[str, str] = {}
    for role in ROLES:
        for words in languages:
            for phrase in words.get(role, ()):
                roles.setdefault(plain_words(phrase), role)
    return roles
