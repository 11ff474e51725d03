"""How is work spread over processes of one thread each?"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing import get_context
from typing import TypeVar

import cv2

R = TypeVar("R")


def spread(tasks: Mapping[str, Callable[[], R]], jobs: int) -> Iterator[tuple[str, R]]:
    """Give each result with the key of its task as soon as it is there; tasks are picklable."""
    with _one_thread_each():
        pool = ProcessPoolExecutor(jobs, get_context("spawn"), initializer=_become_worker)
        try:
            keys = {pool.submit(task): key for key, task in tasks.items()}
            for future in as_completed(keys):
                yield keys[future], future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _become_worker() -> None:
    """Leave parallelism to the pool, and die silently when the user interrupts."""
    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Let processes that start now compute with one thread; NumPy reads this when imported."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
