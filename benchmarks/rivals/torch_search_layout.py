"""Names of the files that `torch_search_files` writes and `torch_search` reads.

A module of its own, because one imports TensorFlow and the other PyTorch.
"""

TEXT_TOWER = "text_tower"
CATALOGUE, RERANKER = "catalogue.npz", "reranker.npz"
PRODUCTS, READER, TITLES = "products.json", "reader.json", "titles.json"
