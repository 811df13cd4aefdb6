"""What a request wants and denies: by hand, and against a plain search for phrases."""

import json

import numpy as np
import pytest
import tensorflow as tf

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.export.graphs.request_reader import RequestReader, clean_text, read_facets
from fitrank_tf.queries.lexicon import FacetLexicon
from fitrank_tf.queries.query_words import query_words
from fitrank_tf.queries.words import plain_words
from tests.queries.small_records import small_records

LEXICON = FacetLexicon(
    (
        ("gender", ("Men", "Women")),
        ("colour", ("Blue", "Navy Blue", "Red")),
        ("article_type", ("Casual Shoes", "Tshirts")),
        ("sleeve", ("Three-Quarter Sleeves",)),
    )
)
NAMES = [value for _, values in LEXICON.values for value in values]


def _by_hand(text: str) -> set[str]:
    """The longest phrases first, each word used once."""
    said, found = f" {plain_words(text)} ".replace(" ", "  "), set()
    for phrase in sorted(LEXICON.phrases, key=lambda form: -len(form.split())):
        written = f" {phrase.replace(' ', '  ')} "
        if written in said:
            found |= {NAMES[number] for number in LEXICON.phrases[phrase]}
            said = said.replace(written, "  |  ")
    return found


def _named(query_facets: np.ndarray) -> set[str]:
    return {NAMES[number] for number in np.flatnonzero(query_facets == 1.0)}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("navy blue t-shirt for women", {"Navy Blue", "Tshirts", "Women"}),
        ("blue tee", {"Blue", "Tshirts"}),
        ("navy shirt", {"Navy Blue"}),
        ("navvy blue tshitrs for wmen", {"Navy Blue", "Tshirts", "Women"}),
        ("navy bluee tee", {"Navy Blue", "Tshirts"}),
        ("navvy bluee tee", {"Navy Blue", "Blue", "Tshirts"}),
        ("three quarter slevees", {"Three-Quarter Sleeves"}),
        ("snaekers", {"Casual Shoes"}),
        ("shoes", {"Casual Shoes"}),
        ("redd mens", {"Men"}),
        ("Navy-BLUE & red sneakers", {"Navy Blue", "Red", "Casual Shoes"}),
        ("blue navy blue", {"Blue", "Navy Blue"}),
        ("men's casual shoes, three quarter sleeves", None),
        ("women", {"Women"}),
        ("", set()),
        ("  ?!  ", set()),
        ("redder menu", set()),
        ("naïve brûlée 👟 red", {"Red"}),
    ],
)
def test_the_longest_phrase_is_what_is_asked_for(text: str, named) -> None:
    query_facets = read_facets(RequestReader(LEXICON), [text])[0]
    assert _named(query_facets) == (_by_hand(text) if named is None else named)
    assert _named(query_facets) == _by_hand(text)


def test_a_graph_gives_the_same_and_rows_are_independent() -> None:
    draw = np.random.default_rng(0)
    words = [*LEXICON.phrases, "shoe", "of", "a", "é", "blue!"]
    texts = [" ".join(draw.choice(words, size)) for size in draw.integers(0, 9, 200)]
    module = RequestReader(LEXICON)
    graph = tf.function(module, input_signature=[tf.TensorSpec([None], tf.string)])
    together = graph(tf.constant(texts)).query_facets.numpy()
    assert together.shape == (200, len(NAMES))
    for text, query_facets in zip(texts, together):
        alone = graph(tf.constant([text])).query_facets.numpy()[0]
        np.testing.assert_array_equal(alone, query_facets)
        assert query_facets.min() >= 0.0 and query_facets.max() <= 1.0
    assert graph(tf.constant([], tf.string)).query_facets.shape == (0, len(NAMES))


def test_broken_bytes_and_ten_thousand_characters() -> None:
    read = RequestReader(LEXICON)(tf.constant([b"red \xff\xfe shoes", b"red " * 2500]))
    assert [_named(row) for row in read.query_facets.numpy()] == [
        {"Red", "Casual Shoes"},
        {"Red"},
    ]


@pytest.mark.parametrize("word", ["a ", "é ", "日 ", "👗 "], ids=[1, 2, 3, 4])
def test_the_first_2000_characters_are_read_whatever_their_bytes(word: str) -> None:
    texts = [word * 998 + "red", word * 1000 + "red"]
    named = [_named(row) for row in read_facets(RequestReader(LEXICON), texts)]
    assert named == [{"Red"}, set()]


