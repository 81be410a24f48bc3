"""`ForecastPlan`: how to learn, with nothing left to decide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["ForecastPlan"]


@dataclass(frozen=True)
class ForecastPlan:
    """How to learn, with nothing left to decide.

    Attributes
    ----------
    horizon, window_length, patch, season : int
    at_once : int
        Steps that one answer has: all of the horizon, or one at irregular times.
    anchor, scale : str
    stride : int or "auto"
    linear : bool
    validation_fraction : float
    options : mapping of str
        Parameters of the network.
    n_seeds : int
    """

    horizon: int
    at_once: int
    window_length: int
    patch: int
    season: int
    anchor: str
    scale: str
    stride: int | str
    linear: bool
    validation_fraction: float
    options: Mapping[str, Any]
    n_seeds: int
