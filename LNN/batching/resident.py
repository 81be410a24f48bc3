"""Batches whose samples are chosen on the device: nothing comes from the CPU."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from LNN.batching.missing import MissingRule
from LNN.batching.target_tensors import TargetTensors


@dataclass(frozen=True, eq=False)
class ResidentBatches:
    """What `Batches` gathers, from tensors that are all on the device.

    Sequences are padded to the longest of all, not of the batch: every batch of a size
    has the same shape.

    Attributes
    ----------
    rows : Tensor of shape (n_rows, F)
        Scaled.
    gaps : Tensor of shape (n_rows,), or None
    missing : MissingRule
    targets : TargetTensors
    start, length, first_target : Tensor of int64, shape (n_samples,)
        As those of a `SequenceSet`.
    steps : int
        The longest length.
    is_ragged : bool
        Whether another length is shorter.
    whole : bool
        Whether steps before the first target count for nothing.
    """

    rows: Tensor
    gaps: Tensor | None
    missing: MissingRule
    targets: TargetTensors
    start: Tensor
    length: Tensor
    first_target: Tensor
    steps: int
    is_ragged: bool
    whole: bool

    def take(
        self, samples: Tensor
    ) -> tuple[dict[str, Tensor], tuple[Tensor, Tensor | None]]:
        """Return what `Batches.inputs_and_targets` returns for samples (B,)."""
        start, length = self.start[samples], self.length[samples]
        step = torch.arange(self.steps, device=samples.device)
        positions = start[:, None] + step
        if self.is_ragged:
            # Padding repeats the last row, as that of batches does.
            positions = torch.minimum(positions, (start + length - 1)[:, None])
        values = _gather(self.rows, positions)
        spans = None if self.gaps is None else _gather(self.gaps, positions)
        inputs = {"inputs": self.missing.fill(values, spans)}
        if spans is not None:
            inputs["timespans"] = spans[..., None]
        if self.is_ragged:
            inputs["lengths"] = length
        return inputs, self._targets(samples, positions, step, length)

    def _targets(
        self, samples: Tensor, positions: Tensor, step: Tensor, length: Tensor
    ) -> tuple[Tensor, Tensor | None]:
        targets = self.targets
        places = positions if targets.per_step else samples
        target = _gather(targets.target, places)
        weight = None if targets.weight is None else _gather(targets.weight, places)
        if not targets.per_step or not (self.is_ragged or self.whole):
            return target, weight
        counts = step < length[:, None]
        if self.whole:
            counts &= step >= self.first_target[samples][:, None]
        return target, counts if weight is None else weight * counts


def _gather(table: Tensor, places: Tensor) -> Tensor:
    taken = table.index_select(0, places.flatten())
    return taken.view(*places.shape, *table.shape[1:])
