"""The best weights, and when to stop."""

from __future__ import annotations

import math

import torch
from torch import nn


class BestWeights:
    """Keeps a copy of the weights with the lowest loss seen, in memory.

    Parameters
    ----------
    network : nn.Module
        Its weights at the start are the first copy: they are finite.
    """

    def __init__(self, network: nn.Module):
        self.network = network
        self.loss = math.inf
        self._weights = self.copy()

    def copy(self) -> dict[str, torch.Tensor]:
        """Return a copy of the weights of now."""
        state = self.network.state_dict()
        return {name: value.clone() for name, value in state.items()}

    def update(self, loss: float, weights: dict[str, torch.Tensor] | None = None):
        """Take weights (None: those of now) if their loss is the lowest.

        Weights that are not finite are never taken.
        """
        if not loss < self.loss:
            return
        weights = self.copy() if weights is None else weights
        if all(bool(torch.isfinite(value).all()) for value in weights.values()):
            self.loss, self._weights = loss, weights

    def restore(self) -> None:
        """Put the best weights back."""
        self.network.load_state_dict(self._weights)


class Patience:
    """Counts epochs without an improvement of more than `tol`.

    Parameters
    ----------
    n_epochs : int or None
        None never stops.
    tol : float
    """

    def __init__(self, n_epochs: int | None, tol: float):
        self.n_epochs, self.tol = n_epochs, tol
        self.best = math.inf
        self.count = 0

    def exhausted(self, loss: float) -> bool:
        """Take the loss of one more epoch; True when it is time to stop."""
        if loss < self.best - self.tol:
            self.count = 0
        else:
            self.count += 1
        self.best = min(self.best, loss)
        return self.n_epochs is not None and self.count >= self.n_epochs
