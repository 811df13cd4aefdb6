"""A shop's own words: read with messages, and meant by requests."""

import pytest

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.export.graphs.request_reader import RequestReader, read_facets
from fitrank_tf.queries.lexicon import FacetLexicon
from fitrank_tf.queries.synonyms import with_synonyms

LEXICON = FacetLexicon(
    (("colour", ("Black", "Navy Blue", "Red")), ("article_type", ("Caps", "Tshirts")))
)
FILE = """# our words
colour\tnavy  blue\tInk-Blue, midnight

Article Type\tTshirts\tjerzee
colour\tRed\tcrimson
"""


@pytest.fixture()
def lexicon(tmp_path) -> FacetLexicon:
    (tmp_path / "words.tsv").write_text(FILE, encoding="utf-8")
    return with_synonyms(LEXICON, tmp_path / "words.tsv")


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("ink blue jerzee", {1: 1.0, 4: 1.0}),
        ("not midnight, a cap", {1: -1.0, 3: 1.0}),
        # A misspelt word, and one that general knowledge has: surely the shop's.
        ("midnigth tee", {1: 1.0, 4: 1.0}),
        ("crimson cap", {2: 1.0, 3: 1.0}),
        ("navy", {1: 1.0}),
    ],
)
def test_requests_mean_the_values(lexicon, text: str, places) -> None:
    [read] = read_facets(RequestReader(lexicon), [text])
    assert {place: read[place] for place in read.nonzero()[0].tolist()} == places


def test_they_are_saved_with_the_lexicon(lexicon) -> None:
    assert FacetLexicon.from_json(lexicon.to_json()) == lexicon
    assert lexicon.synonyms[0] == ("colour", "Navy Blue", ("ink blue", "midnight"))


def test_other_words_replace_them(lexicon, tmp_path) -> None:
    (tmp_path / "words.tsv").write_text("colour\tRed\tcherry\n", encoding="utf-8")
    again = with_synonyms(lexicon, tmp_path / "words.tsv")
    assert again == with_synonyms(LEXICON, tmp_path / "words.tsv")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("colour\tRed", "not an attribute, a value and words; write them with tabs"),
        ("colour Red crimson", "not an attribute, a value and words"),
        ("colour\tRed\t ", "not an attribute, a value and words"),
        ("color\tRed\tcrimson", "'color' is no attribute; do you mean 'colour'?"),
        ("colour\tNavi Blue\tink", "'Navi Blue' is no value of colour; do you mean 'Navy"),
        ("colour\tmauve\tlilac", "'mauve' is no value of colour; mend or remove the line"),
        ("colour\tRed\tdark, BLACK", "'black' is the value 'Black' of the catalogue"),
    ],
)
def test_a_wrong_line_is_named(tmp_path, line: str, message: str) -> None:
    path = tmp_path / "words.tsv"
    path.write_text(f"# words\n\n{line}\n", encoding="utf-8")
    with pytest.raises(FitRankError) as error:
        with_synonyms(LEXICON, path)
    assert str(error.value).startswith(f"{path}, line 3: ") and message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_file_is_named(tmp_path) -> None:
    with pytest.raises(FitRankError, match=r"cannot read .*none\.tsv"):
        with_synonyms(LEXICON, tmp_path / "none.tsv")
