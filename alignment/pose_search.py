"""Search of the transform between an image and the anchor, coarse to fine.

Coarse: the anchor is turned and scaled in steps, and each copy compared with the image at all
shifts at once, by FFT on cells of twice the size. Several answers are given, because a product that
repeats itself fits one period off as well.

Fine: inverse-compositional Gauss–Newton on the descriptors (Baker and Matthews, 2004) with robust
weights, so that a defect does not pull the alignment.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float32

from alignment.registration import Spectrum, SpectrumStack, candidate_shifts, shift_energy
from alignment.transforms import Affine, about_center, compose, invert, warp_image, warp_tokens
from features.dense import DenseMap
from features.images import Image, Mask

Tokens = Float32[np.ndarray, "rows columns dim"]
Describe = Callable[[Image, Mask], DenseMap]


class TransformedCopies:
    """Copies of the anchor, turned (degrees) and scaled; the first is the anchor itself."""

    def __init__(
        self,
        anchor: Image,
        describe: Describe,
        *,
        poses: Sequence[tuple[float, float]],
        max_shift: float,
    ) -> None:
        self._to_anchor, spectra = [], []
        for turn, scale in poses:
            from_anchor = about_center(
                (anchor.shape[0], anchor.shape[1]), angle_rad=np.radians(turn), scale=scale
            )
            dense = describe(*warp_image(anchor, from_anchor))
            self._to_anchor.append(invert(from_anchor))
            spectra.append(Spectrum(_halve(dense)))
        self._copies = SpectrumStack(spectra)
        rows, columns = dense.is_valid.shape
        self._cell_px = anchor.shape[0] // rows
        self._radius = max(1, round(max_shift * (max(rows, columns) // 2)))

    def search(self, tokens: Tokens) -> tuple[list[Affine], list[Affine]]:
        """Return coarse image-to-anchor candidates over all poses, and such that only shift."""
        query = Spectrum(_halve(DenseMap(tokens, np.ones(tokens.shape[:2], dtype=bool))))
        energies = shift_energy(query, self._copies, self._radius)

        def to_anchor(index: int, dy: int, dx: int) -> Affine:
            shift = np.array([dx, dy]) * 2.0 * self._cell_px
            return compose(self._to_anchor[index], np.column_stack([np.eye(2), shift]))

        lowest, index = energies.min(axis=0), energies.argmin(axis=0)
        candidates = [
            to_anchor(int(index[self._radius + dy, self._radius + dx]), dy, dx)
            for dy, dx in candidate_shifts(lowest, n_lowest=2)
        ]
        return candidates, [
            to_anchor(0, *step) for step in candidate_shifts(energies[0], n_lowest=1)
        ]


def _halve(dense: DenseMap) -> DenseMap:
    """Average blocks of 2×2 cells; an odd last row or column is dropped."""
    rows, columns = (side // 2 * 2 for side in dense.is_valid.shape)

    def blocks(array: np.ndarray) -> np.ndarray:
        return array[:rows, :columns].reshape(rows // 2, 2, columns // 2, 2, *array.shape[2:])

    tokens = blocks(dense.tokens).mean(axis=(1, 3))
    return DenseMap(tokens, np.asarray(blocks(dense.is_valid).all(axis=(1, 3))))


class Refiner:
    """Aligns tokens to those of the anchor; transforms map image pixels to anchor pixels."""

    def __init__(self, anchor: Tokens, cell_px: int, size: tuple[int, int]) -> None:
        self._anchor, self._cell_px, self._size = anchor, cell_px, size
        # Linearise the anchor's tokens in (turn, log scale, x, y), in pixels at the mean radius
        rows, columns, _ = anchor.shape
        down, right = (
            gradient / self._cell_px for gradient in np.gradient(self._anchor, axis=(0, 1))
        )
        offset = (self._cell_px - 1) / 2
        y = np.arange(rows)[:, None] * self._cell_px + offset - (size[0] - 1) / 2
        x = np.arange(columns)[None, :] * self._cell_px + offset - (size[1] - 1) / 2
        self._radius_px = float(np.sqrt((x**2 + y**2).mean()))
        y, x = (
            np.broadcast_to(axis / self._radius_px, (rows, columns))[..., None] for axis in (y, x)
        )
        jacobian = [down * x - right * y, right * x + down * y, right, down]
        self._jacobian = np.stack(jacobian, axis=-1).astype(np.float32)
        self._hessian = np.einsum("hwdi,hwdj->hwij", self._jacobian, self._jacobian)

    def best(
        self,
        tokens: Tokens,
        candidates: Sequence[Affine],
        *,
        is_only_shift: bool = False,
    ) -> Affine:
        """Refine the candidates a little and return the one of least energy."""
        if len(candidates) == 1:
            return candidates[0]
        refined = [
            self.refine(tokens, each, is_only_shift=is_only_shift, n_steps=3) for each in candidates
        ]
        return min(refined, key=lambda to_anchor: self.energy(tokens, to_anchor))

    def refine(
        self,
        tokens: Tokens,
        to_anchor: Affine,
        *,
        is_only_shift: bool = False,
        n_steps: int = 8,
    ) -> Affine:
        """Return the transform after at most ``n_steps`` steps from a coarse one."""
        from_anchor = invert(to_anchor)
        free = slice(2, 4) if is_only_shift else slice(0, 4)
        for _ in range(n_steps):
            # Weigh cells down that the anchor cannot explain: they may be the defect
            moved, is_inside = warp_tokens(tokens, from_anchor, self._cell_px)
            residual = moved - self._anchor
            error = np.einsum("hwd,hwd->hw", residual, residual)
            scale = 4 * np.median(error[is_inside]) + 1e-6 if is_inside.any() else 1.0
            weight = np.where(is_inside, 1 / (1 + error / scale) ** 2, 0).astype(np.float32)

            # Solve for the step, damped, and bounded so that the linearisation holds
            slope = (residual * weight[..., None]).ravel() @ self._jacobian.reshape(-1, 4)
            hessian = np.tensordot(weight, self._hessian, axes=2).astype(np.float64)
            hessian += np.eye(4) * (1e-3 * np.trace(hessian) / 4 + 1e-9)
            step = np.zeros(4)
            step[free] = np.linalg.solve(hessian[free, free], slope[free])
            step /= max(1.0, np.abs(step).max() / self._cell_px)
            turn, growth = step[:2] / self._radius_px
            move = about_center(
                self._size,
                angle_rad=float(turn),
                scale=float(np.exp(growth)),
                shift_xy=(float(step[2]), float(step[3])),
            )
            from_anchor = compose(from_anchor, invert(move))
            if np.abs(step).max() < 0.05:
                break
        return invert(from_anchor)

    def energy(self, tokens: Tokens, to_anchor: Affine) -> float:
        """Mean squared difference where the two overlap; infinite where they hardly do."""
        moved, is_inside = warp_tokens(tokens, invert(to_anchor), self._cell_px)
        if is_inside.mean() < 0.3:
            return float("inf")
        return float(((moved - self._anchor) ** 2).sum(axis=-1)[is_inside].mean())
