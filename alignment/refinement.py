"""Which small turn, scale and shift lays an image on the hub exactly?

Inverse-compositional Gauss–Newton on the descriptors (Baker and Matthews, 2004) with robust
weights, so that a defect does not pull the alignment.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32

from alignment.similarity import Affine, about_center, compose, invert, warp_tokens

Tokens = Float32[np.ndarray, "rows columns dim"]


class Refiner:
    """Aligns tokens of images to those of the hub; transforms map image pixels to hub pixels."""

    def __init__(self, hub: Tokens, cell_px: int, size: tuple[int, int]) -> None:
        self._hub, self._cell_px, self._size = hub, cell_px, size
        # Linearise the hub's tokens in (turn, log scale, x, y), in pixels at the mean radius
        rows, columns, _ = hub.shape
        down, right = (gradient / self._cell_px for gradient in np.gradient(self._hub, axis=(0, 1)))
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
        return min(refined, key=lambda to_hub: self.energy(tokens, to_hub))

    def refine(
        self,
        tokens: Tokens,
        to_hub: Affine,
        *,
        is_only_shift: bool = False,
        n_steps: int = 8,
    ) -> Affine:
        """Return the transform after at most ``n_steps`` steps from a coarse one."""
        from_hub = invert(to_hub)
        free = slice(2, 4) if is_only_shift else slice(0, 4)
        for _ in range(n_steps):
            # Weigh cells down that the hub cannot explain: they may be the defect
            moved, is_inside = warp_tokens(tokens, from_hub, self._cell_px)
            residual = moved - self._hub
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
            from_hub = compose(from_hub, invert(move))
            if np.abs(step).max() < 0.05:
                break
        return invert(from_hub)

    def energy(self, tokens: Tokens, to_hub: Affine) -> float:
        """Mean squared difference where the two overlap; infinite where they hardly do."""
        moved, is_inside = warp_tokens(tokens, invert(to_hub), self._cell_px)
        if is_inside.mean() < 0.3:
            return float("inf")
        return float(((moved - self._hub) ** 2).sum(axis=-1)[is_inside].mean())
