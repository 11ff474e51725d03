"""Ranking of test images: the total, its scores, and plain methods on the same references.

    python benchmarks/ranking.py ROOT... [--category NAME]... [--shots 1,4,8] [--seeds 42,0,1234]
        [--config NAME] [--pixels] [--input 512] [--coreset 0.1] [--test N] [--jobs 2] [--json FILE]

ROOT are data sets as `partwise bench` reads them. For each set, number of shots and seed the same
references are given to the inspector and to PatchCore, PaDiM and the nearest thumbnail, of which
the first two see the features of the convolutional backbone, given images of `--input` squared
pixels. Printed are, as means over seeds,
AUROC and F1-max, and at the threshold that follows from the references alone the false alarms, the
share detected, and the mean of that and of the normal images left alone; baselines get their
threshold by the rule of the inspector. With `--pixels` also AUROC and PRO of the maps, where a set
has masks. What is finished is kept in FILE, a line of JSON each, and not made again unless
something that it depends on has changed.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from machine import machine, use_one_thread

use_one_thread()

import numpy as np
from ablation import sums_to_compare
from baselines import Described, Fit, Judge, baselines, smoothed
from ranking_tables import TOTAL, Run, Scored, show_pixels, show_ranking

from alignment.comparison import Comparison
from alignment.transforms import compose, rescale
from engine.benchmark.datasets import Category, DatasetError, Sample, find_categories
from engine.benchmark.journal import Journal, fingerprint
from engine.benchmark.metrics import PixelCounts
from engine.benchmark.protocol import SEEDS, pick_references
from engine.benchmark.runner import Plan
from engine.benchmark.workers import spread
from engine.config import Config, read_config, to_dict
from engine.inspector import N_COPIES, Inspector
from engine.normalisation import learn_normaliser, weigh
from engine.preprocessing import altered_copies, take_in
from engine.profiles import counted_scores, preferred_profile
from engine.rendering.overlays import to_pixels
from engine.report import Calibration, Report
from engine.scores import Reading, score_all
from features.cnn import CnnConfig
from features.cnn.backbone import CELL_PX, CnnBackbone
from features.config_fields import problems_of
from features.device import MachineConfig
from features.errors import UserError
from features.image_files import read_image, read_labels
from features.images import AnyImage, AnyMask, resize
from features.names import show_name

REPOSITORY = Path(__file__).parents[1]
# what the outcome of each half of a run depends on
CODE = {
    "partwise": ("features/**/*.py", "alignment/*.py", "engine/*.py", "engine/scores/*.py"),
    "baselines": (
        "benchmarks/baselines.py",
        "features/cnn/*.py",
        "features/images.py",
        "engine/preprocessing.py",
    ),
}
JOURNAL_START = b'{"fingerprint"'
Maps = dict[str, np.ndarray]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("roots", nargs="+", type=Path)
    parser.add_argument("--category", action="append", metavar="NAME")
    parser.add_argument("--shots", type=numbers, default=[1, 4, 8])
    parser.add_argument("--seeds", type=numbers, default=list(SEEDS))
    parser.add_argument(
        "--config",
        metavar="NAME",
        help="preset or TOML file of the inspector; default: profile cnn",
    )
    parser.add_argument("--pixels", action="store_true", help="measure maps, too")
    parser.add_argument("--input", type=network_seeing, default=CnnConfig(), metavar="PX")
    parser.add_argument("--coreset", type=share, metavar="SHARE", help="PatchCore with less memory")
    parser.add_argument("--test", type=count, metavar="N", help="test images of each type at most")
    parser.add_argument("--jobs", type=count, default=1, metavar="N")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep what is finished")
    asked = parser.parse_args()
    os.environ.setdefault("PARTWISE_THREADS", "1")  # --jobs is what uses further cores
    try:
        config = read_config(asked.config, None if asked.config else preferred_profile())
        categories = [few(each, asked.test) for each in categories_of(asked)]
        tasks = [
            Task(category, k, seed, half, config, asked.input, asked.pixels, asked.coreset)
            for category in categories
            for half in CODE
            for k in asked.shots
            for seed in asked.seeds
        ]
        print(f"{machine()}; seeds {', '.join(map(str, asked.seeds))}", flush=True)
        runs = finished(tasks, asked.json, asked.jobs)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for k in asked.shots:
        of_k = [run for run in runs if run.shots == k]
        print(f"\n## k = {k}\n")
        show_ranking(of_k, config.normalisation)
        if asked.pixels:
            show_pixels(of_k)
    return 0


def numbers(text: str) -> list[int]:
    return list(dict.fromkeys(int(each) for each in text.split(",")))


def count(text: str) -> int:
    if int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {text}")
    return int(text)


def share(text: str) -> float:
    if not 0 < float(text) <= 1:
        raise argparse.ArgumentTypeError(f"must be above 0 and at most 1, got {text}")
    return float(text)


def network_seeing(text: str) -> CnnConfig:
    config = CnnConfig(input_px=int(text))
    if problems := problems_of(config):
        raise argparse.ArgumentTypeError("; ".join(problems))
    return config


def categories_of(asked: argparse.Namespace) -> list[Category]:
    """Find the sets.

    Raises:
        DatasetError: There is none, or two have one name and would be one row.
    """
    found = [each for root in asked.roots for each in find_categories(root, asked.category)]
    names = [each.name for each in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise DatasetError(
            f"each set must have a name of its own, got {', '.join(twice)} twice; "
            "rename a folder, or choose with --category"
        )
    return found


def few(category: Category, n: int | None) -> Category:
    """Leave at most n test images of each type, evenly out of all."""
    if n is None:
        return category
    groups: dict[str, list[Sample]] = {}
    for sample in category.test:
        groups.setdefault(sample.group, []).append(sample)
    kept = [
        group[index]
        for group in groups.values()
        for index in sorted(set(np.linspace(0, len(group) - 1, n).round().astype(int)))
    ]
    return replace(category, test=tuple(kept))


# Runs


@dataclass(frozen=True)
class Task:
    """One set, one number of shots, one seed, and either the inspector or the baselines."""

    category: Category
    shots: int
    seed: int
    half: str
    config: Config
    cnn: CnnConfig
    with_pixels: bool
    coreset_share: float | None

    @property
    def references(self) -> tuple[Path, ...]:
        return pick_references(self.category, self.shots, self.seed)

    @property
    def key(self) -> str:
        """Digest of all that the outcome depends on; the method's own code, too."""
        method: dict[str, Any] = to_dict(self.config)
        if self.half == "baselines":
            method = asdict(self.cnn) | {"coreset": self.coreset_share}
        plan = Plan(self.category, self.shots, self.seed, self.references, None)
        masks = [mask.stat().st_mtime_ns for each in self.category.test for mask in each.masks]
        return fingerprint(
            plan.facts(method)
            | {"half": self.half, "code": code_digest(self.half)}
            | {"masks": masks if self.with_pixels else None}
        )

    @property
    def is_drawn(self) -> bool:
        """Whether maps are to be compared with masks, and there are any."""
        return self.with_pixels and any(each.masks for each in self.category.test)

    def make(self) -> Run:
        started = time.perf_counter()
        references = [read_image(path) for path in self.references]
        run_half = judged_by_inspector if self.half == "partwise" else judged_by_baselines
        scored, pixels = run_half(self, references)
        return Run(
            category=self.category.name,
            shots=self.shots,
            seed=self.seed,
            half=self.half,
            is_anomalous=tuple(each.is_anomalous for each in self.category.test),
            scored=scored,
            pixels=pixels,
            seconds=time.perf_counter() - started,
        )


