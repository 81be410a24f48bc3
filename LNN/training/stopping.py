"""The best weights, and when to stop."""

from __future__ import annotations

import math

import torch
from torch import Tensor


class BestWeights:
    """Keeps a copy of the weights with the lowest loss seen, in memory.

    Parameters
    ----------
    weights : Tensor of shape (n_parameters,)
        The weights that are trained in place. Their start is the first copy, as it is
        finite.
    """

    def __init__(self, weights: Tensor):
        self.loss = math.inf
        self._weights, self._best = weights, weights.clone()

    def update(self, loss: float, weights: Tensor | None = None) -> None:
        """Take weights (None: those of now) if their loss is the lowest.

        Weights that are not finite are never taken.
        """
        if not loss < self.loss:  # so that NaN is not taken either
            return
        weights = self._weights.clone() if weights is None else weights
        # A finite loss does not vouch for the last weights of a part: none is measured
        # after the last step, which may be the one that overflowed.
        if bool(torch.isfinite(weights).all()):
            self.loss, self._best = loss, weights

    def restore(self) -> None:
        """Put the best weights back."""
        self._weights.copy_(self._best)


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
        # Gains below `tol` lower the bar too, as in scikit-learn's networks: many small
        # ones do not add up to an improvement.
        self.best = min(self.best, loss)
        return self.n_epochs is not None and self.count >= self.n_epochs
