"""What does SAM's mask decoder ask of the image's tokens, and which answers serve all prompts?

The decoder's layers let a prompt's few tokens and the image's thousands of tokens attend to each
other (Kirillov et al., "Segment Anything", 2023, Appendix A). The reference implementation keeps a
copy of all image tokens for each prompt. Yet a layer only adds to every image token a weighted sum
of what the few tokens send, and normalises. So the image tokens of one prompt are at all times

    k = s ⊙ (S + Nᵀ P) + β          (dim, pixels)

with S shared by all prompts; P the attention weights, a row for each head and token of each layer;
N what each of them sent; s (one per pixel) the product of the layer norms' scales; β the last
norm's bias. A projection W k splits into W S, answered once for an image, and a product of low
rank. Here the weights of all layers are folded into such questions to the image's embedding, in
fp64. Centring, a layer norm's first step, is the linear map 1 - 11ᵀ/dim and is folded with them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from segment_anything.modeling import TwoWayTransformer
from segment_anything.modeling.transformer import Attention, TwoWayAttentionBlock
from torch import nn


class Question(NamedTuple):
    """A projection, head by head; ``rest`` is the part of its answer that no image changes."""

    weight: Float[torch.Tensor, "heads head dim"]
    rest: Float[torch.Tensor, "heads head pixels"] | Float[torch.Tensor, "heads head 1"]


class Projection(NamedTuple):
    """A projection of the last image tokens, likewise."""

    weight: Float[torch.Tensor, "rows dim"]
    rest: Float[torch.Tensor, " rows"]


@dataclass(frozen=True)
class Writing:
    """How image tokens attend to the prompt's tokens, and the layer norm that follows."""

    queries: Question
    sent: tuple[Float[torch.Tensor, "heads sent dim"], ...]
    """From what tokens sent, in each layer so far, to rows of N, centred."""
    gain: Float[torch.Tensor, " dim"]
    eps: float


@dataclass(frozen=True)
class Stage:
    """All that is asked between two layer norms; keys and queries are divided by √head."""

    keys: Question
    values: Question
    writing: Writing | None = None


class Answers(NamedTuple):
    """What S of one image answers to a stage's questions."""

    keys: Float[torch.Tensor, "heads head pixels"]
    values: Float[torch.Tensor, "heads head pixels"]
    queries: Float[torch.Tensor, "heads head pixels"] | None = None
    sent: tuple[Float[torch.Tensor, "heads sent pixels"], ...] = ()
    energy: Float[torch.Tensor, " pixels"] | None = None
    """Mean square of the centred S."""


