"""What a fine-tuning may change."""

import pytest

from fitrank_tf.config import LoraConfig
from fitrank_tf.towers.adaptation import adapt


@pytest.mark.parametrize(
    ("named", "changed"),
    [
        (("image", "text"), {"vision", "text"}),
        (("image",), {"vision"}),
        (("text",), {"text"}),
    ],
)
def test_full_fine_tuning_changes_all_weights_of_the_towers(towers, named, changed) -> None:
    backbone = towers.backbone
    everything = {v.path for v in backbone.trainable_variables if "head" not in v.path}
    expected = {
        path for path in everything if any(f"{tower}_" in path for tower in changed)
    }
    adapted = adapt(backbone, LoraConfig(method="full", towers=named))
    assert {v.path for v in backbone.trainable_variables} == expected
    sizes = {v.path: int(v.value.numpy().size) for v in backbone.weights}
    assert adapted.trainable == sum(sizes[path] for path in expected)
    assert not adapted.layers


def test_adapters_are_the_default(towers) -> None:
    adapted = adapt(towers.backbone, LoraConfig(rank=2))
    paths = {v.path.rpartition("/")[2] for v in towers.backbone.trainable_variables}
    assert paths == {"lora_kernel_a", "lora_kernel_b"}
    assert adapted.layers
