from __future__ import annotations

import pytest

from features.config_fields import problems_of
from features.vit import VitConfig
from features.vit.architectures import ARCHITECTURES, Description, check_fit

DINOV2 = Description(ARCHITECTURES["dinov2"], patch_px=14, n_blocks=12)


def test_defaults_are_sound_and_fit_dinov2() -> None:
    assert problems_of(VitConfig(), "vit") == []
    check_fit(VitConfig(), DINOV2)


def test_all_problems_are_named() -> None:
    config = VitConfig(weights="", input_px=0, layers=(99, 99))
    assert problems_of(config, "vit") == [
        "vit.input_px must lie in 1 … 4096, got 0",
        "vit.layers must lie in -64 … 63, got (99, 99)",
        "vit.weights must be a known name or a folder, got an empty string",
        "vit.layers must name at least one block, and none twice, got (99, 99)",
    ]


@pytest.mark.parametrize(
    ("input_px", "nearest"), [(500, "490 and 504"), (519, "518 and 532"), (9, "14")]
)
def test_input_that_is_no_multiple_of_the_patches_is_refused(input_px: int, nearest: str) -> None:
    message = (
        f"vit.input_px must be a multiple of 14, the patch size of dinov2-small, "
        f"got {input_px}; the nearest are {nearest}$"
    )
    with pytest.raises(ValueError, match=message):
        check_fit(VitConfig(input_px=input_px), DINOV2)


def test_blocks_that_are_not_there_are_refused() -> None:
    check_fit(VitConfig(layers=(0, 11, -12)), DINOV2)
    with pytest.raises(ValueError, match=r"must lie in -12 … 11, .* has 12 blocks, got 12, -13"):
        check_fit(VitConfig(layers=(3, 12, -13)), DINOV2)
