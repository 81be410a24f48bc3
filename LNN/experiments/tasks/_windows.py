"""From recordings to windows: as the papers' code cuts, and without leaks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from LNN.exceptions import InvalidInputError
from LNN.experiments.task import Part, TaskData


@dataclass(frozen=True, eq=False)
class Recording:
    """Rows in time order.

    Attributes
    ----------
    X : ndarray of shape (n, F)
    y : ndarray of shape (n,) or (n, K)
        Floats, for windows with steps that are not scored (NaN).
    time : ndarray of shape (n,), or None
    """

    X: np.ndarray
    y: np.ndarray
    time: np.ndarray | None = None

    def __getitem__(self, rows: slice | np.ndarray) -> Recording:
        time = None if self.time is None else self.time[rows]
        return Recording(self.X[rows], self.y[rows], time)

    def __len__(self) -> int:
        return len(self.X)


def paper_starts(n_rows: int, steps: int, stride: int) -> np.ndarray:
    """Return where the papers' code begins windows: it forgets a last one that fits."""
    return np.arange(0, n_rows - steps, stride)


def every_start(n_rows: int, steps: int, stride: int) -> np.ndarray:
    """Return where windows begin that reach every row: the last one ends at the end."""
    _check_length(n_rows, steps)
    return np.unique(np.append(np.arange(0, n_rows - steps, stride), n_rows - steps))


def cut(recording: Recording, starts: np.ndarray, steps: int) -> Part:
    """Return the windows that begin at these rows."""
    rows = starts[:, None] + np.arange(steps)
    time = None if recording.time is None else recording.time[rows]
    X = np.asarray(recording.X, dtype=np.float32)
    return Part(X[rows], recording.y[rows], time)


def scored_once(recording: Recording, steps: int) -> Part:
    """Cut into windows side by side, of which every row is scored in exactly one.

    The last one begins early enough to be full; its steps that belong to the window
    before have the target NaN.
    """
    starts = every_start(len(recording), steps, steps)
    part = cut(recording, starts, steps)
    repeated = len(starts) * steps - len(recording)
    part.y[-1, :repeated] = np.nan
    return part


def joined(parts: Iterable[Part]) -> Part:
    """Put the windows of several recordings one behind the other."""
    parts = list(parts)
    timed = parts[0].timestamps is not None
    return Part(
        np.concatenate([part.X for part in parts]),
        np.concatenate([part.y for part in parts]),
        np.concatenate([part.timestamps for part in parts]) if timed else None,
    )


def sound_data(
    train: Sequence[Recording],
    validation: Sequence[Recording],
    test: Sequence[Recording],
    *,
    steps: int,
    stride: int,
) -> TaskData:
    """Cut recordings: windows to learn from overlap, the others score each row once.

    Columns of X are brought to mean 0 and deviation 1 of the training rows.
    """
    # Rows, not windows, which overlap: those in the middle would count more often.
    rows = np.concatenate([recording.X for recording in train])
    mean, deviation = rows.mean(axis=0), rows.std(axis=0)
    deviation[deviation == 0] = 1.0

    def scaled(recording: Recording) -> Recording:
        X = (recording.X - mean) / deviation
        return Recording(X, recording.y, recording.time)

    learnt = [scaled(r) for r in train]
    return TaskData(
        joined(cut(r, every_start(len(r), steps, stride), steps) for r in learnt),
        joined(scored_once(scaled(r), steps) for r in validation),
        joined(scored_once(scaled(r), steps) for r in test),
    )


def drawn(windows: Part, seed: int) -> TaskData:
    """Split windows as the LTC paper's code: at random, 10 % validate, 15 % test.

    Windows that overlap fall into different parts.
    """
    n = len(windows)
    order = np.random.RandomState(seed).permutation(n)
    held_out, tested = int(0.1 * n), int(0.1 * n) + int(0.15 * n)
    return TaskData(
        windows.take(order[tested:]),
        windows.take(order[:held_out]),
        windows.take(order[held_out:tested]),
    )


def in_time(n_rows: int) -> tuple[slice, slice, slice]:
    """Return the first 75 %, the next 10 % and the last 15 % of the rows."""
    first, second = int(0.75 * n_rows), int(0.85 * n_rows)
    return slice(0, first), slice(first, second), slice(second, n_rows)


def whitened(values: np.ndarray) -> np.ndarray:
    """Bring columns to mean 0 and deviation 1, of all rows given."""
    values = np.asarray(values, dtype=np.float64)
    return (values - values.mean(axis=0)) / values.std(axis=0)


def _check_length(n_rows: int, steps: int) -> None:
    if n_rows < steps:
        raise InvalidInputError(
            f"Expected recordings of at least {steps} rows, got one of {n_rows}. "
            "Compare the data files with their checksums."
        )
