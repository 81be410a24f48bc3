"""The nearest point where a function is above 0, inside of bounds."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

# Linear models of the function; halvings of a step; and by what part the way has to
# become shorter to go on.
STEPS, HALVINGS, GAIN = 40, 5, 2e-3
BISECTIONS = 50
# Places looked at in one pass, and how near a change is to the least that is enough.
AT_ONCE, EXACT = 16, 1e-6
STARTS = 6


class Nearest:
    """Finds a small change that brings a margin above a level.

    The margin is taken for linear at a point, the nearest point where that is high
    enough is found exactly, bounds included, and the real margin is looked at there:
    sequential quadratic programming with a single condition. It finds a near point, not
    provably the nearest.

    Parameters
    ----------
    margin : callable
        Of values (B, T, F), (B,).
    start : Tensor of shape (T, F)
        May hold NaN where nothing is to change.
    low, high : Tensor of shape (T, F)
        Bounds; `start` is within.
    level : float
        What the margin has to reach.
    """

    def __init__(
        self,
        margin: Callable[[Tensor], Tensor],
        start: Tensor,
        low: Tensor,
        high: Tensor,
        level: float,
    ):
        self._margin, self._start, self._level = margin, start, level
        self._low, self._high = low - start, high - start

    def found(self, free: Tensor) -> Tensor | None:
        """Return a small change (T, F), or None if none was found.

        Parameters
        ----------
        free : Tensor of bool, shape (T, F)
            Which values may change.
        """
        low = torch.where(free, self._low, 0.0)
        high = torch.where(free, self._high, 0.0)
        best = None
        for start in self._starts(low, high):
            reached = self._reached(start, low, high)
            if reached is None:
                continue
            near = self._nearer(reached, low, high)
            if best is None or near.norm() < best.norm():
                best = near
            if not start.any():
                return best  # others only help where the way from here is blocked
        return best

    def gain(self, change: Tensor) -> Tensor:
        """Return how much each value of a change adds to the margin there, (T, F)."""
        return self._slope(change)[1] * change

    def _starts(self, low: Tensor, high: Tensor) -> list[Tensor]:
        """Return no change, then points inside of the bounds, the same every time."""
        random = torch.Generator().manual_seed(0)
        shape = (STARTS, *low.shape)
        share = torch.rand(shape, generator=random, dtype=low.dtype)
        inside = low + share * (high - low)
        return [torch.zeros_like(low), *inside]

    @torch.no_grad()
    def _margins(self, changes: Tensor) -> Tensor:
        return self._margin(self._start + changes) - self._level

    def _slope(self, change: Tensor) -> tuple[float, Tensor]:
        """Return the margin and its slope (T, F), 0 where nothing can change."""
        values = (self._start + change)[None].requires_grad_()
        margin = self._margin(values) - self._level
        (slope,) = torch.autograd.grad(margin.sum(), values)
        return float(margin.detach()[0]), torch.nan_to_num(slope[0])

    def _reached(self, change: Tensor, low: Tensor, high: Tensor) -> Tensor | None:
        """Return a change that is enough, from one that may not be."""
        for _ in range(STEPS):
            margin, slope = self._slope(change)
            if margin >= 0:
                return change
            goal = nearest_of_linear(
                slope, float((slope * change).sum()) - margin, low, high
            )
            parts = change + self._part(goal - change)
            margins = self._margins(parts)
            best = int(margins.argmax())
            if float(margins[best]) <= margin + GAIN * abs(margin):
                return None
            enough = torch.nonzero(margins >= 0)
            change = parts[int(enough[-1]) if len(enough) else best]
        return None

    def _nearer(self, change: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """Return a smaller change that is enough as well."""
        change = self._shortened(change)
        for _ in range(STEPS):
            margin, slope = self._slope(change)
            goal = nearest_of_linear(
                slope, float((slope * change).sum()) - margin, low, high
            )
            parts = change + self._part(goal - change)
            norm = float(change.norm())
            for part, enough in zip(parts, self._margins(parts) >= 0, strict=True):
                at = part if enough else self._corrected(part, low, high)
                if at is not None:
                    at = self._shortened(at)
                    if float(at.norm()) < (1 - GAIN) * norm:
                        change = at
                        break
            else:
                return change
        return change

    def _corrected(self, change: Tensor, low: Tensor, high: Tensor) -> Tensor | None:
        """Go from just below the level up to it, along the slope."""
        for _ in range(3):
            margin, slope = self._slope(change)
            if margin >= 0:
                return change
            square = float(slope.square().sum())
            if square == 0:
                return None
            step = 1.01 * slope * (-margin / square)
            change = torch.clamp(change + step, low, high)
        return change if float(self._margins(change[None])[0]) >= 0 else None

    def _shortened(self, change: Tensor) -> Tensor:
        """Return the part of a change that is just enough, by bisection."""
        if float(self._margins(torch.zeros_like(change)[None])[0]) >= 0:
            return torch.zeros_like(change)
        low, high = 0.0, 1.0
        while high - low > EXACT:
            shares = torch.linspace(low, high, AT_ONCE + 1, dtype=change.dtype)[1:]
            enough = self._margins(shares[:, None, None] * change) >= 0
            enough[-1] = True
            first = int(torch.nonzero(enough)[0])
            low, high = (
                (low if first == 0 else float(shares[first - 1])),
                float(shares[first]),
            )
        return high * change

    @staticmethod
    def _part(way: Tensor) -> Tensor:
        """Return the way, half of it, a quarter and so on."""
        shares = 0.5 ** torch.arange(HALVINGS, dtype=way.dtype)
        return shares[:, None, None] * way


def nearest_of_linear(
    slope: Tensor, needed: float, low: Tensor, high: Tensor
) -> Tensor:
    """Return the smallest change within bounds where slope times change is enough.

    If none is, the one where it is most.

    Parameters
    ----------
    slope, low, high : Tensor of shape (T, F)
        low <= 0 <= high.
    needed : float
    """
    size = float(slope.norm())
    if needed <= 0 or size == 0:
        return torch.zeros_like(slope)
    slope, needed = slope / size, needed / size
    most = torch.where(slope > 0, high, torch.where(slope < 0, low, 0.0))
    if float((slope * most).sum()) <= needed:
        return most
    # The change is the slope times a number, cut off at the bounds; what it adds grows
    # with the number.
    small, large = 0.0, 1.0
    while float((slope * torch.clamp(large * slope, low, high)).sum()) < needed:
        small, large = large, 2 * large
    for _ in range(BISECTIONS):
        middle = (small + large) / 2
        if float((slope * torch.clamp(middle * slope, low, high)).sum()) < needed:
            small = middle
        else:
            large = middle
    return torch.clamp(large * slope, low, high)


def sparse(search: Nearest, free: Tensor, n_values: int) -> Tensor | None:
    """Return a change of at most so many values, or None if none was found.

    The values that add least to the margin are let go, half of them at a time.
    """
    change = search.found(free)
    while change is not None and int((change != 0).sum()) > n_values:
        size = max(n_values, int((change != 0).sum()) // 2)
        kept = torch.topk(search.gain(change).flatten(), size).indices
        free = torch.zeros_like(free).flatten().index_fill_(0, kept, True)
        change = search.found(free.view_as(change))
    return change
