"""Runtimes of the large backbones: speed and agreement.

Which runtime describes images fastest, and do all of them say the same?

    python benchmarks/backbones.py [--sizes small,base] [--rounds 7] [--input 518]

For each size of DINOv2, all runtimes take turns on one image, on all cores; printed are the median
and the least milliseconds, from bytes in memory to descriptors in memory, how many times as fast as
PyTorch in fp32 the least is, and the cosine with its descriptors (mean and least over all cells).
Where a GPU is found, images per second follow, in bf16 and batches, and the floor: the operations
of one image over the measured rate of one large matrix product. Weights are random, which speed
does not depend on; agreement does, in that trained networks have larger outliers.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from machine import machine
from torch.utils.flop_counter import FlopCounterMode
from transformers import Dinov2Config, Dinov2Model
from transformers.utils import logging

from features.device import MachineConfig
from features.vit import VitConfig
from features.vit.architectures import describe
from features.vit.runtime import Encoder

PATCH_PX = 14
PAUSE_S = 0.3  # between turns, after which the threads of the runtime before have gone to sleep
CANDIDATES = {
    "torch fp32": MachineConfig(device="cpu"),
    "torch bf16": MachineConfig(device="cpu", precision="bf16"),
    "onnx fp32": MachineConfig(runtime="onnx"),
    "openvino fp32": MachineConfig(runtime="openvino"),
    "openvino bf16": MachineConfig(runtime="openvino", precision="bf16"),
}
# width, heads, blocks; giant has a gated feed-forward part
SHAPES = {
    "small": (384, 6, 12),
    "base": (768, 12, 12),
    "large": (1024, 16, 24),
    "giant": (1536, 24, 40),
}
GPU_BATCH = 32
MATRIX_SIDE = 8192


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", type=lambda text: text.split(","), default=["small", "base"])
    parser.add_argument("--rounds", type=int, default=7, metavar="N")
    parser.add_argument("--input", type=int, default=518, metavar="PX")
    asked = parser.parse_args()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    libraries = ("torch", "transformers", "onnxruntime", "openvino")
    print(machine(), *(f"{name} {version(name)}" for name in libraries), sep=", ")
    for size in asked.sizes:
        compare(size, asked.input, asked.rounds)
    if torch.cuda.is_available():
        measure_device(torch.device("cuda"), ["base", "large", "giant"], asked.input)
        measure_sam(torch.device("cuda"))
    else:
        print("\nno GPU found: images per second on one are left out")


def make_weights(size: str, folder: Path) -> Path:
    dim, n_heads, n_blocks = SHAPES[size]
    torch.manual_seed(0)
    config = Dinov2Config(
        hidden_size=dim,
        num_attention_heads=n_heads,
        num_hidden_layers=n_blocks,
        image_size=518,
        use_swiglu_ffn=size == "giant",
    )
    Dinov2Model(config).save_pretrained(folder)
    return folder


def make_encoder(folder: Path, config: MachineConfig) -> Encoder:
    return Encoder(folder, describe(folder), VitConfig(), config)


def compare(size: str, input_px: int, n_rounds: int) -> None:
    """Let the candidates take turns, so that what else the machine does meets all of them."""
    image = random_images(1, input_px)
    encoders, seconds, tokens, first = {}, {}, {}, {}
    with tempfile.TemporaryDirectory() as folder:
        make_weights(size, Path(folder))
        for name, config in CANDIDATES.items():
            started = time.perf_counter()
            encoders[name] = make_encoder(Path(folder), config)
            tokens[name] = encoders[name](image)
            first[name], seconds[name] = time.perf_counter() - started, []
    for _ in range(n_rounds):
        for name, encoder in encoders.items():
            time.sleep(PAUSE_S)
            seconds[name].append(timed(partial(encoder, image)))

    print(f"\nDINOv2 {size}, one image of {input_px}×{input_px} px, {n_rounds} rounds")
    print("                  median     least   times as fast   cosine: mean   least   first image")
    reference = next(iter(CANDIDATES))
    for name, each in seconds.items():
        cosine = (tokens[name] * tokens[reference]).sum(axis=-1)
        print(
            f"{name:<14} {1000 * statistics.median(each):7.0f} ms {1000 * min(each):6.0f} ms "
            f"{min(seconds[reference]) / min(each):13.2f} {cosine.mean():16.6f} "
            f"{cosine.min():9.6f} {first[name]:8.1f} s"
        )


def random_images(n_images: int, side_px: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n_images, side_px, side_px, 3), np.uint8)


def timed(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def measure_device(device: torch.device, sizes: list[str], input_px: int) -> None:
    """Print images per second of the encoder, and how many the device could do at its peak."""
    rate = matrix_rate(device)
    print(f"\n{device_name(device)}, bf16, matrix products at {rate / 1e12:.1f} TFLOP/s")
    config = MachineConfig(device=device.type, precision="bf16")
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            encoder = make_encoder(make_weights(size, Path(folder)), config)
        images = random_images(GPU_BATCH, input_px)
        with FlopCounterMode(display=False) as counter:
            encoder(images[:1])
        encoder(images)
        seconds = min(timed(partial(encoder, images)) for _ in range(5))
        per_second = GPU_BATCH / seconds
        print_share(f"DINOv2 {size} at {input_px}", per_second, rate / counter.get_total_flops())


def measure_sam(device: torch.device) -> None:
    """Do the same for the image encoder of SAM ViT-H, one image at a time, as it is used."""
    from segment_anything import sam_model_registry

    encoder = sam_model_registry["vit_h"]().image_encoder.eval().to(device, torch.bfloat16)
    side_px = encoder.img_size
    pixels = torch.randn(1, 3, side_px, side_px, dtype=torch.bfloat16, device=device)

    @torch.inference_mode()
    def encode() -> None:
        encoder(pixels).cpu()

    with FlopCounterMode(display=False) as counter:
        encode()
    floor = matrix_rate(device) / counter.get_total_flops()
    print_share("SAM ViT-H encoder", 1 / min(timed(encode) for _ in range(5)), floor)


def print_share(name: str, per_second: float, floor: float) -> None:
    print(
        f"{name:<22} {per_second:8.1f} images/s; at the rate of matrix products {floor:8.1f} "
        f"({per_second / floor:.0%})"
    )


def matrix_rate(device: torch.device) -> float:
    """Measure operations per second of one large product in bf16."""
    factor = torch.randn(MATRIX_SIDE, MATRIX_SIDE, dtype=torch.bfloat16, device=device)

    def multiply() -> None:
        (factor @ factor)[0, 0].item()  # which waits for the device

    multiply()
    return 2 * MATRIX_SIDE**3 / min(timed(multiply) for _ in range(5))


def device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name() if device.type == "cuda" else device.type


if __name__ == "__main__":
    main()
