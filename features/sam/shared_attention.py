"""Attention of SAM's mask decoder, with image tokens shared by all prompts.

The decoder's layers (``TwoWayTransformer`` of segment-anything, with its own weights) let a
prompt's few tokens and the image's thousands of tokens attend to each other (Kirillov et al.,
"Segment Anything", 2023, Appendix A). The reference implementation keeps a copy of all image tokens
for each prompt. Yet a layer only adds to every image token a weighted sum of what the few tokens
send, and normalises. So the image tokens of one prompt are at all times

    k = s ⊙ (S + Nᵀ P) + β          (dim, pixels)

with S shared by all prompts; P the attention weights, a row for each head and token of each layer;
N what each of them sent; s (one per pixel) the product of the layer norms' scales; β the last
norm's bias. A projection W k splits into W S, answered once for an image, and a product of low
rank. Here such questions to the image's embedding are precomputed from the weights of all layers,
in fp64, and with them centring, a layer norm's first step, which is the linear map 1 - 11ᵀ/dim.

What a prompt has changed is kept as P, N and s alone; the variance that a layer norm asks for is a
quadratic form of P's columns. A row of P stands for one token and head, heads running faster: so
each head's rows lie at one stride, and one matrix product serves all prompts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
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


class Precomputed:
    """The questions of all stages, and how to put them to an image's embedding at once.

    ``canvas`` is one more projection of the last image tokens, which drawing starts from.
    """

    def __init__(
        self,
        transformer: TwoWayTransformer,
        canvas: tuple[Float[torch.Tensor, "canvas dim"], Float[torch.Tensor, " canvas"]],
        positions: Float[torch.Tensor, "dim pixels"],
    ) -> None:
        computed = _Precomputation(positions)
        self.stages = [computed.layer(layer) for layer in transformer.layers]
        self.stages.append(Stage(*computed.reading(transformer.final_attn_token_to_image)))
        self.canvas, self._canvas_asked = computed.last(*canvas)
        self._asked, self._centred = computed.asked()

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


class _Precomputation:
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


class Change(NamedTuple):
    """What some prompts have made of an image's tokens: P, N and s, of each prompt its own."""

    weights: Float[torch.Tensor, "prompts rows pixels"]
    written: Float[torch.Tensor, "prompts rows dim"]
    scale: Float[torch.Tensor, "prompts 1 pixels"]

    def of(self, prompts: Int[torch.Tensor, " chosen"]) -> Change:
        """Return what some of the prompts have made of them; of a single one nothing is copied."""
        if len(prompts) == 1:
            return Change(*(part.narrow(0, int(prompts), 1) for part in self))
        return Change(*(part[prompts] for part in self))


class ImageTokens:
    """The tokens of one image as each of some prompts has changed them; unchanged at first."""

    def __init__(self, stages: list[Stage], answers: list[Answers], n_prompts: int) -> None:
        self._stages, self._answers = stages, answers
        keys, dim = answers[0].keys, stages[0].keys.weight.shape[2]
        self._sent: list[Float[torch.Tensor, "prompts tokens heads sent"]] = []
        n_pixels = keys.shape[2]
        self.change = Change(
            keys.new_empty(n_prompts, 0, n_pixels),
            keys.new_empty(n_prompts, 0, dim),
            keys.new_ones(n_prompts, 1, n_pixels),
        )

    def read(
        self, queries: Float[torch.Tensor, "prompts tokens heads head"]
    ) -> Float[torch.Tensor, "prompts tokens heads head"]:
        """Let the prompts' tokens attend to the image; returns the mean value each head finds."""
        stage, answers = self._stages[len(self._sent)], self._answers[len(self._sent)]
        weights = self._products(queries, stage.keys, answers.keys).softmax(dim=-1)
        weights.mul_(self.change.scale)
        heads = queries.shape[2]
        values = _heads_first(weights, heads) @ answers.values.mT
        own = (weights @ self.change.weights.mT) @ self.change.written
        values += _heads_first(own, heads) @ stage.values.weight.mT
        values += stage.values.rest.mT
        return values.transpose(0, 1).reshape(queries.shape)

    def write(
        self,
        keys: Float[torch.Tensor, "prompts tokens heads head"],
        values: Float[torch.Tensor, "prompts tokens heads head"],
    ) -> None:
        """Let the image attend to the prompts' tokens, add what it finds, and normalise."""
        answers, writing = self._answers[len(self._sent)], self._stages[len(self._sent)].writing
        assert writing is not None
        assert answers.queries is not None
        products = self._products(keys, writing.queries, answers.queries)
        attention = torch.unflatten(products, 1, keys.shape[1:3]).softmax(dim=1).flatten(1, 2)
        self._sent.append(torch.cat([values, torch.ones_like(values[..., :1])], dim=-1))
        # add
        scale = self.change.scale
        weights = torch.cat([self.change.weights, attention.div_(scale)], dim=1)
        pairs = zip(self._sent, writing.sent, strict=True)
        written = torch.cat([_by_heads(sent, matrix) for sent, matrix in pairs], dim=1)
        # normalise
        variance = self._mean_square(weights, written, answers).mul_(scale).mul_(scale)
        scale = scale * variance.add_(writing.eps).rsqrt_()
        self.change = Change(weights, written * writing.gain, scale)

    def _products(
        self,
        vectors: Float[torch.Tensor, "prompts tokens heads head"],
        question: Question,
        answer: Float[torch.Tensor, "heads head pixels"],
    ) -> Float[torch.Tensor, "prompts rows pixels"]:
        """Multiply each token's vector with a projection of the image's tokens, head by head."""
        products = _by_heads(vectors, answer)
        own = _by_heads(vectors, question.weight) @ self.change.written.mT
        products.baddbmm_(own, self.change.weights).mul_(self.change.scale)
        heads = vectors.shape[2]
        vectors_by_head = _heads_first(vectors.flatten(1, 2), heads)
        _heads_first(products, heads).baddbmm_(vectors_by_head, question.rest)
        return products

    def _mean_square(
        self,
        weights: Float[torch.Tensor, "prompts rows pixels"],
        written: Float[torch.Tensor, "prompts rows dim"],
        answers: Answers,
    ) -> Float[torch.Tensor, "prompts 1 pixels"]:
        """Average (S + Nᵀ P)² over dim, all centred: S², twice Pᵀ N S, and Pᵀ N Nᵀ P."""
        assert answers.energy is not None
        pairs = zip(self._sent, answers.sent, strict=True)
        products = torch.cat([_by_heads(sent, answer) for sent, answer in pairs], dim=1)
        products.baddbmm_(written @ written.mT, weights, beta=2.0)
        mean = products.mul_(weights).sum(dim=1, keepdim=True) / written.shape[2]
        # rounding alone makes it negative
        return mean.add_(answers.energy).clamp_(min=0.0)


