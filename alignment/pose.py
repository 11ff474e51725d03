"""How does the object lie, compared with the references?

A line is never perfect: parts arrive shifted, turned by a few degrees, nearer or farther. One of
the references, the hub, fixes the frame. A test image is first compared with turned and scaled
copies of the hub at all shifts (by FFT), then aligned finely by inverse-compositional
Gauss–Newton on the descriptors (Baker and Matthews, 2004) with robust weights, so that a defect
does not pull the alignment. A product that cannot be aligned (every cookie has a shape of its own)
is left as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, UInt8

from alignment.registration import Spectrum, SpectrumStack, candidate_shifts, shift_energy
from alignment.similarity import (
    IDENTITY,
    Affine,
    about_center,
    compose,
    invert,
    warp_image,
    warp_tokens,
)
from features.dense import Backbone, DenseMap

Image = UInt8[np.ndarray, "height width 3"]

UNKNOWN_RESIDUAL = 0.25


@dataclass(frozen=True)
class PoseConfig:
    """How far and how finely an object's pose is searched."""

    is_searched: bool = True
    max_rotation_deg: float = 20.0
    rotation_step_deg: float = 4.0
    max_scale: float = 1.19
    scale_step: float = 1.09
    max_shift: float = 0.25
    """Largest shift, as a share of the image's longer side."""
    n_components: int = 16
    """Principal components of the descriptors that are compared."""
    min_gain: float = 0.1
    """A turn or scale must lower the energy by this share, else only the shift is taken."""
    max_residual: float = 0.6
    """References that leave a larger share of the hub's variance unexplained have no pose."""

    max_residual_of_one: float = 0.75
    """An image that even its best pose leaves this share unexplained is not moved."""

    def problems(self) -> list[str]:
        """Name every value out of range."""
        found = []
        for name, low, high in (
            ("max_rotation_deg", 0, 180),
            ("rotation_step_deg", 0.5, 45),
            ("max_scale", 1, 2),
            ("scale_step", 1.01, 1.5),
            ("max_shift", 0, 0.5),
            ("n_components", 1, 256),
            ("min_gain", 0, 1),
            ("max_residual", 0, 10),
            ("max_residual_of_one", 0, 10),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                found.append(f"pose.{name} must lie in {low} … {high}, got {value}")
        return found


@dataclass(frozen=True)
class Upright:
    """An image moved into the references' frame, and the way back to where it came from."""

    image: Image
    is_valid: Bool[np.ndarray, "height width"]
    to_original: Affine


class PoseEstimator:
    """Moves images into the frame of the hub reference."""

    def __init__(self, config: PoseConfig, backbone: Backbone) -> None:
        self.config = config
        self.backbone = backbone

    def fit(self, images: Sequence[Image], hub: int | None = None) -> PoseEstimator:
        """Choose the hub, prepare its turned copies, decide whether the product has a pose."""
        dense = [self.backbone(image) for image in images]
        self.hub_ = _central(dense) if hub is None else hub
        self._prepare_basis(dense)
        self._prepare(images[self.hub_])
        others = [image for index, image in enumerate(images) if index != self.hub_]
        residuals = [self._estimate(image)[1] for image in others]
        # a single reference says nothing; assume that it is neither fixed nor free
        self.residual_ = float(np.median(residuals)) if residuals else UNKNOWN_RESIDUAL
        self.has_pose_ = self.config.is_searched and self.residual_ < self.config.max_residual
        return self

    def upright(self, image: Image) -> Upright:
        """Move an image of the working size into the references' frame."""
        to_hub, residual = self._estimate(image) if self.has_pose_ else (IDENTITY, 0.0)
        if not self.has_pose_ or residual > self.config.max_residual_of_one:
            return Upright(image, np.ones(image.shape[:2], dtype=bool), IDENTITY)
        moved, is_valid = warp_image(image, to_hub)
        return Upright(moved, is_valid, invert(to_hub))

    def state(self) -> dict[str, np.ndarray]:
        """Return what ``fit`` learnt; the templates follow from it."""
        return {
            "hub_image": self._hub_image,
            "basis": self._basis,
            "has_pose": np.array([self.has_pose_]),
        }

    def restore(self, state: dict[str, np.ndarray]) -> PoseEstimator:
        """Take what was learnt from a stored state instead of fitting."""
        self._basis, self.has_pose_ = state["basis"], bool(state["has_pose"][0])
        if self.has_pose_:
            self._prepare(state["hub_image"])
        else:
            self._hub_image = state["hub_image"]
        return self

    # What is learnt from the references

    def _prepare(self, hub: Image) -> None:
        self._hub_image = hub
        self._prepare_templates(hub)
        self._prepare_refinement((hub.shape[0], hub.shape[1]))

    def _prepare_basis(self, dense: Sequence[DenseMap]) -> None:
        cells = np.concatenate([each.tokens.reshape(-1, each.tokens.shape[-1]) for each in dense])
        _, vectors = np.linalg.eigh(np.cov(cells.T))
        self._basis = vectors[:, ::-1][:, : self.config.n_components].astype(np.float32)

    def _prepare_templates(self, hub: Image) -> None:
        config, size = self.config, hub.shape[:2]
        self._hub = self._project(self.backbone(hub))
        self._cell_px = size[0] // self._hub.shape[0]
        turns = _steps(config.max_rotation_deg, config.rotation_step_deg)
        scales = np.exp(_steps(np.log(config.max_scale), np.log(config.scale_step)))
        poses = [(0.0, 1.0)] + [(t, s) for t in turns for s in scales if (t, s) != (0.0, 1.0)]
        self._to_hub, spectra = [], []
        for turn, scale in poses:
            from_hub = about_center(size, angle_rad=np.radians(turn), scale=scale)
            image, is_valid = warp_image(hub, from_hub)
            dense = self.backbone(image, is_valid)
            coarse = _halve(DenseMap(self._project(dense), dense.is_valid))
            self._to_hub.append(invert(from_hub))
            spectra.append(Spectrum(coarse))
        self._templates = SpectrumStack(spectra)
        longer = max(self._hub.shape[:2]) // 2
        self._radius = max(1, round(config.max_shift * longer))
        cells = self._hub.reshape(-1, self._hub.shape[-1])
        self._variance = max(float(cells.var(axis=0).sum()), 1e-6)

    def _prepare_refinement(self, size: tuple[int, int]) -> None:
        """Linearise the hub's tokens in (turn, log scale, x, y), in pixels at the mean radius."""
        rows, columns, _ = self._hub.shape
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
        self._size = size

    # What is asked of a test image

    def _project(self, dense: DenseMap) -> Float32[np.ndarray, "rows columns dim"]:
        projected: np.ndarray = dense.tokens @ self._basis
        return projected

    def _estimate(self, image: Image) -> tuple[Affine, float]:
        """Return image-to-hub, and the share of the hub's variance that it leaves unexplained."""
        tokens = self._project(self.backbone(image))
        candidates, shifts = self._search(tokens)
        free = self._refine(tokens, self._best(tokens, candidates))
        shifted = self._best(tokens, shifts, is_only_shift=True)
        shifted = self._refine(tokens, shifted, is_only_shift=True)
        energy_free, energy_shifted = self._energy(tokens, free), self._energy(tokens, shifted)
        # an image of one colour fits everywhere alike
        if (energy_still := self._energy(tokens, IDENTITY)) <= min(energy_free, energy_shifted):
            return IDENTITY, energy_still / self._variance
        if energy_free < (1 - self.config.min_gain) * energy_shifted:
            return free, energy_free / self._variance
        return shifted, energy_shifted / self._variance

    def _search(
        self, tokens: Float32[np.ndarray, "rows columns dim"]
    ) -> tuple[list[Affine], list[Affine]]:
        """Return coarse image-to-hub candidates over all poses, and such that only shift."""
        query = Spectrum(_halve(DenseMap(tokens, np.ones(tokens.shape[:2], dtype=bool))))
        energies = shift_energy(query, self._templates, self._radius)

        def to_hub(index: int, dy: int, dx: int) -> Affine:
            shift = np.array([dx, dy]) * 2.0 * self._cell_px
            return compose(self._to_hub[index], np.column_stack([np.eye(2), shift]))

        lowest, index = energies.min(axis=0), energies.argmin(axis=0)
        candidates = [
            to_hub(int(index[self._radius + dy, self._radius + dx]), dy, dx)
            for dy, dx in candidate_shifts(lowest, n_lowest=2)
        ]
        return candidates, [to_hub(0, *step) for step in candidate_shifts(energies[0], n_lowest=1)]

    def _best(
        self,
        tokens: Float32[np.ndarray, "rows columns dim"],
        candidates: Sequence[Affine],
        *,
        is_only_shift: bool = False,
    ) -> Affine:
        """Refine the candidates a little and return the one of least energy."""
        if len(candidates) == 1:
            return candidates[0]
        refined = [
            self._refine(tokens, each, is_only_shift=is_only_shift, n_steps=3)
            for each in candidates
        ]
        return min(refined, key=lambda to_hub: self._energy(tokens, to_hub))

    def _refine(
        self,
        tokens: Float32[np.ndarray, "rows columns dim"],
        to_hub: Affine,
        *,
        is_only_shift: bool = False,
        n_steps: int = 8,
    ) -> Affine:
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

    def _energy(self, tokens: Float32[np.ndarray, "rows columns dim"], to_hub: Affine) -> float:
        moved, is_inside = warp_tokens(tokens, invert(to_hub), self._cell_px)
        if is_inside.mean() < 0.3:
            return float("inf")
        return float(((moved - self._hub) ** 2).sum(axis=-1)[is_inside].mean())


def _central(dense: Sequence[DenseMap], n_compared: int = 12) -> int:
    """Return the reference that is nearest to all others after the best shift."""
    if len(dense) < 3:
        return 0
    spectra = [Spectrum(each) for each in dense[:n_compared]]
    radius = max(1, min(spectra[0].dense.is_valid.shape) // 4)
    energies = [
        [float(shift_energy(one, other, radius).min()) for other in spectra] for one in spectra
    ]
    return int(np.argmin(np.sum(energies, axis=1)))


def _steps(largest: float, step: float) -> Float[np.ndarray, " steps"]:
    n_steps = int(np.floor(largest / step + 1e-6))
    return np.arange(-n_steps, n_steps + 1) * step


def _halve(dense: DenseMap) -> DenseMap:
    """Average blocks of 2×2 cells; an odd last row or column is dropped."""
    rows, columns = (side // 2 * 2 for side in dense.is_valid.shape)

    def blocks(array: np.ndarray) -> np.ndarray:
        return array[:rows, :columns].reshape(rows // 2, 2, columns // 2, 2, *array.shape[2:])

    tokens = blocks(dense.tokens).mean(axis=(1, 3))
    return DenseMap(tokens, np.asarray(blocks(dense.is_valid).all(axis=(1, 3))))
