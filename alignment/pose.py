"""Pose estimation: how the object lies, compared with the references.

A line is never perfect: parts arrive shifted, turned by a few degrees, nearer or farther. One of
the references, the anchor, fixes the frame. A test image is first compared with turned and scaled
copies of the anchor at all shifts, then aligned finely (both in ``alignment.pose_search``). The
references tell how a product lies, its *layout*:

* *fixed*: they lie alike but for a few degrees, and one put in the wrong way round is a defect. A
  single reference does not show it: an image that a few degrees do not explain is then searched for
  over the whole circle as well, which must explain it much better to be believed;
* *turned*: they are turned by many degrees against each other, or a search over the whole circle
  explains them much better; it is always made;
* *free*: they cannot be aligned (every cookie has a shape of its own); images are left as they are.

How well it can be is the *relative alignment residual*: the mean squared difference of the
descriptors after alignment, divided by the variance of the anchor's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

import numpy as np
from jaxtyping import Float

from alignment.pose_search import Pose, Refiner, Tokens, TransformedCopies, WideSearch
from alignment.registration import Spectrum, shift_energy
from alignment.transforms import IDENTITY, Affine, apply, compose, invert, rescale, warp_image
from features.config_fields import Range, Share, range_problems
from features.dense import Backbone, DenseMap
from features.images import AnyImage, AnyMask, Image, Mask

Layout = Literal["fixed", "turned", "free"]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)

# of a single reference: neither fixed nor free
UNKNOWN_RESIDUAL = 0.25
# what the narrow search leaves at most of references that it explains, and of an image that is
# compared with a single one
EXPLAINED_RESIDUAL, EXPLAINED_BY_ONE = 0.15, 0.2
# references turned as far against the anchor lie at any turn: where a product is put down the same
# way each time, it is turned by less
ANY_TURN_DEG = 10.0
# of several references or of an old model: whatever it leaves, nothing else is tried
_ALWAYS_EXPLAINED = 10.0
# less is not worth a word
TOLD_TURN_DEG, TOLD_SCALE, TOLD_SHIFT = 5.0, 1.05, 0.05
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
    is_wide: bool = True
    """Whether objects may be searched for over the whole circle."""
    wide_rotation_step_deg: Annotated[float, Range(2, 45)] = 12.0
    wide_scale: Annotated[float, Range(1, 2)] = 1.42
    wide_scale_step: Annotated[float, Range(1.02, 1.5)] = 1.19
    min_wide_gain: Share = 0.3
    """The wide search must lower what is unexplained by this share, or else it is not believed."""

    def problems(self) -> list[str]:
        """Name what no range can say: how many poses the steps make of what is searched."""
        if range_problems(self):
            return []
        n_turns = 2 * int(self.max_rotation_deg / self.rotation_step_deg + 1e-6) + 1
        n_scales = 2 * int(np.log(self.max_scale) / np.log(self.scale_step) + 1e-6) + 1
        n_wide_turns = int(np.ceil(360 / self.wide_rotation_step_deg - 1e-6))
        n_wide_scales = 2 * int(np.log(self.wide_scale) / np.log(self.wide_scale_step) + 1e-6) + 1
        steps = {
            "rotation_step_deg": (n_turns, n_scales),
            "wide_rotation_step_deg": (n_wide_turns, n_wide_scales),
        }
        return [
            f"{name} must leave at most {MAX_POSES:,} poses to try, got {turns * scales:,}: "
            f"{turns} turns in {scales} scales; search less far, or in larger steps"
            for name, (turns, scales) in steps.items()
            if turns * scales > MAX_POSES
        ]


@dataclass(frozen=True)
class Placement:
    """How an object lies in an image, compared with the references."""

    turn_deg: float
    """Clockwise on the screen, -180 … 180."""
    scale: float
    """More than 1 where it is larger than in the references."""
    shift_xy: tuple[float, float]
    """Of the frame's centre to the right and down, as shares of width and height."""

    @classmethod
    def of(cls, to_original: Affine, size: tuple[int, int]) -> Placement:
        """Read it from the way out of the references' frame, of (height, width)."""
        center = np.array([(size[1] - 1) / 2, (size[0] - 1) / 2])
        right, down = (apply(to_original, center[None])[0] - center) / [size[1], size[0]]
        turn_deg = np.degrees(np.arctan2(to_original[1, 0], to_original[0, 0]))
        scale = np.hypot(to_original[0, 0], to_original[1, 0])
        return cls(float(turn_deg), float(scale), (float(right), float(down)))

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form, rounded: turn, scale, shift, text."""
        return {
            "turn_deg": round(self.turn_deg, 2) + 0.0,  # no -0
            "scale": round(self.scale, 4),
            "shift_xy": [round(share, 4) + 0.0 for share in self.shift_xy],
            "text": self.text,
        }

    @property
    def text(self) -> str:
        """Say it in one line; nothing where it is but a little."""
        words = []
        if abs(self.turn_deg) >= TOLD_TURN_DEG:
            words.append(f"turned by {round(self.turn_deg)}°")
        if abs(np.log(self.scale)) >= np.log(TOLD_SCALE):
            words.append(f"×{self.scale:.2f}")
        if np.hypot(*self.shift_xy) >= TOLD_SHIFT:
            right, down = (f"{100 * share:+.0f} %" for share in self.shift_xy)
            words.append(f"shifted by {right} of the width and {down} of the height")
        return f"{', '.join(words)} relative to the references" if words else ""


@dataclass(frozen=True)
class RegisteredImage:
    """An image moved into the references' frame, and the way back to where it came from."""

    image: Image
    is_valid: Mask
    to_original: Affine
    is_aligned: bool = True
    """Whether a place shows what it shows on the references; else the image is as it was."""

    @property
    def placement(self) -> Placement:
        """How the object lies, compared with the references."""
        return Placement.of(self.to_original, (self.image.shape[0], self.image.shape[1]))

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
        """Choose the anchor, prepare its turned copies, decide how the product lies."""
        dense = [self.backbone(image) for image in images]
        self.anchor_ = _central(dense) if anchor is None else anchor
        self._prepare_basis(dense)
        self._prepare(images[self.anchor_])
        others = [image for index, image in enumerate(images) if index != self.anchor_]
        narrow = [self._narrow(self._tokens(image)) for image in others]
        self.residual_ = _median([each for _, each in narrow]) if others else UNKNOWN_RESIDUAL
        self._explained = _ALWAYS_EXPLAINED if others else EXPLAINED_BY_ONE
        self.layout_ = self._layout(self.residual_)
        turns_deg = [abs(np.degrees(np.arctan2(each[1, 0], each[0, 0]))) for each, _ in narrow]
        is_turned = bool(self.has_pose_ and max(turns_deg, default=0.0) >= ANY_TURN_DEG)
        if others and self._is_wide and (is_turned or self.residual_ > EXPLAINED_RESIDUAL):
            self._try_wide(others, [to_anchor for to_anchor, _ in narrow], is_turned=is_turned)
        return self

    def register(self, image: Image) -> RegisteredImage:
        """Move an image of the working size into the references' frame."""
        to_anchor, residual = self._estimate(image) if self.has_pose_ else (IDENTITY, 0.0)
        if not self.has_pose_ or residual > self.config.max_residual_of_one:
            is_valid = np.ones(image.shape[:2], dtype=bool)
            return RegisteredImage(image, is_valid, IDENTITY, is_aligned=False)
        moved, is_valid = warp_image(image, to_anchor)
        return RegisteredImage(moved, is_valid, invert(to_anchor))

    @property
    def has_pose_(self) -> bool:
        """Whether images of the product are aligned at all."""
        return self.layout_ != "free"

    def state(self) -> dict[str, np.ndarray]:
        """Return what ``fit`` learnt; the templates follow from it."""
        return {
            "hub_image": self._anchor_image,
            "basis": self._basis,
            "has_pose": np.array([self.has_pose_]),
            "layout": np.array([LAYOUTS.index(self.layout_)], dtype=np.uint8),
            "explained": np.array([self._explained]),
        }

    def restore(self, state: dict[str, np.ndarray]) -> PoseEstimator:
        """Take what was learnt from a stored state instead of fitting."""
        self._basis = state["basis"]
        if "layout" in state:
            self.layout_ = LAYOUTS[int(state["layout"][0])]
            self._explained = float(state["explained"][0])
        else:  # models of the first release know of no turned products
            self.layout_ = "fixed" if state["has_pose"][0] else "free"
            self._explained = _ALWAYS_EXPLAINED
        if self.has_pose_:
            self._prepare(state["hub_image"])
        else:
            self._anchor_image = state["hub_image"]
        return self

    # What is learnt from the references

    def _prepare(self, anchor: Image) -> None:
        self._anchor_image = anchor
        tokens = self._tokens(anchor)
        self._copies = TransformedCopies(
            anchor, self._describe, poses=_poses(self.config), max_shift=self.config.max_shift
        )
        self._wide_search: WideSearch | None = None
        size = anchor.shape[0], anchor.shape[1]
        self._refiner = Refiner(tokens, size[0] // tokens.shape[0], size)
        self._variance = max(float(tokens.reshape(-1, tokens.shape[-1]).var(axis=0).sum()), 1e-6)

    def _prepare_basis(self, dense: Sequence[DenseMap]) -> None:
        cells = np.concatenate([each.tokens.reshape(-1, each.tokens.shape[-1]) for each in dense])
        _, vectors = np.linalg.eigh(np.cov(cells.T))
        self._basis = vectors[:, ::-1][:, : self.config.n_components].astype(np.float32)

    def _try_wide(
        self, others: Sequence[Image], narrow: Sequence[Affine], *, is_turned: bool
    ) -> None:
        """Call the product turned if it is, or the whole circle explains it much better."""
        tokens = [self._tokens(image) for image in others]
        wide = [self._wide(*each) for each in zip(others, tokens, strict=True)]
        before = [self._refiner.unexplained(*each) for each in zip(tokens, narrow, strict=True)]
        residual = _median([pose.energy / self._variance for pose in wide])
        is_better = self._is_better(_median([pose.unexplained for pose in wide]), _median(before))
        if (is_turned or is_better) and self._layout(residual) == "fixed":
            self.layout_, self.residual_ = "turned", residual
        if not self.has_pose_:
            self._wide_search = None  # nothing will be asked of it

    def _layout(self, residual: float) -> Layout:
        has_pose = self.config.is_searched and residual < self.config.max_residual
        return "fixed" if has_pose else "free"

    def _is_better(self, wide: float, narrow: float) -> bool:
        """Whether the wide search leaves so little unexplained that it is believed."""
        return wide < (1 - self.config.min_wide_gain) * narrow

    @property
    def _is_wide(self) -> bool:
        return self.config.is_searched and self.config.is_wide

    # What is asked of a test image

    def _tokens(self, image: Image) -> Tokens:
        return self._project(self.backbone(image))

    def _describe(self, image: Image, is_valid: Mask) -> DenseMap:
        dense = self.backbone(image, is_valid)
        return DenseMap(self._project(dense), dense.is_valid)

    def _project(self, dense: DenseMap) -> Tokens:
        projected: np.ndarray = dense.tokens @ self._basis
        return projected

    def _estimate(self, image: Image) -> tuple[Affine, float]:
        """Return image-to-anchor, and the relative alignment residual that it leaves."""
        tokens, unexplained = self._tokens(image), self._refiner.unexplained
        if self.layout_ == "turned":
            pose = self._wide(image, tokens)
            if unexplained(tokens, IDENTITY) <= pose.unexplained:
                return IDENTITY, self._refiner.energy(tokens, IDENTITY) / self._variance
            return pose.to_anchor, pose.energy / self._variance
        to_anchor, residual = self._narrow(tokens)
        if self._is_wide and residual > self._explained:
            pose = self._wide(image, tokens)
            if self._is_better(pose.unexplained, unexplained(tokens, to_anchor)):
                return pose.to_anchor, pose.energy / self._variance
        return to_anchor, residual

    def _narrow(self, tokens: Tokens) -> tuple[Affine, float]:
        """Return the same, found within a few degrees of the anchor's own pose."""
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

    def _wide(self, image: Image, tokens: Tokens) -> Pose:
        """Search the whole circle; the copies for it are made when first asked for."""
        if self._wide_search is None:
            self._wide_search = WideSearch(
                self._anchor_image,
                self._describe,
                self._refiner,
                poses=_wide_poses(self.config),
                max_shift=self.config.max_shift,
            )
        return self._wide_search.find(image, tokens)


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


def _wide_poses(config: PoseConfig) -> list[tuple[float, float]]:
    """Return turns (degrees) all around, evenly and at most a step apart, in each scale."""
    n_turns = int(np.ceil(360 / config.wide_rotation_step_deg - 1e-6))
    turns = np.arange(n_turns) * (360 / n_turns)
    scales = np.exp(_steps(np.log(config.wide_scale), np.log(config.wide_scale_step)))
    return [(float(turn), float(scale)) for turn in turns for scale in scales]


def _median(values: Sequence[float]) -> float:
    return float(np.median(values))


def _steps(largest: float, step: float) -> Float[np.ndarray, " steps"]:
    n_steps = int(np.floor(largest / step + 1e-6))
    return np.arange(-n_steps, n_steps + 1) * step