@lru_cache
def code_digest(half: str) -> str:
    paths = sorted(path for pattern in CODE[half] for path in REPOSITORY.glob(pattern))
    return sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()


def finished(tasks: Sequence[Task], path: Path | None, jobs: int) -> list[Run]:
    """Make what the file does not have yet, and tell how far it is.

    Raises:
        DatasetError: The file holds something else; nothing is added to it.
    """
    if path and path.exists() and not is_ours(path):
        raise DatasetError(f"{path} must be a file that --json wrote, or new; name another")
    with closing(Journal(path, Run.from_dict)) as journal:
        keys = [task.key for task in tasks]
        missing = {
            key: task.make for key, task in zip(keys, tasks, strict=True) if key not in journal
        }
        started = time.perf_counter()
        for n, (key, run) in enumerate(made(missing, jobs), 1):
            journal.add(key, run)
            rest = (time.perf_counter() - started) / n * (len(missing) - n)
            tell(f"{n}/{len(missing)} {run.title}: {run.seconds:.0f} s; {rest / 60:.0f} min left")
        return [journal[key] for key in keys]


def is_ours(path: Path) -> bool:
    """Whether a file is empty, or begins with a line of the journal."""
    with path.open("rb") as file:
        return file.read(len(JOURNAL_START)) in (b"", JOURNAL_START)


