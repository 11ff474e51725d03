from __future__ import annotations

from features.cnn import MIN_INPUT_PX, N_STAGES, CnnConfig
from features.cnn.network import STRIDES, stride_px
from features.config_fields import problems_of
from features.images import MIN_MULTIPLES


def test_defaults_are_sound() -> None:
    assert problems_of(CnnConfig(), "cnn") == []


def test_all_problems_are_named() -> None:
    config = CnnConfig(weights="", input_px=64, layers=(0, 8, 8))
    assert problems_of(config, "cnn") == [
        "cnn.input_px must lie in 128 … 2048, got 64",
        "cnn.layers must lie in 1 … 7, got (0, 8, 8)",
        "cnn.weights must be a known name or a file, got an empty string",
        "cnn.layers must name at least one stage, and none twice, got (0, 8, 8)",
    ]
    assert problems_of(CnnConfig(layers=())) == [
        "layers must name at least one stage, and none twice, got ()"
    ]


def test_stages_and_least_input_are_those_of_the_network() -> None:
    assert len(STRIDES) == N_STAGES
    assert stride_px(N_STAGES) * MIN_MULTIPLES == MIN_INPUT_PX
