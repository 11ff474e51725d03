"""Features of one image: its pixels, dense descriptors, and parts.

The names below are imported when first used, so that an error can be said without NumPy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from features.dense import Backbone, DenseMap
    from features.embedded.backbone import EmbeddedBackbone
    from features.embedded.segmenter import EmbeddedSegmenter
    from features.image_files import list_images, read_image
    from features.images import ImageError
    from features.parts import Parts, Segmenter
else:
    # engine.lazy does this for packages above
    _MODULES = {
        "Backbone": "dense",
        "DenseMap": "dense",
        "EmbeddedBackbone": "embedded.backbone",
        "EmbeddedSegmenter": "embedded.segmenter",
        "ImageError": "images",
        "Parts": "parts",
        "Segmenter": "parts",
        "list_images": "image_files",
        "read_image": "image_files",
    }

    def __getattr__(name: str) -> object:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *_MODULES})
