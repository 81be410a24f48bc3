"""Pooling: one vector for the read-out, made of all states of a sequence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from LNN._running import Running
from LNN.cells.base import past_end

# "attention" has weights of its own, which the network holds.
POOLINGS = ("last", "mean", "max", "last+mean+max", "attention")


def pooled_size(pooling: str, n_neurons: int) -> int:
    """Return how many numbers the pooling makes of states of `n_neurons` columns."""
    return n_neurons * len(pooling.split("+"))


def pooled(pooling: str, states: Tensor, lengths: Tensor | None) -> Tensor:
    """Pool states (B, T, N) to (B, `pooled_size`), all but "attention".

    Parameters
    ----------
    pooling : str
    states : Tensor of shape (B, T, N)
        A sequence that has ended repeats its last state.
    lengths : Tensor of shape (B,), or None
        Steps that count. An empty sequence still has its start.
    """
    steps = states.shape[1]
    count = torch.full_like(states[:, 0, :1], steps)
    padded = None
    if lengths is not None:
        lengths = torch.as_tensor(lengths, device=states.device).clamp_min(1)
        padded = past_end(lengths, steps).unsqueeze(-1)
        count = lengths.to(states.dtype).unsqueeze(-1)
    parts = []
    for part in pooling.split("+"):
        if part == "last":
            parts.append(states[:, -1])
            continue
        # Padding repeats the last state, which would count in a mean.
        neutral = 0.0 if part == "mean" else -torch.inf
        live = states if padded is None else states.masked_fill(padded, neutral)
        parts.append(live.sum(1) / count if part == "mean" else live.amax(1))
    return torch.cat(parts, dim=-1)


class RunningPool(Running):
    """The same row by row, for `n` streams at once.

    Parameters
    ----------
    pooling : str
        Any but "attention".
    n, n_neurons : int
    """

    starts: ClassVar[Mapping[str, float]] = {"pool_largest": -np.inf}

    def __init__(self, pooling: str, n: int, n_neurons: int):
        self.parts = pooling.split("+")
        # Only what these parts need of the steps so far. In float64, as a stream may
        # run for ever: in float32 a long sum stops growing.
        self.past: dict[str, np.ndarray] = {}
        if "mean" in self.parts:
            self.past["pool_total"] = np.zeros((n, n_neurons))
            self.past["pool_count"] = np.zeros((n, 1))
        if "max" in self.parts:
            self.past["pool_largest"] = np.full((n, n_neurons), -np.inf)

    def add(self, states: np.ndarray) -> np.ndarray:
        """Take in the next states (n, N); return what all so far are pooled to."""
        # New arrays: `state` hands out the old ones, for a stream to go back to.
        past, values = self.past, {"last": states}
        if "mean" in self.parts:
            past["pool_total"] = past["pool_total"] + states
            past["pool_count"] = past["pool_count"] + 1
            values["mean"] = past["pool_total"] / past["pool_count"]
        if "max" in self.parts:
            past["pool_largest"] = np.maximum(past["pool_largest"], states)
            values["max"] = past["pool_largest"]
        found = np.concatenate([values[part] for part in self.parts], axis=1)
        return found.astype(states.dtype)