def test_a_catalogue_without_facets_is_asked_for_nothing() -> None:
    assert read_facets(RequestReader(FacetLexicon(())), ["red", ""]).shape == (2, 0)


@pytest.mark.parametrize(
    ("text", "lightness"),
    [
        # Means of L of XKCD's, CSS's and the survey's colours: 48, 53, 50 for red; 0, 0, 12
        # for black; 100, 100, 92 for white; 8, 26 for navy blue; 28, 47, 43 for crimson.
        ("red shoes", [50, 0]),
        ("blak t-shirt, no red", [4, 0]),
        ("white or navy blue shoes", [97, 17]),
        ("crimson shoes", [39, 0]),
        ("shoes for men", [0, 0]),
    ],
)
def test_colours_are_points(text: str, lightness: list[int]) -> None:
    values = (*LEXICON.values[1][1], "Black", "White")
    lexicon = FacetLexicon((*LEXICON.values[:1], ("colour", values), *LEXICON.values[2:]))
    texts = tf.constant([text, "white or red shoes"])
    colours = RequestReader(lexicon)(texts).colours.numpy()
    assert colours.shape == (2, 4, 4) and not colours[:, 2:].any()
    assert colours[0, :2, 0].round().tolist() == pytest.approx(lightness, abs=1)
    assert {round(weight, 3) for weight in colours[..., 3].ravel().tolist()} <= {0.0, 0.4}


@pytest.mark.parametrize(
    ("text", "lightness"),
    [
        ("red red red red blue", [50, 40]),
        ("blue shoes, no blue", []),
        ("red, not blue, blue", [50]),
        ("shoes", []),
    ],
)
def test_a_colour_is_named_once_and_nowhere_denied(text: str, lightness: list) -> None:
    colours = RequestReader(LEXICON)(tf.constant([text, "red"])).colours.numpy()[0]
    assert colours[colours[:, 3] > 0, 0].tolist() == pytest.approx(lightness, abs=1)


def test_a_colour_that_is_no_value_hides_none() -> None:
    pinks = FacetLexicon((("colour", ("Pink", "Black", "White")), *LEXICON.values[2:]))
    for text in ("hot pink shoes", "neon pink shoes", "shocking pink shoes"):
        assert read_facets(RequestReader(pinks), [text])[0, 0] > 0.0, text


def test_without_a_facet_of_colours_they_are_read_for_the_photos() -> None:
    lexicon = FacetLexicon(tuple(of for of in LEXICON.values if of[0] != "colour"))
    read = RequestReader(lexicon)(tf.constant(["crimson t-shirts for men, not maroon"]))
    assert read.colours.numpy()[0, :, 3].tolist() == [1.0, 0.0, 0.0, 0.0]
    assert read.unwanted_words.numpy().tolist() == [b"maroon"]
    assert read.query_facets.numpy()[0].tolist() == [1.0, 0.0, 0.0, 1.0, 0.0]


def test_a_lexicon_has_the_values_of_its_products() -> None:
    records = small_records(
        ("1", "a", {"colour": "Red", "article_type": "Shirts"}),
        ("2", "b", {"colour": "Blue"}),
        ("3", "c", {"colour": "Red", "gender": "Men"}),
    )
    lexicon = FacetLexicon.of(records)
    assert FacetLexicon.from_json(lexicon.to_json()) == lexicon
    codes = lexicon.codes(records)
    assert lexicon.facets == ("gender", "colour", "article_type")
    assert codes.shape == (3, 3)
    for column, (facet, values) in enumerate(lexicon.values):
        assert values == tuple(sorted(set(records.attributes[facet]) - {""}))
        for code, value in zip(codes[:, column], records.attributes[facet]):
            assert value == (values[code] if code >= 0 else "")
    # Of another catalogue, a value that these products do not have.
    other = small_records(("9", "d", {"colour": "Mauve", "gender": "Men"}))
    assert lexicon.codes(other).tolist() == [[0, -1, -1]]


