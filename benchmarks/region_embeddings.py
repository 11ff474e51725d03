"""Comparisons of regions, by the kinds they know again from a few examples.

Which comparison of regions knows kinds again from one, three or five examples?

    PARTWISE_DATA=DIR python benchmarks/region_embeddings.py [--seeds 5] [--rolls 4]

Two judgements, each with every comparison beside chance:

* photographed cloth (``DIR/fabric``, boxes of four kinds of defects): the most probable class,
  given the box. Files that share a stem, which are copies of one photograph, stay on one side.
  Skipped with a line where the data are not there;
* rendered cloth, four designs of buttons and four defects given their outlines: five kinds of each
  roll are taught and three are unknown; how many of the taught ones are named rightly, and how many
  of the unknown ones are called unknown.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import cv2
import numpy as np

from engine.regions.embedding import RegionEmbedder, classify, demands_of
from engine.regions.siamese import Siamese
from engine.regions.similarity import Arrangement, Curve, squared_distance, with_half_norm
from engine.synthetic.cloth import BUTTONS, DEFECTS, draw_cloth, render_cloth
from features.embedded.backbone import EmbeddedBackbone
from features.region import Region

DATA = Path(os.environ.get("PARTWISE_DATA", Path(__file__).parents[2] / "shared" / "data"))
FIRST_ROLL = 10_000  # rolls below may have served as grounds in training
N_PHOTOGRAPHS, N_ITEMS, N_TAUGHT = 24, 3, 5
CELL_PX = 8


@dataclass(frozen=True)
class Example:
    """A region of an image, what it is, and what must not be on both sides of a split."""

    image: np.ndarray
    region: Region
    label: str
    source: str


@dataclass(frozen=True)
class MeanTokens:
    """The plain way: the mean of the backbone's descriptors over the region."""

    backbone: EmbeddedBackbone

    def describe(self, image: np.ndarray, regions: Sequence[Region]) -> np.ndarray:
        height, width = (side // CELL_PX * CELL_PX for side in image.shape[:2])
        tokens = self.backbone(np.ascontiguousarray(image[:height, :width])).tokens
        rows = []
        for region in regions:
            mask = region.over(image.shape[:2])[:height, :width].astype(np.float32)
            size = tokens.shape[1::-1]
            weight = cv2.resize(mask, size, interpolation=cv2.INTER_AREA) + 1e-6
            rows.append([np.average(tokens.reshape(-1, tokens.shape[2]), 0, weight.ravel())])
        return with_half_norm(np.array(rows, np.float32))

    def same(self, asked: np.ndarray, taught: np.ndarray) -> np.ndarray:
        """No calibration: even odds at a typical distance of taught regions."""
        typical = float(np.median(squared_distance(taught, taught))) + 1e-6
        return Curve(bias=2.0, slope=4.0 / typical).same(asked, taught)

    def identity(self) -> dict[str, str]:
        return self.backbone.identity()


@dataclass(frozen=True)
class Both:
    """The network and the training-free comparison: their log-odds are averaged."""

    first: RegionEmbedder
    second: RegionEmbedder
    dim: int

    def describe(self, image: np.ndarray, regions: Sequence[Region]) -> np.ndarray:
        parts = [each.describe(image, regions) for each in (self.first, self.second)]
        return np.concatenate(parts, axis=-1)

    def same(self, asked: np.ndarray, taught: np.ndarray) -> np.ndarray:
        cut = np.s_[..., : self.dim], np.s_[..., self.dim :]
        shares = [
            np.clip(each.same(asked[at], taught[at]), 1e-6, 1 - 1e-6)
            for each, at in zip((self.first, self.second), cut, strict=True)
        ]
        log_odds = np.mean([np.log(share / (1 - share)) for share in shares], axis=0)
        return np.asarray(1 / (1 + np.exp(-log_odds)), np.float32)

    def identity(self) -> dict[str, str]:
        return self.first.identity() | self.second.identity()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rolls", type=int, default=4)
    asked = parser.parse_args()
    fabric = list(read_boxes(DATA / "fabric"))
    if fabric:
        print("photographed cloth, given the box: accuracy after 1 / 3 / 5 examples a class")
        print(f"{'chance':16s}" + f"{1 / len({each.label for each in fabric}):8.3f}" * 3)
        compare(fabric, lambda *given: fabric_accuracy(*given, n_seeds=asked.seeds))
    else:
        print(f"photographed cloth: skipped, no images in {DATA / 'fabric'}; set PARTWISE_DATA")
    print("rendered cloth: taught ones named, unknown ones refused; after 1 / 5 examples a class")
    cloth = list(render(asked.rolls))
    compare(cloth, lambda *given: cloth_accuracy(*given, n_seeds=asked.seeds))


def compare(
    examples: list[Example],
    judge: Callable[[RegionEmbedder, np.ndarray, list[Example]], list[float]],
) -> None:
    siamese = Siamese()
    dim = siamese.describe(examples[0].image, [examples[0].region]).shape[-1]
    embedders: dict[str, RegionEmbedder] = {
        "mean tokens": MeanTokens(EmbeddedBackbone().fit([each.image for each in examples[::40]])),
        "arrangement": Arrangement(),
        "siamese": siamese,
        "both": Both(siamese, Arrangement(), dim),
    }
    for name, embedder in embedders.items():
        rows = [embedder.describe(each.image, [each.region]) for each in examples]
        shares = judge(embedder, np.concatenate(rows), examples)
        print(f"{name:16s}" + "".join(f"{share:8.3f}" for share in shares), flush=True)


def fabric_accuracy(
    embedder: RegionEmbedder, rows: np.ndarray, examples: list[Example], *, n_seeds: int
) -> list[float]:
    labels, label = np.unique([each.label for each in examples], return_inverse=True)
    source = np.array([each.source for each in examples])
    shares = []
    for n in (1, 3, 5):
        right = []
        for seed in range(n_seeds):
            rng = np.random.default_rng(seed)
            stems = [rng.permutation(np.unique(source[label == c]))[:n] for c in range(len(labels))]
            taught = [
                int(rng.choice(np.flatnonzero((label == c) & (source == stem))))
                for c, own in enumerate(stems)
                for stem in own
            ]
            test = np.flatnonzero(~np.isin(source, np.concatenate(stems)))
            p = classify(embedder.same(rows[test], rows[taught]), label[taught], len(labels))
            right.append((p.argmax(axis=1) == label[test]).mean())
        shares.append(float(np.mean(right)))
    return shares


def cloth_accuracy(
    embedder: RegionEmbedder, rows: np.ndarray, examples: list[Example], *, n_seeds: int
) -> list[float]:
    labels, label = np.unique([each.label for each in examples], return_inverse=True)
    roll = np.array([each.source for each in examples])
    shares = []
    for n in (1, 5):
        found = []
        for seed in range(n_seeds):
            rng = np.random.default_rng(seed)
            for each in np.unique(roll):
                own = np.flatnonzero(roll == each)
                some = rng.permutation(len(labels))[:N_TAUGHT]
                taught = [rng.permutation(own[label[own] == c])[:n] for c in some]
                found.append(_lesson(embedder, rows, label, own, np.concatenate(taught)))
        shares += np.mean(found, axis=0).tolist()
    return shares


def _lesson(
    embedder: RegionEmbedder,
    rows: np.ndarray,
    label: np.ndarray,
    own: np.ndarray,
    taught: np.ndarray,
) -> tuple[float, float]:
    """Share of known regions that are named rightly, and of unknown ones that are refused."""
    n_classes, test = int(label.max()) + 1, np.setdiff1d(own, taught)
    demands = demands_of(embedder, rows[taught], label[taught], n_classes)
    p = classify(embedder.same(rows[test], rows[taught]), label[taught], n_classes, demands)
    answer = np.where(p.max(axis=1) >= 0.5, p.argmax(axis=1), -1)
    is_known = np.isin(label[test], label[taught])
    return (
        float((answer == label[test])[is_known].mean()),
        float((answer == -1)[~is_known].mean()),
    )


def read_boxes(folder: Path) -> Iterator[Example]:
    """Read images with boxes in YOLO's text form: class, centre and size as shares."""
    for path in sorted(folder.glob("*/images/*.jpg")):
        image = np.ascontiguousarray(cv2.imread(str(path))[..., ::-1])
        height, width = image.shape[:2]
        text = path.parents[1] / "labels" / f"{path.stem}.txt"
        for line in text.read_text(encoding="utf-8").splitlines():
            label, *numbers = line.split()
            x, y, w, h = (float(number) for number in numbers)
            edges = np.array([x - w / 2, y - h / 2, x + w / 2, y + h / 2])
            box = np.rint(np.clip(edges, 0, 1) * (width, height, width, height)).astype(int)
            left, top, right, bottom = (int(edge) for edge in box)
            mask = np.ones((bottom - top, right - left), dtype=bool)
            region = Region((left, top, right, bottom), mask)
            yield Example(image, region, label, path.name.split("_jpg")[0])


def render(n_rolls: int) -> Iterator[Example]:
    """Render photographs of rolls with buttons and defects, and their true outlines."""
    rng = np.random.default_rng(5)
    for roll in range(FIRST_ROLL, FIRST_ROLL + n_rolls):
        cloth = draw_cloth(roll)
        for number in range(N_PHOTOGRAPHS):
            items = rng.choice([*DEFECTS, *BUTTONS], N_ITEMS, replace=False).tolist()
            photo = render_cloth(cloth, number, items)
            for item in photo.items:
                yield Example(photo.image, item.region, item.name, str(roll))


if __name__ == "__main__":
    main()
