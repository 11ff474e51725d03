"""Dense descriptors by a convolutional network that has learnt ImageNet's photographs.

Features of middle stages tell what is normal (PatchCore, Roth et al., 2022). As there, each map is
averaged over 3 × 3 cells, so that a descriptor knows its neighbourhood, and all maps are brought to
one grid. Each stage's part of a descriptor then gets one length, 1/√n of n stages: directions tell
what is there, lengths how strong the light was. So the inner product of two descriptors is the mean
cosine of their stages.

Descriptors are kept in the directions that those of the references have, by principal components
about the origin: of its inner product with a reference, an image's descriptor loses nothing but
what the reference itself has lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Self

import cv2
import numpy as np
from jaxtyping import Float32

from features.cnn import CnnConfig
from features.cnn.checkpoint import Checkpoint, find_checkpoint
from features.cnn.encoder import CnnEncoder, Map
from features.config_fields import problems_of
from features.dense import DenseMap, on_grid
from features.device import MachineConfig
from features.images import AnyImage, AnyMask, fit_size, resize
from features.names import real_path

# one cell of the default 512 × 512 px is one of the 32 × 32 of the hand-made descriptors
CELL_PX = 16


class CnnBackbone:
    """Describes images of any size by the middle stages of a network, one descriptor for 16 px.

    The network is read when the first image is described.

    Raises:
        ValueError: Settings are out of range. If the weights are not here, that is told, as a
            WeightsError, when they are needed.
    """

    def __init__(self, config: CnnConfig, machine: MachineConfig) -> None:
        problems = problems_of(config, "cnn") + problems_of(machine, "machine")
        if problems:
            raise ValueError("; ".join(problems))
        self.config = config
        self.machine = machine
        self.basis_: Float32[np.ndarray, "dim components"] | None = None
        self._lender: CnnBackbone | None = None

    def with_input(self, input_px: int) -> CnnBackbone:
        """Return one that sees images in another size through the same network."""
        other = CnnBackbone(replace(self.config, input_px=input_px), self.machine)
        other._lender = self
        return other

    @cached_property
    def _checkpoint(self) -> Checkpoint:
        return find_checkpoint(self.config.weights)

    @cached_property
    def encoder(self) -> CnnEncoder:
        """The loaded network.

        Raises:
            WeightsError: The weights are not here, or not what they should be.
        """
        if self._lender is not None:
            return self._lender.encoder
        return CnnEncoder(self._checkpoint.path, self.config.layers, self.machine)

    def fit(self, images: Sequence[AnyImage]) -> Self:
        """Learn the directions that descriptors are kept in.

        Raises:
            WeightsError: The weights are not here, or not what they should be.
        """
        maps = [self.describe(image) for image in images]
        cells = [each.reshape(-1, each.shape[-1]) for each in maps]
        self.basis_ = _principal(cells, self.config.n_components)
        return self

    def state(self) -> dict[str, np.ndarray]:
        """Return the directions."""
        assert self.basis_ is not None
        return {"basis": self.basis_}

    def restore(self, state: dict[str, np.ndarray]) -> Self:
        """Take the directions from a stored state instead of fitting."""
        self.basis_ = state["basis"]
        return self

    def identity(self) -> dict[str, str]:
        """Say what descriptors depend on; where one of these differs they cannot be compared.

        Raises:
            WeightsError: The weights are not here, or not what they should be.
        """
        return {
            "name": real_path(self.config.weights).name,
            "sha256": self._checkpoint.sha256,
            "input": str(self.config.input_px),
            "layers": " ".join(map(str, self.config.layers)),
        }

    def __call__(self, image: AnyImage, is_valid: AnyMask | None = None) -> DenseMap:
        """Describe one RGB image; a cell is valid if nearly all of its pixels are.

        Raises:
            WeightsError: The weights are not here, or not what they should be.
        """
        assert self.basis_ is not None
        # in half precision, as models keep them, so that a model that was read judges alike
        tokens = (self.describe(image) @ self.basis_).astype(np.float16).astype(np.float32)
        return on_grid(tokens, is_valid)

    def batch(
        self, images: Sequence[AnyImage], is_valid: Sequence[AnyMask | None] | None = None
    ) -> list[DenseMap]:
        """Describe several images, one by one: on a processor nothing is gained by more at once."""
        masks = is_valid or [None] * len(images)
        return [self(*each) for each in zip(images, masks, strict=True)]

    def describe(self, image: AnyImage) -> Map:
        """Describe one RGB image by whole descriptors, which need nothing learnt.

        Raises:
            WeightsError: The weights are not here, or not what they should be.
        """
        seen = self._seen(image)
        grid = seen.shape[0] // CELL_PX, seen.shape[1] // CELL_PX
        maps = [
            of_one_length(to_grid(local_mean(each), grid)) for each in self.encoder(seen).values()
        ]
        return np.concatenate(maps, axis=-1) * np.float32(len(maps) ** -0.5)

    def layers(self, image: AnyImage) -> dict[str, Map]:
        """Give the maps of the stages asked for as the network has them, each on its own grid.

        Raises:
            WeightsError: The weights are not here, or not what they should be.
        """
        return self.encoder(self._seen(image))

    def _seen(self, image: AnyImage) -> AnyImage:
        """Bring an image to the form in which the network gets to see it."""
        multiple = max(CELL_PX, self.encoder.multiple_px)
        size = fit_size(*image.shape[:2], area_px=self.config.input_px**2, multiple=multiple)
        return resize(image, size)


def local_mean(cells: Map) -> Map:
    """Average each cell with those of its eight neighbours that there are."""
    rows, columns = cells.shape[:2]
    padded = np.pad(cells, ((1, 1), (1, 1), (0, 0)))
    across = padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]
    total = across[:-2] + across[1:-1] + across[2:]
    counts = np.outer(_n_neighbours(rows), _n_neighbours(columns))
    mean: Map = total * (1 / counts)[..., None]
    return mean


def of_one_length(cells: Map) -> Map:
    """Scale each descriptor to length 1; one that is zero stays so."""
    length = np.sqrt(np.einsum("hwd,hwd->hw", cells, cells))[..., None]
    scaled: Map = cells / np.maximum(length, np.float32(1e-6))
    return scaled


def _principal(
    cells: Sequence[Float32[np.ndarray, "_ dim"]], n_components: int
) -> Float32[np.ndarray, "dim components"]:
    """Directions of most power about the origin, at most as many as there are dimensions."""
    moment = sum(each.T @ each for each in cells)
    _, vectors = np.linalg.eigh(np.asarray(moment, dtype=np.float64))
    return np.ascontiguousarray(vectors[:, ::-1][:, :n_components], dtype=np.float32)


def _n_neighbours(n_cells: int) -> Float32[np.ndarray, " cells"]:
    """Count, along a side, each cell and those beside it."""
    return np.convolve(np.ones(n_cells, np.float32), np.ones(3, np.float32), mode="same")


def to_grid(cells: Map, grid: tuple[int, int]) -> Map:
    """Bring a map to (rows, columns): finer ones are averaged, coarser ones interpolated."""
    factor = len(cells) // grid[0]
    if cells.shape[:2] == grid:
        return cells
    if factor == 0:
        # OpenCV takes 512 channels at most, of late 128
        parts = np.array_split(cells, -(-cells.shape[2] // 64), axis=-1)
        grown = [cv2.resize(np.ascontiguousarray(part), grid[::-1]) for part in parts]
        return np.concatenate([part.reshape(*grid, -1) for part in grown], axis=-1)
    places = [(row, column) for row in range(factor) for column in range(factor)]
    total = sum(cells[row::factor, column::factor] for row, column in places)
    mean: Map = np.float32(1 / factor**2) * np.asarray(total)
    return mean
