"""Search for the nearest cells beside a bare matrix product of its size.

    python benchmarks/search.py [--dim 384] [--side 37]

A test image of side × side tokens is looked up in k references of as many: nearest cell of every
class, and all cells around the same place, exact. Printed beside a plain product of the same
size, single precision, on one core and on all; and the memory that either takes at most.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

N_CLASSES = 12
N_ROUNDS = 7


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--side", type=int, default=37)
    parser.add_argument("--case", nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.case:
        what, k, n_threads = asked.case
        measure(what, int(k), int(n_threads), asked.side, asked.dim)
        return
    n_cores = os.cpu_count() or 1
    print(f"{asked.side}×{asked.side} tokens of {asked.dim} numbers; best of {N_ROUNDS}")
    for n_threads in sorted({1, n_cores}):
        for k in (8, 16, 32, 64):
            (plain, plain_mb), (search, search_mb) = (
                run(what, k, n_threads, asked) for what in ("plain", "search")
            )
            print(
                f"{n_threads} core{'s' * (n_threads > 1)}, k = {k:2} ({k * asked.side**2:6,} "
                f"tokens): product {plain:6.1f} ms, search {search:6.1f} ms = "
                f"{plain / search:4.0%} of its speed; "
                f"memory {plain_mb:4.0f} and {search_mb:4.0f} MB"
            )


def run(what: str, k: int, n_threads: int, asked: argparse.Namespace) -> tuple[float, float]:
    """Measure in a process of its own; return milliseconds and megabytes."""
    command = [sys.executable, __file__, "--dim", str(asked.dim), "--side", str(asked.side)]
    # the search has threads of its own, one for each reference in turn
    n_blas = n_threads if what == "plain" else 1
    limits = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(n_blas))
    ended = subprocess.run(
        [*command, "--case", what, str(k), str(n_threads)],
        env=os.environ | limits,
        capture_output=True,
        text=True,
        check=True,
    )
    milliseconds, megabytes = ended.stdout.split()
    return float(milliseconds), float(megabytes)


def measure(what: str, k: int, n_threads: int, side: int, dim: int) -> None:
    import numpy as np

    from alignment.comparison import places_around
    from alignment.nearest_neighbours import find_neighbours, order_cells

    rng = np.random.default_rng(0)
    tokens = rng.normal(size=(k + 1, side * side, dim)).astype(np.float32)
    tokens /= np.linalg.norm(tokens, axis=-1, keepdims=True)
    query, keys = tokens[0], tokens[1:]
    classes = rng.integers(0, N_CLASSES, size=(k, side, 1)).repeat(side, axis=2)
    orders = [order_cells(np.ones((side, side), dtype=bool), each) for each in classes]
    places = places_around(np.arange(side * side), (side, side), (0, 0), 2)
    flat = keys.reshape(-1, dim)

    def plain() -> None:
        query @ flat.T

    def search() -> None:
        with ThreadPoolExecutor(n_threads) as pool:
            list(
                pool.map(
                    lambda key, order: find_neighbours(query, key, order, places), keys, orders
                )
            )

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    milliseconds = best({"plain": plain, "search": search}[what])
    print(milliseconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1e3)


def best(work: Callable[[], None]) -> float:
    seconds = []
    for _ in range(N_ROUNDS + 1):  # the first warms up
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return 1000 * min(seconds[1:])


if __name__ == "__main__":
    main()
