"""Pose estimation: how the object lies, compared with the references.

A line is never perfect: parts arrive shifted, turned by a few degrees, nearer or farther. One of
the references, the anchor, fixes the frame. A test image is first compared with turned and scaled
copies of the anchor at all shifts, then aligned finely (both in ``alignment.pose_search``). A
product that cannot be aligned (every cookie has a shape of its own) is left as it is.

How well it can be is the *relative alignment residual*: the mean squared difference of the
descriptors after alignment, divided by the variance of the anchor's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from jaxtyping import Float, Float32

from alignment.pose_search import Refiner, TransformedCopies
from alignment.registration import Spectrum, shift_energy
from alignment.transforms import IDENTITY, Affine, compose, invert, rescale, warp_image
from features.config_fields import Range, Share, range_problems
from features.dense import Backbone, DenseMap
from features.images import AnyImage, AnyMask, Image, Mask

# of a single reference: neither fixed nor free
UNKNOWN_RESIDUAL = 0.25
# each is a copy of the anchor in memory, and searched; by default there are 55
MAX_POSES = 4_000


@dataclass(frozen=True)
class PoseConfig:
    """How far and how finely an object's pose is searched."""

    is_searched: bool = True
    max_rotation_deg: Annotated[float, Range(0, 180)] = 20.0
    rotation_step_deg: Annotated[float, Range(0.5, 45)] = 4.0
    max_scale: Annotated[float, Range(1, 2)] = 1.19
    scale_step: Annotated[float, Range(1.01, 1.5)] = 1.09
    max_shift: Annotated[float, Range(0, 0.5)] = 0.25
    """Largest shift, as a share of the image's longer side."""
    n_components: Annotated[int, Range(1, 256)] = 16
    """Principal components of the descriptors that are compared."""
    min_gain: Share = 0.1
    """A turn or scale must lower the energy by this share, else only the shift is taken."""
    max_residual: Annotated[float, Range(0, 10)] = 0.6
    """References of a larger median residual, relative to the anchor's variance, have no pose."""
    max_residual_of_one: Annotated[float, Range(0, 10)] = 0.75
    """An image of a larger relative residual even in its best pose is not moved."""

    def problems(self) -> list[str]:
        """Name what no range can say: how many poses the steps make of what is searched."""
        if range_problems(self):
            return []
        n_turns = 2 * int(self.max_rotation_deg / self.rotation_step_deg + 1e-6) + 1
        n_scales = 2 * int(np.log(self.max_scale) / np.log(self.scale_step) + 1e-6) + 1
        if n_turns * n_scales <= MAX_POSES:
            return []
        return [
            f"rotation_step_deg must leave at most {MAX_POSES:,} poses to try, got "
            f"{n_turns * n_scales:,}: {n_turns} turns in {n_scales} scales; search less far, or in "
            "larger steps"
        ]


@dataclass(frozen=True)
class RegisteredImage:
    """An image moved into the references' frame, and the way back to where it came from."""

    image: Image
    is_valid: Mask
    to_original: Affine

    def warp(self, photo: AnyImage) -> tuple[AnyImage, AnyMask]:
        """Move the same photograph in another size; return it and its valid pixels."""
        size, own = (photo.shape[0], photo.shape[1]), (self.image.shape[0], self.image.shape[1])
        if size == own:
            return self.image, self.is_valid
        if np.array_equal(self.to_original, IDENTITY):
            return photo, np.ones(size, dtype=bool)
        to_registered = compose(invert(self.to_original), rescale(size, own))
        return warp_image(photo, compose(rescale(own, size), to_registered))


