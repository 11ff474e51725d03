from __future__ import annotations

import numpy as np
import pytest

from features.dense import Backbone, DenseMap
from features.embedded.backbone import EmbeddedBackbone


def test_mask_must_have_the_grid_of_the_tokens() -> None:
    tokens = np.zeros((3, 4, 5), dtype=np.float32)
    assert DenseMap(tokens, np.ones((3, 4), dtype=bool)).tokens is tokens
    with pytest.raises(ValueError, match=r"is_valid must have the grid of tokens \(3, 4\), got"):
        DenseMap(tokens, np.ones((4, 3), dtype=bool))


def test_the_embedded_backbone_is_one() -> None:
    backbone: Backbone = EmbeddedBackbone()
    assert isinstance(backbone, Backbone)
