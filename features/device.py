"""Device of the large networks: processor or GPU, precision and threads.

Their libraries are an extra: nothing here imports them before they are needed, and the embedded
profile never does.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

from features.config_fields import Range
from features.errors import UserError

if TYPE_CHECKING:
    import torch

Device = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["fp32", "bf16", "fp16"]
Runtime = Literal["torch", "onnx", "openvino"]

Item = TypeVar("Item")
Result = TypeVar("Result")


class MachineError(UserError, RuntimeError):
    """This machine lacks what the settings ask for; the message is one line and names the cure."""


@dataclass(frozen=True)
class MachineConfig:
    """On what the networks run; models move freely between machines, so nothing is learnt of it."""

    device: Device = "auto"
    """The best there is: cuda, else mps, else cpu."""
    precision: Precision = "fp32"
    """Of the networks; everything after them is computed in fp32."""
    runtime: Runtime = "torch"
    """What runs the backbone: on processors onnx and openvino are faster, openvino has bf16."""
    batch_size: Annotated[int, Range(1, 1024)] = 8
    """Images that go through the backbone at once, where there are several."""
    n_threads: Annotated[int, Range(0, 1024)] = 0
    """Threads of the processor; 0 means what the environment variable ``PARTWISE_THREADS`` says, or
    one for each core. Several programs side by side are faster with few threads each."""

    def problems(self) -> list[str]:
        """Name what the runtime cannot do."""
        found = []
        allowed = {
            "torch": ("fp32", "bf16", "fp16"),
            "onnx": ("fp32",),
            "openvino": ("fp32", "bf16"),
        }
        if self.precision not in allowed[self.runtime]:
            found.append(
                f"precision must be {' or '.join(allowed[self.runtime])} with the runtime "
                f'"{self.runtime}", got "{self.precision}"'
            )
        if self.runtime != "torch" and self.device not in ("auto", "cpu"):
            found.append(
                f'device must be auto or cpu with the runtime "{self.runtime}", which '
                f'runs on processors, got "{self.device}"'
            )
        return found

    @property
    def cores(self) -> int:
        """Number of threads to use.

        Raises:
            MachineError: ``PARTWISE_THREADS`` is no number.
        """
        if self.n_threads:
            return self.n_threads
        if given := os.environ.get("PARTWISE_THREADS"):
            if not given.isascii() or not given.isdigit() or int(given) < 1:
                raise MachineError(
                    f"PARTWISE_THREADS must be a number from 1 on, got {given!r}; unset it for all "
                    "cores"
                )
            return int(given)
        # not every system can say which cores this process may use
        usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else ()
        return len(usable) or os.cpu_count() or 1


def need(module: str, what: str) -> ModuleType:
    """Import a module that only an extra installs.

    Raises:
        MachineError: It is not there; says which extra ``what`` needs.
    """
    try:
        return import_module(module)
    except ImportError as error:
        top = module.partition(".")[0]
        extra = (
            "runtimes" if top in ("onnx", "onnxruntime", "onnxscript", "openvino") else "foundation"
        )
        raise MachineError(
            f"{what} needs {top}, which cannot be imported ({error}); "
            f'run `pip install "partwise[{extra}]"`'
        ) from error


def torch_device(config: MachineConfig) -> torch.device:
    """Return the device, and let PyTorch use the processor as configured.

    Raises:
        MachineError: The device asked for is not there.
    """
    need("torch", "a foundation profile")
    import torch

    torch.set_num_threads(config.cores)
    has = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if config.device == "auto":
        return torch.device(next(name for name, is_there in has.items() if is_there))
    if not has[config.device]:
        there = ", ".join(name for name, is_there in has.items() if is_there)
        raise MachineError(
            f'machine.device is "{config.device}", which PyTorch does not find here, only {there}; '
            'set it to "auto"'
        )
    return torch.device(config.device)


def torch_dtype(config: MachineConfig) -> torch.dtype:
    """Return the type in which networks compute."""
    need("torch", "a foundation profile")
    import torch

    return {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[config.precision]


def in_batches(
    run: Callable[[Sequence[Item]], Sequence[Result]],
    items: Sequence[Item],
    batch_size: int,
    tell: Callable[[str], None],
) -> list[Result]:
    """Run over batches; where a GPU runs out of memory, halve the batch, say so, and go on.

    Raises:
        MachineError: Not even a single item fits.
    """
    need("torch", "a foundation profile")
    import torch

    results: list[Result] = []
    while len(results) < len(items):
        try:
            results += run(items[len(results) : len(results) + batch_size])
        except torch.OutOfMemoryError as error:
            if batch_size == 1:
                raise MachineError(
                    "the GPU's memory does not hold a single item; "
                    'use smaller weights or input, or set machine.device to "cpu"'
                ) from error
            batch_size //= 2
            torch.cuda.empty_cache()
            tell(f"out of memory on the GPU: going on with batches of {batch_size}")
    return results
