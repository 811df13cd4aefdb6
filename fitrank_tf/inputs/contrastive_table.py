"""The arrays of contrastive training besides the photos."""

import dataclasses

import numpy as np

from fitrank_tf.core.errors import FitRankError


@dataclasses.dataclass(frozen=True)
class ContrastiveTable:
    """Texts, groups, facet codes and features of N products, in the order of the photos.

    Attributes:
        token_ids: int32 [N, T, L], tokens of the T texts of each product, one of which is
            drawn in each epoch.
        groups: int32 [N], equal for products of equal title.
        product_codes: int32 [N, F], codes of the products' facet values, 0 where there is
            none.
        text_codes: int32 [N, T, F], codes of the facet values that each text names, 0 for
            facets that it does not name.
        features: float32 [N, D], feature vectors; None without image features.
    """

    token_ids: np.ndarray
    groups: np.ndarray
    product_codes: np.ndarray
    text_codes: np.ndarray
    features: np.ndarray | None = None

    def check(self) -> None:
        """Checks that training on these products is possible.

        Raises:
            FitRankError: with fewer than two products, or if a feature is not finite.
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
            f"{self.features[row, column]}, and every loss would be too; make the features "
            "again (--fresh)"
        )
