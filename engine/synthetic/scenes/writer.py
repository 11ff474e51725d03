"""Writer of scenes in the layout of MVTec LOCO, with part and class maps."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from engine.synthetic.scenes.catalogue import CATEGORIES, anomaly_types, find, render
from engine.synthetic.scenes.category import Category
from engine.synthetic.scenes.record import Group, Scene
from features.temporary_files import temporary_folder

Progress = Callable[[int, int], None]


def write_scenes(
    root: Path,
    *,
    categories: Sequence[str] = CATEGORIES,
    n_train: int = 12,
    n_validation: int = 4,
    n_good: int = 16,
    n_logical: int = 16,
    n_structural: int = 12,
    seed: int = 0,
    progress: Progress | None = None,
) -> None:
    """Render every category into ``root/<category>``; ``root`` appears only when all is written.

    An image depends on seed, category, split and index alone, so larger numbers add images and
    change none. The i-th anomalous image has the i-th type of its group, round and round.
    ``progress`` is told the number of images done and to do.

    Raises:
        ValueError: If ``root`` exists and is not an empty folder, or a category is unknown.
    """
    root = Path(root)
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise ValueError(f"scenes need a new or empty folder, {root} is not; choose another")
    splits: list[tuple[str, Group, int]] = [
        ("train", "good", n_train),
        ("validation", "good", n_validation),
        ("test", "good", n_good),
        ("test", "logical_anomalies", n_logical),
        ("test", "structural_anomalies", n_structural),
    ]
    products = [find(name) for name in categories]
    total, done = len(products) * sum(count for *_, count in splits), 0
    root.parent.mkdir(parents=True, exist_ok=True)
    with temporary_folder(root.parent) as scratch:
        folder = scratch / root.name
        folder.mkdir()
        for product in products:
            for _ in _write_category(folder / product.name, product, splits, seed):
                done += 1
                if progress is not None:
                    progress(done, total)
        os.replace(folder, root)


def pixel_values(product: Category) -> dict[str, int]:
    """Give each anomaly type the value of its pixels in ground-truth masks, from 255 downwards."""
    return {each.name: 255 - index for index, each in enumerate(product.anomaly_types)}


def _write_category(
    folder: Path, product: Category, splits: list[tuple[str, Group, int]], seed: int
) -> Iterator[Scene]:
    """Write one category, yielding each scene once it is on disk."""
    type_of: dict[str, str] = {}
    for split, group, count in splits:
        stream = zlib.crc32(f"{product.name}/{split}/{group}".encode())
        names = anomaly_types(product.name)[group]
        for index in range(count):
            anomaly_type = names[index % len(names)]
            scene = render(product.name, np.random.default_rng([seed, stream, index]), anomaly_type)
            _write_scene(folder, f"{split}/{group}/{index:03d}", scene, pixel_values(product))
            if split == "test":
                type_of[f"{split}/{group}/{index:03d}.png"] = anomaly_type
            yield scene
    _write_json(folder / "kinds.json", type_of)
    _write_json(folder / "classes.json", _class_table(product))
    _write_json(folder / "defects_config.json", _defect_table(product))


def _write_scene(folder: Path, name: str, scene: Scene, value_of: dict[str, int]) -> None:
    """Write image, maps and one mask per anomalous region."""
    _write_png(folder / f"{name}.png", scene.image[..., ::-1])
    _write_png(folder / "part_maps" / f"{name}.png", scene.part_map)
    _write_png(folder / "class_maps" / f"{name}.png", scene.class_map)
    truth = folder / "ground_truth" / name.removeprefix("test/")
    for number, (anomaly_type, mask) in enumerate(scene.masks):
        _write_png(truth / f"{number:03d}.png", np.uint8(value_of[anomaly_type]) * mask)


def _class_table(product: Category) -> list[dict[str, Any]]:
    return [
        {"id": number, "name": name, "is_background": number == 0}
        for number, name in enumerate(product.classes)
    ]


def _defect_table(product: Category) -> list[dict[str, Any]]:
    """The entries of ``defects_config.json``; a relative threshold is a share of the area."""
    return [
        {
            "defect_name": each.name,
            "pixel_value": pixel_values(product)[each.name],
            "saturation_threshold": each.saturation_px or 1.0,
            "relative_saturation": each.saturation_px is None,
        }
        for each in product.anomaly_types
    ]


def _write_png(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    encoded = cv2.imencode(".png", np.ascontiguousarray(pixels))[1]
    path.write_bytes(encoded.tobytes())


def _write_json(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n")
