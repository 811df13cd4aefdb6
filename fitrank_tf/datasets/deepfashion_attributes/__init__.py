"""DeepFashion's Category and Attribute Prediction: photos with what they show."""

from fitrank_tf.datasets.deepfashion_attributes.deepfashion_attributes_dataset_builder import (  # noqa: E501
    Builder,
)
from fitrank_tf.datasets.deepfashion_attributes.source import DeepFashionAttributesSource

__all__ = ["Builder", "DeepFashionAttributesSource"]
