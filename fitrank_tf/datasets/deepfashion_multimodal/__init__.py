"""DeepFashion-MultiModal: photos of clothing with captions and labels of what they show."""

from fitrank_tf.datasets.deepfashion_multimodal.deepfashion_multimodal_dataset_builder import (  # noqa: E501
    Builder,
)
from fitrank_tf.datasets.deepfashion_multimodal.source import DeepFashionMultimodalSource

__all__ = ["Builder", "DeepFashionMultimodalSource"]
