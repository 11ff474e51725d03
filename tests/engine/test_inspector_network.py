"""The profile that has a network beside descriptors made by hand, from photographs to files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alignment.network_view import NetworkViewConfig
from engine.config import Config
from engine.hiding import hide
from engine.inspector import Inspector
from engine.profiles import counted_scores, looks_closer, preferred_profile
from features.cnn import CnnConfig
from features.images import resize
from features.weights.errors import WeightsError

SIZE = (160, 240)
SMALL = Config(
    profile="cnn",
    working_area_px=96 * 64,
    cnn=CnnConfig(input_px=128),
    network_view=NetworkViewConfig(n_turns=2, detail=192),
)
ONCE = replace(SMALL, network_view=NetworkViewConfig(n_turns=2, detail="off"))


@pytest.fixture(scope="module")
def photos(scene: Callable[..., Any]) -> list[np.ndarray]:
    return [resize(scene("pins", seed).image, SIZE) for seed in range(5)]


@pytest.fixture(scope="module")
def fitted(photos: list[np.ndarray]) -> Inspector:
    return Inspector(SMALL).fit(photos[:3])


def scratched(photo: np.ndarray) -> np.ndarray:
    image = photo.copy()
    image[70:74, 60:120] = (250, 30, 30)
    return image


class TestJudging:
    def test_both_looks_count_and_find_a_scratch(
        self, fitted: Inspector, photos: list[np.ndarray]
    ) -> None:
        normal, odd = fitted.inspect(photos[4]), fitted.inspect(scratched(photos[4]))
        for name in ("network_patch", "detail_patch"):
            assert 0 < normal.scores[name] < odd.scores[name]
            assert odd.normalised[name] > 0
        assert odd.total > normal.total
        kinds = {each.kind for each in odd.deviations}
        assert kinds & {"unlike", "detail"}
        assert odd.anomaly_map.size > odd.missing_map.size

    def test_the_closer_look_frames_what_is_small(
        self, fitted: Inspector, photos: list[np.ndarray]
    ) -> None:
        photo = photos[4].copy()
        photo[60:88, 80:108] = np.random.default_rng(0).integers(0, 256, (28, 28, 3))
        found = fitted.inspect(photo).deviations
        (detail,) = (each for each in found if each.kind == "detail")
        assert detail.box_xyxy is not None
        left, top, right, bottom = detail.box_xyxy
        assert left < 108
        assert right > 80
        assert top < 88
        assert bottom > 60
        assert "small" in detail.text

    def test_without_a_closer_look_its_score_has_no_say(self, photos: list[np.ndarray]) -> None:
        report = Inspector(ONCE).fit(photos[:3]).inspect(scratched(photos[4]))
        assert report.scores["detail_patch"] == report.normalised["detail_patch"] == 0
        assert report.normalised["network_patch"] > 0
        assert report.anomaly_map.shape == report.missing_map.shape

    def test_hidden_pixels_have_no_say(self, fitted: Inspector, photos: list[np.ndarray]) -> None:
        examination = fitted.examine(scratched(photos[4]))
        hidden = np.ones(examination.sample.is_valid.shape, dtype=bool)
        hidden[-8:] = False
        report = fitted.judge(hide(fitted, examination, hidden))
        assert report.total < fitted.judge(examination).total

    @pytest.mark.parametrize("k", [1, 2])
    def test_few_references_are_enough(self, photos: list[np.ndarray], k: int) -> None:
        inspector = Inspector(SMALL).fit(photos[:k])
        assert inspector.inspect(scratched(photos[4])).total > inspector.inspect(photos[4]).total


class TestFiles:
    @pytest.mark.parametrize("k", [1, 3])
    def test_a_model_that_was_read_judges_alike(
        self, photos: list[np.ndarray], tmp_path: Path, k: int
    ) -> None:
        inspector = Inspector(SMALL).fit(photos[:k])
        inspector.save(tmp_path / "model.pw")
        known = Inspector.load(tmp_path / "model.pw")
        for photo in (photos[4], scratched(photos[4])):
            ours, theirs = inspector.inspect(photo), known.inspect(photo)
            assert ours.scores == theirs.scores
            assert ours.total == theirs.total
            np.testing.assert_array_equal(ours.anomaly_map, theirs.anomaly_map)

    def test_a_model_is_written_alike_whatever_the_order(
        self, photos: list[np.ndarray], tmp_path: Path
    ) -> None:
        for name, order in (("one", [0, 1, 2]), ("two", [2, 0, 1])):
            images, names = [photos[i] for i in order], [f"{i}.png" for i in order]
            Inspector(SMALL).fit(images, names=names).save(tmp_path / name)
        assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


ODD: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "16 px": lambda photo: resize(photo, (16, 16)),
    "one colour": lambda photo: np.full_like(photo, 90),
    "black": np.zeros_like,
    "noise": lambda photo: np.random.default_rng(0).integers(0, 256, photo.shape, dtype=np.uint8),
    "long": lambda photo: resize(photo, (32, 640)),
    "two": lambda photo: np.concatenate([photo, photo], axis=1),
    "cut": lambda photo: np.ascontiguousarray(photo[:, :90]),
    "upside down": lambda photo: np.ascontiguousarray(photo[::-1, ::-1]),
}


class TestOddPhotographs:
    @pytest.mark.parametrize("name", ODD)
    def test_are_judged(self, fitted: Inspector, photos: list[np.ndarray], name: str) -> None:
        report = fitted.inspect(ODD[name](photos[4]))
        assert np.isfinite(report.total)
        assert np.isfinite(report.anomaly_map).all()
        assert all(np.isfinite(each) for each in report.scores.values())

    @pytest.mark.parametrize("name", ["16 px", "one colour", "noise", "long"])
    @pytest.mark.parametrize("k", [1, 3])
    def test_are_learnt_from(self, photos: list[np.ndarray], name: str, k: int) -> None:
        inspector = Inspector(SMALL).fit([ODD[name](photo) for photo in photos[:k]])
        assert np.isfinite(inspector.inspect(photos[4]).total)


class TestProfile:
    def test_is_taken_where_its_weights_are(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert preferred_profile() == "cnn"
        monkeypatch.setattr("features.cnn.checkpoint.is_installed", lambda name: False)
        assert preferred_profile() == "embedded"

    def test_large_photographs_are_looked_at_closer(self) -> None:
        auto = Config(profile="cnn")
        assert not looks_closer(auto, (512, 512))
        assert looks_closer(auto, (704, 704))
        assert not looks_closer(Config(), (704, 704))
        assert looks_closer(SMALL, SIZE)
        assert not looks_closer(ONCE, SIZE)
        assert "detail_patch" in counted_scores(auto, (704, 704))
        assert "detail_patch" not in counted_scores(auto, (512, 512))

    def test_absent_and_damaged_weights_are_told(
        self, photos: list[np.ndarray], tmp_path: Path
    ) -> None:
        damaged = tmp_path / "weights.pth"
        damaged.write_bytes(b"no weights")
        for weights, said in ((str(damaged), "weights"), (str(tmp_path / "none.pth"), "none.pth")):
            config = replace(SMALL, cnn=CnnConfig(weights=weights, input_px=128))
            with pytest.raises(WeightsError, match=said) as caught:
                Inspector(config).fit(photos[:2])
            assert "\n" not in str(caught.value)
