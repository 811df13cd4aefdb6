import re

from docs.results import ROOT
from fitrank_tf.features.extract import feature_schema


def test_table_has_every_slice_of_the_feature_vector():
    page = (ROOT / "docs" / "features.md").read_text()
    rows = re.findall(r"^\| (\w+) \| `(\S+)` \| ([\d,]+) \|", page, re.MULTILINE)
    shown = [(group, name, int(size.replace(",", ""))) for group, name, size in rows]
    schema = feature_schema()
    assert shown == [(part.group, part.name, part.size) for part in schema.slices]
    assert f"{schema.size:,} numbers" in page
