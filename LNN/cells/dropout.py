"""Dropout from a generator of its own."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class Dropout(nn.Module):
    """Zero each element with probability p while training, and rescale the rest.

    As `torch.nn.Dropout`, except that a training loop can give it a generator, so
    that results repeat without touching torch's global one.

    Parameters
    ----------
    p : float in [0, 1)
    """

    def __init__(self, p: float):
        super().__init__()
        self.p = float(p)
        self.generator: torch.Generator | None = None

    def forward(self, x: Tensor) -> Tensor:
        """Drop elements of x, of any shape."""
        if not self.training or self.p == 0:
            return x
        keep = torch.full_like(x, 1 - self.p)
        return x * torch.bernoulli(keep, generator=self.generator) / (1 - self.p)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the generator out: it belongs to a training run, not to the model."""
        return {**super().__getstate__(), "generator": None}

    def extra_repr(self) -> str:
        """Show p."""
        return f"p={self.p}"


def set_dropout_generator(module: nn.Module, generator: torch.Generator | None) -> None:
    """Hand the generator of a training run to every `Dropout` inside."""
    for part in module.modules():
        if isinstance(part, Dropout):
            part.generator = generator
