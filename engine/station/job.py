"""The process that does one long job: ``python -m engine.station.job FOLDER ID``."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from engine.station.places import Places
from engine.station.records import MAX_PIXELS, Limits
from engine.station.turn import turn
from engine.station.worker import THREADS

_LOOK_S = 0.5
# one that lost its worker leaves within a look
_PATIENCE_S = 10.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Do the job, once nobody else does it, and note how it ended."""
    parser = argparse.ArgumentParser(prog="python -m engine.station.job", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("id", type=int)
    parser.add_argument("--parent", type=int)
    parser.add_argument("--max-pixels", type=int, default=MAX_PIXELS)
    given = parser.parse_args(arguments)
    for name, value in THREADS.items():
        os.environ.setdefault(name, value)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    if given.parent is not None:
        threading.Thread(target=_leave_with, args=(given.parent,), daemon=True).start()
    places = Places.made(given.folder)
    until = time.monotonic() + _PATIENCE_S
    with turn(places.job_lock(given.id), is_waiting=lambda: time.monotonic() < until) as is_ours:
        if not is_ours:
            sys.exit(f"job {given.id} is already done by another process")
        from engine.station.doing import do

        do(places, given.id, Limits(max_pixels=given.max_pixels))
    places.job_lock(given.id).unlink(missing_ok=True)


def _leave_with(parent: int) -> None:
    """End at once when the worker is gone: the next one starts the job again."""
    while os.getppid() == parent:
        time.sleep(_LOOK_S)
    os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
