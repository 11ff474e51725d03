"""Worker processes of one thread each, over which work is spread."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing import get_context
from types import FrameType
from typing import TypeVar

import cv2

R = TypeVar("R")


def spread(tasks: Mapping[str, Callable[[], R]], jobs: int) -> Iterator[tuple[str, R]]:
    """Give each result with the key of its task as soon as it is there; tasks are picklable."""
    with _one_thread_each():
        pool = ProcessPoolExecutor(jobs, get_context("spawn"), initializer=_become_worker)
        try:
            with _interrupts_held_back():  # processes start with the first tasks
                keys = {pool.submit(task): key for key, task in tasks.items()}
            for future in as_completed(keys):
                yield keys[future], future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _become_worker() -> None:
    """Leave parallelism to the pool, and die silently when the user interrupts, or has done so."""
    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Let Ctrl-C wait; processes that start meanwhile let it wait, too, until they are ready.

    Otherwise it would end them with a traceback while they still import what they need, or this
    one between the start of a process and the note that it was started: nobody would end that.
    """
    held: list[int] = []
    with _handled(lambda number, _: held.append(number)), _blocked():
        yield
    if held:
        signal.raise_signal(signal.SIGINT)


@contextmanager
def _handled(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Handle Ctrl-C otherwise; only the main thread can, and is the one that is interrupted."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _blocked() -> Iterator[None]:
    """Block Ctrl-C in this thread, and so in processes that it starts; not on Windows."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


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
