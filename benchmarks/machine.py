"""Machine and libraries that figures were measured on."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path

THREAD_LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def use_one_thread() -> None:
    """Compute on one core; NumPy reads this when imported, OpenCV has to be told."""
    is_done = all(os.environ.get(name) == "1" for name in THREAD_LIMITS)
    assert is_done or "numpy" not in sys.modules, "call it before anything imports NumPy"
    os.environ.update(dict.fromkeys(THREAD_LIMITS, "1"))
    import cv2

    cv2.setNumThreads(1)


def machine() -> str:
    """Name processor, load and versions in one line; the load tells whether to trust the rest."""
    libraries = ", ".join(
        f"{name} {version(name)}" for name in ("numpy", "scipy", "opencv-python-headless")
    )
    load = os.getloadavg()[0]
    return (
        f"{_processor()}, {os.cpu_count()} cores, load {load:.1f} before the start, "
        f"Python {platform.python_version()}, {libraries}, partwise {version('partwise')}"
    )


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
