"""Crops of pictures, with the prompts and targets that a segmenter is trained on.

One point may mean a part, the thing that it belongs to, or the tray in which that lies. All of
them are targets at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Bool, Float32, Int64, UInt8
from sam_training.compositions import compose
from sam_training.pieces import MAX_MEANINGS, Labels, Pieces, meanings, pieces_of

from engine.synthetic.scenes import CATEGORIES, anomaly_types, render

# What Segment Anything subtracts and divides by (Kirillov et al., 2023), RGB 0 … 255.
PIXEL_MEAN = np.array([123.675, 116.28, 103.53], dtype=np.float32)
PIXEL_STD = np.array([58.395, 57.12, 57.375], dtype=np.float32)
OUTSIDE = 65535  # label of the padding below and to the right
MIN_AREA_PX = 80  # of a piece that is asked for: 5 pixels of the low-resolution mask
CUT_SHARE = 0.8  # of the crops; the others show the picture whole, with padding
LOG_ZOOM = np.log((0.6, 2.2))  # of what is cut out
STRIDE = 4  # px of the input per pixel of the low-resolution mask


@dataclass(frozen=True)
class Crop:
    """A square picture as the network takes it, with prompts and what they may mean.

    ``points_xy`` lie in the pieces asked for; ``boxes_xyxy`` surround target ``chosen`` of each.
    ``targets`` are shares of covered area; those beyond the number of meanings are not ``valid``.
    ``leaves`` are the pieces themselves at low resolution.
    """

    image: Float32[np.ndarray, "3 side side"]
    points_xy: Float32[np.ndarray, "prompts 2"]
    boxes_xyxy: Float32[np.ndarray, "prompts 4"]
    targets: Float32[np.ndarray, "prompts targets low low"]
    valid: Bool[np.ndarray, "prompts targets"]
    chosen: Int64[np.ndarray, " prompts"]
    leaves: Int64[np.ndarray, "low low"]


def write_pictures(folder: Path, n_compositions: int, n_scenes: int, seed: int) -> None:
    """Render what is missing of the training pictures into ``folder``; products in turn."""
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(n_compositions + n_scenes):
        path = folder / f"{index:05d}.npz"
        if path.exists():
            continue
        pieces = picture(index, index >= n_compositions, seed)
        partial = path.with_suffix(".part")
        with partial.open("wb") as file:
            np.savez(file, image=pieces.image, labels=pieces.labels, parents=pieces.parents)
        partial.rename(path)


def picture(index: int, is_product: bool, seed: int) -> Pieces:
    """The ``index``-th picture of a seed: a rendered product, or a random composition."""
    rng = np.random.default_rng([seed, index])
    if not is_product:
        return compose(rng)
    category = CATEGORIES[index % len(CATEGORIES)]
    names = [name for group in anomaly_types(category).values() for name in group]
    return pieces_of(render(category, rng, str(rng.choice(names))))


def read_picture(path: Path) -> Pieces:
    with np.load(path) as stored:
        return Pieces(stored["image"], stored["labels"], stored["parents"])


def draw_view(
    rng: np.random.Generator, pieces: Pieces, side: int
) -> tuple[Float32[np.ndarray, "3 side side"], Labels]:
    """Cut, turn and light a picture at random; as the network takes it, with its pieces."""
    image, labels = _cut(rng, pieces, side)
    image = (_relight(rng, image) - PIXEL_MEAN) / PIXEL_STD * (labels != OUTSIDE)[..., None]
    return np.ascontiguousarray(image.transpose(2, 0, 1), dtype=np.float32), labels


def draw_crop(rng: np.random.Generator, pieces: Pieces, side: int, n_prompts: int) -> Crop | None:
    """Draw a view of a picture and prompt it at random; None if nothing large enough is in it."""
    image, labels = draw_view(rng, pieces, side)
    is_inside = labels != OUTSIDE
    numbers, areas = np.unique(labels[is_inside], return_counts=True)
    asked = numbers[areas >= MIN_AREA_PX]
    if not len(asked):
        return None
    leaves = rng.choice(asked, n_prompts)
    points, boxes, targets, valid, chosen = [], [], [], [], []
    meanings_of = {leaf: meanings(labels, pieces.parents, int(leaf)) for leaf in np.unique(leaves)}
    for leaf in leaves:
        rows, columns = np.nonzero(labels == leaf)
        pick = rng.integers(len(rows))
        masks = meanings_of[leaf]
        choice = int(rng.integers(len(masks)))
        points.append((columns[pick], rows[pick]))
        boxes.append(_loose_box(rng, masks[choice]))
        padding = [np.zeros_like(masks[0])] * (MAX_MEANINGS - len(masks))
        targets.append([_shrunk(mask) for mask in (*masks, *padding)])
        valid.append(np.arange(MAX_MEANINGS) < len(masks))
        chosen.append(choice)
    return Crop(
        image,
        np.array(points, dtype=np.float32),
        np.array(boxes, dtype=np.float32),
        np.array(targets, dtype=np.float32),
        np.array(valid),
        np.array(chosen, dtype=np.int64),
        low(labels),
    )


def _cut(
    rng: np.random.Generator, pieces: Pieces, side: int
) -> tuple[UInt8[np.ndarray, "side side 3"], Labels]:
    """A random square of the picture, or all of it with padding as Segment Anything pads."""
    image, labels = pieces.image, pieces.labels.astype(np.int32)
    height, width = labels.shape
    if rng.random() < CUT_SHARE:
        window = int(min(side / np.exp(rng.uniform(*LOG_ZOOM)), height, width))
        top, left = (int(rng.integers(length - window + 1)) for length in (height, width))
        image = image[top : top + window, left : left + window]
        labels = labels[top : top + window, left : left + window]
    if rng.random() < 0.5:
        image, labels = image[:, ::-1], labels[:, ::-1]
    quarters = int(rng.integers(4))
    image, labels = np.rot90(image, quarters), np.rot90(labels, quarters)
    scale = side / max(labels.shape)
    size = tuple(round(length * scale) for length in labels.shape[::-1])
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    image = cv2.resize(np.ascontiguousarray(image), size, interpolation=method)
    labels = cv2.resize(np.ascontiguousarray(labels), size, interpolation=cv2.INTER_NEAREST_EXACT)
    right, below = side - size[0], side - size[1]
    image = np.pad(image, ((0, below), (0, right), (0, 0)))
    labels = np.pad(labels, ((0, below), (0, right)), constant_values=OUTSIDE)
    return image, labels.astype(np.int64)


def _relight(
    rng: np.random.Generator, image: UInt8[np.ndarray, "side side 3"]
) -> Float32[np.ndarray, "side side 3"]:
    """Another lamp, camera and sensor; sometimes other colours altogether."""
    light = image / np.float32(255)
    light = light[..., rng.permutation(3)] if rng.random() < 0.2 else light
    grey = light.mean(axis=2, keepdims=True)
    light = grey + (light - grey) * (0 if rng.random() < 0.05 else rng.uniform(0.6, 1.4))
    light = np.maximum(light, 0) ** np.exp(rng.normal(0, 0.15)) * np.exp(rng.normal(0, 0.08, 3))
    if rng.random() < 0.2:
        light = cv2.GaussianBlur(light, (0, 0), rng.uniform(0.4, 1.2))
    if rng.random() < 0.25:
        light = light + rng.normal(0, rng.uniform(0.005, 0.02), light.shape)
    return np.asarray(np.clip(light, 0, 1) * 255, dtype=np.float32)


def _loose_box(
    rng: np.random.Generator, mask: Bool[np.ndarray, "side side"]
) -> Float32[np.ndarray, "4"]:
    """The box around a mask, drawn as carelessly as by hand: a tenth of its size off."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], dtype=np.float32)
    size = np.tile(box[2:] - box[:2], 2)
    loose = box + np.clip(rng.normal(0, 0.05, 4), -0.1, 0.1) * size
    return np.asarray(np.clip(loose, 0, len(mask)), dtype=np.float32)


def low(labels: Labels) -> Int64[np.ndarray, "low low"]:
    """The pieces at the resolution of the network's masks."""
    return labels[STRIDE // 2 :: STRIDE, STRIDE // 2 :: STRIDE].copy()


def _shrunk(mask: Bool[np.ndarray, "side side"]) -> Float32[np.ndarray, "low low"]:
    cells = len(mask) // STRIDE
    return np.asarray(
        mask.reshape(cells, STRIDE, cells, STRIDE).mean(axis=(1, 3)), dtype=np.float32
    )
