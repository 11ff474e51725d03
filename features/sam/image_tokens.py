"""How do a prompt's tokens read the image's tokens, and change them, without a copy of them?

The image's tokens stay s ⊙ (S + Nᵀ P) + β, as the module ``folding`` explains. What a prompt has
changed is kept as P (attention weights over s), N (what tokens sent) and s alone; the variance that
a layer norm asks for is a quadratic form of P's columns.

A row of P stands for one token and head, heads running faster: so each head's rows lie at one
stride, and one matrix product serves all prompts.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float, Int

from features.sam.folding import Answers, Question, Stage


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
