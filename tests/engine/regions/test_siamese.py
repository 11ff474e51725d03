import subprocess
import sys
import time

import numpy as np
import pytest

from engine.regions.siamese import Siamese
from engine.synthetic.cloth import draw_cloth, render_cloth
from features.region import Region

ROLL = 7  # its sound cloth may have been a ground in training; what lies on it was not


@pytest.fixture(scope="module")
def embedder() -> Siamese:
    return Siamese()


@pytest.fixture(scope="module")
def shown() -> dict[str, list[tuple[np.ndarray, Region]]]:
    """Three photographs of each of some things on one roll."""
    names = ("button-toggle", "contamination", "string")
    cloth, found = draw_cloth(ROLL), {name: [] for name in names}
    for seed in range(3):
        photo = render_cloth(cloth, seed, names)
        for item in photo.items:
            found[item.name].append((photo.image, item.region))
    return found


def test_like_things_are_nearer_than_unlike_ones(embedder: Siamese, shown: dict) -> None:
    rows = {
        name: np.concatenate([embedder.describe(image, [region]) for image, region in examples])
        for name, examples in shown.items()
    }
    for name, own in rows.items():
        others = np.concatenate([each for other, each in rows.items() if other != name])
        to_own = embedder.same(own[:1], own[1:])
        assert to_own.mean() > 0.5
        assert to_own.min() > embedder.same(own[:1], others).max()


def test_a_turned_photograph_shows_the_same(embedder: Siamese, shown: dict) -> None:
    image, region = shown["button-toggle"][0]
    taught = embedder.describe(image, [region])
    itself = embedder.same(taught, taught)[0, 0]
    for quarters in (1, 2, 3):
        turned = np.ascontiguousarray(np.rot90(image, quarters))
        mask = np.ascontiguousarray(np.rot90(region.over(image.shape[:2]), quarters))
        asked = embedder.describe(turned, [Region.of(mask)])
        assert embedder.same(asked, taught)[0, 0] == pytest.approx(itself, abs=0.05)


@pytest.mark.parametrize(
    "box", [(0, 0, 6, 6), (506, 506, 512, 512), (0, 100, 300, 103), (0, 0, 512, 256), (5, 5, 6, 6)]
)
def test_regions_of_any_size_and_place_are_described(
    embedder: Siamese, box: tuple[int, int, int, int]
) -> None:
    left, top, right, bottom = box
    image = np.random.default_rng(0).integers(0, 256, (512, 512, 3), dtype=np.uint8)
    region = Region(box, np.ones((bottom - top, right - left), dtype=bool))
    rows = embedder.describe(image, [region])
    assert np.isfinite(rows).all()
    assert embedder.same(rows, rows)[0, 0] > 0.85


def test_many_taught_examples_are_compared_at_once(embedder: Siamese) -> None:
    rng = np.random.default_rng(0)
    dim = embedder.describe(np.zeros((32, 32, 3), np.uint8), []).shape[-1]
    rows = rng.normal(size=(10_000, 4, dim)).astype(np.float32)
    start = time.perf_counter()
    same = embedder.same(rows[:5], rows)
    assert time.perf_counter() - start < 0.5  # tens of times what it takes
    assert same.shape == (5, 10_000)


def test_the_identity_names_the_weights(embedder: Siamese) -> None:
    assert len(embedder.identity()["regions_sha256"]) == 64


def test_torch_is_not_needed() -> None:
    code = (
        "import sys; from engine.regions.embedding import default_embedder; default_embedder();"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