SHIRTS = FacetLexicon(
    (("article_type", ("Shirts", "Skirts")), ("pattern", ("Checked", "Plain")))
)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("red check shirt", {"Shirts", "Checked"}),
        ("red chekc shitr", {"Shirts", "Checked"}),
        ("shiirt", {"Shirts"}),
        ("skiirt", {"Skirts"}),
        ("sirt", set()),  # of shirt and of skirt
        ("shorts", set()),  # this catalogue has none, but they are no shirts
        ("plan", set()),
    ],
)
def test_misspelt_words_mean_one_thing_or_nothing(text: str, named: set[str]) -> None:
    names = [value for _, values in SHIRTS.values for value in values]
    query_facets = read_facets(RequestReader(SHIRTS), [text])[0]
    assert {names[number] for number in np.flatnonzero(query_facets == 1.0)} == named


def test_a_word_of_the_titles_is_no_misspelling() -> None:
    attributes = {"colour": "Purple", "article_type": "Shirts"}
    assert (
        "purble"
        not in FacetLexicon.of(small_records(("1", "Purble Shirt", attributes))).phrases
    )
    lexicon = FacetLexicon.of(small_records(("1", "Pruple's SHRIT", attributes)))
    assert lexicon.title_words == ("pruple", "shrit")
    assert {"purpel", "shirrt"} < lexicon.phrases.keys()
    assert not {"pruple", "shrit"} & lexicon.phrases.keys()
    assert FacetLexicon.from_json(lexicon.to_json()) == lexicon


def test_misspelt_phrases_stand_beside_the_forms_and_never_in_their_place() -> None:
    for lexicon in (LEXICON, SHIRTS):
        for form, numbers in lexicon.forms.items():
            assert lexicon.phrases[form] == numbers
        words = {word for form in lexicon.forms for word in form.split()}
        for phrase in lexicon.phrases.keys() - lexicon.forms.keys():
            wrong = [word for word in phrase.split() if word not in words]
            assert len(wrong) == 1 and len(wrong[0]) >= 4


def test_a_values_own_name_is_no_other_value() -> None:
    lexicon = FacetLexicon(
        (("pattern", ("Checked", "Plaid")), ("gender", ("Boys", "Girls")))
    )
    assert lexicon.phrases["plaid"] == (1,)
    assert lexicon.phrases["checked"] == (0,)
    assert lexicon.phrases["kids"] == (2, 3)


def test_a_lexicon_of_an_older_version_is_read() -> None:
    older = FacetLexicon.from_json(json.dumps(dict(LEXICON.values)))
    assert older == LEXICON


@pytest.mark.parametrize(
    "text",
    ["", "[]", "3", '"values"', '{"values": 1}', '{"values": {"a": ["b"]}}']
    + ['{"colour": "Red"}', '{"values": {"a": [1]}, "title_words": []}'],
)
def test_another_file_is_no_lexicon(text: str) -> None:
    with pytest.raises(FitRankError, match=r"lexicon\.json.*fitrank train"):
        FacetLexicon.from_json(text)


WANTS = FacetLexicon(
    (
        ("gender", ("Boys", "Men", "Women")),
        ("colour", ("Black", "Blue", "Green", "Maroon", "Navy Blue", "Red", "White")),
        ("article_type", ("Casual Shoes", "Jackets", "Jeans", "Shirts", "Tops", "Tshirts")),
        ("pattern", ("Checked", "Plain", "Printed", "Striped")),
        ("sleeve", ("Long Sleeves", "Short Sleeves", "Sleeveless")),
    ),
    vocabulary=("cotton", "fit", "nike", "slim"),
)
WANTS_NAMES = WANTS.value_names


def _read(text: str) -> tuple[set[str], set[str], str]:
    """Values that are wanted, values that are not, and the text that is left."""
    found = RequestReader(WANTS)(tf.constant([text]))
    row = found.query_facets.numpy()[0]
    names = [{WANTS_NAMES[n] for n in np.flatnonzero(row == of)} for of in (1.0, -1.0)]
    return names[0], names[1], found.text.numpy()[0].decode()


