"""What computes the network: PyTorch, or a runtime made for processors?

The other runtimes take the network as PyTorch exports it, for one image of one size, which lets
them plan all memory and fuse what they can. Each gives the same descriptors up to rounding.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32, UInt8

from features.machine import MachineConfig, MachineError, need
from features.vit.network import VitNetwork

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
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        path = Path(folder) / "network.onnx"
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
