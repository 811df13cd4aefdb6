"""Labels that titles name, and words that only resemble them."""

import pytest

from fitrank_tf.datasets.annotations.title_labels import title_label


@pytest.mark.parametrize(
    ("facet", "title", "label"),
    [
        ("sleeve", "FIFA Men Full Sleeves Hoody Sweatshirt", "long"),
        ("sleeve", "Long-sleeve Kurta", "long"),
        ("sleeve", "Nike Women short sleeve tshirt Purple", "short"),
        ("sleeve", "HALF SLEEVE SHIRT", "short"),
        ("sleeve", "Puma Women Yellow Sleeveless Top", "sleeveless"),
        ("sleeve", "Top with 3/4 Sleeves", "three-quarter"),
        ("sleeve", "Three Quarter Sleeve Top", "three-quarter"),
        ("sleeve", "Belkin Grip Sleeve Black Bag", ""),
        ("sleeve", "Nike Long Socks", ""),
        ("neckline", "Puma Women's Graphic V-Neck Grey T-shirt", "v"),
        ("neckline", "Hanes V Neck Red T-shirt", "v"),
        ("neckline", "Roundneck Jersey", "round"),
        ("neckline", "Crew-neck Sweater", "round"),
        ("neckline", "Nike Women Hooded Purple Jacket", "hood"),
        ("neckline", "Reebok Men White Polo Tshirt", "collar"),
        ("neckline", "Shirt with Mandarin Collar", "collar"),
        ("neckline", "U.S. Polo Assn. Men Belt", ""),
        ("neckline", "Reebok Women Boat-Neck Sweatshirt", ""),
        ("neckline", "Silver Necklace", ""),
        ("pattern", "Reebok Orange & White Striped Polo T-shirt", "striped"),
        ("pattern", "Lee Men checks Blue Shirt", "checked"),
        ("pattern", "Checkered Scarf", "checked"),
        ("pattern", "Red Plaid Shirt", "checked"),
        ("pattern", "Doodle Floral Dress", "printed"),
        ("pattern", "Graphic Tee", "printed"),
        ("pattern", "Reebok Women Grey Solid T-shirt", "plain"),
        ("pattern", "Nike Sprint Shoes", ""),
        ("pattern", "Checkpoint Backpack", ""),
        ("pattern", "", ""),
    ],
)
def test_labels_of_titles(facet: str, title: str, label: str) -> None:
    assert title_label(title, facet) == label


@pytest.mark.parametrize(
    ("facet", "title", "label"),
    [
        ("pattern", "Striped Shirt with Print", "striped"),
        ("pattern", "Print on Plain Shirt", "printed"),
        ("neckline", "Hooded V Neck Sweater", "v"),
        ("sleeve", "Sleeveless Top over Long Sleeve Tee", "sleeveless"),
    ],
)
def test_similar_phrases_without_the_label(facet: str, title: str, label: str) -> None:
    assert title_label(title, facet) == label


def test_an_unknown_facet_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        title_label("Red Shirt", "colour")
