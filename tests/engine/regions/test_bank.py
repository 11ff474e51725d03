from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from alignment.sample import Sample
from engine.library import Library, NewExample
from engine.library.records import Features
from engine.regions.bank import (
    N_NORMAL,
    N_TOKENS_OF_CLASS,
    Bank,
    TokenScale,
    load_bank,
    normal_tokens,
)
from engine.regions.tokens import WINDOWS, windowed
from features.dense import DenseMap
from features.embedded.backbone import EmbeddedBackbone
from features.region import Region

Image = np.ndarray
Mask = np.ndarray
IDENTITY = {"backbone": "plain"}
DIM, N_VIEWS = 6, 4
NORMAL = np.zeros((len(WINDOWS), 5, DIM), dtype=np.float32)


def fitted() -> EmbeddedBackbone:
    image = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    return EmbeddedBackbone().fit([image])


class Unscaled:
    """A backbone that has learnt nothing, and whose tokens are what a pixel shows."""

    def fit(self, images: Sequence[Image]) -> Unscaled:
        return self

    def __call__(self, image: Image, is_valid: Mask | None = None) -> DenseMap:
        return DenseMap(image.astype(np.float32), np.ones(image.shape[:2], dtype=bool))

    def batch(self, images: Sequence[Image], is_valid: Sequence[Mask]) -> list[DenseMap]:
        return [self(image) for image in images]

    def state(self) -> dict[str, np.ndarray]:
        return {}

    def restore(self, state: dict[str, np.ndarray]) -> Unscaled:
        return self

    def identity(self) -> dict[str, str]:
        return IDENTITY


def plain() -> TokenScale:
    return TokenScale(Unscaled())


class Nearness:
    """An embedder that compares views by their distance; here nothing is described by it."""

    def describe(self, image: Image, regions: Sequence[Region]) -> np.ndarray:
        return np.zeros((len(regions), N_VIEWS, 3), dtype=np.float32)

    def same(self, asked: np.ndarray, taught: np.ndarray) -> np.ndarray:
        apart = np.linalg.norm(asked[:, None, 0] - taught[None, :, 0], axis=-1)
        return np.asarray(0.98 * np.exp(-apart), dtype=np.float32)

    def identity(self) -> dict[str, str]:
        return IDENTITY


def load(library: Library, known: dict[int, Features]) -> Bank:
    return load_bank(library, plain(), NORMAL, Nearness(), known, accepted_above=0.5)


def features(number: int, n_tokens: int) -> Features:
    """Tokens and views whose every entry is the number."""
    return {
        "tokens": np.full((len(WINDOWS), n_tokens, DIM), number, dtype=np.float16),
        "views": np.full((N_VIEWS, 3), number, dtype=np.float32),
    }


Teach = Callable[..., int]


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library(str(tmp_path / "library.db"), author="anna") as opened:
        yield opened


@pytest.fixture
def teach(library: Library) -> Teach:
    def taught(name: str, number: int, n_tokens: int = 2) -> int:
        example = NewExample(
            image_sha256=hashlib.sha256(str(number).encode()).hexdigest(),
            image_name=f"{number}.png",
            image_size=(20, 20),
            region=Region((2, 2, 5, 5), np.ones((3, 3), dtype=bool)),
            thumbnail=np.zeros((4, 4, 3), dtype=np.uint8),
            features=features(number, n_tokens),
        )
        lesson = library.teach(name, "accepted", example, IDENTITY)
        assert lesson.example_id is not None
        return lesson.example_id

    return taught


class TestScale:
    def test_kept_tokens_come_back_within_half_precision(self) -> None:
        backbone = fitted()
        image = np.random.default_rng(1).integers(0, 256, (64, 96, 3), dtype=np.uint8)
        tokens = backbone(image).tokens
        scale = TokenScale(backbone)
        kept = scale.to_stored(tokens)
        assert kept.dtype == np.float16
        # half precision has eleven bits; the error is relative to what is kept
        state = backbone.state()
        rounding = np.abs(tokens * state["scale"] + state["center"]) * 2.0**-11 + 2.0**-24
        error = np.abs(scale.from_stored(kept) - tokens)
        assert (error <= 1.01 * rounding / state["scale"] + 1e-5).all()

    def test_another_fit_describes_kept_tokens_in_its_own_units(self) -> None:
        here, image = fitted(), np.full((64, 96, 3), 90, dtype=np.uint8)
        image[20:40, 30:60] = (200, 40, 40)
        there = EmbeddedBackbone().fit([image])
        kept = TokenScale(here).to_stored(here(image).tokens)
        compared = TokenScale(there).from_stored(kept)
        spread = np.abs(there(image).tokens).max()
        np.testing.assert_allclose(compared, there(image).tokens, atol=0.01 * spread)

    def test_a_backbone_without_units_keeps_tokens_as_they_are(self) -> None:
        tokens = np.arange(12, dtype=np.float32).reshape(3, 4)
        np.testing.assert_array_equal(plain().from_stored(plain().to_stored(tokens)), tokens)


