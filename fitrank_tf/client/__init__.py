"""Clients of the served models. Neither TensorFlow nor NumPy is imported for a search."""

from fitrank_tf.client.channel import Security
from fitrank_tf.client.hits import Answer, Hit
from fitrank_tf.client.search_client import AsyncSearchClient, SearchClient

__all__ = ["Answer", "AsyncSearchClient", "Hit", "SearchClient", "Security"]
