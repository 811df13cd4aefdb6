"""What contrastive training knows of its products besides their photos."""

import dataclasses

import numpy as np

from fitrank_tf.core.errors import FitRankError


@dataclasses.dataclass(frozen=True)
class ContrastiveTable:
    """What goes with the photos, row by row.

    Attributes:
        token_ids: int32 [N, T, L], the T texts of a product to draw from.
        groups: int32 [N], equal for products of equal title.
        has: int32 [N, F], codes of the products' facets, 0 for "not known".
        asks: int32 [N, T, F], codes of what each text asks for, 0 for "anything".
        features: float32 [N, F], or None.
    """

    token_ids: np.ndarray
    groups: np.ndarray
    product_codes: np.ndarray
    text_codes: np.ndarray
    features: np.ndarray | None = None

    def check(self) -> None:
        """Refuses what no training can learn from.

        Raises:
            FitRankError: with fewer than two products, or a feature that is no number.
        """
        count = len(self.groups)
        if count < 2:
            raise FitRankError(
                f"contrastive training needs at least 2 products, the training split "
                f"has {count}; give a larger catalogue"
            )
        if self.features is None or np.isfinite(self.features).all():
            return
        row, column = np.argwhere(~np.isfinite(self.features))[0]
        raise FitRankError(
            f"feature {column} of training product {row} (counted from 0) is "
            f"{self.features[row, column]}, so every loss would be; make the features anew "
            "(--fresh)"
        )