class TestNormalTokens:
    def test_each_scale_draws_the_same_valid_cells(
        self, random_sample: Callable[..., Sample]
    ) -> None:
        references = [random_sample(seed, valid=0.6) for seed in range(3)]
        drawn = normal_tokens(references, np.random.default_rng(0))
        cells = np.concatenate(
            [
                windowed(each.dense.tokens, each.dense.is_valid)[:, each.dense.is_valid.ravel()]
                for each in references
            ],
            axis=1,
        )
        assert drawn.shape == cells.shape
        rows = [tuple(row) for row in cells.transpose(1, 0, 2).reshape(cells.shape[1], -1).tolist()]
        drawn_rows = drawn.transpose(1, 0, 2).reshape(drawn.shape[1], -1).tolist()
        assert sorted(map(tuple, drawn_rows)) == sorted(rows)

    def test_no_more_than_are_needed(self, random_sample: Callable[..., Sample]) -> None:
        references = [random_sample(seed, valid=1.0) for seed in range(70)]
        assert normal_tokens(references, np.random.default_rng(0)).shape[1] == N_NORMAL


class TestBank:
    def test_every_token_knows_its_class(self, library: Library, teach: Teach) -> None:
        teach("button", 1, 2)
        teach("fleck", 2, 3)
        teach("button", 3, 1)
        bank = load(library, {})
        assert len(bank) == 3
        names = [bank.classes[index].name for index in bank.class_of_example]
        assert names == ["button", "fleck", "button"]
        numbers = bank.tokens.taught[0, :, 0].tolist()
        of_token = [bank.classes[index].name for index in bank.tokens.class_of_token]
        assert sorted(zip(numbers, of_token, strict=True)) == [
            (1, "button"),
            (1, "button"),
            (2, "fleck"),
            (2, "fleck"),
            (2, "fleck"),
            (3, "button"),
        ]
        np.testing.assert_array_equal(bank.views[:, 0, 0], [1, 2, 3])
        assert bank.tokens.n_classes == 2

    def test_an_empty_library_is_a_bank(self, library: Library) -> None:
        bank = load(library, {})
        assert len(bank) == len(bank.demands) == 0
        assert bank.classes == ()
        assert bank.tokens.taught.shape == (len(WINDOWS), 0, DIM)

    def test_what_is_forgotten_is_gone(self, library: Library, teach: Teach) -> None:
        teach("button", 1)
        second = teach("button", 2)
        teach("fleck", 3)
        known: dict[int, Features] = {}
        load(library, known)
        library.forget_example(second)
        bank = load(library, known)
        assert second not in bank.example_ids
        assert set(bank.tokens.taught[0, :, 0].tolist()) == {1, 3}
        library.forget("button")
        bank = load(library, known)
        assert [each.name for each in bank.classes] == ["fleck"]
        assert set(bank.tokens.class_of_token.tolist()) == {0}

    def test_features_are_read_once(self, library: Library, teach: Teach) -> None:
        first = teach("button", 1)
        known: dict[int, Features] = {}
        load(library, known)
        assert list(known) == [first]
        # what is known is not asked for again
        known[first] = features(7, 2)
        second = teach("button", 2)
        bank = load(library, known)
        assert set(known) == {first, second}
        assert set(bank.tokens.taught[0, :, 0].tolist()) == {7, 2}

    def test_of_many_tokens_the_newest_are_kept(self, library: Library, teach: Teach) -> None:
        half = N_TOKENS_OF_CLASS // 2
        for number in (1, 2, 3):
            teach("button", number, half)
        teach("fleck", 4, 5)
        bank = load(library, {})
        numbers, counts = np.unique(bank.tokens.taught[0, :, 0], return_counts=True)
        kept = dict(zip(numbers.tolist(), counts.tolist(), strict=True))
        assert kept == {2: half, 3: half, 4: 5}
        # whole objects are all kept
        assert len(bank) == 4

    def test_a_class_of_one_look_demands_more(self, library: Library, teach: Teach) -> None:
        for number in (1, 1, 1, 1):
            teach("plain", number)
        for number in (5, 6, 7, 8):
            teach("colourful", number)
        bank = load(library, {})
        assert bank.demands.shape == (2,)
        demand = dict(zip((each.name for each in bank.classes), bank.demands, strict=True))
        assert demand["plain"] > demand["colourful"]

    def test_an_example_without_a_cell_has_its_views(self, library: Library, teach: Teach) -> None:
        teach("thread", 1, 0)
        bank = load(library, {})
        assert len(bank) == 1
        assert bank.tokens.taught.shape[1] == 0
        assert bank.tokens.n_classes == 1
