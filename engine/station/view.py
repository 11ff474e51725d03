"""In which size does a page show a photograph, and where does each pixel lie in it?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from alignment.transforms import compose, rescale
from engine.pictures import between_grids
from engine.station.judging import Judged

# as sharp as a page on a large screen shows it, and quick to send
SIDE_PX = 1600

Affine = Float[np.ndarray, "2 3"]


@dataclass(frozen=True)
class View:
    """The frame of the pictures that a page lays on each other; sizes are (height, width).

    ``upright_to_view`` leads from upright working pixels to pixels of the view.
    """

    image_size: tuple[int, int]
    size: tuple[int, int]
    upright_to_view: Affine

    @classmethod
    def of(cls, judged: Judged, side_px: int = SIDE_PX) -> View:
        """Choose the frame for a judged image; small photographs are not enlarged."""
        height, width = judged.examination.image_size
        factor = min(1.0, side_px / max(height, width))
        size = max(1, round(height * factor)), max(1, round(width * factor))
        to_view = compose(rescale((height, width), size), judged.report.to_image)
        return cls((height, width), size, to_view)

    def from_cells(self, grid: tuple[int, ...], upright_size: tuple[int, ...]) -> Affine:
        """Lead from (column, row) of a grid over the upright image to pixels of the view."""
        return compose(self.upright_to_view, between_grids(grid, upright_size))
