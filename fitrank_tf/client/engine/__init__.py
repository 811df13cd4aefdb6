"""Searches whose candidates an engine finds, Milvus: for catalogues of any size.

`pip install "fitrank-tf[milvus]"`; then `engine_client.EngineSearchClient`.
"""
