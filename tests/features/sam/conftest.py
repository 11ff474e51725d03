"""A small network of SAM's own classes, with random weights that leave no path of it silent."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from segment_anything.modeling import (
    ImageEncoderViT,
    MaskDecoder,
    PromptEncoder,
    Sam,
    TwoWayTransformer,
)
from torch import nn


def _enliven(module: nn.Module) -> nn.Module:
    """Set all weights, so that each layer's outputs have a spread near one, and biases one of 0.2.

    As PyTorch initialises them, masks of a small network are nearly constant, and relative
    positions are zero.
    """
    generator = torch.Generator().manual_seed(0)
    layers = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)
    weights = {id(part.weight) for part in module.modules() if isinstance(part, layers)}
    tables = [table for name, table in module.named_buffers() if "position" in name]
    for values in (*module.parameters(), *tables):
        noise = torch.randn(values.shape, generator=generator)
        if values.ndim == 1:
            # gains of norms are one at first
            values.data = 0.2 * noise + (values == 1).all()
        else:
            values.data = noise * (values[0].numel() ** -0.5 if id(values) in weights else 0.5)
    return module.eval()


@pytest.fixture
def enliven() -> Callable[[nn.Module], nn.Module]:
    return _enliven


@pytest.fixture
def tiny_sam() -> Sam:
    """Side 128 px, patches of 8 px in windows of 5, one global block; the same at every call."""
    sam = Sam(
        ImageEncoderViT(
            img_size=128,
            patch_size=8,
            embed_dim=24,
            depth=3,
            num_heads=2,
            mlp_ratio=2.5,
            out_chans=32,
            norm_layer=partial(torch.nn.LayerNorm, eps=1e-6),
            use_rel_pos=True,
            window_size=5,
            global_attn_indexes=(1,),
        ),
        PromptEncoder(32, (16, 16), (128, 128), mask_in_chans=8),
        MaskDecoder(
            transformer_dim=32,
            transformer=TwoWayTransformer(depth=2, embedding_dim=32, num_heads=8, mlp_dim=48),
            iou_head_hidden_dim=40,
        ),
    )
    _enliven(sam)
    return sam


@pytest.fixture
def noise_image() -> np.ndarray:
    """Higher than wide, so that the square is padded at the right."""
    return np.random.default_rng(0).integers(0, 256, (90, 70, 3), dtype=np.uint8)


@pytest.fixture
def painted(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module of a fake network for painted images."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    return importlib.import_module("painted")
