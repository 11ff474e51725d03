"""What is to be judged, what was said of it, and who works on it: state that outlives pages.

The names below are imported when first used, so that a command line need not wait for NumPy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

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
    from engine.station.errors import StationError
    from engine.station.records import Batch, Benchmark, Entry, Job, Limits, Result, Tally, Watch
    from engine.station.station import Station
    from engine.station.supervisor import Supervisor, keep_working
else:
    _MODULES = {
        "Batch": "records",
        "Benchmark": "records",
        "Entry": "records",
        "Job": "records",
        "Limits": "records",
        "Result": "records",
        "Station": "station",
        "StationError": "errors",
        "Supervisor": "supervisor",
        "Tally": "records",
        "Watch": "records",
        "keep_working": "supervisor",
    }

    def __getattr__(name: str) -> object:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
