"""Losses: one number per sample or step, averaged with weights in one place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

REGRESSION_LOSSES = ("squared_error", "absolute_error", "huber", "quantile")


@dataclass(frozen=True)
class Objective:
    """What is minimised.

    Attributes
    ----------
    n_targets : int
        Regression: columns of y. Classification: number of classes.
    levels : tuple of float
        Quantile levels; empty for every other loss.
    name : str
        One of `REGRESSION_LOSSES`, or "cross_entropy".
    class_weights : tuple of float
        One per class, times the sample's weight; empty for ones.
    """

    name: str
    n_targets: int
    levels: tuple[float, ...] = ()
    class_weights: tuple[float, ...] = ()

    @property
    def output_size(self) -> int:
        """Number of network outputs."""
        return self.n_targets * max(1, len(self.levels))

    def __call__(self, outputs: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        """Return sum(w l) / sum(w).

        Parameters
        ----------
        outputs : Tensor of shape (..., output_size)
        target : Tensor of shape (..., n_targets), or (...) of class codes
            NaN (or code -1) means no target: it has no influence.
        weight : Tensor of shape (...)
        """
        total, weights = self.sums(outputs, target, weight)
        return total / weights

    def sums(self, outputs: Tensor, target: Tensor, weight: Tensor):
        """Return sum(w l) and sum(w), so that batches can be added up."""
        losses = self._each(outputs, target)
        weight = self.weights(target, weight)
        same_shape(losses, weight)
        return (losses * weight).sum(), weight.sum()

    def weights(self, target: Tensor, weight: Tensor) -> Tensor:
        """Return what each sample or step counts: 0 where there is no target."""
        codes = self.name == "cross_entropy"
        known = target >= 0 if codes else ~torch.isnan(target).any(-1)
        weight = torch.where(known, weight, torch.zeros_like(weight))
        if self.class_weights:
            per_class = weight.new_tensor(self.class_weights)
            weight = weight * per_class[target.clamp_min(0)]
        return weight

    def _each(self, outputs: Tensor, target: Tensor) -> Tensor:
        """Return one loss per sample or step, of any value where there is no target."""
        if self.name == "cross_entropy":
            flat = F.cross_entropy(
                outputs.reshape(-1, self.n_targets),
                target.clamp_min(0).reshape(-1),
                reduction="none",
            )
            return flat.view(target.shape)
        known = ~torch.isnan(target).any(-1, keepdim=True)
        target = torch.where(known, target, torch.zeros_like(target))
        if self.name == "quantile":
            outputs = outputs.unflatten(-1, (self.n_targets, len(self.levels)))
            target = target.unsqueeze(-1).expand_as(outputs)
            levels = outputs.new_tensor(self.levels)
            same_shape(outputs, target)
            return pinball(target - outputs, levels).mean((-1, -2))
        same_shape(outputs, target)
        return ELEMENTWISE[self.name](outputs - target).mean(-1)


def pinball(error: Tensor, levels: Tensor) -> Tensor:
    """Return the quantile loss of target - prediction."""
    return torch.maximum(levels * error, (levels - 1) * error)


def huber(error: Tensor) -> Tensor:
    """Return the Huber loss with threshold 1, in units of the scaled target."""
    size = error.abs()
    return torch.where(size <= 1, 0.5 * error.square(), size - 0.5)


ELEMENTWISE: dict[str, Callable[[Tensor], Tensor]] = {
    "squared_error": torch.square,
    "absolute_error": torch.abs,
    "huber": huber,
}


def same_shape(a: Tensor, b: Tensor) -> None:
    """Refuse to compare (B, 1) with (B,): broadcasting would average B x B pairs."""
    if a.shape != b.shape:
        raise RuntimeError(
            f"A loss compares tensors of one shape, got {tuple(a.shape)} and "
            f"{tuple(b.shape)}. This is a defect of LNN: please report it."
        )
