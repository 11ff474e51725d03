"""Runtimes of the convolutional backbone: speed on one thread, and agreement.

Which runtime describes images fastest, and do all of them say the same?

    python benchmarks/cnn.py [--weights efficientnet-lite0] [--sizes 320,512] [--rounds 15]

All take turns on one square image of that side, up to the last stage of stride 16. Printed are the
median and the least milliseconds, from bytes in memory to maps in memory, how many times as fast as
OpenCV the median is, and the largest difference from PyTorch's maps, as a share of their largest
value. At the end, the milliseconds that loading takes, from the file of the package to the first
maps, and those of the whole backbone.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version

from machine import machine, use_one_thread

use_one_thread()

import cv2
import numpy as np
import openvino
import torch
from torch.nn.functional import conv2d, pad

from features.cnn import CnnConfig
from features.cnn.backbone import CnnBackbone
from features.cnn.checkpoint import find_checkpoint, read_tensors
from features.cnn.encoder import Planes, Run, run_with_onnxruntime, run_with_opencv
from features.cnn.network import MEAN, CnnNetwork, Convolution, network_of, onnx_of, output_name
from features.device import MachineConfig

STAGES = (3, 4, 5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--weights", default="efficientnet-lite0", metavar="NAME")
    parser.add_argument("--sizes", type=lambda text: map(int, text.split(",")), default=[320, 512])
    parser.add_argument("--rounds", type=int, default=15, metavar="N")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    print(machine(), *(f"{name} {version(name)}" for name in ("onnxruntime", "openvino", "torch")))
    for side_px in asked.sizes:
        compare(asked.weights, side_px, asked.rounds)


def compare(weights: str, side_px: int, n_rounds: int) -> None:
    rng = np.random.default_rng(0)
    image = cv2.resize(rng.integers(0, 256, (40, 40, 3), dtype=np.uint8), (side_px, side_px))
    network = network_of(read_tensors(find_checkpoint(weights).path), max(STAGES))
    model, names = onnx_of(network, STAGES), list(map(output_name, STAGES))
    runs: dict[str, Run] = {
        "OpenCV": run_with_opencv(model, names, 1),
        "ONNX Runtime": run_with_onnxruntime(model, names, 1),
        "OpenVINO": run_with_openvino(model, side_px),
        "PyTorch": run_with_torch(network),
    }

    def turn(run: Run) -> Sequence[Planes]:
        return run(cv2.dnn.blobFromImage(image, mean=MEAN))

    maps = {name: turn(run) for name, run in runs.items()}
    times_ms = take_turns({name: lambda run=run: turn(run) for name, run in runs.items()}, n_rounds)
    print(f"\n{weights}, {side_px} × {side_px} px")
    for name, taken_ms in times_ms.items():
        middle_ms = statistics.median(taken_ms)
        ratio = statistics.median(times_ms["OpenCV"]) / middle_ms
        pairs = zip(maps[name], maps["PyTorch"], strict=True)
        difference = max(np.abs(one - other).max() / np.abs(other).max() for one, other in pairs)
        print(
            f"  {name:<13} {middle_ms:6.1f} ms, least {min(taken_ms):6.1f}, "
            f"{ratio:4.2f} × OpenCV, differs by {difference:.0e}"
        )

    def load() -> CnnBackbone:
        backbone = CnnBackbone(CnnConfig(weights, side_px, STAGES), MachineConfig(n_threads=1))
        backbone.describe(image)
        return backbone

    backbone = load().fit([image])
    rest_ms = take_turns({"loading": load, "backbone": lambda: backbone(image)}, n_rounds)
    print(
        "  " + ", ".join(f"{name} {statistics.median(ms):.1f} ms" for name, ms in rest_ms.items())
    )


def take_turns(calls: dict[str, Callable[[], object]], n_rounds: int) -> dict[str, list[float]]:
    times_ms: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(n_rounds):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            times_ms[name].append(1e3 * (time.perf_counter() - start))
    return times_ms


def run_with_openvino(model: bytes, side_px: int) -> Run:
    core = openvino.Core()
    read = core.read_model(model)
    read.reshape([1, 3, side_px, side_px])
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
    request = core.compile_model(read, "CPU", settings).create_infer_request()
    return lambda planes: [each.copy() for each in request.infer([planes]).to_tuple()]


def run_with_torch(network: CnnNetwork) -> Run:
    def convolved(each: Convolution, given: torch.Tensor) -> torch.Tensor:
        before, odd = divmod(each.weight.shape[2] - each.stride, 2)
        found = conv2d(
            pad(given, [before, before + odd] * 2),
            torch.from_numpy(each.weight),
            torch.from_numpy(each.bias),
            each.stride,
            groups=len(each.bias) if each.is_by_channel else 1,
        )
        return found.clip(0, 6) if each.is_clipped else found

    def run(planes: Planes) -> list[Planes]:
        made, maps = convolved(network.stem, torch.from_numpy(planes)), []
        for stage in network.stages:
            for block in stage:
                given = made
                for each in block.convolutions:
                    made = convolved(each, made)
                made = made + given if block.has_skip else made
            maps.append(made.numpy())
        return [maps[stage - 1] for stage in STAGES]

    return torch.inference_mode()(run)


if __name__ == "__main__":
    main()
