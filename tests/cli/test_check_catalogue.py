"""`fitrank check-catalogue` on a small shop."""

import json
from pathlib import Path

import pytest
from PIL import Image

from fitrank_tf.cli import check_catalogue
from fitrank_tf.core.errors import FitRankError
from tests.datasets.small_catalogues import noise_photo, write_files

TABLE = (
    "SKU;Name;Colour\n"
    "1;Red Shirt;Red\n"
    '2;"Blue Shirt;Blue\n'
    "3;Hat &amp; Scarf;red\n"
    "4;N/A;Green\n"
    "5;Lost;Green\n"
)


@pytest.fixture
def options(tmp_path: Path) -> list[str]:
    photos = {f"photos/{n}.jpg": noise_photo(n) for n in (1, 2, 3, 4)}
    write_files(tmp_path, photos | {"p.csv": TABLE.encode("cp1252")})
    table, images = tmp_path / "p.csv", tmp_path / "photos"
    return ["--dataset=csv_catalogue", f"--table={table}", f"--images={images}"]


def test_everything_is_written(
    tmp_path: Path, options: list[str], capsys: pytest.CaptureFixture
) -> None:
    out = tmp_path / "out"
    files = {name: out / f"check.{name}" for name in ("json", "html")}
    sheet = out / "sheet.png"
    check_catalogue.main(
        [
            *options,
            *(f"--{kind}={path}" for kind, path in files.items()),
            f"--sheet={sheet}",
        ]
    )
    printed = capsys.readouterr().out
    assert "3 products of 5 rows" in printed
    assert "left out: 1 quotes that do not match (2 in line 3)" in printed
    assert "left out: 1 no image file (5 in line 6)" in printed
    plain = json.loads(files["json"].read_text(encoding="utf-8"))
    assert plain["attributes"]["colour"]["counts"] == {"Red": 2, "Green": 1}
    assert plain["without_title"] == [{"id": "4", "line": 5}]
    assert "quotes that do not match" in files["html"].read_text(encoding="utf-8")
    with Image.open(sheet) as image:
        assert image.width > image.height


def test_no_usable_product_is_an_error_after_the_reasons(
    tmp_path: Path, options: list[str], capsys: pytest.CaptureFixture
) -> None:
    for photo in (tmp_path / "photos").iterdir():
        photo.unlink()
    with pytest.raises(FitRankError, match=r"p\.csv: no product can be used"):
        check_catalogue.main([*options, f"--html={tmp_path / 'check.html'}"])
    assert "left out: 4 no image file" in capsys.readouterr().out
    assert (tmp_path / "check.html").is_file()


def test_a_drawn_catalogue_is_refused() -> None:
    with pytest.raises(FitRankError, match="it is drawn, there is nothing to check"):
        check_catalogue.main([])
