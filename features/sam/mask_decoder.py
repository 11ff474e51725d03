"""Mask decoder: the masks that prompts ask for, and their predicted IoU.

Computes what ``MaskDecoder`` of segment-anything computes with the same weights, in another order:
image tokens are never copied for a prompt (see ``features.sam.shared_attention``), and a mask is
drawn only once somebody chooses it, since its predicted IoU depends on the prompt's few tokens
alone.

The network draws masks at a quarter of its square's resolution. As in ``Sam.postprocess_masks`` of
segment-anything, logits are interpolated bilinearly to the square, cropped to the image's frame,
and interpolated again to the image's size. OpenCV does so several times faster than PyTorch.

An encoder, a prompt encoder and a mask decoder make a ``PromptedNetwork``, whatever was published
under whichever names: only what ``Model`` lists differs between the networks of the family.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol, Self, runtime_checkable

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int
from segment_anything.modeling import MaskDecoder, PromptEncoder
from torch.nn.functional import interpolate

from features.images import Image
from features.sam.mask_drawing import Canvas, Drawing, Fine, as_projection
from features.sam.network import Embedding, Prompts, in_square, to_frame
from features.sam.point_grid import on_all_cores
from features.sam.shared_attention import Change, ImageTokens, Precomputed, transform

# prompts that are worked on at once: what four make of the image's tokens fills a processor core's
# caches, while a GPU wants more to be busy
GROUP_ON_CPU, GROUP_ELSEWHERE = 4, 32


class Prepared(NamedTuple):
    """An encoded image: its tokens, and all that does not depend on points or boxes."""

    tokens: Float[torch.Tensor, "dim grid grid"]
    answers: Float[torch.Tensor, "rows tokens"]
    energies: Float[torch.Tensor, "layers tokens"]
    shared: Float[torch.Tensor, "tokens canvas"]
    first: Float[torch.Tensor, "tokens canvas"]
    second: Float[torch.Tensor, "2 2 tokens 2 pair"]

    @property
    def canvas(self) -> Canvas:
        """What masks are drawn on."""
        return Canvas(self.shared, self.first, self.second)


@dataclass(frozen=True)
class Sketch:
    """What the masks of some prompts are drawn from."""

    change: Change
    canvas: Canvas
    brushes: Float[torch.Tensor, "prompts masks brush"]

    def drawn(
        self, drawing: Drawing, is_chosen: Bool[torch.Tensor, "prompts masks"]
    ) -> Float[torch.Tensor, "chosen low low"]:
        """Draw the chosen masks, and none that no prompt wants."""
        is_wanted = is_chosen.any(dim=0)
        masks = drawing(self.change, self.canvas, self.brushes[:, is_wanted])
        return masks[is_chosen[:, is_wanted]]

    def of(self, prompts: Int[torch.Tensor, " some"]) -> Sketch:
        """Return what concerns some of the prompts."""
        return Sketch(self.change.of(prompts), self.canvas, self.brushes[prompts])


@dataclass(frozen=True)
class MaskCandidates:
    """Masks that were found, and are drawn when they are chosen."""

    iou: Float[torch.Tensor, "prompts masks"]
    sketches: Sequence[Sketch]
    drawing: Drawing

    @classmethod
    def joined(cls, several: Sequence[Self]) -> Self:
        """Put the candidates of several groups of prompts one after the other."""
        sketches = [sketch for one in several for sketch in one.sketches]
        return cls(torch.cat([one.iou for one in several]), sketches, several[0].drawing)

    def pick(self, masks: Int[torch.Tensor, "prompts picked"]) -> Self:
        """Return of each prompt the masks of these numbers only."""
        picked = torch.split(masks, self._sizes)
        sketches = [
            replace(sketch, brushes=sketch.brushes.take_along_dim(some[..., None], dim=1))
            for sketch, some in zip(self.sketches, picked, strict=True)
        ]
        return replace(self, iou=self.iou.take_along_dim(masks, dim=1), sketches=sketches)

    @torch.inference_mode()
    def logits(
        self, is_chosen: Bool[torch.Tensor, "prompts masks"]
    ) -> Float[torch.Tensor, "chosen low low"]:
        """Draw the chosen masks, prompts first, at low resolution in fp32; above 0 is inside."""
        device, side = self.iou.device, 4 * self.drawing.grid
        parts = torch.split(is_chosen.to(device), self._sizes)
        tasks = [
            (sketch.of(prompts), is_drawn[prompts])
            for sketch, is_drawn in zip(self.sketches, parts, strict=True)
            for prompts in torch.split(is_drawn.any(dim=1).nonzero()[:, 0], self.drawing.n_prompts)
        ]
        drawn = on_all_cores(lambda task: task[0].drawn(self.drawing, task[1]), tasks, device)
        return torch.cat([self.iou.new_empty(0, side, side), *drawn])

    @property
    def _sizes(self) -> list[int]:
        return [len(sketch.brushes) for sketch in self.sketches]


class Decoder:
    """A mask decoder's weights, precomputed for images of one size."""

    def __init__(
        self,
        decoder: MaskDecoder,
        positions: Float[torch.Tensor, "dim grid grid"],
        dtype: torch.dtype,
    ) -> None:
        self._decoder = decoder
        first, *_ = upscaling = decoder.output_upscaling
        self._attention = Precomputed(
            decoder.transformer, as_projection(first), positions.flatten(1)
        )
        self._drawing = Drawing(upscaling, self._attention.canvas, positions.shape[2], dtype)
        self._group = GROUP_ON_CPU if positions.device.type == "cpu" else GROUP_ELSEWHERE

    def prepare(
        self,
        tokens: Float[torch.Tensor, "dim grid grid"],
        without_mask: Float[torch.Tensor, " dim"],
        fine: Fine | None,
    ) -> Prepared:
        """Ask an image's tokens what prompts without a rough mask need to know."""
        placed = tokens + without_mask[:, None, None]
        answers, energies, shared = self._attention.answer(placed.flatten(1))
        return Prepared(tokens, answers, energies, *self._drawing.canvas(shared, fine))

    def with_mask(self, prepared: Prepared, mask: Float[torch.Tensor, "dim grid grid"]) -> Prepared:
        """Ask again, now for a prompt with an embedded rough mask."""
        answers, energies, shared = self._attention.answer((prepared.tokens + mask).flatten(1))
        shared = shared.to(prepared.shared.dtype)
        return prepared._replace(answers=answers, energies=energies, shared=shared)

    def decode(
        self, prepared: Prepared, prompts: Float[torch.Tensor, "prompts points dim"]
    ) -> MaskCandidates:
        """Find all mask candidates for embedded points and boxes, the single mask first."""
        size = self._group
        if prompts.device.type == "cpu":
            # no core is left without prompts
            size = max(1, min(size, -(-len(prompts) // torch.get_num_threads())))
        groups = torch.split(prompts, size)
        found = on_all_cores(lambda group: self._decode(prepared, group), groups, prompts.device)
        return MaskCandidates.joined(found)

    def _decode(
        self, prepared: Prepared, prompts: Float[torch.Tensor, "prompts points dim"]
    ) -> MaskCandidates:
        decoder, n_prompts = self._decoder, len(prompts)
        # let tokens and image change each other
        own = torch.cat([decoder.iou_token.weight, decoder.mask_tokens.weight])
        tokens = torch.cat([own.expand(n_prompts, -1, -1), prompts], dim=1)
        answers = self._attention.split(prepared.answers, prepared.energies)
        image = ImageTokens(self._attention.stages, answers, n_prompts)
        found = transform(decoder.transformer, tokens, image)

        # judge masks, and make the brushes to draw them with
        iou = decoder.iou_prediction_head(found[:, 0])
        mask_tokens = found[:, 1 : decoder.num_mask_tokens + 1].unbind(dim=1)
        mixers = decoder.output_hypernetworks_mlps
        brushes = [mix(token) for mix, token in zip(mixers, mask_tokens, strict=True)]
        sketch = Sketch(image.change, prepared.canvas, torch.stack(brushes, dim=1))
        return MaskCandidates(iou, [sketch], self._drawing)


def to_image(
    logits: Float[torch.Tensor, "masks low low"], embedding: Embedding
) -> Float32[np.ndarray, "masks height width"]:
    """Return logits at the image's resolution; above 0 is inside."""
    height, width = embedding.image_size
    masks = np.empty((len(logits), height, width), dtype=np.float32)
    for low, mask in zip(logits.float().cpu().numpy(), masks, strict=True):
        cv2.resize(_in_frame(low, embedding), (width, height), dst=mask)
    return masks


def _in_frame(
    low: Float32[np.ndarray, "low low"], embedding: Embedding
) -> Float32[np.ndarray, "frame_height frame_width"]:
    """Interpolate to the square's resolution, within the frame."""
    height, width = embedding.frame_px
    factor = embedding.side_px // len(low)
    # one row and column more than the frame covers: interpolation looks at its neighbours
    needed = low[: -(-height // factor) + 1, : -(-width // factor) + 1]
    rows, columns = needed.shape
    enlarged: np.ndarray = cv2.resize(needed, (factor * columns, factor * rows))
    return enlarged[:height, :width]


@runtime_checkable
class Model(Protocol):
    """Modules with their weights, on one device, and where networks of the family differ."""

    @property
    def side_px(self) -> int:
        """Side of the square that the network works in."""

    @property
    def prompt_encoder(self) -> PromptEncoder:
        """Embeds points, boxes and rough masks; in fp32."""

    @property
    def mask_decoder(self) -> MaskDecoder:
        """Finds masks; in fp32."""

    def frame_of(self, image_size: tuple[int, int]) -> tuple[int, int]:
        """Return height and width that an image takes up in the square."""

    def encode(
        self, pixels: Float[torch.Tensor, "1 3 side side"]
    ) -> tuple[Float[torch.Tensor, "dim grid grid"], Fine | None]:
        """Turn pixels into the image's tokens, and finer features where there are any, in fp32."""

    def further_tokens(self, prompts: Prompts) -> Float[torch.Tensor, "further dim"]:
        """Return the tokens that go along with points and boxes."""

    def single(self, candidates: MaskCandidates) -> MaskCandidates:
        """Choose where one mask is asked for; candidate 0 was trained for that."""


class PromptedNetwork:
    """A network of the family; implements ``MaskNetwork``."""

    def __init__(self, model: Model, dtype: torch.dtype, identity: dict[str, str]) -> None:
        self._model, self._identity = model, identity
        with torch.inference_mode():
            positions = model.prompt_encoder.get_dense_pe()[0]
            self._decoder = Decoder(model.mask_decoder, positions, dtype)
        self._device = positions.device

    @torch.inference_mode()
    def embed(self, image: Image) -> Embedding:
        """Encode one RGB image of any size.

        Raises:
            ValueError: The image has no pixels, or is so narrow that none would be left.
        """
        side_px, image_size = self._model.side_px, (image.shape[0], image.shape[1])
        frame_px = self._model.frame_of(image_size)
        pixels = in_square(image, frame_px, side_px).to(self._device)
        tokens, fine = self._model.encode(pixels)
        without_mask = self._model.prompt_encoder.no_mask_embed.weight[0]
        prepared = self._decoder.prepare(tokens, without_mask, fine)
        return Embedding(prepared, image_size, frame_px, side_px)

    @torch.inference_mode()
    def decode(
        self, embedding: Embedding, prompts: Prompts, *, is_multimask: bool = True
    ) -> MaskCandidates:
        """Find mask candidates; several prompts at once are independent of each other."""
        prepared, decoder = Prepared(*embedding.features), self._decoder
        given, masks = self._embedded(prompts, embedding)
        further = self._model.further_tokens(prompts).expand(len(given), -1, -1)
        tokens = torch.cat([given, further], dim=1)
        if masks is None:
            candidates = decoder.decode(prepared, tokens)
        else:
            pairs = list(zip(masks, tokens, strict=True))
            several = on_all_cores(
                lambda pair: decoder.decode(decoder.with_mask(prepared, pair[0]), pair[1][None]),
                pairs,
                self._device,
            )
            candidates = MaskCandidates.joined(several)
        if not is_multimask:
            return self._model.single(candidates)
        numbers = torch.arange(1, candidates.iou.shape[1], device=self._device)
        return candidates.pick(numbers.expand(len(tokens), -1))

    def identity(self) -> dict[str, str]:
        """Say which weights these are: ``name`` and ``sha256``."""
        return dict(self._identity)

    def _embedded(
        self, prompts: Prompts, embedding: Embedding
    ) -> tuple[Float[torch.Tensor, "n points dim"], Float[torch.Tensor, "n dim grid grid"] | None]:
        """Embed points and boxes, and rough masks where there are any."""
        points = box = logits = None
        if prompts.points_xy is not None:
            is_positive = torch.from_numpy(prompts.positive).int().to(self._device)
            points = self._in_frame(prompts.points_xy, embedding), is_positive
        if prompts.box_xyxy is not None:
            corners = self._in_frame(prompts.box_xyxy.reshape(-1, 2, 2), embedding)
            box = corners.flatten(1)
        if prompts.logits is not None:
            logits = prompts.logits[:, None].float().to(self._device)
            size = self._model.prompt_encoder.mask_input_size
            if logits.shape[2:] != size:
                logits = interpolate(logits, size, mode="bilinear", antialias=True)
        given, masks = self._model.prompt_encoder(points, box, logits)
        return given, None if logits is None else masks

    def _in_frame(
        self, points_xy: Float[np.ndarray, "n points 2"], embedding: Embedding
    ) -> Float[torch.Tensor, "n points 2"]:
        scaled = to_frame(points_xy, embedding.image_size, embedding.frame_px)
        return torch.from_numpy(scaled).float().to(self._device)
