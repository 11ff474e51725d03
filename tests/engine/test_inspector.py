from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import jaxtyping
import numpy as np
import pytest

from alignment.pose import PoseConfig
from alignment.transforms import about_center, warp_image
from engine.config import Config
from engine.errors import ConfigError, NotFittedError
from engine.inspector import Inspector
from engine.report import Report
from engine.scores import SCORES
from engine.synthetic.scenes import Scene
from features.images import ImageError, resize

Fitted = Callable[..., Inspector]
Render = Callable[..., Scene]
NAMES = [each.name for each in SCORES]

# small references and a narrow search, where only the arithmetic of the inspector is asked about
SMALL = Config(working_area_px=64 * 96, pose=PoseConfig(max_rotation_deg=4, max_scale=1))


def small(scene: Render, n_images: int, category: str = "cable") -> list[np.ndarray]:
    return [resize(scene(category, seed).image, (64, 96)) for seed in range(n_images)]


def said(report: Report) -> dict[str, object]:
    """Everything that a report says, but for the time it took."""
    return report.as_dict() | {"seconds": None}


@pytest.fixture(scope="module")
def report(fitted: Fitted, scene: Render) -> Report:
    return fitted("pins").inspect(scene("pins", 5, "wrong_colour").image)


class TestReport:
    def test_total_is_the_sum_of_the_shares(self, report: Report) -> None:
        assert list(report.scores) == list(report.normalised) == NAMES
        assert report.total == pytest.approx(sum(report.normalised.values()))

    def test_verdict_follows_from_the_threshold(self, report: Report) -> None:
        assert report.is_anomaly == (report.total > report.threshold)

    def test_only_active_scores_count(self, report: Report) -> None:
        for name, share in report.normalised.items():
            assert share == 0 or name in Config().active_scores

    def test_maps_lie_on_the_cells_of_the_registered_image(self, report: Report) -> None:
        height, width = report.registered.shape[:2]
        for heat in (report.anomaly_map, report.missing_map):
            assert heat.shape == (height // 8, width // 8)
            assert np.isfinite(heat).all()
            assert heat.min() >= 0
        assert report.aligned.class_map.shape == (height, width)

    def test_deviations_come_worst_first(self, report: Report) -> None:
        severities = [deviation.severity for deviation in report.deviations]
        assert severities == sorted(severities, reverse=True)

    def test_everything_said_is_json(self, report: Report) -> None:
        text = json.dumps(report.as_dict(), allow_nan=False)
        assert json.loads(text)["score"] == report.total

    def test_the_same_image_gets_the_same_report(self, fitted: Fitted, scene: Render) -> None:
        image = scene("pins", 5).image
        one, same = (fitted("pins").inspect(image) for _ in range(2))
        assert said(one) == said(same)


class TestJudgement:
    @pytest.mark.parametrize("category", ["pins", "meal", "bottle"])
    def test_defects_score_higher_than_normal_images(
        self, fitted: Fitted, scene: Render, category: str
    ) -> None:
        kinds = {
            "pins": ("missing_pin", "wrong_colour", "cracked_tray"),
            "meal": ("missing_cereal", "wrong_proportion", "contamination"),
            "bottle": ("missing_label", "underfilled", "contamination"),
        }
        inspector = fitted(category)
        good = [inspector.inspect(scene(category, seed).image).total for seed in (10, 11, 12)]
        bad = [inspector.inspect(scene(category, 20, kind).image).total for kind in kinds[category]]
        assert np.mean(bad) > np.mean(good)
        assert max(bad) > max(good)

    def test_a_removed_part_raises_the_total(self, fitted: Fitted, scene: Render) -> None:
        image = scene("bottle", 0).image
        capless = image.copy()
        capless[scene("bottle", 0).class_map == 5] = image[4, 4]
        totals = [fitted("bottle").inspect(each).total for each in (image, capless)]
        assert totals[0] < totals[1]

    def test_a_turned_and_moved_product_is_still_normal(
        self, fitted: Fitted, scene: Render
    ) -> None:
        inspector, image = fitted("bottle"), scene("bottle", 10).image
        move = about_center(image.shape[:2], angle_rad=0.15, scale=0.95, shift_xy=(12, -9))
        report = inspector.inspect(warp_image(image, move)[0])
        defect = inspector.inspect(scene("bottle", 20, "missing_label").image)
        assert report.total < defect.total
        # and the way back is known
        turn = np.degrees(np.arctan2(report.to_image[1, 0], report.to_image[0, 0]))
        assert turn == pytest.approx(np.degrees(0.15), abs=1.5)

    def test_a_reference_itself_is_normal(self, fitted: Fitted, scene: Render) -> None:
        for category in ("pins", "meal", "bottle"):
            report = fitted(category).inspect(scene(category, 2).image)
            assert report.verdict == "normal"
            assert report.total < report.threshold / 2

    def test_the_nearest_reference_is_the_image_itself(self, fitted: Fitted, scene: Render) -> None:
        inspector = fitted("meal")
        for seed in range(4):
            nearest = inspector.inspect(scene("meal", seed).image).nearest_reference
            assert inspector.fitted.names[nearest] == f"reference {seed + 1}"


@pytest.mark.parametrize(("category", "floor"), [("pins", 0.65), ("meal", 0.6), ("cable", 0.65)])
def test_classes_follow_what_is_in_the_scene(
    fitted: Fitted, scene: Render, category: str, floor: float
) -> None:
    """Mean over the true classes of the overlap with the class that matches best."""
    truth = scene(category, 10).class_map
    report = fitted(category).inspect(scene(category, 10).image)
    size = report.registered.shape[1::-1]
    flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    truth = cv2.warpAffine(truth, report.to_image, size, flags=flags, borderValue=255)
    ious = []
    for true in np.unique(truth[truth < 255]):
        pairs = [
            (report.aligned.class_map[truth < 255] == c, truth[truth < 255] == true)
            for c in range(report.aligned.n_classes)
        ]
        ious.append(max(np.sum(ours & theirs) / np.sum(ours | theirs) for ours, theirs in pairs))
    assert np.mean(ious) > floor


class TestOriginalCoordinates:
    def test_boxes_are_in_pixels_of_the_file(self, fitted: Fitted, scene: Render) -> None:
        """A photograph of 4096×4096 is judged like the small one, its boxes scaled up."""
        inspector = fitted("pins")
        image = scene("pins", 20, "missing_pin").image
        large = cv2.resize(image, (4096, 4096), interpolation=cv2.INTER_LINEAR)
        ours, theirs = inspector.inspect(image), inspector.inspect(large)
        assert theirs.image_size == (4096, 4096)
        assert theirs.total == pytest.approx(ours.total, rel=0.15)

        boxes = [
            next(d.box_xyxy for d in report.deviations if d.kind == "missing_here")
            for report in (ours, theirs)
        ]
        assert boxes[0] is not None
        assert boxes[1] is not None
        stretch = np.tile([4096 / image.shape[1], 4096 / image.shape[0]], 2)
        cell_px = 8 * image.shape[0] / ours.registered.shape[0] * stretch
        assert (np.abs(boxes[1] - boxes[0] * stretch) <= 2 * cell_px).all()

    @pytest.mark.parametrize("size", [(16, 16), (16, 4000), (700, 33)])
    def test_images_of_any_size_are_judged(self, fitted: Fitted, size: tuple[int, int]) -> None:
        image = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
        report = fitted("pins").inspect(image)
        assert report.image_size == size
        assert report.is_anomaly
        for deviation in report.deviations:
            if deviation.box_xyxy:
                left, top, right, bottom = deviation.box_xyxy
                assert 0 <= left < right <= size[1]
                assert 0 <= top < bottom <= size[0]

    def test_references_of_different_sizes(self, scene: Render) -> None:
        images = [scene("bottle", seed).image for seed in range(3)]
        sizes = [(480, 260), (960, 520), (240, 131)]
        mixed = [resize(image, size) for image, size in zip(images, sizes, strict=True)]
        inspector = Inspector().fit(mixed)
        height, width = inspector.fitted.working_size
        assert height / width == pytest.approx(480 / 260, rel=0.08)
        assert {sample.image.shape for sample in inspector.fitted.samples} == {(height, width, 3)}
        assert inspector.inspect(images[0]).verdict == "normal"


class TestFit:
    def test_order_of_references_does_not_matter(self, scene: Render, tmp_path: Path) -> None:
        images, names = small(scene, 4), ["a", "b", "c", "d"]
        order = [2, 0, 3, 1]
        Inspector(SMALL).fit(images, names=names).save(tmp_path / "one")
        shuffled = [images[index] for index in order]
        Inspector(SMALL).fit(shuffled, names=[names[index] for index in order]).save(
            tmp_path / "other"
        )
        assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()

    def test_twice_equals_once(self, scene: Render, tmp_path: Path) -> None:
        images = small(scene, 4)
        Inspector(SMALL).fit(images).save(tmp_path / "once")
        Inspector(SMALL).fit(small(scene, 2, "pins")).fit(images).save(tmp_path / "twice")
        assert (tmp_path / "once").read_bytes() == (tmp_path / "twice").read_bytes()

    def test_what_is_interrupted_has_learnt_nothing(self, scene: Render, tmp_path: Path) -> None:
        def interrupt(step: str, done: int, total: int) -> None:
            if step == "leaving one out":
                raise KeyboardInterrupt

        inspector = Inspector(SMALL).fit(small(scene, 2))
        with pytest.raises(KeyboardInterrupt):
            inspector.fit(small(scene, 2, "pins"), progress=interrupt)
        with pytest.raises(NotFittedError, match="has no references; call fit or load first"):
            inspector.inspect(small(scene, 1)[0])
        with pytest.raises(NotFittedError, match="has no references to save; call fit first"):
            inspector.save(tmp_path / "none.pw")

    def test_returns_itself_and_reports_progress(self, scene: Render) -> None:
        steps: list[tuple[str, int, int]] = []
        inspector = Inspector(SMALL)
        progress = lambda *step: steps.append(step)  # noqa: E731
        assert inspector.fit(small(scene, 2), progress=progress) is inspector
        assert [done for _, done, _ in steps] == list(range(len(steps)))
        assert {total for *_, total in steps} == {len(steps) - 1}

    def test_references_are_kept_for_people(self, scene: Render) -> None:
        inspector = Inspector(SMALL).fit(small(scene, 3), names=["x", "y", "z"])
        views = inspector.fitted.references
        assert sorted(view.name for view in views) == ["x", "y", "z"]
        assert len(inspector.fitted.class_names) == inspector.fitted.samples[0].aligned.n_classes
        for view, sample in zip(views, inspector.fitted.samples, strict=True):
            np.testing.assert_array_equal(view.registered, sample.image)
            assert view.counts is not None
            assert view.counts.sum() > 0

    def test_images_are_not_changed(self, scene: Render) -> None:
        images = small(scene, 2)
        before = [image.copy() for image in images]
        Inspector(SMALL).fit(images).inspect(images[0])
        np.testing.assert_array_equal(images, before)


class TestCalibration:
    def test_several_references_judge_each_other(self, fitted: Fitted) -> None:
        inspector = fitted("pins")
        assert inspector.fitted.calibration == "leave-one-out"
        assert "leave-one-out" in inspector.fitted.threshold_source
        assert list(inspector.fitted.normaliser.scales) == NAMES

    def test_one_reference_is_altered(self, fitted: Fitted, scene: Render) -> None:
        inspector = fitted("bottle", 1)
        assert inspector.fitted.calibration == "self-calibrated"
        assert inspector.inspect(scene("bottle", 0).image).verdict == "normal"
        defect = inspector.inspect(scene("bottle", 20, "missing_label").image)
        assert defect.total > inspector.inspect(scene("bottle", 0).image).total

    def test_identical_references(self, scene: Render) -> None:
        image = small(scene, 1)[0]
        inspector = Inspector(SMALL).fit([image] * 3)
        same = inspector.inspect(image)
        assert same.total == pytest.approx(0, abs=1e-6)
        assert same.verdict == "normal"
        spotted = image.copy()
        spotted[20:36, 20:36] = (250, 20, 200)
        report = inspector.inspect(spotted)
        assert np.isfinite(report.total)
        assert report.verdict == "anomaly"

    def test_a_photograph_given_twice_counts_once(self, scene: Render) -> None:
        """What it reads beside its own copy says nothing of how normal images vary."""
        images = [scene("pins", seed).image for seed in range(4)]
        names = [f"{index}.png" for index in range(4)]
        _, packed = cv2.imencode(".jpg", images[0], [cv2.IMWRITE_JPEG_QUALITY, 90])
        copies = [images[0].copy(), resize(images[0], (160, 240)), cv2.imdecode(packed, 1)]
        plain = Inspector(SMALL).fit(images, names=names).fitted
        for order in (1, -1):
            given = [*images, *copies][::order]
            told = [*names, "copy.png", "small.png", "packed.jpg"][::order]
            fitted = Inspector(SMALL).fit(given, names=told).fitted
            assert len(fitted.samples) == 4
            assert fitted.threshold == pytest.approx(plain.threshold, rel=0.1)
            assert {each.kind for each in fitted.warnings} == {"near-duplicate"}
            assert len(fitted.warnings) == 3
            left_out = {each.names[1] for each in fitted.warnings}
            assert left_out | set(fitted.names) == set(told)
            assert not left_out & set(names[1:])

    def test_warnings_are_kept_in_the_model(self, scene: Render, tmp_path: Path) -> None:
        images = small(scene, 3)
        inspector = Inspector(SMALL).fit([*images, images[0]], names=list("abcd"))
        inspector.save(tmp_path / "model.pw")
        (warning,) = Inspector.load(tmp_path / "model.pw").fitted.warnings
        assert warning == inspector.fitted.warnings[0]
        assert set(warning.names) == {"a", "d"}

    def test_a_defective_reference_is_named(self, scene: Render) -> None:
        images = [scene("pins", seed).image for seed in range(4)]
        spoilt = images[3].copy()
        spoilt[60:200, 80:300] = (250, 20, 200)
        fitted = Inspector(SMALL).fit([*images[:3], spoilt], names=list("abcd")).fitted
        assert ("odd", ("d",)) in {(each.kind, each.names) for each in fitted.warnings}
        assert Inspector(SMALL).fit(images, names=list("abcd")).fitted.warnings == ()

    def test_references_do_not_validate_themselves(self, scene: Render) -> None:
        images = small(scene, 5)
        plain = Inspector(SMALL).fit(images[:3])
        fitted = Inspector(SMALL).fit(images[:3], validation=images[:3]).fitted
        assert fitted.threshold == plain.fitted.threshold
        (warning,) = fitted.warnings
        assert warning.text.startswith("3 of 3 validation images are copies of references")
        fitted = Inspector(SMALL).fit(images[:3], validation=images[1:4]).fitted
        alone = Inspector(SMALL).fit(images[:3], validation=[images[3]]).fitted
        assert fitted.threshold == alone.threshold

    def test_validation_images_set_the_threshold(self, scene: Render) -> None:
        images = small(scene, 6)
        inspector = Inspector(SMALL).fit(images[:3], validation=images[3:])
        plain = Inspector(SMALL).fit(images[:3])
        assert inspector.fitted.normaliser.scales == plain.fitted.normaliser.scales
        assert "3 validation totals" in inspector.fitted.threshold_source
        assert all(inspector.inspect(image).verdict == "normal" for image in images[3:])


class TestWithoutParts:
    BLANK = np.full((64, 96, 3), 127, dtype=np.uint8)

    def test_an_image_of_one_colour_is_an_anomaly(self, scene: Render) -> None:
        report = Inspector(SMALL).fit(small(scene, 3)).inspect(self.BLANK)
        assert report.verdict == "anomaly"
        assert all(np.isfinite(value) for value in report.scores.values())

    def test_references_of_one_colour(self, scene: Render) -> None:
        inspector = Inspector(SMALL).fit([self.BLANK] * 2)
        assert inspector.inspect(self.BLANK).verdict == "normal"
        assert inspector.inspect(small(scene, 1)[0]).verdict == "anomaly"

    def test_one_reference_of_one_colour(self, scene: Render) -> None:
        inspector = Inspector(SMALL).fit([self.BLANK])
        assert inspector.inspect(self.BLANK).verdict == "normal"
        assert np.isfinite(inspector.inspect(small(scene, 1)[0]).total)

    def test_nothing_but_noise(self) -> None:
        rng = np.random.default_rng(0)
        noise = [rng.integers(0, 256, (64, 96, 3), dtype=np.uint8) for _ in range(3)]
        report = Inspector(SMALL).fit(noise[:2]).inspect(noise[2])
        assert all(np.isfinite(value) for value in report.scores.values())

    def test_a_class_missing_everywhere(self, scene: Render) -> None:
        """Nothing of what the references show is in the image."""
        stranger = small(scene, 1, "meal")[0]
        report = Inspector(SMALL).fit(small(scene, 3)).inspect(stranger)
        assert all(np.isfinite(value) for value in report.scores.values())
        assert report.verdict == "anomaly"


class TestRefusals:
    @pytest.fixture
    def unchecked(self) -> Iterator[None]:
        """Let an argument of a wrong type through to the package, as outside of tests."""
        jaxtyping.config.update("jaxtyping_disable", True)
        yield
        jaxtyping.config.update("jaxtyping_disable", False)

    def test_inspect_before_fit(self) -> None:
        with pytest.raises(NotFittedError, match="no references; call fit or load first"):
            Inspector().inspect(np.zeros((64, 64, 3), dtype=np.uint8))

    def test_no_reference(self) -> None:
        with pytest.raises(ImageError, match="at least one reference image, got none"):
            Inspector().fit([])

    @pytest.mark.usefixtures("unchecked")
    def test_nan(self, fitted: Fitted) -> None:
        image = np.full((64, 64, 3), np.nan)
        message = "must hold finite values, got NaN or infinity in 12288 places"
        with pytest.raises(ImageError, match=message):
            fitted("pins").inspect(image)
        with pytest.raises(ImageError, match=f"reference 1 {message}"):
            Inspector().fit([image])
        with pytest.raises(ImageError, match=message):
            Inspector(SMALL).fit([np.zeros((64, 96, 3), np.uint8)], validation=[image])

    def test_names_must_be_as_many_as_images(self, scene: Render) -> None:
        with pytest.raises(ValueError, match="argument 2 is shorter"):
            Inspector(SMALL).fit(small(scene, 2), names=["one"])

    def test_config_out_of_range(self) -> None:
        with pytest.raises(ConfigError, match="working_area_px must lie in"):
            Inspector(Config(working_area_px=1))
