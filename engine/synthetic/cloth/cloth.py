"""Photograph of a roll: cloth is woven, things fall on it, the camera fires."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from jaxtyping import Float32

from engine.synthetic.cloth.buttons import BUTTONS, button
from engine.synthetic.cloth.camera import expose, set_up
from engine.synthetic.cloth.defects import contamination, fleck, loose_thread
from engine.synthetic.cloth.hole import hole
from engine.synthetic.cloth.placement import LooseItem, arrange
from engine.synthetic.cloth.record import ClothPhoto, Item, stream
from engine.synthetic.cloth.weave import Cloth
from engine.synthetic.cloth.weaving import draw_web_pose, weave, weave_faults
from engine.synthetic.scenes.canvas import SUPERSAMPLING, Canvas
from features.images import Mask
from features.region import Region

_HOLE, _LINE = "hole", "line"
_LOOSE: dict[str, Callable[[np.random.Generator, Cloth], LooseItem]] = {
    "contamination": contamination,
    "fleck": fleck,
    "string": loose_thread,
}
DEFECTS: tuple[str, ...] = tuple(sorted((*_LOOSE, _LINE)))
UNTAUGHT = (_HOLE,)  # for asking what becomes of a defect that nobody has taught

_MIN_SIZE_PX = 64  # some repeats of every weave
_MIDDLE = slice(SUPERSAMPLING // 2, None, SUPERSAMPLING)


def render_cloth(
    cloth: Cloth,
    seed: int,
    items: Sequence[str] = (),
    *,
    size_px: int = 512,
    is_touching: bool = False,
) -> ClothPhoto:
    """Photograph a place of the roll with one item of each name; names may repeat.

    Cloth, light and noise depend on ``cloth`` and ``seed`` alone, so that the photograph without
    items is the same outside of items and their shadows. Things fall in the order of their names,
    the last one on top; lines lie below, they are part of the weave, and so do holes, which go
    through it. Nothing overlaps unless ``is_touching``, where each thing rests against an earlier
    one and lines may cross.

    Raises:
        ValueError: A name is unknown, the photograph too small, or there is no room for so much.
    """
    _check(items, size_px)
    canvas = Canvas(size_px, size_px, stream("lamp", cloth.seed))
    canvas.class_of_part.extend(range(1, len(items) + 1))  # each item is one part
    streams = [stream(name, cloth.seed, seed, i) for i, name in enumerate(items)]
    lines = {i: streams[i] for i, name in enumerate(items) if name == _LINE}
    things = {
        i: _loose_item(streams[i], cloth, name) for i, name in enumerate(items) if name != _LINE
    }

    bands = _weave(canvas, cloth, seed, lines, is_touching)
    order = stream("/".join(items), cloth.seed, seed)
    poses = arrange(order, list(things.values()), size_px, bands, is_touching=is_touching)
    placed = zip(things.items(), poses, strict=True)
    for (i, thing), pose in sorted(placed, key=lambda each: items[each[0][0]] != _HOLE):
        canvas.rng = streams[i]
        thing.paint(canvas, i + 1, pose)

    image = expose(_shrunk(canvas), set_up(cloth.seed), stream("camera", cloth.seed, seed))
    return ClothPhoto(image, _truth(canvas, items))


def _check(items: Sequence[str], size_px: int) -> None:
    known = (*DEFECTS, *UNTAUGHT, *BUTTONS)
    for name in items:
        if name not in known:
            raise ValueError(f"items must be of {', '.join(known)}; got {name!r}")
    if size_px < _MIN_SIZE_PX:
        raise ValueError(f"size_px must be at least {_MIN_SIZE_PX}, got {size_px}; enlarge it")


def _loose_item(rng: np.random.Generator, cloth: Cloth, name: str) -> LooseItem:
    if name in BUTTONS:
        return button(rng, name)
    return hole(rng, cloth) if name == _HOLE else _LOOSE[name](rng, cloth)


def _weave(
    canvas: Canvas,
    cloth: Cloth,
    seed: int,
    lines: dict[int, np.random.Generator],
    is_crossing: bool,
) -> list[Mask]:
    """Cover the canvas with cloth that has a fault for each line; returns where these are."""
    rng, size_px = stream("weave", cloth.seed, seed), canvas.width
    faults = weave_faults(list(lines.values()), cloth, size_px, is_crossing=is_crossing)
    pose = draw_web_pose(rng, cloth)
    woven, bands = weave(cloth, pose, rng, canvas.light, size_px, faults)
    for plane, source in zip(canvas.rgb, woven, strict=True):
        cv2.resize(source, canvas.shape[::-1], dst=plane, interpolation=cv2.INTER_LINEAR)
    for i, band in zip(lines, bands, strict=True):
        enlarged = band.repeat(SUPERSAMPLING, axis=0).repeat(SUPERSAMPLING, axis=1)
        canvas.parts[enlarged] = i + 1
    return bands


def _shrunk(canvas: Canvas) -> Float32[np.ndarray, "3 height width"]:
    """The light of the canvas at the size of the photograph."""
    size = canvas.width, canvas.height
    planes = [cv2.resize(plane, size, interpolation=cv2.INTER_AREA) for plane in canvas.rgb]
    return np.stack(planes)


def _truth(canvas: Canvas, items: Sequence[str]) -> tuple[Item, ...]:
    """Read off what each item shows of itself; what is wholly hidden is left out."""
    parts = canvas.parts[_MIDDLE, _MIDDLE]
    masks = [parts == number for number in range(1, len(items) + 1)]
    return tuple(
        Item(name, Region.of(mask)) for name, mask in zip(items, masks, strict=True) if mask.any()
    )
