"""Which images does somebody try things with who has none?"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from engine.synthetic.scenes import kinds, render

if TYPE_CHECKING:
    from engine.station.doing import Order

PRODUCT = "pins"
N_GOOD, N_NEW_GOOD = 6, 4


def render_samples(order: Order) -> dict[str, Any]:
    """Render good images to learn from and new ones to judge; replaces those of before."""
    target = order.places.samples
    seed = int(order.job.spec["seed"])
    groups = kinds(PRODUCT)
    defects = [*groups["logical_anomalies"], *groups["structural_anomalies"]]
    chosen = defects[:: max(1, len(defects) // 6)][:6]
    planned = [("good", "good", index) for index in range(N_GOOD)]
    planned += [("new", "good", N_GOOD + index) for index in range(N_NEW_GOOD)]
    planned += [("new", kind, index) for index, kind in enumerate(chosen)]
    with tempfile.TemporaryDirectory(prefix=".samples-", dir=target.parent) as scratch:
        for done, (folder, kind, index) in enumerate(planned):
            order.tell("rendering images", done, len(planned))
            image = render(PRODUCT, np.random.default_rng([seed, len(kind), index]), kind).image
            _write_png(Path(scratch) / "samples" / folder / f"{kind} {index + 1}.png", image)
        shutil.rmtree(target, ignore_errors=True)
        os.replace(Path(scratch) / "samples", target)
    order.tell("rendering images", len(planned), len(planned))
    return {"good": str(target / "good"), "new": str(target / "new")}


def _write_png(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(".png", np.ascontiguousarray(image[..., ::-1]))[1].tobytes())
