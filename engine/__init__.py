"""The judgement: an inspector learns from normal images and reports what differs in others.

The names below are imported when first used, so that ``partwise --help`` need not wait for NumPy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

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
    _MODULES = {
        "Config": "config",
        "ConfigError": "errors",
        "Deviation": "report",
        "Inspector": "inspector",
        "ModelFileError": "model_file",
        "NotFittedError": "errors",
        "Report": "report",
    }

    def __getattr__(name: str) -> object:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
