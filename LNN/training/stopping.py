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
        self._weights: dict[str, torch.Tensor] = {}
        self._keep()

    def _keep(self) -> None:
        state = self.network.state_dict()
        self._weights = {name: value.clone() for name, value in state.items()}

    def update(self, loss: float) -> None:
        """Take the weights of now if their loss is the lowest."""
        if loss < self.loss:
            self.loss = loss
            self._keep()

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
