import re

import fitrank_tf
from docs.results import ROOT


def test_every_public_name_is_on_the_page():
    page = (ROOT / "docs" / "api.md").read_text()
    members = set(re.findall(r"^ {8}- (\w+)$", page, re.MULTILINE))
    sections = set(re.findall(r"^::: fitrank_tf\.[\w.]+\.(\w+)$", page, re.MULTILINE))
    assert members | sections >= set(fitrank_tf.__all__)
    assert members <= set(fitrank_tf.__all__)
