"""An image examined once can be judged, judged again, and judged without some of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from alignment.pose import PoseConfig
from engine.config import Config
from engine.hiding import hide
from engine.inspector import Inspector
from engine.model_file import read_model, write_model
from engine.report import Report
from engine.scores import SCORES
from engine.synthetic.scenes import Scene
from features.images import resize

Fitted = Callable[..., Inspector]
Render = Callable[..., Scene]
NAMES = [each.name for each in SCORES]

# small references and a narrow search, where only what is kept is asked about
SMALL = Config(working_area_px=64 * 96, pose=PoseConfig(max_rotation_deg=4, max_scale=1))


def small(scene: Render, n_images: int, category: str = "cable") -> list[np.ndarray]:
    return [resize(scene(category, seed).image, (64, 96)) for seed in range(n_images)]


def said(report: Report) -> dict[str, object]:
    """Everything that a report says, but for the time it took."""
    return report.as_dict() | {"seconds": None}


class TestExamination:
    @pytest.mark.parametrize("kind", ["good", "wrong_colour"])
    def test_judging_what_was_examined_is_inspecting(
        self, fitted: Fitted, scene: Render, kind: str
    ) -> None:
        inspector, image = fitted("pins"), scene("pins", 20, kind).image
        examination = inspector.examine(image)
        expected = said(inspector.inspect(image))
        # and a second judgement is no other
        for _ in range(2):
            assert said(inspector.judge(examination)) == expected

    def test_it_keeps_the_photograph(self, fitted: Fitted, scene: Render) -> None:
        image = scene("pins", 5).image
        examination = fitted("pins").examine(image)
        assert examination.image is image
        assert list(examination.readings) == NAMES
        assert len(examination.comparisons) == len(fitted("pins").fitted.samples)


def spotted(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Put something new on a photograph; return it, and where that is."""
    image, is_new = image.copy(), np.zeros(image.shape[:2], dtype=bool)
    top, left = image.shape[0] // 3, image.shape[1] // 3
    is_new[top : top + 40, left : left + 40] = True
    image[is_new] = (250, 30, 200)
    return image, is_new


def on_registered(mask: np.ndarray, report: Report, margin_px: int) -> np.ndarray:
    """Bring a mask of the image file to registered working pixels, with a margin."""
    size = report.registered.shape[1::-1]
    moved = cv2.warpAffine(
        mask.astype(np.float32),
        report.to_image,
        size,
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
    )
    wide = np.ones((2 * margin_px + 1,) * 2, np.uint8)
    return np.asarray(cv2.dilate((moved > 0).astype(np.uint8), wide) > 0)