@pytest.mark.parametrize(
    ("text", "wanted", "denied", "left"),
    [
        ("tshirts but not maroon", "Tshirts", "Maroon", "tshirts"),
        ("tshirts without stripes", "Tshirts", "Striped", "tshirts"),
        ("polo, not red, short sleeves", "Short Sleeves", "Red", "polo short sleeves"),
        ("no red or blue tops", "Tops", "Red|Blue", "tops"),
        ("not red, blue or green shirts", "Shirts", "Red|Blue|Green", "shirts"),
        ("not red, blue please", "Blue", "Red", "blue please"),
        (
            "no print and no stripes, white top",
            "White|Tops",
            "Printed|Striped",
            "white top",
        ),
        ("shirts without any prints in blue", "Shirts|Blue", "Printed", "shirts in blue"),
        ("no stripes and prints, top", "Tops", "Striped|Printed", "top"),
        ("no black and long sleeves", "Long Sleeves", "Black", "and long sleeves"),
        ("shirt -red", "Shirts", "Red", "shirt"),
        ("navy-blue shirt", "Navy Blue|Shirts", "", "navy-blue shirt"),
        ("anything but black jeans", "Jeans", "Black", "jeans"),
        ("all colours but red, tops", "Tops", "Red", "tops"),
        ("tshirt without logo", "Tshirts", "", "tshirt"),
        ("tshirt no big logo black", "Tshirts|Black", "", "tshirt black"),
        ("tee, nothing with stripes", "Tshirts", "Striped", "tee"),
        ("i don't want red tshirts, blue is ok", "Tshirts|Blue", "Red", None),
        ("shirts other than checked for men", "Shirts|Men", "Checked", "shirts for men"),
        ("except navy blue: jackets", "Jackets", "Navy Blue", "jackets"),
        ("not only red tshirts", "Red|Tshirts", "", "not only red tshirts"),
        ("nothing but black", "Black", "", "nothing but black"),
        ("no-show white shoes", "White|Casual Shoes", "", "no-show white shoes"),
        ("black and white tshirt", "Black|White|Tshirts", "", "black and white tshirt"),
        ("red nahi chahiye, tshirt", "Tshirts", "Red", "tshirt"),
        ("shirts ohne streifen, red", "Shirts|Red", "Striped", "shirts red"),
        ("top sans red", "Tops", "Red", "top"),
        ("sin red o blue, jeans", "Jeans", "Red|Blue", "jeans"),
        ("not red but red", "", "Red", "but red"),
        ("not not red", "", "Red", ""),
        # A kind of jacket by WordNet, but it says the sleeve too.
        ("sleeveless jacket", "Sleeveless|Jackets", "", "sleeveless jacket"),
        ("not", "", "", "not"),
        ("shirts not", "Shirts", "", "shirts not"),
    ],
)
def test_what_is_denied(text: str, wanted: str, denied: str, left: str | None) -> None:
    found, refused, rest = _read(text)
    assert found == set(filter(None, wanted.split("|")))
    assert refused == set(filter(None, denied.split("|")))
    assert left is None or rest == left


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("tshirt without big logos, black", "big logos"),
        ("shirts other than nike", "nike"),
        # A kind of a value, not the value.
        ("jeans but no jeggings", "jeggings"),
        ("jeans but not red", ""),
        ("black jeans", ""),
    ],
)
def test_words_that_are_not_wanted_and_name_no_value(text: str, refused: str) -> None:
    found = RequestReader(WANTS)(tf.constant([text]))
    assert found.unwanted_words.numpy()[0].decode() == refused
    assert "Jeans" not in _read(text)[1]


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("ｒｅｄ ｓｈｉｒｔ", "red shirt"),
        ("re\u200bd sh\u00adi\u2060rt\ufeff", "red shirt"),
        ("red&nbsp;shirt", "red shirt"),
        ("#RedShirt", "#Red Shirt"),
        ("Ｒed\x00shirt", "Red shirt"),
        ("plain red shirt 👗 é", "plain red shirt 👗 é"),
    ],
)
def test_a_text_is_cleaned_before_it_is_read(text: str, cleaned: str) -> None:
    assert clean_text(tf.constant([text])).numpy()[0].decode() == cleaned
    assert {"Red", "Shirts"} <= _read(text)[0]


def test_a_want_behind_much_talk_is_what_is_left() -> None:
    talk = (
        "hello there i am looking for something for my brother who is getting married next "
        "month in jaipur, he is tall and likes simple things, so maybe a slim navy cotton "
        "shirt but without checks please"
    )
    found, refused, rest = _read(talk)
    assert found == {"Navy Blue", "Shirts"} and refused == {"Checked"}
    assert rest == "slim navy cotton shirt"


