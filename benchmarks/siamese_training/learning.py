"""Losses and steps by which the siamese network learns from pairs.

Supervised contrastive loss (Khosla et al., "Supervised Contrastive Learning", 2020, equation 2)
ranks; a logistic loss over pairs (Zhai et al., "Sigmoid Loss for Language Image Pre-Training",
2023) makes one threshold fit everywhere, which "unknown" needs. Kinds that lie side by side come in
one batch: they are the hard negatives.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as nnf
from siamese_training.network import Net
from siamese_training.sheets import Samples
from torch import Tensor

from engine.regions.canonical import SIDE_PX, WIDE_PX

N_GROUPS = 12  # in a batch; two regions of each of their kinds
TEMPERATURE = 0.1
N_HARDEST = 5  # of the negatives of a region, for the logistic loss
LEARNING_RATE, WEIGHT_DECAY, WARM_UP_STEPS = 3e-3, 0.03, 100
KEEP = 0.998  # of the moving average of the weights, per step
MEASURES_NOISE, MEASURES_SHARE = 0.1, 0.85  # the picture alone must do at times


class Learner:
    """A network in training, its moving average, and what it learns from."""

    def __init__(self, samples: Samples, seed: int) -> None:
        torch.manual_seed(seed)
        self.seed = seed
        self.planes = torch.from_numpy(samples.planes).permute(0, 3, 1, 2)
        self.measures = torch.from_numpy(samples.measures)
        self.kinds = torch.from_numpy(samples.kind)
        self.groups = _members(samples)
        self.net, self.average = Net(), Net().eval()
        self.average.load_state_dict(self.net.state_dict())
        self.curve = torch.nn.Parameter(torch.tensor([2.0, -4.0]))  # log of scale, bias
        parameters = [*self.net.parameters(), self.curve]
        self.optimiser = torch.optim.AdamW(parameters, LEARNING_RATE, weight_decay=WEIGHT_DECAY)
        self.step, self.loss = 0, math.nan

    def learn(self, progress: float, *, bf16: bool) -> None:
        """Take one step; ``progress`` is the share of the training that is over."""
        rate = LEARNING_RATE * min(1, (self.step + 1) / WARM_UP_STEPS)
        for group in self.optimiser.param_groups:
            group["lr"] = rate * (1 + math.cos(math.pi * progress)) / 2
        rows = torch.from_numpy(self._draw())
        measures = self.measures[rows]
        measures = measures + MEASURES_NOISE * torch.randn_like(measures)
        measures = measures * (torch.rand(len(rows), 1) < MEASURES_SHARE)
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            z = self.net(distort(self.planes[rows].float() / 127), measures)
        loss = pair_loss(z.float(), self.kinds[rows], self.curve)
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        self._follow()
        value = float(loss.detach())
        self.loss = value if self.step == 0 else 0.97 * self.loss + 0.03 * value
        self.step += 1

    def keep(self, path: Path, spent: float) -> None:
        """Write all that going on needs."""
        state = {
            "net": self.net.state_dict(),
            "average": self.average.state_dict(),
            "curve": self.curve.data,
            "optimiser": self.optimiser.state_dict(),
            "torch": torch.get_rng_state(),
            "step": self.step,
            "loss": self.loss,
            "spent": spent,
        }
        part = path.with_suffix(".part")
        torch.save(state, part)
        part.rename(path)

    def restore(self, path: Path) -> float:
        """Take up what was kept; return the seconds spent until then."""
        state = torch.load(path, weights_only=True)
        self.net.load_state_dict(state["net"])
        self.average.load_state_dict(state["average"])
        self.curve.data.copy_(state["curve"])
        self.optimiser.load_state_dict(state["optimiser"])
        torch.set_rng_state(state["torch"])
        self.step, self.loss = state["step"], state["loss"]
        return float(state["spent"])

    def _draw(self) -> np.ndarray:
        """Two regions of each kind of some groups."""
        rng = np.random.default_rng((self.seed, self.step))  # the same after a restart
        n_groups = min(N_GROUPS, len(self.groups))
        rows = [
            rng.choice(members, 2, replace=False)
            for group in rng.choice(len(self.groups), n_groups, replace=False)
            for members in self.groups[group]
        ]
        return np.concatenate(rows)

    @torch.no_grad()
    def _follow(self) -> None:
        """Move the average, faster at first so that it forgets the random start."""
        weight = 1 - min(KEEP, (1 + self.step) / (10 + self.step))
        states = self.average.state_dict().values(), self.net.state_dict().values()
        for mean, now in zip(*states, strict=True):
            mean.lerp_(now, weight) if mean.is_floating_point() else mean.copy_(now)


def _members(samples: Samples) -> list[list[np.ndarray]]:
    """Rows of the samples, by group and kind; kinds seen on one sheet only teach nothing."""
    groups = []
    for group in np.unique(samples.group):
        kinds = np.unique(samples.kind[samples.group == group])
        rows = [np.flatnonzero(samples.kind == kind) for kind in kinds]
        groups.append([each for each in rows if len(np.unique(samples.sheet[each])) > 1])
    return groups


def distort(planes: Tensor) -> Tensor:
    """Turn, mirror, scale and shift cuts, and change their contrast and noise."""
    n = len(planes)
    angle = 2 * math.pi * torch.rand(n)
    size = SIDE_PX / WIDE_PX * torch.exp(torch.empty(n).uniform_(-0.15, 0.15))
    mirror = torch.randint(0, 2, (n,)) * 2.0 - 1
    cos, sin = size * torch.cos(angle), size * torch.sin(angle)
    turn = torch.stack([cos * mirror, -sin, sin * mirror, cos], 1).view(n, 2, 2)
    shift = torch.empty(n, 2, 1).uniform_(-0.06, 0.06)
    view = [n, planes.shape[1], SIDE_PX, SIDE_PX]
    grid = nnf.affine_grid(torch.cat([turn, shift], 2), view, align_corners=False)
    x = nnf.grid_sample(planes, grid, align_corners=False)
    color = x[:, :-1] * torch.exp(torch.empty(n, 1, 1, 1).uniform_(-0.25, 0.25))
    color = color + torch.empty(n, 1, 1, 1).uniform_(0, 0.05) * torch.randn_like(color)
    return torch.cat([color, x[:, -1:]], 1)


def pair_loss(z: Tensor, kind: Tensor, curve: Tensor) -> Tensor:
    """Rank each region's like before all others, and part them by one threshold."""
    itself = torch.eye(len(z), dtype=torch.bool)
    same = (kind[:, None] == kind) & ~itself
    cosine = z @ z.T
    logits = (cosine / TEMPERATURE).masked_fill(itself, -math.inf)
    log_share = logits - logits.logsumexp(1, keepdim=True)
    ranking = -(log_share.masked_fill(~same, 0).sum(1) / same.sum(1).clamp(min=1)).mean()
    margin = curve[0].exp() * cosine + curve[1]
    together = nnf.softplus(-margin)[same].mean()
    apart = nnf.softplus(margin).masked_fill(same | itself, 0)
    return ranking + together + apart.topk(N_HARDEST, dim=1).values.mean()
