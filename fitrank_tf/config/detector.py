"""The detector of garment, sleeves and neckline."""

import dataclasses

from fitrank_tf.config.checks import require, require_positive, require_share, require_types

_STAGES = 4


@dataclasses.dataclass(frozen=True)
class DetectorConfig:
    """The YOLOv8 detector of garment, sleeves and neckline.

    The defaults train quickly on drawn garments. The recipe `detector` has what real
    photos need, and made the shipped one.

    Attributes:
        preset: folder of a trained detector, relative to the working directory or to the
            repository; the default "" trains one on drawn garments with the fields below.
        image_size: side of the square that the detector reads, in pixels; a multiple of 32,
            the coarsest stride. Time grows with its square; the recipe takes 160, for
            necklines are small.
        num_images: photos of one pass, above 0. The default is about what the training
            split of the 2,000 drawn products holds.
        stackwise_channels: channels of the four backbone stages, even and above 0. The
            defaults are half of the smallest YOLOv8's, for training on a CPU; the recipe
            takes (24, 48, 96, 160).
        stackwise_depth: blocks of the four backbone stages, above 0. One each is the least
            there can be; KerasCV's smallest preset has (1, 2, 2, 1).
        fpn_depth: blocks of the feature pyramid, above 0. KerasCV advises 1 to 3, by size.
        epochs: passes over the photos, above 0. Six do for drawings, of which no two are
            alike; the recipe takes 40 over 324 annotated real products and 600 drawn.
        batch_size: photos of one step, above 0; larger ones take more memory.
        learning_rate: AdamW's peak, after a warm-up and before a cosine decay, above 0;
            gradients are clipped, so that the network stands twice Adam's usual 1e-3.
        zoom: a training photo is shown larger or smaller by up to this share, in [0, 1),
            and shifted as far as that leaves room. Drawn garments come in all places, so
            the default is 0; the recipe takes 0.25.
        pasted: share of the training photos whose figure is cut out and pasted before
            another backdrop, in [0, 1). With the recipe's 0.35 AP50 on studio photos went
            from 0.974 to 0.988 (garment), 0.839 to 0.781 (sleeve), 0.644 to 0.782
            (neckline), and of photos taken at home 0.566 had their class right, not 0.409.
            The default is 0: drawn backdrops vary by themselves.
        colour_jitter: the hue of a training photo turns by up to half this share of the
            circle, its lightness and saturation change by up to this share, in [0, 1): a
            shirt is a shirt in any colour. The default is 0, the recipe's 0.3.
    """

    preset: str = ""
    image_size: int = 128
    num_images: int = 1600
    stackwise_channels: tuple[int, ...] = (16, 32, 64, 128)
    stackwise_depth: tuple[int, ...] = (1, 1, 1, 1)
    fpn_depth: int = 1
    epochs: int = 6
    batch_size: int = 16
    learning_rate: float = 2e-3
    zoom: float = 0.0
    pasted: float = 0.0
    colour_jitter: float = 0.0

    def __post_init__(self) -> None:
        require_types(self)
        require_share(self, "zoom", "pasted", "colour_jitter")
        require_positive(
            self,
            *("image_size", "num_images", "fpn_depth", "epochs", "batch_size"),
            "learning_rate",
        )
        require(self, "image_size", self.image_size % 32 == 0, "a multiple of 32")
        # A block halves its channels.
        for field, step, kind in (
            ("stackwise_channels", 2, "even numbers"),
            ("stackwise_depth", 1, "numbers"),
        ):
            sizes = getattr(self, field)
            require(
                self,
                field,
                len(sizes) == _STAGES and all(n > 0 and n % step == 0 for n in sizes),
                f"{_STAGES} {kind} above 0",
            )
