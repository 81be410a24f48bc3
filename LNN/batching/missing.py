"""Missing values: what the network reads where a channel has none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from LNN.data import SequenceScaler

POLICIES = ("error", "hold", "mask")


@dataclass(frozen=True, eq=False)
class MissingRule:
    """Fill gaps from what the same sequence has shown before, and from nothing else.

    Attributes
    ----------
    policy : {"error", "hold", "mask"}
        "error": there are none. "hold": the last value of the channel in this sequence,
        `neutral` before its first. "mask": the same, and as further inputs whether
        each channel was seen at this step and how long ago it was (the age of the held
        value, 0 if seen now), as logarithm of one plus the age in units of time: ages
        go from fractions of a step to days.
    neutral : Tensor of shape (F,)
        Scaled values that stand for the unknown.

    References
    ----------
    Che et al., Recurrent neural networks for multivariate time series with missing
    values, Scientific Reports 2018, section "GRU-D" (held values, masks, intervals).
    """

    policy: str
    neutral: Tensor

    @classmethod
    def of_scaler(
        cls,
        policy: str,
        scaler: SequenceScaler,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> MissingRule:
        """Make the rule for values that this scaler has scaled."""
        neutral = torch.tensor(scaler.neutral_, dtype=dtype, device=device)
        return cls(policy, neutral)

    def n_inputs(self, n_channels: int) -> int:
        """Return how many inputs the network has for a number of channels."""
        return 3 * n_channels if self.policy == "mask" else n_channels

    def fill(
        self,
        values: Tensor,
        timespans: Tensor | None,
        held: Tensor | None = None,
        age: Tensor | None = None,
    ) -> Tensor:
        """Return the network's inputs for whole sequences.

        Parameters
        ----------
        values : Tensor of shape (B, T, F)
            Scaled, NaN where missing.
        timespans : Tensor of shape (B, T), or None
            In units of time; None is 1.
        held, age : Tensor of shape (B, F), default=None
            What was held before the first step, and for how long by then; an age of
            minus the first time span where nothing was seen yet. None is all of that.

        Returns
        -------
        Tensor of shape (B, T, F) or (B, T, 3 F)
        """
        if self.policy == "error":
            return values
        missing = values.isnan()
        # On the CPU only: an accelerator would have to wait for the answer.
        if self.policy == "hold" and values.is_cpu and not missing.any():
            return values
        # The step at which each channel was seen last, -1 before its first. Time lies
        # innermost while it is searched for: three times as fast.
        batch, steps, channels = values.shape
        step = torch.arange(steps, device=values.device).expand(batch, channels, steps)
        seen = step.masked_fill(missing.transpose(1, 2), -1).cummax(2).values
        seen = seen.transpose(1, 2)
        # Any step will do before the first value: what it gives is not read.
        source = seen.clamp_min(0)
        before = self.neutral if held is None else held[:, None]
        filled = torch.where(seen < 0, before, values.gather(1, source))
        if self.policy == "hold":
            return filled
        if timespans is None:
            timespans = values.new_ones(values.shape[:2])
        # In double precision: ages are differences of long sums.
        time = timespans.double().cumsum(1)[..., None].expand(values.shape)
        since = time - time.gather(1, source)
        if age is not None:
            since = torch.where(seen < 0, time + age[:, None], since)
        return torch.cat([filled, ~missing, since.to(values.dtype).log1p()], dim=-1)

    def go_on(
        self,
        values: np.ndarray,
        timespans: np.ndarray | float,
        held: np.ndarray,
        age: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Do one step of `fill`, from what was held before it.

        Parameters
        ----------
        values, held, age : ndarray of shape (B, F)
            Before the first step `held` is `neutral` and `age` 0.
        timespans : ndarray of shape (B, 1) or float
            0 at the first step, where nothing can have grown older.

        Returns
        -------
        inputs : ndarray of shape (B, F) or (B, 3 F)
        held, age : ndarray of shape (B, F)
        """
        if self.policy == "error":
            return values, held, age
        missing = np.isnan(values)
        # New arrays, not written in place: `Carry.past` keeps the old ones to go back.
        held = np.where(missing, held, values)
        if self.policy == "hold":
            return held, held, age
        age = np.where(missing, age + timespans, 0.0)
        return np.concatenate([held, ~missing, np.log1p(age)], axis=1), held, age
