"""The small words of requests."""

import json
from pathlib import Path

from fitrank_tf.queries import knowledge
from fitrank_tf.queries.request_words import request_words


def test_no_colour_is_a_small_word() -> None:
    # As "tan" is in Spanish: "tan shoes" would be any shoes.
    table = Path(knowledge.__path__[0]) / "colours.json"
    colours = json.loads(table.read_text(encoding="utf-8"))["points"]
    assert "tan" in colours
    assert not colours.keys() & request_words().keys()
