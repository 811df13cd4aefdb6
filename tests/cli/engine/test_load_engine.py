"""`fitrank load-engine` and `fitrank client --engine`, on a toy bundle."""

import json

import pytest

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.export.live_catalogue import change_catalogue
from fitrank_tf.export.repository import Repository
from tests.export.engine.toy_engine import model_server
from tests.export.toy_bundle import write_toy_bundle

pytest.importorskip("milvus_lite", reason="the extra milvus is not installed")
from fitrank_tf.cli import client
from fitrank_tf.cli.engine import load_engine


@pytest.mark.slow
def test_a_loaded_engine_is_searched_and_changed(tmp_path, capsys) -> None:
    bundle = write_toy_bundle(tmp_path / "bundle", models=["search"])
    engine = str(tmp_path / "toy.db")
    load_engine.main(["--bundle", str(bundle), "--engine", engine])
    assert "products       5, products_" in capsys.readouterr().out

    def found(*options: str) -> list[str]:
        with model_server(bundle) as address:
            client.main(
                ["0.0", "--engine", engine, "--address", address, "--json", *options]
            )
        return [hit["id"] for hit in json.loads(capsys.readouterr().out)["hits"]]

    assert found() == ["p0", "p2", "p1"]
    assert found("--filter", "gender=women", "--top_k", "1") == ["p2"]
    change_catalogue(bundle, lambda old: old.without(["p0"]), models=())
    (tmp_path / "ids").write_text("p0\np1\n")
    load_engine.main(
        ["--bundle", str(bundle), "--engine", engine, "--only", str(tmp_path / "ids")]
    )
    assert capsys.readouterr().out.split() == ["written", "1", "removed", "1"]
    assert found() == ["p2", "p3", "p1"]
    Repository(tmp_path / "repository", "/models").add(bundle)
    assert (tmp_path / "repository" / "engine_search" / "2" / "saved_model.pb").is_file()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--image", "a.jpg", "--engine", "a.db"], "leave out --image and --model"),
        (["shirt", "--model", "shop", "--engine", "a.db"], "leave out --image"),
        (["shirt", "--engine", "a.db", "--engine_token_file", "no/file"], "token no/file"),
    ],
)
def test_what_does_not_go_together_is_refused(options, message) -> None:
    with pytest.raises(FitRankError, match=message):
        client.main(options)
