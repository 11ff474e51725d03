"""Station: images to judge, their verdicts, and the processes that work on them.

The names below are imported when first used, so that a command line need not wait for NumPy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.lazy import lazy_names

__all__ = [
    "Batch",
    "Benchmark",
    "Entry",
    "Job",
    "Limits",
    "Result",
    "Station",
    "StationError",
    "Supervisor",
    "Tally",
    "Watch",
    "keep_working",
]

if TYPE_CHECKING:
    from engine.station.records import (
        Batch,
        Benchmark,
        Entry,
        Job,
        Limits,
        Result,
        StationError,
        Tally,
        Watch,
    )
    from engine.station.station import Station
    from engine.station.supervisor import Supervisor, keep_working
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "engine.station.records": (
                "Batch",
                "Benchmark",
                "Entry",
                "Job",
                "Limits",
                "Result",
                "StationError",
                "Tally",
                "Watch",
            ),
            "engine.station.station": ("Station",),
            "engine.station.supervisor": ("Supervisor", "keep_working"),
        },
    )
