"""Stretches of the data that the live panel starts from, with the model's answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from LNN.export.vectors import sequences_of
from LNN.inspection.report.data import ReportData
from LNN.inspection.report.metrics import class_codes

# Stretches, rows of each, and numbers of all: what a page has room for.
MOST, ROWS, MOST_VALUES = 4, 120, 60_000


@dataclass(frozen=True, eq=False)
class Stretch:
    """Rows in a row.

    Attributes
    ----------
    title : str
    rows : ndarray of shape (T, F)
        As runtimes take them.
    gaps : ndarray of shape (T,)
        Time before each row, NaN at the first, and without time stamps.
    answers : ndarray of shape (T, K) or (1, K)
        What the estimator says, numbers or probabilities, if a recording began with
        these rows; (1, K) where it answers at the end.
    """

    title: str
    rows: NDArray[np.float64]
    gaps: NDArray[np.float64]
    answers: NDArray[np.float64]


def stretches(data: ReportData) -> list[Stretch]:
    """Return stretches in which answers move much, and some in which they do not."""
    find = _of_rows if data.sequences.layout == "rows" else _of_sequences
    n_values = MOST_VALUES // max(1, MOST * data.sequences.n_features)
    return [_made(data, *found, n_values) for found in find(data)]


def _of_rows(data: ReportData) -> list[tuple[str, int, int]]:
    """Return titles, first positions and lengths."""
    recording = data.sequences.recording
    begins = np.flatnonzero(np.diff(recording, prepend=-1))
    ends = np.append(begins[1:], len(recording))
    spans = [
        (a, min(a + ROWS, end))
        for begin, end in zip(begins, ends, strict=True)
        for a in range(begin, max(begin + 1, end - ROWS + 1), ROWS)
    ]
    answer = _number(data)
    row_of = _row_of_position(data)
    moved = [float(np.std(answer[row_of[a:b]])) for a, b in spans]
    return [
        (f"From {data.place_text(int(row_of[a]))}", a, b - a)
        for a, b in (spans[k] for k in _spread(np.array(moved)))
    ]


def _of_sequences(data: ReportData) -> list[tuple[str, int, int]]:
    sequences = data.sequences
    if data.fitted.classifies and not data.per_step:
        codes = class_codes(data)
        chosen = [
            int(np.flatnonzero(codes == c)[0]) for c in np.unique(codes[codes >= 0])
        ]
        chosen = chosen[:MOST]
    else:
        ends = (
            np.cumsum(sequences.length) - 1
            if data.per_step
            else np.arange(len(sequences))
        )
        chosen = _spread(_number(data)[ends])
    return [
        (
            data.place_text(k).capitalize(),
            int(sequences.start[k]),
            int(sequences.length[k]),
        )
        for k in chosen
    ]


def _number(data: ReportData) -> NDArray[np.float64]:
    """Return one number of each answer."""
    if data.probabilities is not None:
        return data.probabilities[:, -1]
    return data.middle[:, 0]


def _spread(values: NDArray) -> list[int]:
    """Return those with the largest, the smallest, and values in between."""
    order = np.argsort(-values, kind="stable")
    n = min(MOST, len(order))
    return [int(k) for k in order[np.linspace(0, len(order) - 1, n).astype(int)]]


def _row_of_position(data: ReportData) -> NDArray[np.int64]:
    sequences = data.sequences
    if sequences.row_of_position is not None:
        return sequences.row_of_position
    rows = np.empty(sequences.rows.n_rows, dtype=np.int64)
    rows[sequences.start + sequences.length - 1] = sequences.row_of_sample
    return rows


def _made(data: ReportData, title: str, first: int, length: int, most: int) -> Stretch:
    sequences, fitted = data.sequences, data.fitted
    cut = max(2, min(length, most))
    positions = np.arange(first, first + min(length, cut))
    rows, gaps = data.raw_rows(positions), np.full(len(positions), np.nan)
    if sequences.elapsed is not None:
        gaps = np.array(sequences.elapsed[positions], dtype=np.float64)
        gaps[0] = np.nan
    read = sequences_of(fitted, rows[None], gaps[None])
    outputs = fitted.outputs(read)
    if fitted.classifies:
        answers = fitted.objective.probabilities(outputs)
    else:
        answers = fitted.kept(outputs, read).values
    if len(positions) < length and sequences.layout != "rows":
        title += f", its first {len(positions)} steps"
    return Stretch(title, rows, gaps, answers.reshape(len(answers), -1))
