"""Words that name the values of real catalogues, and words that must not."""

import pytest
import tensorflow as tf

from fitrank_tf.datasets.attributes import Attribute
from fitrank_tf.export.graphs.request_reader import RequestReader
from fitrank_tf.queries.lexicon import FacetLexicon
from fitrank_tf.queries.words import (
    article_words,
    known_words,
    plain_words,
    shared_forms,
    value_forms,
    written_forms,
)

# Of Fashion Product Images (10,781 products), and of the drawn catalogue.
ARTICLE_TYPES = """Accessory Gift Set, Backpacks, Bangle, Basketballs, Bath Robe, Belts,
Booties, Boxers, Bra, Bracelet, Briefs, Camisoles, Capris, Caps, Casual Shoes, Churidar,
Clutches, Compact, Cufflinks, Deodorant, Dresses, Duffel Bag, Dupatta, Earrings, Eyeshadow,
Face Moisturisers, Flats, Flip Flops, Footballs, Formal Shoes, Foundation and Primer,
Fragrance Gift Set, Free Gifts, Gloves, Handbags, Hat, Headband, Heels, Highlighter and
Blush, Innerwear Vests, Ipad, Jackets, Jeans, Jeggings, Jewellery Set, Kajal and Eyeliner,
Key chain, Kurta Sets, Kurtas, Kurtis, Laptop Bag, Leggings, Lip Care, Lip Gloss, Lipstick,
Lounge Pants, Lounge Shorts, Mascara, Messenger Bag, Mobile Pouch, Mufflers, Nail Polish,
Necklace and Chains, Night suits, Nightdress, Patiala, Pendant, Perfume and Body Mist, Ring,
Rompers, Rucksacks, Sandals, Sarees, Scarves, Shirts, Shoe Accessories, Shorts, Shrug,
Skirts, Socks, Sports Sandals, Sports Shoes, Stockings, Stoles, Sunglasses, Sweaters,
Sweatshirts, Swimwear, Tablet Sleeve, Ties, Tights, Tops, Track Pants, Tracksuits, Travel
Accessory, Trousers, Trunk, Tshirts, Tunics, Umbrellas, Waist Pouch, Waistcoat, Wallets,
Watches, Water Bottle"""
COLOURS = """Beige, Black, Blue, Bronze, Brown, Burgundy, Charcoal, Coffee Brown, Copper,
Cream, Fluorescent Green, Gold, Green, Grey, Grey Melange, Khaki, Lavender, Magenta, Maroon,
Mauve, Metallic, Multi, Mushroom Brown, Mustard, Navy Blue, Nude, Off White, Olive, Orange,
Peach, Pink, Purple, Red, Rust, Sea Green, Silver, Skin, Steel, Tan, Taupe, Teal, Turquoise
Blue, White, Yellow"""
OTHERS = {
    "gender": "Men, Women, Boys, Girls, Unisex",
    "usage": "Casual, Sports, Formal, Ethnic, Smart Casual, Travel, Party",
    "season": "Fall, Summer, Winter, Spring",
    "pattern": "plain, striped, checked, printed, dotted",
    "sleeve": "sleeveless, short, three-quarter, long",
    "neckline": "round, v, collar, hood",
}
VALUES = {
    facet: [" ".join(value.split()) for value in text.split(",")]
    for facet, text in {"article_type": ARTICLE_TYPES, "colour": COLOURS, **OTHERS}.items()
}
PAIRS = [(facet, value) for facet, values in VALUES.items() for value in values]


@pytest.mark.parametrize("facet", VALUES)
def test_every_value_has_plain_words(facet: str) -> None:
    for value in VALUES[facet]:
        forms = value_forms(Attribute(facet), value)
        assert forms and len(set(forms)) == len(forms)
        written = written_forms(Attribute(facet), value)
        assert {plain_words(form) for form in written} <= set(forms)
        for form in forms:
            assert form and form == form.lower() == " ".join(form.split())
            assert all(character.isalnum() or character == " " for character in form)


def test_no_word_names_two_values() -> None:
    called: dict[str, tuple[str, str]] = {}
    for facet, value in PAIRS:
        for form in value_forms(Attribute(facet), value):
            assert form not in called, (form, called[form], value)
            called[form] = facet, value
    for facet, value in PAIRS:
        assert not called.keys() & set(shared_forms(Attribute(facet), value))


