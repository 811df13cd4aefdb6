"""Names of attributes: of columns, as people write them, and of a served model's inputs."""

import pytest

from fitrank_tf.core.attribute_names import attribute_name, input_name, known_name


@pytest.mark.parametrize(
    ("column", "name", "of_input"),
    [
        ("article_type", "article_type", "article_type"),
        (" Heel Height (mm) ", "heel_height_mm", "heel_height_mm"),
        ("Absatzhöhe", "absatzhöhe", "absatzhohe"),
        # The same letters with a combining mark.
        ("Absatzho\u0308he", "absatzhöhe", "absatzhohe"),
        ("Größe", "grösse", "grosse"),
        ("材质", "材质", "u6750u8d28"),
        ("Query", "query_", "query_"),
        ("class", "class", "class_"),
        ("4-way stretch", "4_way_stretch", "a_4_way_stretch"),
    ],
)
def test_names_of_columns_and_inputs(column: str, name: str, of_input: str) -> None:
    assert attribute_name(column) == name
    assert attribute_name(name) == (name if name != "query_" else "query_")
    assert input_name(name) == of_input


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("Absatzhöhe", "absatzhöhe"),
        ("ABSATZHÖHE", "absatzhohe"),
        ("heel height", "heel_height"),
        ("gender", "gender"),
        ("nothing like it", "nothing like it"),
    ],
)
def test_a_person_means_a_known_attribute(text: str, known: str) -> None:
    names = {"gender", "heel_height", known} - {"nothing like it"}
    assert known_name(text, names) == known
