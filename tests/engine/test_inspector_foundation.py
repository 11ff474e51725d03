"""Both foundation profiles from the first photograph to the page, with networks made here.

SAM is the small network under ``tests/assets``; DINOv2 has its real size and random weights, so
what is asked is whether everything fits together, not how good the verdicts are.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from alignment.propagation import PropagationConfig
from engine.config import Config
from engine.errors import ConfigError
from engine.inspector import Inspector
from engine.model_file import ModelFileError
from engine.rendering.html_report import explain_page
from engine.report import Report
from engine.scores import SCORES
from engine.synthetic.scenes import Scene
from features.device import MachineConfig, MachineError
from features.image_files import list_images, read_image
from features.sam import SamConfig
from features.vit import VitConfig
from features.weights.errors import WeightsError

torch = pytest.importorskip("torch", reason="torch is not installed")
transformers = pytest.importorskip("transformers", reason="transformers is not installed")

ROOT = Path(__file__).parents[2]
ASSETS = ROOT / "tests" / "assets"
DATA = Path(os.environ.get("PARTWISE_DATA", ROOT.parent / "shared" / "data"))
SAM_MINI = ASSETS / "sam-mini.safetensors"
PROFILES = ("foundation", "foundation-fast")
Render = Callable[..., Scene]


@pytest.fixture(scope="session")
def dino(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """DINOv2-S with random weights, as a folder of the hub's layout."""
    torch.manual_seed(0)
    settings = transformers.Dinov2Config(
        hidden_size=384, num_attention_heads=6, num_hidden_layers=12, image_size=518, patch_size=14
    )
    folder = tmp_path_factory.mktemp("weights") / "dinov2-random"
    transformers.Dinov2Model(settings).save_pretrained(folder)
    return folder


def sam_config() -> SamConfig:
    thresholds = json.loads((ASSETS / "sam-mini.json").read_text(encoding="utf-8"))
    return replace(SamConfig(weights=str(SAM_MINI)), **thresholds)


@pytest.fixture(scope="session")
def config_of(dino: Path) -> Callable[..., Config]:
    """Make the config of a profile; ``input_px`` small enough to be quick."""

    def make(profile: str, *, input_px: int = 224) -> Config:
        vit = VitConfig(weights=str(dino), input_px=input_px)
        return Config(profile=profile, vit=vit, sam=sam_config(), photo_area_px=256 * 256)

    return make


@cache
def photographs(render: Render, category: str) -> tuple[list[np.ndarray], np.ndarray]:
    """Three references and an anomaly: real ones where they are, else rendered ones."""
    folder = DATA / category
    if folder.is_dir():
        anomaly = next(path for path in sorted((folder / "test").iterdir()) if path.name != "good")
        references = [read_image(path) for path in list_images(folder / "train" / "good")[:3]]
        return references, read_image(list_images(anomaly)[0])
    name, kind = {
        "aliens": ("pins", "wrong_colour"),
        "cookies": ("bottle", "contamination"),
        "screws": ("pins", "missing_pin"),
    }[category]
    return [render(name, seed).image for seed in range(3)], render(name, 9, kind).image


@pytest.fixture(scope="session", params=PROFILES)
def judged(
    request: pytest.FixtureRequest, config_of: Callable[..., Config], scene: Render
) -> tuple[Inspector, np.ndarray, Report]:
    references, anomaly = photographs(scene, "screws")
    inspector = Inspector(config_of(request.param)).fit(references)
    return inspector, anomaly, inspector.inspect(anomaly)


