"""The judgement: what an inspector learns from normal images, and what it reports.

The names below are imported when first used, so that ``partwise --help`` need not wait for NumPy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.lazy import lazy_names

__all__ = [
    "Config",
    "ConfigError",
    "Deviation",
    "Inspector",
    "ModelFileError",
    "NotFittedError",
    "Report",
]

if TYPE_CHECKING:
    from engine.config import Config
    from engine.errors import ConfigError, NotFittedError
    from engine.inspector import Inspector
    from engine.model_file import ModelFileError
    from engine.report import Deviation, Report
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "engine.config": ("Config",),
            "engine.errors": ("ConfigError", "NotFittedError"),
            "engine.inspector": ("Inspector",),
            "engine.model_file": ("ModelFileError",),
            "engine.report": ("Deviation", "Report"),
        },
    )