class TestHiding:
    @pytest.mark.parametrize("kind", ["good", "wrong_colour"])
    def test_nothing_hidden_nothing_changed(self, fitted: Fitted, scene: Render, kind: str) -> None:
        inspector = fitted("pins")
        examination = inspector.examine(scene("pins", 20, kind).image)
        nothing = np.zeros(examination.sample.is_valid.shape, dtype=bool)
        same = inspector.judge(hide(inspector, examination, nothing))
        assert said(same) == said(inspector.judge(examination))

    def test_a_hidden_novelty_no_longer_counts(self, fitted: Fitted, scene: Render) -> None:
        inspector, image = fitted("pins"), scene("pins", 10).image
        strange, is_new = spotted(image)
        examination = inspector.examine(strange)
        plain, before = inspector.inspect(image), inspector.judge(examination)
        is_hidden = on_registered(is_new, before, margin_px=6)
        after = inspector.judge(hide(inspector, examination, is_hidden))
        assert before.is_anomaly
        assert not after.is_anomaly
        # what lay under it is not judged, and cells beside it see less
        assert after.total < plain.total + 0.1 * (before.total - plain.total)

    def test_it_does_not_matter_what_is_hidden(self, fitted: Fitted, scene: Render) -> None:
        """But for the pose and the parts, which were found before."""
        inspector, image = fitted("pins"), scene("pins", 10).image
        strange, is_new = spotted(image)
        judged = []
        for each in (image, strange):
            examination = inspector.examine(each)
            is_hidden = on_registered(is_new, inspector.judge(examination), margin_px=8)
            hidden = hide(inspector, examination, is_hidden)
            assert not hidden.sample.is_valid[is_hidden].any()
            assert (hidden.sample.aligned.class_map[is_hidden] == -1).all()
            judged.append(inspector.judge(hidden))
        assert judged[1].total == pytest.approx(judged[0].total, rel=0.15)

    def test_a_defect_beside_it_still_counts(self, fitted: Fitted, scene: Render) -> None:
        inspector = fitted("pins")
        examination = inspector.examine(scene("pins", 20, "wrong_colour").image)
        report = inspector.judge(examination)
        worst = np.unravel_index(report.anomaly_map.argmax(), report.anomaly_map.shape)
        is_hidden = np.zeros(examination.sample.is_valid.shape, dtype=bool)
        # the corner away from it
        rows, columns = (slice(0, 24) if at > 6 else slice(-24, None) for at in worst)
        is_hidden[rows, columns] = True
        assert inspector.judge(hide(inspector, examination, is_hidden)).is_anomaly

    def test_all_of_an_image_can_be_hidden(self, fitted: Fitted, scene: Render) -> None:
        inspector = fitted("pins")
        examination = inspector.examine(scene("pins", 10).image)
        everything = np.ones(examination.sample.is_valid.shape, dtype=bool)
        report = inspector.judge(hide(inspector, examination, everything))
        assert all(np.isfinite(value) for value in report.scores.values())

    def test_what_was_examined_stays_as_it_was(self, fitted: Fitted, scene: Render) -> None:
        inspector = fitted("pins")
        examination = inspector.examine(scene("pins", 10).image)
        before = said(inspector.judge(examination))
        hide(inspector, examination, np.ones(examination.sample.is_valid.shape, dtype=bool))
        assert said(inspector.judge(examination)) == before


class TestNovelty:
    def test_it_is_kept_in_the_model_file(self, scene: Render, tmp_path: Path) -> None:
        images = small(scene, 5)
        for n_validation in (0, 2):
            validation = images[3 : 3 + n_validation]
            inspector = Inspector(SMALL).fit(images[:3], validation=validation)
            inspector.save(tmp_path / "model")
            loaded = Inspector.load(tmp_path / "model")
            assert loaded.fitted.novelty is not None
            for name, array in inspector.novelty.state().items():
                np.testing.assert_array_equal(array, loaded.novelty.state()[name])
            examination = inspector.examine(images[4])
            np.testing.assert_array_equal(
                loaded.novelty(loaded.examine(images[4])), inspector.novelty(examination)
            )

    def test_asking_for_it_does_not_change_the_file(self, scene: Render, tmp_path: Path) -> None:
        images = small(scene, 3)
        asked, plain = (Inspector(SMALL).fit(images) for _ in range(2))
        assert asked.novelty is asked.novelty
        asked.save(tmp_path / "asked")
        plain.save(tmp_path / "plain")
        assert (tmp_path / "asked").read_bytes() == (tmp_path / "plain").read_bytes()

    def test_fitting_again_forgets_it(self, scene: Render) -> None:
        inspector = Inspector(SMALL).fit(small(scene, 3))
        before = inspector.novelty.state()["mean"]
        inspector.fit(small(scene, 3, "pins"))
        assert not np.array_equal(inspector.novelty.state()["mean"], before)

    @pytest.mark.parametrize("n_images", [1, 3])
    def test_a_model_without_it_learns_it(
        self, scene: Render, tmp_path: Path, n_images: int
    ) -> None:
        """Models of the first release hold no novelty."""
        images = small(scene, n_images)
        inspector = Inspector(SMALL).fit(images)
        inspector.save(tmp_path / "new")
        arrays, header = read_model(tmp_path / "new")
        old = {key: array for key, array in arrays.items() if not key.startswith("novelty.")}
        assert len(old) < len(arrays)
        del header["config"]["regions"]
        write_model(tmp_path / "old", old, header)
        loaded = Inspector.load(tmp_path / "old")
        assert said(loaded.inspect(images[0])) == said(inspector.inspect(images[0]))
        for name, array in loaded.novelty.state().items():
            np.testing.assert_array_equal(array, inspector.novelty.state()[name])
