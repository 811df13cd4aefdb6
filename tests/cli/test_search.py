"""`fitrank search` says why nothing is found."""

import pytest

from fitrank_tf.cli import search
from fitrank_tf.export.graphs.served_catalogue import read_catalogue
from fitrank_tf.export.loaded_bundle import LoadedBundle


@pytest.mark.parametrize(
    ("filtered", "reason"),
    [
        ("colour=Redd", "filter 'colour=Redd': no product has it; did you mean Red"),
        ("colour=qqqqq", "filter 'colour=qqqqq': no product has it"),
    ],
)
def test_a_value_that_no_product_has_is_named(
    bundle, capsys, caplog, filtered: str, reason: str
) -> None:
    search.main(["--bundle", str(bundle), "--filter", filtered, "shirt"])
    assert capsys.readouterr().out == "shirt\n"
    assert [record.getMessage()[: len(reason)] for record in caplog.records] == [reason]


def test_values_that_no_product_has_together_are_named(bundle, capsys, caplog) -> None:
    cells = read_catalogue(LoadedBundle(bundle).model("search")).attributes
    pairs = {*zip(cells["colour"], cells["article_type"])}
    colour, kind = next(
        (colour, kind)
        for colour in sorted({*cells["colour"]} - {""})
        for kind in sorted({*cells["article_type"]} - {""})
        if (colour, kind) not in pairs
    )
    options = [f"--filter=colour={colour}", f"--filter=article_type={kind}"]
    search.main(["--bundle", str(bundle), *options, "shirt"])
    assert capsys.readouterr().out == "shirt\n"
    asked = f"colour={colour}, article_type={kind}"
    assert [record.getMessage() for record in caplog.records] == [
        f"no product passes {asked}"
    ]


def test_products_that_pass_are_listed(bundle, capsys, caplog) -> None:
    search.main(["--bundle", str(bundle), "--filter=colour=red", "--top_k=2", "shirt"])
    first, *hits = capsys.readouterr().out.splitlines()
    assert first == "shirt" and len(hits) == 2
    assert not caplog.records
