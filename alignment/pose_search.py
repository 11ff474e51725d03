"""Search of the transform between an image and the anchor, coarse to fine.

Coarse: the anchor is turned and scaled in steps, and each copy compared with the image at all
shifts at once, by FFT on cells of twice the size. Several answers are given, because a product that
repeats itself fits one period off as well.

Fine: inverse-compositional Gauss–Newton on the descriptors (Baker and Matthews, 2004) with robust
weights, so that a defect does not pull the alignment.

Wide: the same over the whole circle and more scales. Descriptors do not turn with the picture, so
that each candidate is described anew as it would lie before it is refined.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32

from alignment.registration import (
    Spectrum,
    SpectrumStack,
    candidate_shifts,
    shift_correlation,
    shift_energy,
)
from alignment.transforms import (
    IDENTITY,
    Affine,
    about_center,
    apply,
    compose,
    invert,
    warp_image,
    warp_tokens,
)
from features.dense import DenseMap
from features.images import Image, Mask

Tokens = Float32[np.ndarray, "rows columns dim"]
Seen = Bool[np.ndarray, "rows columns"]
Describe = Callable[[Image, Mask], DenseMap]

# wide candidates are described and refined, each for about 6 ms; of 240 moves of drawn objects and
# 72 of photographs, all but one had the right one among those correlated this well beside the best
MIN_CORRELATION, MAX_CANDIDATES = 0.85, 4
# times that the best candidate is described anew and refined: scales are 2 % off after the first
N_ROUNDS = 2


@dataclass(frozen=True)
class Pose:
    """Where an image lies, and what that leaves of the difference to the anchor."""

    to_anchor: Affine
    energy: float
    """Mean squared difference over the overlap."""
    unexplained: float
    """The same over all of the anchor: of what is not seen, the difference to the mean."""


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
        corners = np.array([[1, 1], [1, 3], [3, 1], [3, 3]]) / 4
        self._points = corners * [anchor.shape[1], anchor.shape[0]]

    def search(self, tokens: Tokens) -> tuple[list[Affine], list[Affine]]:
        """Return coarse image-to-anchor candidates over all poses, and such that only shift."""
        energies = shift_energy(_coarse(tokens), self._copies, self._radius)
        lowest, index = energies.min(axis=0), energies.argmin(axis=0)
        candidates = [
            self._moved(int(index[self._radius + dy, self._radius + dx]), dy, dx)
            for dy, dx in candidate_shifts(lowest, n_lowest=2)
        ]
        return candidates, [
            self._moved(0, *step) for step in candidate_shifts(energies[0], n_lowest=1)
        ]

    def most_alike(self, tokens: Tokens) -> list[Affine]:
        """Return image-to-anchor candidates that differ, the best correlated first.

        Whatever one of the two does not show counts as the mean, so that an object which is half
        out of view is not better explained by background alone.
        """
        correlation = shift_correlation(_coarse(tokens), self._copies, self._radius)
        best = correlation.reshape(len(correlation), -1).max(axis=1)
        found: list[Affine] = []
        for index in np.argsort(-best, kind="stable").tolist():
            if found and best[index] < MIN_CORRELATION * best.max():
                break
            row, column = divmod(int(correlation[index].argmax()), correlation.shape[2])
            each = self._moved(index, row - self._radius, column - self._radius)
            if all(self._distance_px(each, other) > 3 * self._cell_px for other in found):
                found.append(each)
            if len(found) == MAX_CANDIDATES:
                break
        return found

    def _moved(self, index: int, dy: int, dx: int) -> Affine:
        """Return image-to-anchor by one of the copies, which lies some coarse cells away."""
        shift = np.array([dx, dy]) * 2.0 * self._cell_px
        return compose(self._to_anchor[index], np.column_stack([np.eye(2), shift]))

    def _distance_px(self, one: Affine, other: Affine) -> float:
        """Mean distance to which two transforms bring the same points of an image."""
        apart = apply(one, self._points) - apply(other, self._points)
        return float(np.linalg.norm(apart, axis=1).mean())


def _coarse(tokens: Tokens) -> Spectrum:
    return Spectrum(_halve(DenseMap(tokens, np.ones(tokens.shape[:2], dtype=bool))))


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
        from_mean = anchor - anchor.mean(axis=(0, 1))
        self._deviation = np.einsum("hwd,hwd->hw", from_mean, from_mean)
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
        is_valid: Seen | None = None,
    ) -> Affine:
        """Return the transform after at most ``n_steps`` steps from a coarse one."""
        from_anchor = invert(to_anchor)
        free = slice(2, 4) if is_only_shift else slice(0, 4)
        for _ in range(n_steps):
            # Weigh cells down that the anchor cannot explain: they may be the defect
            moved, is_inside = self._moved(tokens, from_anchor, is_valid)
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

    def energy(self, tokens: Tokens, to_anchor: Affine, is_valid: Seen | None = None) -> float:
        """Mean squared difference where the two overlap; infinite where they hardly do."""
        moved, is_inside = self._moved(tokens, invert(to_anchor), is_valid)
        if is_inside.mean() < 0.3:
            return float("inf")
        return float(((moved - self._anchor) ** 2).sum(axis=-1)[is_inside].mean())

    def unexplained(self, tokens: Tokens, to_anchor: Affine, is_valid: Seen | None = None) -> float:
        """Mean squared difference over all of the anchor; what is not seen counts as the mean.

        Unlike ``energy``, it grows where the object leaves the overlap.
        """
        moved, is_inside = self._moved(tokens, invert(to_anchor), is_valid)
        seen = ((moved - self._anchor) ** 2).sum(axis=-1)
        return float(np.where(is_inside, seen, self._deviation).mean())

    def _moved(
        self, tokens: Tokens, from_anchor: Affine, is_valid: Seen | None
    ) -> tuple[Tokens, Seen]:
        """Return the tokens beside those of the anchor, and which of them are seen."""
        moved, is_inside = warp_tokens(tokens, from_anchor, self._cell_px)
        if is_valid is None or is_valid.all():
            return moved, is_inside
        share, _ = warp_tokens(is_valid[..., None].astype(np.float32), from_anchor, self._cell_px)
        return moved, is_inside & (share[..., 0] > 0.5)


class WideSearch:
    """Search of images that lie at any turn, nearer or farther."""

    def __init__(
        self,
        anchor: Image,
        describe: Describe,
        refiner: Refiner,
        *,
        poses: Sequence[tuple[float, float]],
        max_shift: float,
    ) -> None:
        self._describe, self._refiner = describe, refiner
        self._copies = TransformedCopies(anchor, describe, poses=poses, max_shift=max_shift)

    def find(self, image: Image, tokens: Tokens) -> Pose:
        """Return the pose of an image, of which the tokens are those before it is moved."""
        rough = [
            self._refined(image, coarse, n_steps=3) for coarse in self._copies.most_alike(tokens)
        ]
        best = min(rough, key=lambda pose: pose.unexplained)
        for _ in range(N_ROUNDS):
            fine = self._refined(image, best.to_anchor, n_steps=8)
            if fine.unexplained >= best.unexplained:
                break
            best = fine
        return best

    def _refined(self, image: Image, to_anchor: Affine, *, n_steps: int) -> Pose:
        """Describe the image as it would lie, and refine what is left of the way."""
        moved = self._describe(*warp_image(image, to_anchor))
        refiner, tokens, is_valid = self._refiner, moved.tokens, moved.is_valid
        rest = refiner.refine(tokens, IDENTITY, n_steps=n_steps, is_valid=is_valid)
        return Pose(
            compose(rest, to_anchor),
            refiner.energy(tokens, rest, is_valid),
            refiner.unexplained(tokens, rest, is_valid),
        )