class TestRecords:
    def test_a_report_has_the_form_of_the_embedded_one(
        self, judged: tuple[Inspector, np.ndarray, Report], scene: Render
    ) -> None:
        _, anomaly, ours = judged
        references, _ = photographs(scene, "screws")
        theirs = Inspector().fit(references).inspect(anomaly)
        assert ours.as_dict().keys() == theirs.as_dict().keys()
        assert ours.scores.keys() == theirs.scores.keys() == {each.name for each in SCORES}
        assert ours.registered.shape == theirs.registered.shape
        assert ours.aligned.class_map.shape == theirs.aligned.class_map.shape
        assert ours.image_size == theirs.image_size == anomaly.shape[:2]
        assert ours.calibration == theirs.calibration == "leave-one-out"
        for heat in (ours.anomaly_map, ours.missing_map):
            assert heat.shape == ours.anomaly_map.shape
            assert (heat >= 0).all()
        assert all(np.isfinite(value) and value >= 0 for value in ours.scores.values())
        assert ours.total == pytest.approx(sum(ours.normalised.values()))
        json.dumps(ours.as_dict(), allow_nan=False)

    def test_parts_lie_where_classes_say(
        self, judged: tuple[Inspector, np.ndarray, Report]
    ) -> None:
        inspector, _, report = judged
        aligned = report.aligned
        assert len(aligned.parts) == len(aligned.class_of_part) == len(aligned.cost) > 1
        assert aligned.n_classes == len(inspector.fitted.class_names) > 1
        assert aligned.class_of_part.max() < aligned.n_classes
        assert np.bincount(aligned.parts.labels.ravel() + 1, minlength=2)[1:].min() > 0
        # some background, and something that is not
        assert {False, True} == set(aligned.is_background_class.tolist())

    def test_tokens_lie_on_the_grid_of_the_network(
        self, judged: tuple[Inspector, np.ndarray, Report]
    ) -> None:
        inspector, _, report = judged
        for sample in inspector.fitted.samples:
            rows, columns, dim = sample.dense.tokens.shape
            assert (rows, columns) == report.anomaly_map.shape
            assert dim == 384
            assert rows * columns == pytest.approx((224 / 14) ** 2, rel=0.1)
            np.testing.assert_allclose(np.linalg.norm(sample.dense.tokens, axis=-1), 1, rtol=1e-5)

    def test_the_page_shows_it(self, judged: tuple[Inspector, np.ndarray, Report]) -> None:
        inspector, anomaly, report = judged
        page = explain_page(
            [("new.png", anomaly, report)],
            inspector.fitted.references,
            inspector.fitted.class_names,
        )
        assert page.count("<img") > 2

    def test_a_reference_is_normal_beside_itself(
        self, judged: tuple[Inspector, np.ndarray, Report], scene: Render
    ) -> None:
        inspector, _, report = judged
        references, _ = photographs(scene, "screws")
        itself = inspector.inspect(references[0])
        assert itself.verdict == "normal"
        assert itself.total < report.total

    def test_a_loaded_model_judges_identically(
        self, judged: tuple[Inspector, np.ndarray, Report], tmp_path: Path
    ) -> None:
        inspector, anomaly, report = judged
        inspector.save(tmp_path / "model.pw")
        loaded = Inspector.load(tmp_path / "model.pw", profile=inspector.config.profile)
        again = loaded.inspect(anomaly)
        assert again.as_dict() | {"seconds": 0} == report.as_dict() | {"seconds": 0}
        loaded.save(tmp_path / "again.pw")
        assert (tmp_path / "again.pw").read_bytes() == (tmp_path / "model.pw").read_bytes()


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("category", ["aliens", "cookies"])
def test_other_sets_go_through_at_full_size(
    config_of: Callable[..., Config], scene: Render, profile: str, category: str
) -> None:
    references, anomaly = photographs(scene, category)
    inspector = Inspector(config_of(profile, input_px=518)).fit(references[:2])
    report = inspector.inspect(anomaly)
    assert np.isfinite(report.total)
    assert report.anomaly_map.size == pytest.approx((518 / 14) ** 2, rel=0.05)
    assert len(report.aligned.parts) > 1


def test_one_reference_is_enough(config_of: Callable[..., Config], scene: Render) -> None:
    references, anomaly = photographs(scene, "aliens")
    config = replace(config_of("foundation-fast", input_px=112), photo_area_px=160 * 120)
    inspector = Inspector(config).fit(references[:1])
    assert inspector.fitted.calibration == "self-calibrated"
    assert np.isfinite(inspector.inspect(anomaly).total)


def test_sam_may_sharpen_what_is_propagated(
    config_of: Callable[..., Config], scene: Render
) -> None:
    references, anomaly = photographs(scene, "aliens")
    config = config_of("foundation-fast")
    plain = Inspector(config).fit(references[:2]).inspect(anomaly)
    refined = replace(config, propagation=PropagationConfig(is_refined=True))
    sharp = Inspector(refined).fit(references[:2]).inspect(anomaly)
    np.testing.assert_array_equal(plain.aligned.class_of_part, sharp.aligned.class_of_part)
    assert (plain.aligned.parts.labels != sharp.aligned.parts.labels).any()


class TestRefusals:
    def test_other_weights_than_those_it_was_fitted_with(
        self, config_of: Callable[..., Config], scene: Render, tmp_path: Path
    ) -> None:
        folder = tmp_path / "changing"
        settings = transformers.Dinov2Config(
            hidden_size=32, num_attention_heads=2, num_hidden_layers=1, image_size=112
        )
        transformers.Dinov2Model(settings).save_pretrained(folder)
        config = replace(
            config_of("foundation-fast"), vit=VitConfig(weights=str(folder), input_px=112)
        )
        Inspector(config).fit(photographs(scene, "aliens")[0][:2]).save(tmp_path / "model.pw")
        torch.manual_seed(1)
        transformers.Dinov2Model(settings).save_pretrained(folder)
        message = r"fitted with another backbone: expected name changing, sha256 \w{64}, got name"
        with pytest.raises(ModelFileError, match=message):
            Inspector.load(tmp_path / "model.pw")

    def test_a_model_of_another_profile(
        self, judged: tuple[Inspector, np.ndarray, Report], tmp_path: Path
    ) -> None:
        judged[0].save(tmp_path / "model.pw")
        with pytest.raises(ModelFileError, match="is a model of profile 'foundation"):
            Inspector.load(tmp_path / "model.pw", profile="embedded")

    def test_unknown_weights(self, scene: Render) -> None:
        config = Config(profile="foundation", vit=VitConfig(weights="dinov2-smal"))
        with pytest.raises(WeightsError, match="dinov2-small"):
            Inspector(config).fit(photographs(scene, "aliens")[0][:1])

    def test_an_input_that_is_no_multiple_of_the_patch(self, dino: Path) -> None:
        config = Config(profile="foundation", vit=VitConfig(weights=str(dino), input_px=500))
        with pytest.raises(ConfigError, match=r"multiple of .*14.*500.*490"):
            Inspector(config)

    @pytest.mark.skipif(torch.cuda.is_available(), reason="here is a GPU")
    def test_a_gpu_that_is_not_there(self, config_of: Callable[..., Config], scene: Render) -> None:
        config = replace(config_of("foundation-fast"), machine=MachineConfig(device="cuda"))
        with pytest.raises(MachineError, match=r"cuda.*which PyTorch does not"):
            Inspector(config).fit(photographs(scene, "aliens")[0][:1])
