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

    @property
    def n_terms(self) -> int:
        """How many losses there are per sample or step: one an output, or one."""
        return 1 if self.name == "cross_entropy" else self.output_size

    def without_gaps(self, target: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Return targets without gaps, and what each sample or step counts.

        Parameters
        ----------
        target : Tensor of shape (..., n_targets), or (...) of class codes
            NaN (or code -1) means no target.
        weight : Tensor of shape (...)

        Returns
        -------
        target, weight : Tensor
            As given; where there was no target, some target of weight 0.
        """
        codes = self.name == "cross_entropy"
        known = target >= 0 if codes else ~torch.isnan(target).any(-1)
        weight = weight.masked_fill(~known, 0)
        if codes:
            target = target.clamp_min(0)
        else:
            target = target.masked_fill(~known.unsqueeze(-1), 0)
        if self.class_weights:
            weight = weight * weight.new_tensor(self.class_weights)[target]
        return target, weight

    def total(self, outputs: Tensor, target: Tensor, weight: Tensor | None) -> Tensor:
        """Return sum(w l) over all terms, so that batches can be added up.

        Parameters
        ----------
        outputs : Tensor of shape (..., output_size)
        target : Tensor of shape (..., n_targets), or (...) of class codes
            Without gaps.
        weight : Tensor of shape (...), or None for ones
        """
        losses = self._each(outputs, target)
        if weight is None:
            return losses.sum()
        weight = weight.unsqueeze(-1)
        same_shape(losses[..., :1], weight)
        return (losses * weight).sum()

    def _each(self, outputs: Tensor, target: Tensor) -> Tensor:
        """Return the losses of each sample or step, (..., n_terms)."""
        if self.name == "cross_entropy":
            flat = F.cross_entropy(
                outputs.reshape(-1, self.n_targets),
                target.reshape(-1),
                reduction="none",
            )
            return flat.view(*target.shape, 1)
        if self.name == "quantile":
            outputs = outputs.unflatten(-1, (self.n_targets, len(self.levels)))
            target = target.unsqueeze(-1).expand_as(outputs)
            levels = outputs.new_tensor(self.levels)
            same_shape(outputs, target)
            return pinball(target - outputs, levels).flatten(-2)
        same_shape(outputs, target)
        return ELEMENTWISE[self.name](outputs - target)


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
