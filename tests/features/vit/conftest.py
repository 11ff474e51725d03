"""Networks with random weights, as folders in the format of transformers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

# per model_type: its model, its config, and what the tests leave at its default otherwise
SMALL = {"hidden_size": 48, "num_attention_heads": 3, "num_hidden_layers": 3}
PLAIN = SMALL | {"intermediate_size": 96, "image_size": 80, "patch_size": 16}
MODELS: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "dinov2": (
        transformers.Dinov2Model,
        transformers.Dinov2Config,
        SMALL | {"image_size": 70, "patch_size": 14},
    ),
    "dinov2_with_registers": (
        transformers.Dinov2WithRegistersModel,
        transformers.Dinov2WithRegistersConfig,
        SMALL | {"image_size": 70, "patch_size": 14, "use_swiglu_ffn": True},
    ),
    "dinov3_vit": (
        transformers.DINOv3ViTModel,
        transformers.DINOv3ViTConfig,
        PLAIN | {"num_register_tokens": 4},
    ),
    "ijepa": (transformers.IJepaModel, transformers.IJepaConfig, PLAIN),
    "vit": (transformers.ViTModel, transformers.ViTConfig, PLAIN),
    "vit_msn": (transformers.ViTMSNModel, transformers.ViTMSNConfig, PLAIN),
}

MakeModel = Callable[..., transformers.PreTrainedModel]
MakeFolder = Callable[..., Path]


def random_model(model_type: str, **settings: Any) -> transformers.PreTrainedModel:
    """A network all of whose weights matter; those of a fresh one are ones and zeros in part."""
    model_class, config_class, defaults = MODELS[model_type]
    model = model_class(config_class(**(defaults | settings))).eval().requires_grad_(False)
    generator = torch.Generator().manual_seed(0)
    for name, weight in model.named_parameters():
        centre = 1.0 if ("norm" in name and name.endswith("weight")) or "lambda" in name else 0.0
        weight.copy_(centre + 0.2 * torch.randn(weight.shape, generator=generator))
        if weight.ndim > 1 and "embeddings" not in name:
            weight *= 2 * weight.shape[1] ** -0.5
    return model


@pytest.fixture
def make_model() -> MakeModel:
    return random_model


@pytest.fixture
def make_folder(tmp_path: Path) -> MakeFolder:
    def make(model_type: str = "dinov2", **settings: Any) -> Path:
        folder = tmp_path / model_type
        random_model(model_type, **settings).save_pretrained(folder)
        return folder

    return make
