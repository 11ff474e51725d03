"""Runtimes of the vision transformer: PyTorch, or those made for processors.

What runs the network is made for one size; those of the last few sizes are kept, for photographs of
one camera have one size, and those of a folder a handful. Runtimes other than PyTorch take the
network as that exports it, for one image of one size, which lets them plan all memory and fuse what
they can. Each gives the same descriptors up to rounding.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32, UInt8

from features.device import MachineConfig, MachineError, need, torch_device, torch_dtype
from features.temporary_files import temporary_folder
from features.vit import VitConfig
from features.vit.architectures import Description
from features.vit.network import Anatomy, VitNetwork, load

Images = UInt8[np.ndarray, "batch height width 3"]
Run = Callable[[Images], Float32[np.ndarray, "batch cells dim"]]

# the first version of ONNX that has attention as one operation, which is then computed in blocks
ONNX_OPSET = 23


def prepare(network: VitNetwork, size: tuple[int, int], machine: MachineConfig) -> Run:
    """Return a function that runs a network on images of its size.

    Raises:
        MachineError: The runtime is not installed, or this processor lacks the precision.
    """
    if machine.runtime == "torch":
        return _torch(network)
    image = torch.zeros((1, *size, 3), dtype=torch.uint8)
    run_one = (_onnx if machine.runtime == "onnx" else _openvino)(network, image, machine)
    return lambda images: np.concatenate([run_one(images[n : n + 1]) for n in range(len(images))])


def _torch(network: VitNetwork) -> Run:
    def run(images: Images) -> Float32[np.ndarray, "batch cells dim"]:
        with torch.inference_mode():
            tokens = network(torch.from_numpy(images).to(network.prefix.device))
            found: np.ndarray = tokens.numpy(force=True)
        return found

    return run


def _onnx(network: VitNetwork, image: torch.Tensor, machine: MachineConfig) -> Run:
    runtime = need("onnxruntime", 'machine.runtime "onnx"')
    need("onnxscript", 'machine.runtime "onnx"')
    options = runtime.SessionOptions()
    options.intra_op_num_threads = machine.cores
    # a file, for a message in memory ends at 2 GB
    with temporary_folder() as folder, torch.no_grad():
        path = folder / "network.onnx"
        program = torch.onnx.export(
            network, (image,), input_names=["images"], opset_version=ONNX_OPSET, verbose=False
        )
        assert program is not None
        program.save(path, external_data=True)
        session = runtime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda images: session.run(None, {"images": images})[0]


def _openvino(network: VitNetwork, image: torch.Tensor, machine: MachineConfig) -> Run:
    openvino = need("openvino", 'machine.runtime "openvino"')
    core = openvino.Core()
    if machine.precision == "bf16" and "BF16" not in core.get_property(
        "CPU", "OPTIMIZATION_CAPABILITIES"
    ):
        raise MachineError(
            'machine.precision is "bf16", which this processor does not compute; set it to "fp32"'
        )
    with torch.no_grad():
        model = openvino.convert_model(torch.export.export(network, (image,)))
    settings = {
        # said outright: where a processor has bf16, OpenVINO would take it unasked
        "INFERENCE_PRECISION_HINT": "bf16" if machine.precision == "bf16" else "f32",
        "INFERENCE_NUM_THREADS": machine.cores,
        "PERFORMANCE_HINT": "LATENCY",
    }
    request = core.compile_model(model, "CPU", settings).create_infer_request()
    return lambda images: request.infer([images], share_inputs=True)[0]


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
