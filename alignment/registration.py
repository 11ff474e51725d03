"""Registration of two dense maps by a shift of whole cells.

Minimises the mean squared difference over the overlap of the valid cells, for all shifts within a
radius at once, by the Fourier identity |t − r|² = |t|² + |r|² − 2 t·r with masks (Padfield, 2012).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.fft
from jaxtyping import Complex64, Float32
from scipy.ndimage import minimum_filter

from features.dense import DenseMap

# shifts that leave less than this share of the reference in view are not considered
MIN_OVERLAP = 0.4
# numbers a cell that registration compares; more cost time and change no shift
MAX_DIM = 64


def project_tokens(dense: DenseMap) -> DenseMap:
    """Project long tokens to ``MAX_DIM`` numbers, so that distances stay about what they are.

    A fixed random projection (Johnson and Lindenstrauss, 1984), scaled to keep squared distances.
    """
    dim = dense.tokens.shape[-1]
    if dim <= MAX_DIM:
        return dense
    rng = np.random.default_rng(dim)
    projection = rng.normal(scale=MAX_DIM**-0.5, size=(dim, MAX_DIM)).astype(np.float32)
    return DenseMap(dense.tokens @ projection, dense.is_valid)


@dataclass(frozen=True)
class Spectrum:
    """A dense map ready for registration: transforms of its tokens, power and mask."""

    dense: DenseMap

    @cached_property
    def grid(self) -> tuple[int, int]:
        """Size of the zero-padded grid on which shifts do not wrap around."""
        height, width = self.dense.is_valid.shape
        return (
            scipy.fft.next_fast_len(2 * height, True),
            scipy.fft.next_fast_len(2 * width, True),
        )

    @cached_property
    def tokens(self) -> Complex64[np.ndarray, "dim rows columns"]:
        """Transform of the tokens, zero where not valid."""
        planes = np.moveaxis(self.dense.tokens * self.dense.is_valid[..., None], -1, 0)
        return self._transform(planes)

    @cached_property
    def power(self) -> Complex64[np.ndarray, "rows columns"]:
        """Transform of the squared norm of each token, zero where not valid."""
        tokens = self.dense.tokens
        return self._transform(np.einsum("hwd,hwd->hw", tokens, tokens) * self.dense.is_valid)

    @cached_property
    def mask(self) -> Complex64[np.ndarray, "rows columns"]:
        """Transform of the valid cells."""
        return self._transform(self.dense.is_valid.astype(np.float32))

    def _transform(self, planes: np.ndarray) -> np.ndarray:
        planes = planes.astype(np.float32, copy=False)
        spectrum: np.ndarray = scipy.fft.rfft2(planes, self.grid, axes=(-2, -1))
        return spectrum


class SpectrumStack:
    """Several reference spectra of one size, compared with a query at once."""

    def __init__(self, spectra: Sequence[Spectrum]) -> None:
        self.tokens = np.stack([spectrum.tokens for spectrum in spectra])
        self.power = np.stack([spectrum.power for spectrum in spectra])
        self.mask = np.stack([spectrum.mask for spectrum in spectra])


def shift_energy(
    query: Spectrum, reference: Spectrum | SpectrumStack, radius: int
) -> Float32[np.ndarray, "*references shifts shifts"]:
    """Mean squared difference for each shift; entry (…, radius + dy, radius + dx).

    A shift (dy, dx) compares query cell p with reference cell p + (dy, dx); infinite where too
    little of the two overlaps.
    """
    cross = np.einsum("...dhw,dhw->...hw", reference.tokens, query.tokens.conj())
    power = reference.mask * query.power.conj() + reference.power * query.mask.conj() - 2 * cross
    # a number of cells: rounding takes the transform's error away
    overlap = np.rint(_window(reference.mask * query.mask.conj(), query.grid, radius))
    energy = _window(power, query.grid, radius) / np.maximum(overlap, 1)
    is_enough = overlap >= MIN_OVERLAP * query.dense.is_valid.size
    # a shift beyond the grid itself would wrap around
    steps = np.abs(np.arange(-radius, radius + 1))
    rows, columns = query.dense.is_valid.shape
    is_enough &= (steps < rows)[:, None] & (steps < columns)[None]
    return np.where(is_enough, np.maximum(energy, 0), np.inf).astype(np.float32)


def shift_correlation(
    query: Spectrum, references: SpectrumStack, radius: int
) -> Float32[np.ndarray, "references shifts shifts"]:
    """Normalised cross-correlation for each shift, 1 where the two are equal; see ``shift_energy``.

    What one of the two does not show counts as zero, whatever the overlap.
    """
    cross = np.einsum("ndhw,dhw->nhw", references.tokens, query.tokens.conj())
    # the sum over all cells is the transform at frequency zero
    power = np.maximum(references.power[:, 0, 0].real * query.power[0, 0].real, 1e-12)
    window = _window(cross, query.grid, radius)
    correlation: np.ndarray = window / np.sqrt(power)[:, None, None].astype(np.float32)
    return correlation


def register_shift(query: Spectrum, reference: Spectrum, radius: int) -> tuple[int, int]:
    """Return the shift (dy, dx) in cells with query(p) ≈ reference(p + shift)."""
    energy = shift_energy(query, reference, radius)
    row, column = divmod(int(np.argmin(energy)), energy.shape[1])
    if not np.isfinite(energy[row, column]):
        return 0, 0
    return row - radius, column - radius


def candidate_shifts(
    energy: Float32[np.ndarray, "shifts shifts"], n_lowest: int
) -> list[tuple[int, int]]:
    """Return the shifts (dy, dx) that deserve a closer look, the lowest energy first.

    These are the lowest local minima, and the one nearest to no shift among those at least a third
    as deep, measured from the median. A product that repeats itself fits one period off as well,
    and a coarse grid may prefer that.
    """
    radius = energy.shape[0] // 2
    finite = energy[np.isfinite(energy)]
    if not finite.size:
        return [(0, 0)]
    is_minimum = (energy == minimum_filter(energy, 3)) & np.isfinite(energy)
    steps = np.argwhere(is_minimum) - radius
    depths = energy[is_minimum]
    chosen = np.argsort(depths, kind="stable")[:n_lowest].tolist()
    is_deep = depths <= (finite.min() + 2 * np.median(finite)) / 3
    distance = np.where(is_deep, (steps**2).sum(axis=1), np.inf)
    if (nearest := int(distance.argmin())) not in chosen:
        chosen.append(nearest)
    return [(int(steps[i, 0]), int(steps[i, 1])) for i in chosen]


def _window(
    spectrum: Complex64[np.ndarray, "*references rows columns"], grid: tuple[int, int], radius: int
) -> Float32[np.ndarray, "*references shifts shifts"]:
    correlation = scipy.fft.irfft2(spectrum, grid)
    shifts = np.arange(-radius, radius + 1)
    window: np.ndarray = correlation[..., (shifts % grid[0])[:, None], shifts % grid[1]]
    return window