def test_the_words_of_a_request_are_those_of_python() -> None:
    texts = ["Red SHIRT, 42.5!", "Ｎavy\u00ad-blue (tee)", "", "naïve brûlée 3/4 sleeves"]
    texts += ["Levi’s™ tee", "Max℠®"]
    words = RequestReader(WANTS)(tf.constant(texts)).words.numpy()
    assert [text.decode().split() for text in words] == [query_words(t) for t in texts]


@pytest.mark.parametrize(
    ("text", "understood"),
    [
        ("polo shirt, not red or blue, short sleeves", None),
        ("", ""),
        ("black or white tee", "colour Black, White; article type Tshirts"),
    ],
)
def test_what_was_understood_is_said(text: str, understood: str | None) -> None:
    reader = RequestReader(WANTS)
    facets = reader(tf.constant([text, "red"])).query_facets
    said = [one.decode() for one in reader.understood(facets).numpy()]
    by_hand = "colour not Blue, not Red; article type Shirts, Tshirts; sleeve Short Sleeves"
    assert said == [by_hand if understood is None else understood, "colour Red"]
    assert reader.understood(facets[:0]).shape == (0,)


@pytest.mark.parametrize(
    ("text", "asked", "left"),
    [
        ("rote schuhe für damen", {"Red", "Casual Shoes", "Women"}, "red shoes women"),
        ("camiseta azul marino", {"Navy Blue", "Tshirts"}, "t shirt navy blue"),
        ("लाल टीशर्ट", {"Red", "Tshirts"}, "red t shirt"),
        ("laal joote", {"Red", "Casual Shoes"}, "red shoes"),
        ("hombre", {"Men"}, "men"),
        ("ROTE T-Shirts", {"Red", "Tshirts"}, "red t shirts"),
        # "Rock" is English alone, and a skirt beside a German word.
        ("rock t-shirt", {"Tshirts"}, "rock t-shirt"),
        ("roter rock", {"Red"}, "red skirt"),
        # One such word among many of the catalogue's is a name.
        ("men red t-shirt rosso navy blue", {"Men", "Red", "Tshirts", "Navy Blue"}, None),
    ],
)
def test_words_of_other_languages(text: str, asked: set, left: str | None) -> None:
    request = RequestReader(LEXICON)(tf.constant([text, "shoes"]))
    meant = request.query_facets.numpy()
    assert {NAMES[number] for number in np.flatnonzero(meant[0] > 0)} == asked
    assert request.text.numpy()[0].decode() == (left or text)
    assert request.text.numpy()[1].decode() == "shoes"


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("schuhe, nicht rot", "Red"),
        ("zapatos sin rojo", "Red"),
        ("joote laal nahi chahiye", "Red"),
        ("обувь не красная", "Red"),
    ],
)
def test_denials_in_other_languages(text: str, refused: str) -> None:
    meant = read_facets(RequestReader(LEXICON), [text])[0]
    assert [NAMES[number] for number in np.flatnonzero(meant < 0)] == [refused]


def test_a_german_catalogue_is_asked_in_any_language() -> None:
    lexicon = FacetLexicon(
        (("farbe", ("Blau", "Rot", "Schwarz")), ("art", ("Hemden", "Hosen", "Schuhe"))),
        vocabulary=("hemd", "hose", "rot", "schwarz", "schuhe", "blau", "herren"),
    )
    texts = ["black chinos", "chaussures rouges", "schwarze Hose", "crimson loafers"]
    request = RequestReader(lexicon)(tf.constant(texts))
    named = [
        {lexicon.value_names[n] for n in np.flatnonzero(row > 0.5)}
        for row in request.query_facets.numpy()
    ]
    assert named[:3] == [{"Schwarz", "Hosen"}, {"Schuhe", "Rot"}, {"Schwarz", "Hosen"}]
    assert "Schuhe" in named[3]
    assert request.text.numpy()[1].decode() == "schuhe rot"


@pytest.mark.parametrize(
    ("text", "value"),
    [("something for my husband", "Men"), ("wife says, for a man", "Men")],
)
def test_who_it_is_for_is_said_by_the_nearest_word(text: str, value: str) -> None:
    meant = read_facets(RequestReader(LEXICON), [text])[0]
    assert [NAMES[number] for number in np.flatnonzero(meant > 0)] == [value]
