"""A folder of photos without a table: the file names are the product ids."""

from fitrank_tf.datasets.photo_folder.photo_folder import PhotoFolder
from fitrank_tf.datasets.photo_folder.source import PhotoFolderSource

__all__ = ["PhotoFolder", "PhotoFolderSource"]
