"""How do an encoder, a prompt encoder and a mask decoder make one network?

Whatever was published under whichever names: the modules are those of segment-anything, and only
what ``Model`` lists differs between the networks of the family.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, UInt8
from segment_anything.modeling import MaskDecoder, PromptEncoder
from torch.nn.functional import interpolate

from features.sam.cores import on_all_cores
from features.sam.decoder import Decoder, MaskCandidates, Prepared
from features.sam.drawing import Fine
from features.sam.frame import in_square, to_frame
from features.sam.network import Embedding, Prompts


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
    def embed(self, image: UInt8[np.ndarray, "height width 3"]) -> Embedding:
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
