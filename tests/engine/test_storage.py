from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from alignment.pose import PoseConfig
from engine.config import Config
from engine.errors import NotFittedError
from engine.inspector import Inspector
from engine.model_file import ModelFileError, read_model, write_model
from engine.storage import read_significant_bits
from engine.synthetic.scenes import Scene
from features.images import resize

NARROW = PoseConfig(max_rotation_deg=4, max_scale=1)  # a quick search
Fitted = Callable[..., Inspector]
Render = Callable[..., Scene]


@pytest.fixture(scope="module")
def model(fitted: Fitted, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "pins.pw"
    fitted("pins").save(path)
    return path


class TestRoundTrip:
    @pytest.mark.parametrize("category", ["pins", "bottle"])
    def test_a_loaded_model_judges_identically(
        self, fitted: Fitted, scene: Render, category: str, tmp_path: Path
    ) -> None:
        fitted(category).save(tmp_path / "model.pw")
        loaded = Inspector.load(tmp_path / "model.pw")
        for kind in ("good", "contamination" if category == "bottle" else "missing_pin"):
            image = scene(category, 20, kind).image
            ours, theirs = (each.inspect(image) for each in (fitted(category), loaded))
            assert ours.as_dict() | {"seconds": 0} == theirs.as_dict() | {"seconds": 0}
            np.testing.assert_array_equal(ours.anomaly_map, theirs.anomaly_map)
            np.testing.assert_array_equal(ours.missing_map, theirs.missing_map)
            np.testing.assert_array_equal(ours.aligned.class_map, theirs.aligned.class_map)
            np.testing.assert_array_equal(ours.to_image, theirs.to_image)

    def test_a_loaded_model_is_saved_as_the_same_bytes(self, model: Path, tmp_path: Path) -> None:
        Inspector.load(model).save(tmp_path / "again.pw")
        assert (tmp_path / "again.pw").read_bytes() == model.read_bytes()

    @pytest.mark.parametrize("bits", [None, 12, 16])
    def test_how_many_bits_count_is_kept_and_told_quickly(
        self, fitted: Fitted, bits: int | None, tmp_path: Path
    ) -> None:
        inspector = fitted("pins")
        told = inspector.with_fitted(replace(inspector.fitted, significant_bits=bits))
        told.save(tmp_path / "model.pw")
        assert Inspector.load(tmp_path / "model.pw").fitted.significant_bits == bits
        assert read_significant_bits(tmp_path / "model.pw") == bits
        _, header = read_model(tmp_path / "model.pw")
        assert ("significant_bits" in header) == (bits is not None)

    @pytest.mark.parametrize("bits", [7, 17, 12.0, True, "12", [12]])
    def test_no_other_number_of_bits_is_taken(
        self, model: Path, bits: object, tmp_path: Path
    ) -> None:
        arrays, header = read_model(model)
        write_model(tmp_path / "model.pw", arrays, header | {"significant_bits": bits})
        for read in (Inspector.load, read_significant_bits):
            with pytest.raises(ModelFileError, match=r"lacks significant_bits of 8 … 16, got"):
                read(tmp_path / "model.pw")

    def test_what_was_learnt_for_people_is_kept(self, fitted: Fitted, model: Path) -> None:
        inspector, loaded = fitted("pins"), Inspector.load(model, profile="embedded")
        assert loaded.config == inspector.config
        assert loaded.fitted.class_names == inspector.fitted.class_names
        assert loaded.fitted.normaliser.scales == inspector.fitted.normaliser.scales
        assert loaded.fitted.threshold == inspector.fitted.threshold
        assert loaded.fitted.threshold_source == inspector.fitted.threshold_source
        assert loaded.fitted.calibration == inspector.fitted.calibration
        for ours, theirs in zip(inspector.fitted.references, loaded.fitted.references, strict=True):
            assert ours.name == theirs.name
            np.testing.assert_array_equal(ours.registered, theirs.registered)
            np.testing.assert_array_equal(ours.class_map, theirs.class_map)

    def test_a_config_of_its_own_is_kept(self, scene: Render, tmp_path: Path) -> None:
        config = Config(
            seed=7, working_area_px=64 * 96, pose=NARROW, active_scores=("class_color",)
        )
        images = [resize(scene("cable", seed).image, (64, 96)) for seed in range(2)]
        Inspector(config).fit(images).save(tmp_path / "model.pw")
        assert Inspector.load(tmp_path / "model.pw").config == config

    def test_a_product_without_pose_and_without_parts(self, tmp_path: Path) -> None:
        rng = np.random.default_rng(0)
        noise = [rng.integers(0, 256, (64, 64, 3), dtype=np.uint8) for _ in range(3)]
        inspector = Inspector(Config(working_area_px=64 * 64, pose=NARROW)).fit(noise[:2])
        inspector.save(tmp_path / "model.pw")
        loaded = Inspector.load(tmp_path / "model.pw")
        assert loaded.inspect(noise[2]).scores == inspector.inspect(noise[2]).scores


class TestSameBytes:
    def test_equal_references_and_config_give_equal_files(
        self, model: Path, scene: Render, tmp_path: Path
    ) -> None:
        images = [scene("pins", seed).image for seed in range(4)]
        Inspector().fit(images).save(tmp_path / "again.pw")
        assert (tmp_path / "again.pw").read_bytes() == model.read_bytes()

    def test_another_seed_gives_another_file(self, scene: Render, tmp_path: Path) -> None:
        images = [resize(scene("cable", seed).image, (64, 96)) for seed in range(2)]
        for seed in (0, 1):
            config = Config(working_area_px=64 * 96, pose=NARROW, seed=seed)
            Inspector(config).fit(images).save(tmp_path / f"{seed}.pw")
        assert (tmp_path / "0.pw").read_bytes() != (tmp_path / "1.pw").read_bytes()


class TestRefusals:
    def test_another_profile(self, model: Path) -> None:
        message = (
            "pins.pw is a model of profile 'embedded', expected 'foundation'; "
            "fit the references again with --profile foundation"
        )
        with pytest.raises(ModelFileError, match=message):
            Inspector.load(model, profile="foundation")

    def test_a_newer_schema(self, model: Path, tmp_path: Path) -> None:
        content = model.read_bytes()
        mark = b'schema_version\\":'
        at = content.index(mark) + len(mark)
        newer = tmp_path / "newer.pw"
        newer.write_bytes(content[:at] + b"9" + content[at + 1 :])
        with pytest.raises(ModelFileError, match=r"newer\.pw was written by a newer partwise"):
            Inspector.load(newer)

    @pytest.mark.parametrize("kept", [0.01, 0.5, 0.999])
    def test_a_truncated_file(self, model: Path, tmp_path: Path, kept: float) -> None:
        content = model.read_bytes()
        (tmp_path / "short.pw").write_bytes(content[: int(kept * len(content))])
        with pytest.raises(ModelFileError, match=r"short\.pw is truncated or damaged"):
            Inspector.load(tmp_path / "short.pw")

    def test_a_foreign_file(self, tmp_path: Path) -> None:
        (tmp_path / "photo.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
        with pytest.raises(ModelFileError, match=r"photo\.png is not a partwise model"):
            Inspector.load(tmp_path / "photo.png")

    def test_no_such_file(self, tmp_path: Path) -> None:
        with pytest.raises(ModelFileError, match="no such model file"):
            Inspector.load(tmp_path / "nothing.pw")

    @pytest.mark.parametrize("name", ["backbone.center", "reference0.labels", "classes.looks"])
    def test_a_file_that_lacks_an_array(self, model: Path, tmp_path: Path, name: str) -> None:
        arrays, header = read_model(model)
        del arrays[name]
        write_model(tmp_path / "poor.pw", arrays, header)
        with pytest.raises(ModelFileError, match=r"poor\.pw lacks '.*' although"):
            Inspector.load(tmp_path / "poor.pw")

    @pytest.mark.parametrize("key", ["config", "weights", "threshold", "references"])
    def test_a_file_that_lacks_a_value(self, model: Path, tmp_path: Path, key: str) -> None:
        arrays, header = read_model(model)
        del header[key]
        write_model(tmp_path / "poor.pw", arrays, header)
        with pytest.raises(ModelFileError, match=rf"poor\.pw lacks '{key}' although"):
            Inspector.load(tmp_path / "poor.pw")

    def test_an_inspector_that_has_learnt_nothing(self, tmp_path: Path) -> None:
        with pytest.raises(NotFittedError, match="no references to save; call fit first"):
            Inspector().save(tmp_path / "empty.pw")
        assert not (tmp_path / "empty.pw").exists()
