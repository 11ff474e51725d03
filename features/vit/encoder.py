"""How do images become descriptors on this machine, whatever their size?

What runs the network is made for one size; those of the last few sizes are kept, for photographs of
one camera have one size, and those of a folder a handful.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32, UInt8

from features.machine import MachineConfig, torch_device, torch_dtype
from features.vit.architectures import Description
from features.vit.config import VitConfig
from features.vit.loading import load
from features.vit.network import Anatomy, VitNetwork
from features.vit.runtimes import Run, prepare

# runtimes other than PyTorch keep a copy of the weights for each
N_SIZES = 4


class Encoder:
    """A loaded network that describes images whose sides are multiples of its patch size.

    Raises:
        MachineError: This machine lacks what the settings ask for.
        WeightsError: The weights are not what they should be.
    """

    def __init__(
        self, folder: Path, description: Description, config: VitConfig, machine: MachineConfig
    ) -> None:
        self.description = description
        self.config = config
        self.machine = machine
        self._anatomy = placed(load(folder, description.architecture), machine)
        self._runs: OrderedDict[tuple[int, int], Run] = OrderedDict()

    def __call__(
        self, images: UInt8[np.ndarray, "batch height width 3"]
    ) -> Float32[np.ndarray, "batch rows columns dim"]:
        """Describe each patch of each image."""
        _, height, width, _ = images.shape
        run = self._runs.pop((height, width), None) or self._make((height, width))
        self._runs[height, width] = run
        while len(self._runs) > N_SIZES:
            self._runs.popitem(last=False)
        patch_px = self.description.patch_px
        tokens: np.ndarray = run(images)
        return tokens.reshape(len(images), height // patch_px, width // patch_px, -1)

    def _make(self, size: tuple[int, int]) -> Run:
        network = VitNetwork(
            self._anatomy,
            self.description,
            size,
            layers=self.config.layers,
            is_unit=self.config.is_unit,
        )
        return prepare(network.eval(), size, self.machine)


def placed(anatomy: Anatomy, machine: MachineConfig) -> Anatomy:
    """Move the weights to where, and into the precision in which, PyTorch is to compute.

    Other runtimes take them in fp32 from the processor's memory, and round by themselves.
    """
    if machine.runtime != "torch":
        torch.set_num_threads(machine.cores)
        return anatomy
    device, dtype = torch_device(machine), torch_dtype(machine)
    return replace(
        anatomy,
        patches=anatomy.patches.to(device, dtype),
        blocks=tuple(block.to(device, dtype) for block in anatomy.blocks),
        norm=anatomy.norm.to(device, dtype),
        rotary=anatomy.rotary.to(device) if anatomy.rotary else None,
    )
