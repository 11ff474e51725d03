"""What is new in an image, has it been taught, and is it accepted or a defect?

The names below are imported when first used: libraries need SQLAlchemy, which takes a while.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.lazy import lazy_names

__all__ = [
    "ConflictError",
    "FoundRegion",
    "Library",
    "LibraryError",
    "Outlined",
    "Recogniser",
    "Region",
    "RegionError",
    "RegionReport",
    "teach",
]

if TYPE_CHECKING:
    from engine.library import Library, LibraryError
    from engine.regions.recogniser import Recogniser
    from engine.regions.report import FoundRegion, RegionReport
    from engine.regions.teaching import ConflictError, Outlined, teach
    from features.region import Region
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            ".library": ("Library", "LibraryError"),
            "..features.region": ("Region",),
            "recogniser": ("Recogniser",),
            "report": ("FoundRegion", "RegionReport"),
            "teaching": ("ConflictError", "Outlined", "teach"),
        },
    )
