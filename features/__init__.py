"""Features of one image: its pixels, dense descriptors, and parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from features.dense import Backbone, DenseMap
from features.embedded.backbone import EmbeddedBackbone
from features.embedded.segmenter import EmbeddedSegmenter
from features.images import ImageError
from features.parts import Parts, Segmenter

if TYPE_CHECKING:
    from features.image_files import list_images, read_image

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


def __getattr__(name: str) -> object:
    # whoever judges arrays needs no reader of image files
    if name in ("list_images", "read_image"):
        from features import image_files

        return getattr(image_files, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
