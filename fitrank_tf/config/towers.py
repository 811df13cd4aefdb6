"""Which towers."""

import dataclasses

from fitrank_tf.config.checks import require, require_positive, require_types


@dataclasses.dataclass(frozen=True)
class TowersConfig:
    """The two towers, of CLIP or SigLIP.

    A preset brings its own sizes: beside one only `image_size` and `context_length` are
    read. The default sizes are those of the shipped `fitrank_tiny`, 5.4 M parameters: at
    96 px such towers train on about 100 pairs a second on 2 CPU cores.

    Attributes:
        preset: what `towers_from_preset` reads: a KerasHub preset name, a local folder of
            KerasHub, transformers or open_clip, or "hf://owner/name"; of CLIP or SigLIP.
            The default "" builds CLIP's from the sizes below and trains them from nothing.
        image_size: side of the square that the image tower reads, in pixels; a multiple of
            `patch_size`. The default 0 is the preset's own size, or 96 without preset;
            another size than the preset's interpolates its positions. Patches, and with
            them time, grow with its square: `fitrank_tiny` takes 160, to see detail.
        patch_size: side of one ViT patch, in pixels, above 0. Half of the default 16 makes
            four times as many patches.
        vision_width: width of the image tower's tokens; a multiple of `vision_heads`. 192
            in 3 heads is DeiT-Tiny's (Touvron et al., 2021).
        vision_layers: blocks of the image tower, above 0. The default 6 is half of
            DeiT-Tiny's, for half of its time.
        vision_heads: attention heads of the image tower, above 0; 64 wide by default, as
            CLIP's are.
        text_width: width of the text tower's tokens; a multiple of `text_heads`.
        text_layers: blocks of the text tower, above 0. Half of the image tower's by
            default: titles are short and of few words.
        text_heads: attention heads of the text tower, above 0.
        embedding_dim: width D of the joint embedding, above 0. A search reads so many
            numbers of each product; the default is the towers' own width, so that the
            projection to it loses nothing.
        vocabulary_size: BPE tokens that towers without preset learn, 515 or more (256
            bytes, each also at a word's end, two marks, one merge). The default 6,000 keeps
            the token table, 1.2 M parameters, below a quarter of the towers.
        context_length: tokens of a text with both marks, 4 or more; longer texts are cut.
            Not read for SigLIP, whose texts are padded to the length of its training.
            Titles are under 24 tokens long, and the text tower's cost grows with this
            number.
    """

    preset: str = ""
    image_size: int = 0
    patch_size: int = 16
    vision_width: int = 192
    vision_layers: int = 6
    vision_heads: int = 3
    text_width: int = 192
    text_layers: int = 3
    text_heads: int = 3
    embedding_dim: int = 192
    vocabulary_size: int = 6000
    context_length: int = 24

    def __post_init__(self) -> None:
        require_types(self)
        require_positive(
            self,
            *("patch_size", "vision_width", "vision_layers", "vision_heads"),
            *("text_width", "text_layers", "text_heads", "embedding_dim"),
        )
        require(
            self,
            "image_size",
            self.image_size >= 0 and self.image_size % self.patch_size == 0,
            f"0 or a multiple of patch_size ({self.patch_size})",
        )
        for width, heads in (
            ("vision_width", "vision_heads"),
            ("text_width", "text_heads"),
        ):
            require(
                self,
                width,
                getattr(self, width) % getattr(self, heads) == 0,
                f"a multiple of {heads} ({getattr(self, heads)})",
            )
        require(
            self,
            "vocabulary_size",
            self.vocabulary_size >= 515,
            "at least 515 (256 bytes, each also at a word's end, two marks, one merge)",
        )
        require(self, "context_length", self.context_length >= 4, "at least 4")
