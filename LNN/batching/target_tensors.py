"""Targets and weights as tensors, made once for all batches of a fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from LNN.batching.scaled_rows import gather
from LNN.data.targets import Targets


class KnowsGaps(Protocol):
    """The part of a loss that is used here: losses stand above, in `training`."""

    @property
    def n_terms(self) -> int:
        """How many losses there are per sample or step."""

    def without_gaps(self, target: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Return targets without gaps, and what each sample or step counts."""


@dataclass(frozen=True, eq=False)
class TargetTensors:
    """What the network should answer, and how much each answer counts.

    Attributes
    ----------
    target : Tensor of shape (n_samples, ...) or, per step, (n_rows, ...)
        In the network's units, without gaps.
    weight : Tensor of shape (n_samples,) or (n_rows,), or None
        0 where there is no target; None stands for ones.
    total_weight : float
        The sum over all samples or steps, and all terms of their loss.
    per_step : bool
    """

    target: Tensor
    weight: Tensor | None
    total_weight: float
    per_step: bool

    @classmethod
    def of_targets(
        cls,
        targets: Targets,
        weights: np.ndarray,
        loss: KnowsGaps,
        dtype: torch.dtype,
        device: torch.device,
    ) -> TargetTensors:
        """Make tensors of targets in the network's units and one weight for each."""
        codes = targets.values.dtype.kind == "i"
        target = torch.tensor(
            targets.values, dtype=torch.int64 if codes else dtype, device=device
        )
        weight = torch.tensor(weights, dtype=dtype, device=device)
        target, weight = loss.without_gaps(target, weight)
        # In double precision: float32 holds whole numbers up to 2^24 only.
        total = float(weight.sum(dtype=torch.float64)) * loss.n_terms
        # Weights of 1, the usual case, need not be gathered in each batch.
        plain = bool((weight == 1).all())
        return cls(target, None if plain else weight, total, targets.per_step)

    def of(
        self, samples: np.ndarray, positions: np.ndarray, counted: np.ndarray | None
    ) -> tuple[Tensor, Tensor | None]:
        """Return targets and weights of samples: (B, ...) or, per step, (B, T, ...).

        Parameters
        ----------
        samples : ndarray of int, shape (B,)
        positions : ndarray of int, shape (B, T)
            The row of each step.
        counted : ndarray of bool, shape (B, T), or None
            Other steps get the weight 0; None counts all.
        """
        places = positions if self.per_step else samples
        target = gather(self.target, places)
        weight = None if self.weight is None else gather(self.weight, places)
        if self.per_step and counted is not None:
            # Padding and sub-steps repeat a row, whose target must count only once.
            counts = torch.from_numpy(counted).to(target.device)
            weight = counts if weight is None else weight * counts
        return target, weight
