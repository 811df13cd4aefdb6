"""Spellings of one value."""

from fitrank_tf.datasets.tables.spelling import shown_spellings


def test_the_most_frequent_spelling_is_shown() -> None:
    values = [
        "navy blue",
        "Navy Blue",
        "NAVY BLUE",
        "Navy  Blue",
        "Navy Blue",
        "Red",
        "Blue",
    ]
    assert shown_spellings(values) == {
        **dict.fromkeys(values[:4], "Navy Blue"),
        "Red": "Red",
        "Blue": "Blue",
    }


def test_of_equally_frequent_spellings_the_first() -> None:
    assert shown_spellings(["red", "Red"]) == {"red": "red", "Red": "red"}


def test_letters_that_look_and_fold_alike() -> None:
    assert shown_spellings(["STRASSE", "Straße", "ＳＴＲＡＳＳＥ"])["Straße"] == "STRASSE"


def test_known_spellings_are_kept() -> None:
    shown = shown_spellings(["red", "red", "pink"], known=["Red", "Blue"])
    assert shown == {"red": "Red", "pink": "pink"}