def made(tasks: Mapping[str, Callable[[], Run]], jobs: int) -> Iterator[tuple[str, Run]]:
    if jobs > 1 and len(tasks) > 1:
        yield from spread(tasks, jobs)
    else:
        yield from ((key, make()) for key, make in tasks.items())


def tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


# The inspector


def judged_by_inspector(
    task: Task, references: Sequence[AnyImage]
) -> tuple[dict[str, Scored], dict[str, tuple[float, float]]]:
    """Judge all images once, and add their readings up in all ways."""
    inspector = Inspector(task.config)
    compared, calibration = fit_and_keep(inspector, references)
    readings: list[dict[str, Reading]] = []
    totals: list[float] = []
    pixels = PixelTable()
    for sample in task.category.test:
        examination = inspector.examine(read_image(sample.path))
        report = inspector.judge(examination)
        readings.append(examination.readings)
        totals.append(report.total)
        if task.is_drawn:
            pixels.add(sample, drawn_maps(report))
    normal = [score_all(each, task.config.scores) for each in compared]
    scored = added_up(inspector, normal, calibration, readings)
    assert np.allclose(scored[TOTAL].scores, totals), "these are not the inspector's own totals"
    assert np.isclose(scored[TOTAL].threshold, inspector.fitted.normaliser.threshold)
    return scored, pixels.figures()


def added_up(
    inspector: Inspector,
    normal: Sequence[Mapping[str, Reading]],
    calibration: Calibration,
    readings: Sequence[Mapping[str, Reading]],
) -> dict[str, Scored]:
    """Add readings up in all ways, with the threshold that each of these would have learnt."""
    config, residual = inspector.config, inspector.pose.residual_
    scored = {}
    # a score that these photographs are too small for counts only where it is alone: it is 0
    counted = counted_scores(config, inspector.fitted.photo_size)
    passive = set(config.counted_scores) - set(counted)
    for title, names in sums_to_compare(config.counted_scores).items():
        if names:  # without the only active score nothing is left
            active = [name for name in names if name not in passive] or names
            weights = weigh(config.normalisation, config.scores, active, residual, normal)
            learnt = learn_normaliser(config.normalisation, weights, normal, (), calibration)
            sums = tuple(learnt.total(each) for each in readings)
            scored[title] = Scored(sums, learnt.normal_totals, calibration, learnt.threshold)
    return {TOTAL: scored.pop("default")} | scored


def fit_and_keep(
    inspector: Inspector, references: Sequence[AnyImage]
) -> tuple[list[list[Comparison]], Calibration]:
    """Fit, and return what scales and threshold were learnt from."""
    compare, kept = inspector.compare_normal, []

    def keep(*args: Any) -> tuple[list[list[Comparison]], Calibration]:
        kept.append(compare(*args))
        return kept[-1]

    inspector.compare_normal = keep
    inspector.fit(references)
    compared, calibration = kept[0]
    # kept before it was known what is usual near the frame
    known = [[replace(each, frame=inspector.frame) for each in beside] for beside in compared]
    return known, calibration


def drawn_maps(report: Report) -> Maps:
    """Maps of a report over the image file, as its page draws them."""

    def drawn(cells: np.ndarray) -> np.ndarray:
        to_registered = rescale(cells.shape, report.registered.shape[:2])
        return to_pixels(cells, compose(report.to_image, to_registered), report.image_size)

    new, missing = drawn(report.anomaly_map), drawn(report.missing_map)
    return {"new here": new, "missing here": missing, "either": np.maximum(new, missing)}


