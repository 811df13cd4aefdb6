"""The parts of a transformer block, by the same names in both families."""

import dataclasses
from collections.abc import Callable

import keras
from keras import KerasTensor


@dataclasses.dataclass(frozen=True)
class BlockParts:
    """x + attention(attention_norm(x)) =: y; y + mlp(mlp_norm(y)) is the block's output.

    Attributes:
        attention_norm: layer norm before attention.
        attention: self-attention.
        mlp_norm: layer norm before the MLP.
        mlp_in: the MLP's first projection.
        mlp_out: the MLP's second projection.
        mlp: the MLP: both projections and the activation between them.
    """

    attention_norm: keras.layers.Layer
    attention: keras.layers.MultiHeadAttention
    mlp_norm: keras.layers.Layer
    mlp_in: keras.layers.Dense
    mlp_out: keras.layers.Dense
    mlp: Callable[[KerasTensor], KerasTensor]


def parts_of(block: keras.layers.Layer) -> BlockParts:
    """Returns the parts of a block of KerasHub's CLIP or SigLIP.

    KerasHub exports neither class of blocks; the name of the attention tells them apart.
    """
    if hasattr(block, "self_attn"):
        return BlockParts(
            attention_norm=block.layer_norm1,
            attention=block.self_attn,
            mlp_norm=block.layer_norm2,
            mlp_in=block.mlp.fc1,
            mlp_out=block.mlp.fc2,
            mlp=block.mlp,
        )
    return BlockParts(
        attention_norm=block.layer_norm_1,
        attention=block.attention,
        mlp_norm=block.layer_norm_2,
        mlp_in=block.dense_1,
        mlp_out=block.dense_2,
        mlp=lambda tokens: block.dense_2(block.activation(block.dense_1(tokens))),
    )
