"""Pooling: one vector for the read-out, made of all states of a sequence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

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


class RunningPool:
    """The same row by row, for `n` streams at once.

    Parameters
    ----------
    pooling : str
        Any but "attention".
    n, n_neurons : int
    """

    def __init__(self, pooling: str, n: int, n_neurons: int):
        self.parts = pooling.split("+")
        # In float64, as a stream may run for ever: in float32 a long sum stops growing.
        self.total = np.zeros((n, n_neurons))
        self.largest = np.full((n, n_neurons), -np.inf)
        self.count = np.zeros((n, 1))

    def add(self, states: np.ndarray) -> np.ndarray:
        """Take in the next states (n, N); return what all so far are pooled to."""
        # New arrays: `state` hands out the old ones, for a stream to go back to.
        self.total = self.total + states
        self.largest = np.maximum(self.largest, states)
        self.count = self.count + 1
        values = {
            "last": states,
            "mean": self.total / self.count,
            "max": self.largest,
        }
        found = np.concatenate([values[part] for part in self.parts], axis=1)
        return found.astype(states.dtype)

    def state(self) -> dict[str, np.ndarray]:
        """Return the arrays that hold the past; their first axis is the streams."""
        return {
            "pool_total": self.total,
            "pool_largest": self.largest,
            "pool_count": self.count,
        }

    def set_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Take arrays as `state` returns them."""
        self.total = np.array(state["pool_total"])
        self.largest = np.array(state["pool_largest"])
        self.count = np.array(state["pool_count"])

    def set_back(self, state: Mapping[str, np.ndarray], which: np.ndarray) -> None:
        """Go back to an earlier state in some streams."""
        for name, now in self.state().items():
            now[which] = state[name][which]

    def reset(self, which: Any) -> None:
        """Forget the past of some streams."""
        self.total[which] = 0.0
        self.largest[which] = -np.inf
        self.count[which] = 0.0