# Baselines


def judged_by_baselines(
    task: Task, references: Sequence[AnyImage]
) -> tuple[dict[str, Scored], dict[str, tuple[float, float]]]:
    """Fit each baseline on the references as the inspector takes them in, and judge all images."""
    area_px = task.cnn.input_px**2
    taken = take_in(
        references, None, photo_area_px=area_px, working_area_px=area_px, multiple=CELL_PX
    )
    described = [describe(photo, task.cnn) for photo in taken.photos]
    if len(described) == 1:
        rng = np.random.default_rng(task.config.seed)
        copies = [
            describe(copy, task.cnn) for copy in altered_copies(taken.photos[0], N_COPIES, rng)
        ]
    judges: dict[str, Judge] = {}
    normal: dict[str, tuple[float, ...]] = {}
    for name, fit in baselines(task.coreset_share).items():
        judges[name] = fit(described)
        normal[name] = (
            tuple(judges[name](copy)[0] for copy in copies)
            if len(described) == 1
            else left_one_out(fit, described)
        )
    scores: dict[str, list[float]] = {name: [] for name in judges}
    pixels = PixelTable()
    for sample in task.category.test:
        image, size = describe_file(sample.path, taken.photo_size, task.cnn)
        found = {name: judge(image) for name, judge in judges.items()}
        for name, (score, _) in found.items():
            scores[name].append(score)
        if task.is_drawn:
            maps = {name: cells for name, (_, cells) in found.items() if cells is not None}
            pixels.add(sample, {name: over(cells, size) for name, cells in maps.items()})
    calibration = "self-calibrated" if len(described) == 1 else "leave-one-out"
    return {
        name: Scored(tuple(scores[name]), normal[name], calibration) for name in judges
    }, pixels.figures()


def left_one_out(fit: Fit, described: Sequence[Described]) -> tuple[float, ...]:
    """Judge each reference by the others."""
    return tuple(
        fit([other for other in described if other is not each])(each)[0] for each in described
    )


def over(cells: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Lay a map over the image file, and smooth it."""
    return smoothed(to_pixels(cells, rescale(cells.shape, size), size))


@lru_cache
def network(cnn: CnnConfig) -> CnnBackbone:
    return CnnBackbone(cnn, MachineConfig())


def describe(photo: AnyImage, cnn: CnnConfig) -> Described:
    return Described(photo, network(cnn).describe(photo))


# all runs of a set describe the same images: 800 MB at most, where they are of 512 × 512 px
@lru_cache(maxsize=200)
def describe_file(
    path: Path, size: tuple[int, int], cnn: CnnConfig
) -> tuple[Described, tuple[int, int]]:
    """Describe an image file at the size of the references; return its own size, too."""
    image = read_image(path)
    return describe(resize(image, size), cnn), image.shape[:2]


# Pixels


class PixelTable:
    """Counts of pixels by the name of the map, over the images whose mask is known."""

    def __init__(self) -> None:
        self.counts: dict[str, PixelCounts] = {}

    def add(self, sample: Sample, maps: Maps) -> None:
        """Count the pixels of an image.

        Raises:
            DatasetError: Its masks are not of its size.
        """
        if sample.is_anomalous and not sample.masks:
            return
        for name, each in maps.items():
            counts = self.counts.get(name, PixelCounts())
            self.counts[name] = counts.with_image(each, mask_of(sample, each.shape))

    def figures(self) -> dict[str, tuple[float, float]]:
        """AUROC and PRO of each map, without images with masks none."""
        return {
            name: (each.auroc(), each.pro()) for name, each in self.counts.items() if each.n_regions
        }


def mask_of(sample: Sample, size: tuple[int, int]) -> AnyMask:
    mask = np.zeros(size, bool)
    for path in sample.masks:
        labels = read_labels(path)
        if labels.shape != size:
            raise DatasetError(
                f"the mask {show_name(path)} must have the size of its image, {size[1]}×{size[0]} "
                f"px, got {labels.shape[1]}×{labels.shape[0]}; leave --pixels out, or repair it"
            )
        mask |= labels != 0
    return mask


if __name__ == "__main__":
    sys.exit(main())
