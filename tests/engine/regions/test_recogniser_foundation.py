"""Regions with networks: does everything fit together, whatever the weights have learnt?

SAM is the small network under ``tests/assets``; DINOv2 is tiny and has random weights.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from engine.config import Config, from_dict
from engine.errors import ConfigError
from engine.inspector import Inspector
from engine.regions import LibraryError, Outlined, Recogniser, Region, RegionReport, teach
from engine.regions.frames import Frames
from engine.regions.recogniser import outliner_of
from engine.regions.segmentation import refine
from engine.regions.teaching import exact
from engine.regions_config import RegionsConfig, SegmentationConfig
from features.sam import SamConfig
from features.vit import VitConfig

torch = pytest.importorskip("torch", reason="torch is not installed")
transformers = pytest.importorskip("transformers", reason="transformers is not installed")

ASSETS = Path(__file__).parents[2] / "assets"
SIZE = (192, 256)
RED, BLUE = (190, 40, 40), (40, 60, 200)


def disc(x: int, y: int, radius: int) -> np.ndarray:
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    mask: np.ndarray = (columns - x) ** 2 + (rows - y) ** 2 <= radius**2
    return mask


@cache
def photograph(seed: int, *spots: tuple[int, int, tuple[int, int, int]]) -> np.ndarray:
    """Photograph a tray with two blocks, and spots of radius 16 px at (x, y, colour)."""
    rng = np.random.default_rng(seed)
    image = np.full((*SIZE, 3), (150.0, 140.0, 120.0))
    image[30:90, 30:100] = (70, 90, 110)
    image[110:170, 150:230] = (200, 190, 90)
    for x, y, color in spots:
        image[disc(x, y, 16)] = color
    return np.asarray((image + rng.normal(0, 4, image.shape)).clip(0, 255).astype(np.uint8))


@pytest.fixture(scope="session")
def tiny_dino(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """DINOv2 of two narrow layers with random weights, as a folder of the hub's layout."""
    torch.manual_seed(0)
    settings = transformers.Dinov2Config(
        hidden_size=64, num_attention_heads=2, num_hidden_layers=2, image_size=224, patch_size=14
    )
    folder = tmp_path_factory.mktemp("weights") / "dinov2-tiny"
    transformers.Dinov2Model(settings).save_pretrained(folder)
    return folder


def config_of(dino: Path, profile: Any, method: Any = "threshold") -> Config:
    thresholds = json.loads((ASSETS / "sam-mini.json").read_text(encoding="utf-8"))
    sam = replace(SamConfig(weights=str(ASSETS / "sam-mini.safetensors")), **thresholds)
    return Config(
        profile=profile,
        vit=VitConfig(weights=str(dino), input_px=224),
        sam=sam,
        photo_area_px=SIZE[0] * SIZE[1],
        regions=RegionsConfig(segmentation=SegmentationConfig(method=method)),
    )


@pytest.fixture(scope="module", params=["foundation", "foundation-fast"])
def networks(request: pytest.FixtureRequest, tiny_dino: Path) -> Inspector:
    """An inspector of each foundation profile that has seen three clean trays."""
    config = config_of(tiny_dino, request.param)
    return Inspector(config).fit([photograph(seed) for seed in range(3)])


@pytest.fixture(scope="module")
def prompted(tiny_dino: Path) -> Inspector:
    """An inspector that asks SAM for the outlines of regions."""
    config = config_of(tiny_dino, "foundation-fast", "prompt")
    return Inspector(config).fit([photograph(seed) for seed in range(3)])


SPOT, ELSEWHERE = (60, 130, RED), (190, 60, RED)


class TestBothProfiles:
    def test_taught_once_and_found_again(
        self, networks: Inspector, open_station: Callable[..., Any]
    ) -> None:
        station = open_station(networks)
        before = station.recogniser.inspect(photograph(10, ELSEWHERE))
        assert {each.kind for each in before.regions} == {"unknown"}
        outlined = Outlined(Region.of(disc(*SPOT[:2], 16)))
        examination = networks.examine(photograph(11, SPOT))
        teach(station.recogniser, examination, outlined, "spot", "accepted")
        report = station.recogniser.inspect(photograph(10, ELSEWHERE))
        (spot,) = report.accepted
        assert spot.class_name == "spot"
        assert spot.region.iou(Region.of(disc(*ELSEWHERE[:2], 16))) > 0.8
        assert report.report.total < report.plain.total
        assert report.plain.total == pytest.approx(before.plain.total)
        other = station.recogniser.inspect(photograph(12, (190, 60, BLUE)))
        assert "spot" not in [each.class_name for each in other.regions]

    def test_a_report_has_the_form_of_the_embedded_one_and_is_the_same_each_time(
        self,
        networks: Inspector,
        open_station: Callable[..., Any],
        told: Callable[[RegionReport], object],
    ) -> None:
        embedded = Inspector().fit([photograph(seed) for seed in range(3)])
        image = photograph(10, ELSEWHERE)
        theirs = open_station(embedded, "embedded.db").recogniser.inspect(image)
        recogniser = open_station(networks, "networks.db").recogniser
        ours: RegionReport = recogniser.inspect(image)
        assert told(recogniser.inspect(image)) == told(ours)
        assert ours.as_dict().keys() == theirs.as_dict().keys()
        size = ours.report.registered.shape[:2]
        for each in (ours.novelty, ours.class_map, ours.error_map):
            assert each.shape == size
            assert np.isfinite(each).all()
        assert 0 <= ours.error_map.min() <= ours.error_map.max() <= 1
        assert ours.report.image_size == SIZE
        assert ours.verdict in ("normal", "anomaly")
        json.dumps(ours.as_dict(), allow_nan=False)

    def test_its_examples_are_of_no_use_to_the_embedded_profile(
        self, networks: Inspector, open_station: Callable[..., Any]
    ) -> None:
        station = open_station(networks)
        outlined = Outlined(Region.of(disc(*SPOT[:2], 16)))
        teach(
            station.recogniser, networks.examine(photograph(11, SPOT)), outlined, "spot", "defect"
        )
        embedded = Inspector().fit([photograph(seed) for seed in range(2)])
        message = r"features of another kind: expected backbone .*got 'embedded'"
        with pytest.raises(LibraryError, match=message):
            Recogniser(embedded, station.library)


