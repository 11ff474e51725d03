"""What is new in an image, has it been taught, and is it accepted or a defect?

The names below are imported when first used: libraries need SQLAlchemy, which takes a while.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

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
    from engine.regions.library import Library, LibraryError
    from engine.regions.outlines import RegionError
    from engine.regions.recogniser import Recogniser
    from engine.regions.record import FoundRegion, RegionReport
    from engine.regions.teaching import ConflictError, Outlined, teach
    from features.region import Region
else:
    _MODULES = {
        "ConflictError": "teaching",
        "FoundRegion": "record",
        "Library": "library",
        "LibraryError": "library",
        "Outlined": "teaching",
        "Recogniser": "recogniser",
        "Region": "region",
        "RegionError": "outlines",
        "RegionReport": "record",
        "teach": "teaching",
    }

    def __getattr__(name: str) -> object:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