class Folded:
    """The questions of all stages, and how to put them to an image's embedding at once.

    ``canvas`` is one more projection of the last image tokens, which drawing starts from.
    """

    def __init__(
        self,
        transformer: TwoWayTransformer,
        canvas: tuple[Float[torch.Tensor, "canvas dim"], Float[torch.Tensor, " canvas"]],
        positions: Float[torch.Tensor, "dim pixels"],
    ) -> None:
        fold = _Folding(positions)
        self.stages = [fold.layer(layer) for layer in transformer.layers]
        self.stages.append(Stage(*fold.reading(transformer.final_attn_token_to_image)))
        self.canvas, self._canvas_asked = fold.last(*canvas)
        self._asked, self._centred = fold.asked()

    def answer(
        self, embedding: Float[torch.Tensor, "dim pixels"]
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Put all questions: answers by rows, energies by layer, and the canvas by pixels."""
        centred = torch.unflatten(self._centred @ embedding, 0, (-1, len(embedding)))
        energies = centred.square_().mean(dim=1)
        return self._asked @ embedding, energies, embedding.T @ self._canvas_asked.T

    def split(
        self,
        answers: Float[torch.Tensor, "rows pixels"],
        energies: Float[torch.Tensor, "layers pixels"],
    ) -> list[Answers]:
        """Find each stage's answers; nothing is copied."""
        rows = iter(torch.split(answers, self._sizes()))

        def take(weight: torch.Tensor) -> torch.Tensor:
            return torch.unflatten(next(rows), 0, weight.shape[:2])

        found = []
        for i, stage in enumerate(self.stages):
            keys, values = take(stage.keys.weight), take(stage.values.weight)
            if stage.writing is None:
                found.append(Answers(keys, values))
            else:
                queries = take(stage.writing.queries.weight)
                sent = tuple(take(weight) for weight in stage.writing.sent)
                found.append(Answers(keys, values, queries, sent, energies[i]))
        return found

    def _sizes(self) -> list[int]:
        weights = []
        for stage in self.stages:
            weights += [stage.keys.weight, stage.values.weight]
            if stage.writing is not None:
                weights += [stage.writing.queries.weight, *stage.writing.sent]
        return [weight.shape[0] * weight.shape[1] for weight in weights]


class _Folding:
    """Goes through the layers, keeping how S and N depend on the embedding and on what is sent."""

    def __init__(self, positions: Float[torch.Tensor, "dim pixels"]) -> None:
        dim = len(positions)
        self._device = positions.device
        self._positions = positions.cpu().double()
        self._centring = torch.eye(dim).double() - 1 / dim
        self._shared = torch.eye(dim).double()
        self._bias = torch.zeros(dim, 1).double()
        self._sent: list[torch.Tensor] = []
        self._asked: list[torch.Tensor] = []
        self._centred: list[torch.Tensor] = []

    def layer(self, layer: TwoWayAttentionBlock) -> Stage:
        keys, values = self.reading(layer.cross_attn_token_to_image)
        attention, norm = layer.cross_attn_image_to_token, layer.norm4
        queries = self._ask(attention.q_proj, attention, self._positions)
        self._send(attention)
        self._centre()
        sent = tuple(self._place(sent) for sent in self._sent)
        self._scale(norm)
        return Stage(keys, values, Writing(queries, sent, self._place(norm.weight), norm.eps))

    def reading(self, attention: Attention) -> tuple[Question, Question]:
        keys = self._ask(attention.k_proj, attention, self._positions)
        return keys, self._ask(attention.v_proj, attention, None)

    def last(
        self, weight: Float[torch.Tensor, "canvas dim"], bias: Float[torch.Tensor, " canvas"]
    ) -> tuple[Projection, torch.Tensor]:
        rest = _double(weight) @ self._bias[:, 0] + _double(bias)
        asked = _double(weight) @ self._shared
        return Projection(self._place(weight), self._place(rest)), self._place(asked)

    def asked(self) -> tuple[torch.Tensor, torch.Tensor]:
        return self._place(torch.cat(self._asked)), self._place(torch.cat(self._centred))

    def _ask(
        self, projection: nn.Linear, attention: Attention, positions: torch.Tensor | None
    ) -> Question:
        """Without positions it is asked for values, which are neither placed nor scaled."""
        heads = attention.num_heads
        scale = 1.0 if positions is None else (attention.internal_dim // heads) ** -0.5
        weight = _double(projection.weight) * scale
        constant = self._bias if positions is None else self._bias + positions
        rest = weight @ constant + _double(projection.bias)[:, None] * scale
        self._asked.append(weight @ self._shared)
        return Question(
            self._place(torch.unflatten(weight, 0, (heads, -1))),
            self._place(torch.unflatten(rest, 0, (heads, -1))),
        )

    def _send(self, attention: Attention) -> None:
        """Let tokens send their values and a one, by which what is constant comes along.

        The weights of each head sum to one at each pixel, so that each head brings its share.
        """
        heads = attention.num_heads
        output = torch.unflatten(_double(attention.out_proj.weight).T, 0, (heads, -1))
        constant = (self._bias[:, 0] + _double(attention.out_proj.bias)) / heads
        self._sent.append(torch.cat([output, constant.expand(heads, 1, -1)], dim=1))

    def _centre(self) -> None:
        self._sent = [sent @ self._centring for sent in self._sent]
        self._shared = self._centring @ self._shared
        self._asked += [sent.flatten(0, 1) @ self._shared for sent in self._sent]
        self._centred.append(self._shared)

    def _scale(self, norm: nn.LayerNorm) -> None:
        self._sent = [sent * _double(norm.weight) for sent in self._sent]
        self._shared = _double(norm.weight)[:, None] * self._shared
        self._bias = _double(norm.bias)[:, None]

    def _place(self, tensor: torch.Tensor) -> torch.Tensor:
        return tensor.detach().float().to(self._device)


def _double(parameter: torch.Tensor) -> torch.Tensor:
    return parameter.detach().cpu().double()
