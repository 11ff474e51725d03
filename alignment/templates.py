"""At which turn, scale and shift does a copy of the hub look most like the image?

The hub is turned and scaled in steps, and each copy compared with the image at all shifts at once,
by FFT on cells of twice the size. Several answers are given, because a product that repeats itself
fits one period off as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Bool, Float32, UInt8

from alignment.registration import Spectrum, SpectrumStack, candidate_shifts, shift_energy
from alignment.similarity import Affine, about_center, compose, invert, warp_image
from features.dense import DenseMap

Image = UInt8[np.ndarray, "height width 3"]
Describe = Callable[[Image, Bool[np.ndarray, "height width"]], DenseMap]


class TurnedCopies:
    """Copies of the hub under given turns (degrees) and scales; the first is the hub itself."""

    def __init__(
        self,
        hub: Image,
        describe: Describe,
        *,
        poses: Sequence[tuple[float, float]],
        max_shift: float,
    ) -> None:
        self._to_hub, spectra = [], []
        for turn, scale in poses:
            from_hub = about_center(
                (hub.shape[0], hub.shape[1]), angle_rad=np.radians(turn), scale=scale
            )
            dense = describe(*warp_image(hub, from_hub))
            self._to_hub.append(invert(from_hub))
            spectra.append(Spectrum(_halve(dense)))
        self._copies = SpectrumStack(spectra)
        rows, columns = dense.is_valid.shape
        self._cell_px = hub.shape[0] // rows
        self._radius = max(1, round(max_shift * (max(rows, columns) // 2)))

    def search(
        self, tokens: Float32[np.ndarray, "rows columns dim"]
    ) -> tuple[list[Affine], list[Affine]]:
        """Return coarse image-to-hub candidates over all poses, and such that only shift."""
        query = Spectrum(_halve(DenseMap(tokens, np.ones(tokens.shape[:2], dtype=bool))))
        energies = shift_energy(query, self._copies, self._radius)

        def to_hub(index: int, dy: int, dx: int) -> Affine:
            shift = np.array([dx, dy]) * 2.0 * self._cell_px
            return compose(self._to_hub[index], np.column_stack([np.eye(2), shift]))

        lowest, index = energies.min(axis=0), energies.argmin(axis=0)
        candidates = [
            to_hub(int(index[self._radius + dy, self._radius + dx]), dy, dx)
            for dy, dx in candidate_shifts(lowest, n_lowest=2)
        ]
        return candidates, [to_hub(0, *step) for step in candidate_shifts(energies[0], n_lowest=1)]


def _halve(dense: DenseMap) -> DenseMap:
    """Average blocks of 2×2 cells; an odd last row or column is dropped."""
    rows, columns = (side // 2 * 2 for side in dense.is_valid.shape)

    def blocks(array: np.ndarray) -> np.ndarray:
        return array[:rows, :columns].reshape(rows // 2, 2, columns // 2, 2, *array.shape[2:])

    tokens = blocks(dense.tokens).mean(axis=(1, 3))
    return DenseMap(tokens, np.asarray(blocks(dense.is_valid).all(axis=(1, 3))))
