"""Encodings of text files."""

import codecs

import pytest

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.tables.encoding import decode

HEADER = "id,text\n1,plain\n2,"


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF8 * 2, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE * 2, "utf-16-be"),
        (b"", "utf-16-le"),
        (b"", "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
    ],
)
def test_unicode(mark: bytes, encoding: str) -> None:
    text = HEADER + "Café crème, 赤いシャツ\n"
    assert decode(mark + text.encode(encoding), "t.csv") == (text, encoding)


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ("cp1252", "Café crème"),
        ("cp1252", "Größe 38, “süß”, 50 €"),
        ("cp1252", "chaqueta niño 15½"),
        ("cp1252", "Café\u00a0noir"),
        ("cp1252", "Blå kjole med ærmer"),
        ("cp1252", "LeChâteau d’été"),
        ("cp1250", "Černý kabát, příběh"),
        ("cp1250", "żółta sukienka"),
        ("cp1251", "Красная рубашка"),
        ("cp1253", "κόκκινο πουκάμισο"),
        ("mac_roman", "Café crème"),
        ("cp850", "Mädchen, Größe"),
        ("koi8_r", "Красная рубашка"),
        ("cp866", "Красная рубашка"),
    ],
)
def test_eight_bits(encoding: str, words: str) -> None:
    text = f"{HEADER}{words}\n"
    assert decode(text.encode(encoding), "t.csv") == (text, encoding)


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ("cp1254", "Kırmızı gömlek"),
        ("cp1250", "Červené tričko"),
        ("shift_jis", "赤いシャツ"),
        ("gb18030", "红色衬衫"),
        ("cp1252", "à"),
    ],
)
def test_what_cannot_be_told_apart_is_refused_and_may_be_named(
    encoding: str, words: str
) -> None:
    text = f"{HEADER}{words}\n"
    with pytest.raises(FitRankError, match=r"t\.csv: line 3 is not UTF-8.*may be") as error:
        decode(text.encode(encoding), "t.csv")
    assert "--encoding" in str(error.value)
    assert "\n" not in str(error.value)
    assert decode(text.encode(encoding), "t.csv", encoding) == (text, encoding)


@pytest.mark.parametrize(
    ("data", "encoding", "message"),
    [
        (b"\x81\x8d\xff\xfe", "", "line 1 is not UTF-8 text, nor of a known encoding"),
        (b"a\xff", "utf-8", "t.csv: not utf-8 text"),
        (b"a", "no-such", "--encoding no-such: unknown"),
    ],
)
def test_other_bytes_are_refused(data: bytes, encoding: str, message: str) -> None:
    with pytest.raises(FitRankError, match=message):
        decode(data, "t.csv", encoding)
