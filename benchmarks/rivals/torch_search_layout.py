"""The files that `torch_search_files` writes and `torch_search` reads, by name.

Apart, because one side has TensorFlow and the other PyTorch.
"""

TEXT_TOWER = "text_tower"
CATALOGUE, RERANKER = "catalogue.npz", "reranker.npz"
PRODUCTS, PHRASES = "products.json", "phrases.json"
