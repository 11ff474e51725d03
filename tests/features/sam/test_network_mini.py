"""The small trained network that tests and benchmarks use: does it load, and does it segment?"""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from engine.synthetic.scenes import CATEGORIES, render
from features.device import MachineConfig
from features.sam.network import MaskNetwork, Prompts
from features.sam.official import load

ASSETS = Path(__file__).parents[2] / "assets"
WEIGHTS = ASSETS / "sam-mini.safetensors"
MIN_AREA_PX = 600  # of a part at the size of the scene: what the network sees well at side 256
HELD_OUT_SEED = 31  # training used 1


@pytest.fixture(scope="module")
def network() -> MaskNetwork:
    return load(WEIGHTS, MachineConfig(device="cpu", n_threads=1), side_px=512)


def test_file_holds_few_half_precision_tensors_and_nothing_else():
    assert WEIGHTS.stat().st_size <= 8 * 2**20
    with safe_open(WEIGHTS, "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float16}
    assert all(tensor.isfinite().all() for tensor in tensors.values())
    assert {name.split(".")[0] for name in tensors} == {
        "image_encoder",
        "prompt_encoder",
        "mask_decoder",
    }
    assert tensors["image_encoder.pos_embed"].shape == (1, 16, 16, 128)


def test_thresholds_lie_in_range():
    thresholds = json.loads((ASSETS / "sam-mini.json").read_text())
    assert thresholds.keys() == {
        "pred_iou_thresh",
        "stability_score_thresh",
        "stability_score_offset",
        "points_per_side",
    }
    assert 0 < thresholds["pred_iou_thresh"] < 1
    assert 0 < thresholds["stability_score_thresh"] < 1


def ious_of(network: MaskNetwork, rng: np.random.Generator, category: str) -> list[float]:
    """IoU of the best of three masks for one point in each part of a scene."""
    scene = render(category, rng)
    height, width = scene.part_map.shape
    embedding = network.embed(scene.image)
    parts, areas = np.unique(scene.part_map, return_counts=True)
    masks = [scene.part_map == part for part in parts[areas >= MIN_AREA_PX]]
    points = [rng.permutation(np.argwhere(mask))[0, ::-1] for mask in masks]
    prompts = Prompts(
        points_xy=np.array(points, dtype=np.float32)[:, None],
        is_positive=np.ones((len(points), 1), dtype=bool),
    )
    candidates = network.decode(embedding, prompts)
    logits = candidates.logits(torch.ones_like(candidates.iou, dtype=torch.bool))
    side = logits.shape[-1]
    rows = (np.arange(height) + 0.5) * side / max(height, width)
    columns = (np.arange(width) + 0.5) * side / max(height, width)
    found = (logits > 0).numpy()[:, rows.astype(int)][:, :, columns.astype(int)]
    found = found.reshape(len(masks), 3, height, width)
    return [
        max((mask & each).sum() / (mask | each).sum() for each in three)
        for mask, three in zip(masks, found, strict=True)
    ]


def mean_iou(network: MaskNetwork) -> float:
    rng = np.random.default_rng(HELD_OUT_SEED)
    return float(np.mean([i for category in CATEGORIES for i in ious_of(network, rng, category)]))


def test_one_point_finds_parts_of_held_out_scenes(network):
    assert mean_iou(network) > 0.4


def test_weights_that_have_learnt_nothing_find_none(tmp_path):
    torch.manual_seed(0)
    with safe_open(WEIGHTS, "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    shuffled = {
        name: tensor.flatten()[torch.randperm(tensor.numel())].reshape(tensor.shape)
        for name, tensor in tensors.items()
    }
    save_file(shuffled, tmp_path / "shuffled.safetensors")
    machine = MachineConfig(device="cpu", n_threads=1)
    assert mean_iou(load(tmp_path / "shuffled.safetensors", machine, side_px=512)) < 0.15


def test_predicted_iou_orders_masks(network):
    rng = np.random.default_rng(HELD_OUT_SEED)
    scene = render("pins", rng)
    embedding = network.embed(scene.image)
    points = rng.uniform((0, 0), (479, 319), (64, 1, 2)).astype(np.float32)
    prompts = Prompts(points_xy=points, is_positive=np.ones((64, 1), dtype=bool))
    candidates = network.decode(embedding, prompts)
    assert 0 < float(candidates.iou.mean()) < 1
    assert float(candidates.iou.std()) > 0.1
