"""Batches: samples of a `SequenceSet` as tensors on a device."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from LNN.sequences import SequenceScaler, SequenceSet
from LNN.sequences.timestamps import normalised
from LNN.training.targets import Targets


@dataclass(frozen=True, eq=False)
class Batches:
    """Gather, scale and cast samples when they are needed, and not before.

    Attributes
    ----------
    sequences : SequenceSet
    scaler : SequenceScaler
    time_unit : float
        Elapsed times are given to the network as multiples of it.
    dtype : torch.dtype
    device : torch.device
    time_resolution : float
        Rounding of the time stamps in training, so that regular time stays regular.
    targets : Targets, default=None
        In the network's units.
    weights : ndarray of shape (n_samples,), default=None
    """

    sequences: SequenceSet
    scaler: SequenceScaler
    time_unit: float
    dtype: torch.dtype
    device: torch.device
    time_resolution: float = 0.0
    targets: Targets | None = None
    weights: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.sequences)

    def inputs(self, samples: np.ndarray) -> dict[str, Tensor]:
        """Return what the network takes: inputs, timespans, lengths."""
        sequences = self.sequences
        positions, valid = sequences.span_rows(samples)
        lengths = sequences.length[samples]
        ragged = not valid.all()
        # Only what is there is scaled: a transformer may not know what to do with 0.
        chosen = positions[valid] if ragged else positions.ravel()
        rows = self.scaler.transform_rows(sequences.rows.take(chosen))
        if ragged:
            values = np.zeros((*positions.shape, rows.shape[1]), dtype=rows.dtype)
            values[valid] = rows
        else:
            values = rows.reshape(*positions.shape, -1)
        arguments = {"inputs": self._tensor(values)}
        if sequences.elapsed is not None:
            resolution = max(self.time_resolution, sequences.time_resolution)
            gaps = sequences.elapsed[positions]
            arguments["timespans"] = self._tensor(
                normalised(gaps, self.time_unit, resolution)
            )
        if ragged:
            arguments["lengths"] = torch.from_numpy(lengths).to(self.device)
        return arguments

    def goals(self, samples: np.ndarray) -> tuple[Tensor, Tensor]:
        """Return targets and weights, both of shape (B, ...) or (B, T, ...)."""
        values = self.targets.of(self.sequences, samples)
        codes = values.dtype.kind == "i"
        target = self._tensor(values, torch.int64 if codes else self.dtype)
        weight = self._tensor(self.weights[samples])
        if self.targets.per_step:
            steps = target.shape[1]
            weight = weight[:, None].expand(-1, steps)
        return target, weight

    def _tensor(self, values: np.ndarray, dtype: torch.dtype | None = None) -> Tensor:
        array = np.ascontiguousarray(values)
        if not array.flags.writeable:
            array = array.copy()
        return torch.from_numpy(array).to(self.device, dtype or self.dtype)

    def split(self, order: np.ndarray, size: int) -> list[np.ndarray]:
        """Cut an order of samples into batches of at most `size`."""
        return [order[i : i + size] for i in range(0, len(order), size)]