@pytest.mark.parametrize(
    ("facet", "value", "said", "unsaid"),
    [
        ("article_type", "Tshirts", "tshirt, t shirt, t shirts, tee, tees", "shirt, top"),
        ("article_type", "T-Shirts", "t shirt, t shirts, tshirt, tees", "shirts"),
        ("article_type", "Casual Shoes", "casual shoe, sneakers, sneaker", "shoes"),
        ("article_type", "Sports Shoes", "trainers, running shoes, sports shoe", "shoe"),
        ("article_type", "Sweatshirts", "sweatshirt", "hoodie, sweater"),
        ("article_type", "Sweaters", "jumper, pullovers", "sweatshirt"),
        ("article_type", "Handbags", "bag, bags, purse, handbag", "laptop bag"),
        ("article_type", "Bags", "bag, bags", "handbag"),
        ("article_type", "Backpacks", "backpack", "rucksack, bag"),
        ("article_type", "Innerwear Vests", "vest, vests", "innerwear"),
        ("article_type", "Nail Polish", "nail paint, nail enamel", "nail"),
        ("article_type", "Perfume and Body Mist", "perfume, body mists", "body"),
        ("article_type", "Bra", "bra, bras", "br"),
        ("article_type", "Trousers", "trousers, pants", "track pants"),
        ("colour", "Grey", "grey, gray", "grey melange"),
        ("colour", "gray", "grey, gray", ""),
        ("colour", "Navy Blue", "navy blue, navy", "blue"),
        ("colour", "Multi", "multi, multicolour, multicolored", ""),
        ("colour", "Off White", "off white, offwhite", "white, ivory"),
        ("gender", "Women", "women, womens, women s, ladies", "men, girls"),
        ("gender", "Boys", "boy, boys, boy s", "kids, men"),
        ("pattern", "Checked", "check, checks, checked, checkered, plaid, tartan", ""),
        ("pattern", "Check", "check, checks, checked, plaid", ""),
        ("pattern", "Solid", "plain, solid", ""),
        ("pattern", "printed", "print, printed, graphic", "striped"),
        ("pattern", "Striped", "stripes, stripy, striped", ""),
        ("season", "Fall", "fall, autumn", ""),
        ("sleeve", "short", "short sleeve, short sleeves, half sleeved", "short"),
        ("sleeve", "Short Sleeves", "short sleeve, half sleeves, short sleeved", "short"),
        ("sleeve", "Three-Quarter Sleeves", "three quarter sleeves, 3 4 sleeve", ""),
        ("sleeve", "sleeveless", "sleeveless", "sleeve"),
        ("neckline", "round", "round neck, crew neck", "round"),
        ("neckline", "V-Neck", "v neck", "v"),
        ("neckline", "Mandarin Collar", "mandarin collar", "mandarin collar neck"),
        ("usage", "Sports", "sports, sport, sporty", ""),
        ("style", "Slim Fit", "slim fit", ""),
    ],
)
def test_synonyms(facet: str, value: str, said: str, unsaid: str) -> None:
    forms = set(value_forms(Attribute(facet), value))
    assert set(said.split(", ")) <= forms
    assert not set(unsaid.split(", ")) & forms


def test_more_specific_words_are_never_written() -> None:
    for more in ("graphic", "floral", "tartan", "baseball cap"):
        assert any(more in value_forms(Attribute(facet), value) for facet, value in PAIRS)
        assert not any(
            more in written_forms(Attribute(facet), value) for facet, value in PAIRS
        )


@pytest.mark.parametrize(
    ("word", "values"),
    [
        ("kids", {"Boys", "Girls"}),
        ("shoes", {"Casual Shoes", "Sports Shoes", "Formal Shoes"}),
    ],
)
def test_shared_words(word: str, values: set[str]) -> None:
    assert {
        value for facet, value in PAIRS if word in shared_forms(Attribute(facet), value)
    } == values


@pytest.mark.parametrize(
    ("article_type", "words"),
    [
        ("Kurtas", ("kurtas", "kurta")),
        ("Dresses", ("dresses", "dress")),
        ("Watches", ("watches", "watch")),
        ("Booties", ("booties", "bootie")),
        ("Scarves", ("scarves", "scarf")),
        ("Shoe Accessories", ("shoe accessories", "shoe accessory")),
        ("Travel Accessory", ("travel accessory", "travel accessories")),
        ("Sports Shoes", ("sports shoes", "sports shoe")),
        ("Jeans", ("jeans",)),
        ("Lounge Shorts", ("lounge shorts",)),
        ("Dress", ("dress", "dresses")),
        ("Hat", ("hat", "hats")),
        ("Clutch", ("clutch", "clutches")),
        ("Swimwear", ("swimwear",)),
    ],
)
def test_article_words_are_plural_and_singular(article_type: str, words) -> None:
    assert article_words(article_type) == words


def test_known_words_are_single_and_contain_words_near_to_others() -> None:
    assert {"skirt", "shorts", "short", "woman", "kids", "vest", "boots"} <= known_words()
    assert all(word.isalnum() and word == word.lower() for word in known_words())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("T-Shirt, Jeans", "t shirt jeans"),
        ("déjà vu", "déjà vu"),
        ("नमस्ते दुनिया", "नमस्ते दुनिया"),
        ("東京タワー", "東 京 タ ワ ー"),
        ("北京 dress", "北 京 dress"),
        ("・×", ""),
    ],
)
def test_words_of_other_scripts_as_the_served_graph_has_them(text: str, words: str) -> None:
    assert plain_words(text) == words
    request = RequestReader(FacetLexicon(()))(tf.constant([text]))
    assert request.words.numpy()[0].decode() == words
