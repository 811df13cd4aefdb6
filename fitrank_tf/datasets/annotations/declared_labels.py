"""Labels that a catalogue itself has: attributes with the values of `LABEL_FIELDS`."""

from fitrank_tf.datasets.annotations.annotation_file import ANNOTATION_SPLITS
from fitrank_tf.datasets.annotations.label_file import LABEL_FIELDS, ProductLabels
from fitrank_tf.datasets.catalogue import CatalogueRecords


def declared_labels(records: CatalogueRecords) -> dict[str, ProductLabels]:
    """{product id: labels} of the products of whose labels the catalogue says something.

    A product without a value has no label of the field, unless no product of its kind has a
    value, as no trousers have a neckline: then the label is "", which means that it has no
    such part. Its kind is its value of the declaration's decisive facet.

    Args:
        records: of all splits; products of the validation split get no labels.
    """
    kinds = records.column(records.declaration.decisive)
    labels: dict[str, dict[str, str]] = {item: {} for item in records.ids}
    for field, known in LABEL_FIELDS.items():
        column = records.column(field)
        having = {kind for kind, value in zip(kinds, column) if value in known}
        for item, kind, value in zip(records.ids, kinds, column):
            if value in known:
                labels[item][field] = value
            elif having and kind and kind not in having:
                labels[item][field] = ""
    return {
        item: ProductLabels(item, split, labels[item])
        for item, split in zip(records.ids, records.splits)
        if labels[item] and split in ANNOTATION_SPLITS
    }
