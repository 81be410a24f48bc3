"""Rows of `context=` in other units than those that they come before."""

from __future__ import annotations

import numpy as np

from LNN._warnings import warn

from .scaling import SequenceScaler
from .sequence_set import SequenceSet

__all__ = ["warn_if_context_is_unscaled"]

# Rows that follow each other differ in a column if their medians are so many
# deviations apart, or if one spreads so many times as far as the other.
FAR, WIDER, NARROWER = 10, 20, 200
# A spread of fewer rows says little.
ENOUGH = 5
# Share of columns that must differ.
MANY = 0.5


def warn_if_context_is_unscaled(
    sequences: SequenceSet, scaler: SequenceScaler, window: int
) -> None:
    """Warn if most columns of context are not in the units of X.

    Parameters
    ----------
    sequences : SequenceSet
        Rows of one recording, the context first.
    scaler : SequenceScaler
        The one that was fitted to the training data.
    window : int
        Rows that a prediction sees; only those next to each other are compared.
    """
    cut = int(sequences.start[0] + sequences.length[0]) - 1
    if not cut:
        return
    rows, width = sequences.rows, max(window, ENOUGH)
    before = rows.block(max(cut - width, 0), cut).astype(np.float64)
    after = rows.block(cut, min(cut + width, rows.n_rows)).astype(np.float64)
    unknown = np.isnan(before).all(axis=0) | np.isnan(after).all(axis=0)
    usable = np.asarray(~unknown)
    before, after = before[:, usable], after[:, usable]
    unit = _unit(scaler, after, usable) if usable.any() else None
    if unit is None:
        return
    middles = np.nanmedian(before, axis=0), np.nanmedian(after, axis=0)
    differs = np.abs(middles[0] - middles[1]) > FAR * unit
    if len(before) >= ENOUGH:
        spread = np.nanstd(before, axis=0)
        differs |= spread > WIDER * unit
        if len(after) >= ENOUGH:
            varies = (spread > 0) & (np.nanstd(after, axis=0) > unit / 5)
            differs |= varies & (spread < unit / NARROWER)
    if differs.mean() < MANY:
        return
    worst = int(np.argmax(differs))
    column = sequences.columns.describe(int(np.flatnonzero(usable)[worst]))
    warn(
        f"context does not look as if it were in the units of X: {differs.sum()} of "
        f"{len(differs)} columns differ grossly, first {column}, about "
        f"{middles[0][worst]:g} in context and {middles[1][worst]:g} in X. If X was "
        "transformed, transform the context alike: with a Pipeline "
        "context=pipe[:-1].transform(context). Or let LNN scale (scale=) with no "
        "scaler in front."
    )


def _unit(
    scaler: SequenceScaler, after: np.ndarray, usable: np.ndarray
) -> np.ndarray | None:
    """Return the deviation of each column; None where the scaler does not know it."""
    spread = np.nanstd(after, axis=0)
    if scaler.method == "none":
        # Without scaling, numbers of order 1 were scaled before, or are such by nature.
        scaled = np.nanmax(np.abs(after)) < FAR
        return np.maximum(spread, 1) if scaled else None
    known = isinstance(scaler.method, str) and scaler.method in ("standard", "minmax")
    return np.maximum(scaler.scale_[usable], spread) if known else None
