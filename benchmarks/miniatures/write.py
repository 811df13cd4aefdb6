"""Writes a miniature of a public data set: drawn products in its official layout.

    python -m benchmarks.miniatures.write --dataset deepfashion_inshop --output_dir DIR

`fitrank benchmark-dataset --dataset deepfashion_inshop --manual_dir DIR` then reads it as
the data set itself: files, names, head lines and proportions of the splits are official,
photos and texts are drawn. Figures of a miniature say nothing about the data set.
"""

import argparse
import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks.miniatures import (
    deepfashion_attributes,
    deepfashion_consumer_to_shop,
    deepfashion_inshop,
    deepfashion_multimodal,
    flickr30k,
    inria_holidays,
    marqo_parquet,
    mscoco_karpathy,
)
from fitrank_tf.cli.options.command import run_command
from fitrank_tf.core.errors import FitRankError

# Takes a folder, the number of photos and a seed.
Writer = Callable[[Path, int, int], None]

_LEAST = 20
# Another than the default of `synthetic_catalogue`, whose products bundles are trained on.
_SEED = 1
# {data set, as `--dataset` of `fitrank` names it: what writes it}.
WRITERS: Mapping[str, Writer] = {
    "deepfashion_attributes": deepfashion_attributes.write,
    "deepfashion_consumer_to_shop": deepfashion_consumer_to_shop.write,
    "deepfashion_inshop": deepfashion_inshop.write,
    "deepfashion_multimodal": deepfashion_multimodal.write,
    # One folder holds both.
    **dict.fromkeys(("flickr30k/karpathy", "flickr30k/entities"), flickr30k.write),
    "inria_holidays": inria_holidays.write,
    **{
        f"marqo_parquet/{name}": functools.partial(marqo_parquet.write, corpus=name)
        for name in marqo_parquet.CORPORA
    },
    "mscoco_karpathy": mscoco_karpathy.write,
}


def write_miniature(dataset: str, folder: Path, num_items: int, seed: int = _SEED) -> None:
    """Writes a miniature.

    Args:
        dataset: a key of `WRITERS`.
        folder: new or empty.
        num_items: number of photos, 20 or more.
        seed: of the drawn products.

    Raises:
        FitRankError: if the folder holds something, or the photos are too few.
    """
    if num_items < _LEAST:
        raise FitRankError(f"--num_items {num_items}: write {_LEAST} or more")
    if folder.exists() and any(folder.iterdir()):
        raise FitRankError(f"--output_dir {folder} is not empty; name a new folder")
    WRITERS[dataset](folder, num_items, seed)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.miniatures.write",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--dataset", choices=WRITERS, required=True)
    parser.add_argument("--num_items", type=int, default=200, help="photos")
    parser.add_argument("--seed", type=int, default=_SEED, help="of the drawn products")
    parser.add_argument("--output_dir", required=True, help="a new folder")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None) -> None:
    """See the module."""
    options = parse(arguments)
    folder = Path(options.output_dir)
    write_miniature(options.dataset, folder, options.num_items, options.seed)
    print(f"{options.num_items} photos  {folder}")


if __name__ == "__main__":
    run_command(main)
