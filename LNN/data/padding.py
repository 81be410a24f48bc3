"""Padding in arrays of sequences: steps that only bring all to one length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from LNN._warnings import warn

from .row_store import Rows

__all__ = ["advice_on_padding", "warn_if_padded", "warn_if_padded_by_value"]

# Sequences look padded if at least this share of them has empty steps at one side, and
# if these are this many times as many steps as chance would give.
MANY_PADDED, LONGER = 0.1, 3
# Padding was put at both sides if this share of the sequences that begin or end without
# values has the values in the middle.
CENTRED = 0.9
# A value pads if this share of its steps, at most, is elsewhere; if this share of the
# other steps, at most, repeats the step before; and if the last step before it is this
# many deviations away in every channel: signals that come to rest fail one of these.
FEW_ELSEWHERE, FEW_REPEATS, JUMP = 0.01, 0.05, 0.3

_KEEPS = {
    "begin": "[x[len(x) - n:] for x, n in zip({name}, lengths)]",
    "end": "[x[:n] for x, n in zip({name}, lengths)]",
    "begin and end": "[x[begin:end] for x, begin, end in zip({name}, begins, ends)]",
}
_TIME_PASSES = "the model takes it for time that passes"


def warn_if_padded(
    rows: Rows, n_samples: int, name: str, *, gaps_allowed: bool, per_step: bool
) -> None:
    """Warn if many sequences of an array have steps that look like padding.

    Parameters
    ----------
    rows : Rows
        The inputs of all sequences, which have the same length.
    n_samples : int
    name : str
        What the array is called in messages.
    gaps_allowed : bool
        Whether NaN may be in it.
    per_step : bool
        Whether targets are per step: nothing before padding at the end depends on it.
    """
    n_timesteps = rows.n_rows // max(n_samples, 1)
    if n_samples < 2 or n_timesteps < 2:
        return
    sides = ("begin",) if per_step else ("end", "begin")
    edges = np.arange(n_samples) * n_timesteps
    first, last = rows.take(edges), rows.take(edges + n_timesteps - 1)
    shape = n_samples, n_timesteps, -1
    few = max(MANY_PADDED * n_samples, 2)
    floats = gaps_allowed and rows.dtype.kind == "f"
    if floats and max(np.isnan(x).all(axis=1).sum() for x in (first, last)) >= few:
        empty = np.isnan(rows.block(0, rows.n_rows)).all(axis=1)
        if _warn_of_empty_steps(empty.reshape(shape[:2]), few, name, sides):
            return
    second, before = rows.take(edges + 1), rows.take(edges + n_timesteps - 2)
    repeats = [(first == second).all(axis=1).sum(), (last == before).all(axis=1).sum()]
    if max(repeats) >= few:
        values = rows.block(0, rows.n_rows).reshape(shape)
        warn_if_padded_by_value(values, name, sides=sides)


def advice_on_padding(
    rows: Rows, start: np.ndarray, ends: np.ndarray, X: Any, name: str
) -> str:
    """Return what to do about NaN if it may be padding, for an error; "" if not."""
    edges = [rows.take(start), rows.take(ends - 1)]
    listed = not hasattr(X, "ndim") or X.ndim == 1
    if listed and not any(np.isnan(edge).all(axis=1).any() for edge in edges):
        return ""
    keep = "x[~numpy.isnan(x).all(axis=1)]"
    if listed and isinstance(X[0], pd.DataFrame):
        keep = 'x.dropna(how="all")'
    return (
        " If NaN is padding, it is not a gap: pass a list of the sequences without it, "
        f"[{keep} for x in {name}]; targets per step and timestamps alike."
    )


def _warn_of_empty_steps(
    empty: np.ndarray, few: float, name: str, sides: Sequence[str]
) -> bool:
    """Warn if many sequences, unlike others, begin or end without any value."""
    begin, end = _run(empty, "begin"), _run(empty, "end")
    found = [("end", end, begin), ("begin", begin, end)]
    for side, run, opposite in found:
        count = _beyond_chance(run, opposite, empty, few)
        if count and side in sides:
            _warn(f"{count} of {len(empty)}", side, "are NaN in all channels", name)
            return True
    count = _centred(begin, end, empty, few)
    if count:
        how = "are NaN in all channels"
        _warn(f"{count} of {len(empty)}", "begin and end", how, name)
    return bool(count)


def _run(hit: np.ndarray, side: str) -> np.ndarray:
    """Return how many steps at one side of each sequence are hits without a break."""
    ordered = hit if side == "begin" else hit[:, ::-1]
    return np.logical_and.accumulate(ordered, axis=1).sum(axis=1)


def _beyond_chance(
    run: np.ndarray, opposite: np.ndarray, empty: np.ndarray, few: float
) -> int:
    """Return how many runs of empty steps chance does not explain; 0 if it does."""
    # Steps that are missing in all sequences are still to come, or before a lag.
    extra = run - run.min()
    count = int((extra > 0).sum())
    if count < few:
        return 0
    rate = (empty.sum() - run.sum()) / (empty.size - run.sum())
    # Gaps by chance: long ones are at both sides, short ones stand anywhere.
    chance = max((opposite - opposite.min()).sum(), len(run) * rate / (1 - rate))
    return count if extra.sum() > LONGER * (chance + 1) else 0


def _centred(begin: np.ndarray, end: np.ndarray, empty: np.ndarray, few: float) -> int:
    """Return how many sequences lie in the middle of empty steps; 0 if it is chance."""
    # One step more at one side is odd padding, and a gap by chance as likely.
    n, steps = empty.shape
    padded = (np.minimum(begin, end) > 0) & (begin < steps)
    middle = padded & (np.abs(begin - end) <= 1)
    odd = np.maximum(begin, end) > 1
    if middle.sum() < few or middle.sum() < CENTRED * (padded | odd).sum():
        return 0
    edges = (begin + end)[middle].sum()
    rate = (empty[middle].sum() - edges) / max(middle.sum() * steps - edges, 1)
    chance = 2 * n * rate / (1 - rate)
    return int(middle.sum()) if edges > LONGER * (chance + 1) else 0


def warn_if_padded_by_value(
    values: np.ndarray,
    name: str,
    *,
    sides: Sequence[str] = ("end", "begin"),
    harm: str = _TIME_PASSES,
) -> None:
    """Warn if many sequences begin or end in steps that all have the same values.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_timesteps, n_features)
    name : str
    sides : sequence of str
        Where to look: "begin", "end".
    harm : str
        What padding does, for the message.
    """
    few = max(MANY_PADDED * len(values), 3)
    if len(values) < few or values.shape[1] < 3:
        return
    for side in sides:
        ordered = values if side == "end" else values[:, ::-1]
        count, filler = _padded_at_end(ordered, few)
        if count:
            how = f"all have the values {filler[:4].tolist()}"
            if (filler == filler[0]).all():
                how = f"are {filler[0]:g} in all channels"
            _warn(f"{count} of {len(values)}", side, how, name, harm)
            return


def _padded_at_end(values: np.ndarray, few: float) -> tuple[int, np.ndarray]:
    """Return how many sequences end in one value, of another signal, and this value."""
    last = values[:, -1]
    repeated = (last == values[:, -2]).all(axis=1)
    if repeated.sum() < few:
        return 0, last[0]
    found, counts = np.unique(last[repeated], axis=0, return_counts=True)
    filler = found[np.argmax(counts)]
    hit = (values == filler).all(axis=2)
    run = _run(hit, "end")
    padded = run > run.min()
    if padded.sum() < few or run.max() == values.shape[1]:
        return 0, filler
    if hit.sum() - run.sum() > FEW_ELSEWHERE * run.sum():
        return 0, filler
    inside = np.arange(values.shape[1]) < values.shape[1] - run[:, None]
    if not _moves(values, inside) or not _jumps(values, inside, padded, run, filler):
        return 0, filler
    return int(padded.sum()), filler


def _moves(values: np.ndarray, inside: np.ndarray) -> bool:
    """Tell whether hardly any step inside repeats the one before."""
    repeats = (values[:, 1:] == values[:, :-1]).all(axis=2) & inside[:, 1:]
    return bool(repeats.sum() <= FEW_REPEATS * inside[:, 1:].sum())


def _jumps(
    values: np.ndarray,
    inside: np.ndarray,
    padded: np.ndarray,
    run: np.ndarray,
    filler: np.ndarray,
) -> bool:
    """Tell whether the signal is not at the filling value already when it ends."""
    if inside[:, 1:].sum() < 2 * len(values):
        return False
    spread = np.nanstd(values[inside], axis=0)
    before = values[padded, values.shape[1] - 1 - run[padded]]
    change = np.nanmedian(np.abs(before - filler), axis=0)
    varied = spread > 0
    # A car that stops has a jump in its acceleration, but not in its speed.
    return bool(varied.any() and (change > JUMP * spread)[varied].all())


def _warn(count: str, side: str, how: str, name: str, harm: str = _TIME_PASSES) -> None:
    kind = ", it is not a gap, but" if "NaN" in how else ","
    warn(
        f"{count} sequences of {name} {side} in steps that {how}. If this is "
        f"padding{kind} {harm}: pass a list of the sequences without it, "
        f"{_KEEPS[side].format(name=name)}; targets per step and timestamps alike. If "
        f"these are {'gaps' if 'NaN' in how else 'measurements'}, list({name}) stops "
        "this warning."
    )
