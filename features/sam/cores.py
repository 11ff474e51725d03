"""How do several cores work on several prompts?

PyTorch splits each operation among its threads, which then wait for each other. Operations on a few
prompts take a fraction of a millisecond, and a core that is late, perhaps busy with something else,
holds up all others at each of them. Here each thread has prompts of its own instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")


def on_all_cores(
    work: Callable[[Item], Result], items: Sequence[Item], device: torch.device
) -> list[Result]:
    """Do work on each item, in inference mode, on as many threads as PyTorch may use.

    A GPU is given its work by one.
    """

    def alone(item: Item) -> Result:
        # a mode of each thread
        with torch.inference_mode():
            return work(item)

    before = torch.get_num_threads()
    n_threads = min(before, len(items)) if device.type == "cpu" else 1
    if n_threads <= 1:
        return [alone(item) for item in items]
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(n_threads) as pool:
            return list(pool.map(alone, items))
    finally:
        torch.set_num_threads(before)