class PoseEstimator:
    """Moves images into the frame of the anchor reference."""

    def __init__(self, config: PoseConfig, backbone: Backbone) -> None:
        self.config = config
        self.backbone = backbone

    def fit(self, images: Sequence[Image], anchor: int | None = None) -> PoseEstimator:
        """Choose the anchor, prepare its turned copies, decide whether the product has a pose."""
        dense = [self.backbone(image) for image in images]
        self.anchor_ = _central(dense) if anchor is None else anchor
        self._prepare_basis(dense)
        self._prepare(images[self.anchor_])
        others = [image for index, image in enumerate(images) if index != self.anchor_]
        residuals = [self._estimate(image)[1] for image in others]
        self.residual_ = float(np.median(residuals)) if residuals else UNKNOWN_RESIDUAL
        self.has_pose_ = self.config.is_searched and self.residual_ < self.config.max_residual
        return self

    def register(self, image: Image) -> RegisteredImage:
        """Move an image of the working size into the references' frame."""
        to_anchor, residual = self._estimate(image) if self.has_pose_ else (IDENTITY, 0.0)
        if not self.has_pose_ or residual > self.config.max_residual_of_one:
            return RegisteredImage(image, np.ones(image.shape[:2], dtype=bool), IDENTITY)
        moved, is_valid = warp_image(image, to_anchor)
        return RegisteredImage(moved, is_valid, invert(to_anchor))

    def state(self) -> dict[str, np.ndarray]:
        """Return what ``fit`` learnt; the templates follow from it."""
        return {
            "hub_image": self._anchor_image,
            "basis": self._basis,
            "has_pose": np.array([self.has_pose_]),
        }

    def restore(self, state: dict[str, np.ndarray]) -> PoseEstimator:
        """Take what was learnt from a stored state instead of fitting."""
        self._basis, self.has_pose_ = state["basis"], bool(state["has_pose"][0])
        if self.has_pose_:
            self._prepare(state["hub_image"])
        else:
            self._anchor_image = state["hub_image"]
        return self

    # What is learnt from the references

    def _prepare(self, anchor: Image) -> None:
        self._anchor_image = anchor
        tokens = self._project(self.backbone(anchor))
        self._copies = TransformedCopies(
            anchor,
            lambda image, is_valid: self._reduced(self.backbone(image, is_valid)),
            poses=_poses(self.config),
            max_shift=self.config.max_shift,
        )
        size = anchor.shape[0], anchor.shape[1]
        self._refiner = Refiner(tokens, size[0] // tokens.shape[0], size)
        self._variance = max(float(tokens.reshape(-1, tokens.shape[-1]).var(axis=0).sum()), 1e-6)

    def _prepare_basis(self, dense: Sequence[DenseMap]) -> None:
        cells = np.concatenate([each.tokens.reshape(-1, each.tokens.shape[-1]) for each in dense])
        _, vectors = np.linalg.eigh(np.cov(cells.T))
        self._basis = vectors[:, ::-1][:, : self.config.n_components].astype(np.float32)

    # What is asked of a test image

    def _project(self, dense: DenseMap) -> Float32[np.ndarray, "rows columns dim"]:
        projected: np.ndarray = dense.tokens @ self._basis
        return projected

    def _reduced(self, dense: DenseMap) -> DenseMap:
        return DenseMap(self._project(dense), dense.is_valid)

    def _estimate(self, image: Image) -> tuple[Affine, float]:
        """Return image-to-anchor, and the relative alignment residual that it leaves."""
        tokens = self._project(self.backbone(image))
        refiner = self._refiner
        candidates, shifts = self._copies.search(tokens)
        free = refiner.refine(tokens, refiner.best(tokens, candidates))
        shifted = refiner.best(tokens, shifts, is_only_shift=True)
        shifted = refiner.refine(tokens, shifted, is_only_shift=True)
        energy_free, energy_shifted = refiner.energy(tokens, free), refiner.energy(tokens, shifted)
        # an image of one colour fits everywhere alike
        if (energy_still := refiner.energy(tokens, IDENTITY)) <= min(energy_free, energy_shifted):
            return IDENTITY, energy_still / self._variance
        if energy_free < (1 - self.config.min_gain) * energy_shifted:
            return free, energy_free / self._variance
        return shifted, energy_shifted / self._variance


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


def _poses(config: PoseConfig) -> list[tuple[float, float]]:
    """Return all turns (degrees) and scales to try, the anchor's own first."""
    turns = _steps(config.max_rotation_deg, config.rotation_step_deg)
    scales = np.exp(_steps(np.log(config.max_scale), np.log(config.scale_step)))
    return [(0.0, 1.0)] + [(t, s) for t in turns for s in scales if (t, s) != (0.0, 1.0)]


def _steps(largest: float, step: float) -> Float[np.ndarray, " steps"]:
    n_steps = int(np.floor(largest / step + 1e-6))
    return np.arange(-n_steps, n_steps + 1) * step
