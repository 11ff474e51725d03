"""Which masks do prompts ask for, and how good are they?

Computes what ``MaskDecoder`` of segment-anything computes with the same weights, in another order:
image tokens are never copied for a prompt (see ``folding``), and a mask is drawn only once somebody
chooses it, since its predicted IoU depends on the prompt's few tokens alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import torch
from jaxtyping import Bool, Float, Int
from segment_anything.modeling import MaskDecoder

from features.sam.cores import on_all_cores
from features.sam.drawing import Canvas, Drawing, Fine, as_projection
from features.sam.folding import Folded
from features.sam.image_tokens import Change, ImageTokens
from features.sam.two_way import transform

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
    """A mask decoder's weights, folded for images of one size."""

    def __init__(
        self,
        decoder: MaskDecoder,
        positions: Float[torch.Tensor, "dim grid grid"],
        dtype: torch.dtype,
    ) -> None:
        self._decoder = decoder
        first, *_ = upscaling = decoder.output_upscaling
        self._folded = Folded(decoder.transformer, as_projection(first), positions.flatten(1))
        self._drawing = Drawing(upscaling, self._folded.canvas, positions.shape[2], dtype)
        self._group = GROUP_ON_CPU if positions.device.type == "cpu" else GROUP_ELSEWHERE

    def prepare(
        self,
        tokens: Float[torch.Tensor, "dim grid grid"],
        without_mask: Float[torch.Tensor, " dim"],
        fine: Fine | None,
    ) -> Prepared:
        """Ask an image's tokens what prompts without a rough mask need to know."""
        placed = tokens + without_mask[:, None, None]
        answers, energies, shared = self._folded.answer(placed.flatten(1))
        return Prepared(tokens, answers, energies, *self._drawing.canvas(shared, fine))

    def with_mask(self, prepared: Prepared, mask: Float[torch.Tensor, "dim grid grid"]) -> Prepared:
        """Ask again, now for a prompt with an embedded rough mask."""
        answers, energies, shared = self._folded.answer((prepared.tokens + mask).flatten(1))
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
        answers = self._folded.split(prepared.answers, prepared.energies)
        image = ImageTokens(self._folded.stages, answers, n_prompts)
        found = transform(decoder.transformer, tokens, image)

        # judge masks, and make the brushes to draw them with
        iou = decoder.iou_prediction_head(found[:, 0])
        mask_tokens = found[:, 1 : decoder.num_mask_tokens + 1].unbind(dim=1)
        mixers = decoder.output_hypernetworks_mlps
        brushes = [mix(token) for mix, token in zip(mixers, mask_tokens, strict=True)]
        sketch = Sketch(image.change, prepared.canvas, torch.stack(brushes, dim=1))
        return MaskCandidates(iou, [sketch], self._drawing)
