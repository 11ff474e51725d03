"""What one image contains: its pixels, a dense map of descriptors, and the parts it consists of."""

from features.dense import Backbone, DenseMap
from features.embedded import EmbeddedBackbone
from features.files import list_images, read_image
from features.parts import Parts, Segmenter
from features.pixels import ImageError
from features.segmenter import EmbeddedSegmenter

__all__ = [
    "Backbone",
    "DenseMap",
    "EmbeddedBackbone",
    "EmbeddedSegmenter",
    "ImageError",
    "Parts",
    "Segmenter",
    "list_images",
    "read_image",
]
