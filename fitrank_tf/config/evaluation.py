"""What a run is measured by."""

import dataclasses

from fitrank_tf.config.checks import require_positive, require_types


@dataclasses.dataclass(frozen=True)
class EvaluationConfig:
    """What is measured.

    Attributes:
        facet_queries: facet queries drawn from the test products, above 0; every test
            product's title is a query besides. More narrow the intervals and take longer:
            the study of re-rankers, which tells close rankers apart, takes 1,200.
        sheet_queries: rows of the contact sheet, above 0; 12 of 8 products make a page that
            can still be looked at in one go.
        sheet_columns: products of a row, above 0.
    """

    facet_queries: int = 300
    sheet_queries: int = 12
    sheet_columns: int = 8

    def __post_init__(self) -> None:
        require_types(self)
        require_positive(self, "facet_queries", "sheet_queries", "sheet_columns")