def _by_heads(
    vectors: Float[torch.Tensor, "prompts tokens heads head"],
    matrices: Float[torch.Tensor, "heads head columns"],
) -> Float[torch.Tensor, "prompts rows columns"]:
    """Multiply each vector with its head's matrix."""
    prompts, tokens, heads, _ = vectors.shape
    products = vectors.new_empty(prompts, tokens * heads, matrices.shape[2])
    vectors_by_head = _heads_first(vectors.flatten(1, 2), heads)
    torch.bmm(vectors_by_head, matrices, out=_heads_first(products, heads))
    return products


def _heads_first(
    rows: Float[torch.Tensor, "prompts rows columns"], heads: int
) -> Float[torch.Tensor, "{heads} all_tokens columns"]:
    """Look at rows head by head, those of all prompts together; nothing is copied."""
    return rows.view(-1, heads, rows.shape[2]).transpose(0, 1)


def transform(
    transformer: TwoWayTransformer,
    tokens: Float[torch.Tensor, "prompts tokens dim"],
    image: ImageTokens,
) -> Float[torch.Tensor, "prompts tokens dim"]:
    """Pass the prompts' tokens through all layers, which change the image's, too."""
    queries = tokens
    for layer in transformer.layers:
        # tokens attend to each other
        if layer.skip_first_layer_pe:
            queries = layer.self_attn(queries, queries, queries)
        else:
            placed = queries + tokens
            queries = queries + layer.self_attn(placed, placed, queries)
        queries = layer.norm1(queries)
        # to the image
        read = _read(layer.cross_attn_token_to_image, queries + tokens, image)
        queries = layer.norm2(queries + read)
        queries = layer.norm3(queries + layer.mlp(queries))
        # and the image to them
        attention = layer.cross_attn_image_to_token
        keys = _attention_by_heads(attention.k_proj(queries + tokens), attention)
        image.write(keys, _attention_by_heads(attention.v_proj(queries), attention))
    read = _read(transformer.final_attn_token_to_image, queries + tokens, image)
    found: torch.Tensor = transformer.norm_final_attn(queries + read)
    return found


def _read(
    attention: Attention, queries: Float[torch.Tensor, "prompts tokens dim"], image: ImageTokens
) -> Float[torch.Tensor, "prompts tokens dim"]:
    values = image.read(_attention_by_heads(attention.q_proj(queries), attention))
    read: torch.Tensor = attention.out_proj(values.flatten(2))
    return read


def _attention_by_heads(
    projected: Float[torch.Tensor, "prompts tokens inner"], attention: Attention
) -> Float[torch.Tensor, "prompts tokens heads head"]:
    return torch.unflatten(projected, 2, (attention.num_heads, -1))