class TestPrompt:
    def test_outlines_are_what_sam_answers(
        self, prompted: Inspector, open_station: Callable[..., Any]
    ) -> None:
        recogniser = open_station(prompted).recogniser
        examination = prompted.examine(photograph(10, ELSEWHERE))
        frames = Frames(examination, recogniser.config.photo_area_px)
        rough = Region((165, 35, 215, 85), np.ones((50, 50), dtype=bool))
        found = exact(recogniser, frames, Outlined(rough, is_rough=True))
        outline = outliner_of(prompted, frames)
        assert outline is not None
        answer = outline(rough.over(SIZE))
        assert answer.shape == SIZE
        assert answer.dtype == bool
        # what SAM says outside the neighbourhood of the region is not asked for
        config = recogniser.config.segmentation
        expected = refine(frames.picture, rough, None, config, prompt=lambda _: answer)
        assert found.box_xyxy == expected.box_xyxy
        np.testing.assert_array_equal(found.mask, expected.mask)

    def test_it_teaches_and_judges(
        self, prompted: Inspector, open_station: Callable[..., Any]
    ) -> None:
        recogniser = open_station(prompted).recogniser
        outlined = Outlined(Region.of(disc(*SPOT[:2], 16)))
        teach(recogniser, prompted.examine(photograph(11, SPOT)), outlined, "spot", "defect")
        report = recogniser.inspect(photograph(10, ELSEWHERE))
        assert report.is_anomaly
        assert len(report.regions) >= 1
        truth = Region.of(disc(*ELSEWHERE[:2], 16))
        assert max(each.region.iou(truth) for each in report.regions) > 0.3

    def test_an_image_is_encoded_only_where_something_is_new(
        self, prompted: Inspector, open_station: Callable[..., Any]
    ) -> None:
        """A hand-made segmenter notes for which images an outline was asked."""

        class Noting:
            def __init__(self) -> None:
                self.asked: list[np.ndarray] = []

            def __getattr__(self, name: str) -> Any:
                return getattr(own, name)

            def prompter(self, image: np.ndarray) -> SimpleNamespace:
                def from_mask(rough: np.ndarray) -> np.ndarray:
                    self.asked.append(image)
                    return rough

                return SimpleNamespace(from_mask=from_mask)

        recogniser = open_station(prompted).recogniser
        own = prompted.segmenter
        noting = prompted.segmenter = Noting()  # type: ignore[assignment]
        try:
            clean = photograph(0)
            assert recogniser.inspect(clean).regions == ()
            n_clean = len(noting.asked)
            report = recogniser.inspect(photograph(10, ELSEWHERE))
            assert len(report.regions) >= 1
        finally:
            prompted.segmenter = own
        assert n_clean == 0
        assert len(noting.asked) > n_clean
        assert all(each.shape == (*SIZE, 3) for each in noting.asked)

    def test_the_embedded_profile_has_no_sam_to_ask(self) -> None:
        values = {"regions": {"segmentation": {"method": "prompt"}}}
        with pytest.raises(ConfigError, match=r'method = "prompt" needs SAM; set profile to'):
            from_dict(values)
        for profile in ("foundation", "foundation-fast"):
            assert from_dict(values | {"profile": profile}).profile == profile


EMBEDDED_JOB = """
import sys, tempfile
from pathlib import Path
import numpy as np
from engine import Inspector
from engine.regions import Library, Outlined, Recogniser, Region, teach

rng = np.random.default_rng(0)
images = rng.integers(100, 140, (4, 64, 64, 3), dtype=np.uint8)
images[3, 20:34, 20:34] = (200, 30, 30)
inspector = Inspector().fit(list(images[:3]))
region = Region((20, 20, 34, 34), np.ones((14, 14), dtype=bool))
with tempfile.TemporaryDirectory() as folder, Library(Path(folder) / "regions.db") as library:
    recogniser = Recogniser(inspector, library)
    teach(recogniser, inspector.examine(images[3]), Outlined(region), "spot", "defect")
    print([each.class_name for each in recogniser.inspect(images[3]).regions])
print(sorted(sys.modules.keys() & {"torch", "transformers", "sklearn", "numpy"}))
"""


def test_the_embedded_profile_teaches_and_recognises_without_torch() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", EMBEDDED_JOB], capture_output=True, text=True, check=True
    )
    classes, modules = ended.stdout.splitlines()
    assert "'spot'" in classes
    assert modules == "['numpy']"
