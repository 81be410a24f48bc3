"""Units of residuals: their usual size, by channel and horizon, and by how long ago."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from LNN.anomaly.residuals import Residuals
from LNN.anomaly.scores import median_of_known

__all__ = ["Spreads"]

# Makes the median of absolute values the standard deviation, where they are normal.
NORMAL = 1.4826
# At odd times the size depends on the gap: so many parts, of so many residuals each.
MOST_PARTS, LEAST_IN_PART = 4, 100
# A residual is at least so small a part of a channel's spread, or it is rounding.
LEAST = 1e-6
# Edges are gaps that occurred; sums of gaps are off by rounding.
ROUNDING = 1e-6


@dataclass(frozen=True, eq=False)
class Spreads:
    """What residuals are measured by.

    Attributes
    ----------
    edges : ndarray of shape (n_horizons, n_parts - 1)
        Gaps at which one part ends and the next begins.
    centres, sizes : ndarray of shape (n_parts, n_channels, n_horizons)
    """

    edges: np.ndarray
    centres: np.ndarray
    sizes: np.ndarray

    @classmethod
    def fit(cls, found: Residuals, usable: np.ndarray, channels: np.ndarray) -> Spreads:
        """Learn medians and median sizes.

        Parameters
        ----------
        found : Residuals
        usable : ndarray of bool, shape (n, n_horizons)
            Residuals that no marked row is part of.
        channels : ndarray of shape (n_channels,)
            Spread of each channel.
        """
        values = np.where(usable[:, None], found.values, np.nan)
        gaps = np.where(usable, found.gaps, np.nan)
        n_parts = 1
        if any(np.unique(g[np.isfinite(g)]).size > 1 for g in gaps.T):
            fewest = int(np.isfinite(gaps).sum(axis=0).min())
            n_parts = int(np.clip(fewest // LEAST_IN_PART, 1, MOST_PARTS))
        levels = np.arange(1, n_parts) / n_parts
        edges = np.empty((gaps.shape[1], 0))
        if n_parts > 1:
            edges = np.nanquantile(gaps, levels, axis=0).T
        parts = [
            _of_part(np.where(_part(gaps, edges)[:, None] == k, values, np.nan))
            for k in range(n_parts)
        ]
        centres, sizes = (np.stack(part) for part in zip(*parts, strict=True))
        least = LEAST * np.where(channels > 0, channels, 1.0)[:, None]
        return cls(edges, centres, np.maximum(np.nan_to_num(sizes), least))

    def units(self, found: Residuals) -> np.ndarray:
        """Return residuals in units of their usual size, with their signs."""
        part = _part(found.gaps, self.edges)
        h = np.arange(part.shape[1])
        centres, sizes = (
            x[part, :, h].swapaxes(1, 2) for x in (self.centres, self.sizes)
        )
        return (found.values - centres) / sizes


def _part(gaps: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return which part each gap (n, n_horizons) lies in."""
    return (gaps[:, :, None] > edges[None] + ROUNDING).sum(axis=2)


def _of_part(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return centre and size of residuals (n, K, H), NaN apart."""
    centre = median_of_known(values)
    away = np.abs(values - centre)
    size = NORMAL * median_of_known(away)
    # More than half of them alike, as those of a switch: the median says nothing.
    mean = np.sqrt(np.nan_to_num(away**2).sum(axis=0) / np.maximum(1, len(values)))
    return np.nan_to_num(centre), np.where(size > 0, size, mean)
