"""Regions that are new in an image, recognised as accepted or as a defect.

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
    from features.region import Region, RegionError
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "engine.library": ("Library", "LibraryError"),
            "engine.regions.recogniser": ("Recogniser",),
            "engine.regions.report": ("FoundRegion", "RegionReport"),
            "engine.regions.teaching": ("ConflictError", "Outlined", "teach"),
            "features.region": ("Region", "RegionError"),
        },
    )
