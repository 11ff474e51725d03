"""Features of one image: its pixels, dense descriptors, and parts."""

from features.dense import Backbone, DenseMap
from features.embedded.backbone import EmbeddedBackbone
from features.embedded.segmenter import EmbeddedSegmenter
from features.image_files import (
    list_folder,
    list_images,
    read_image,
    read_labels,
    significant_bits,
)
from features.images import ImageError
from features.parts import Parts, Segmenter

__all__ = [
    "Backbone",
    "DenseMap",
    "EmbeddedBackbone",
    "EmbeddedSegmenter",
    "ImageError",
    "Parts",
    "Segmenter",
    "list_folder",
    "list_images",
    "read_image",
    "read_labels",
    "significant_bits",
]
