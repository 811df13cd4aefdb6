"""Boxes and labels that people annotated real photos with, as COCO JSON and CSV."""

from fitrank_tf.datasets.annotations.annotation_file import (
    AnnotatedProduct,
    read_annotations,
    write_annotations,
)
from fitrank_tf.datasets.annotations.annotation_lines import read_lines

__all__ = ["AnnotatedProduct", "read_annotations", "read_lines", "write_annotations"]
