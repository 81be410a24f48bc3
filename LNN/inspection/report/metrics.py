"""How good answers are, beside what needs no model."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from LNN.inspection.report.data import ReportData

# Scores of one predictor by name, and whether more is better.
Scores = dict[str, float]
HIGHER = {
    "R²": True,
    "MAE": False,
    "RMSE": False,
    "accuracy": True,
    "balanced accuracy": True,
    "log loss": False,
}
# A probability of 0 costs as much as one of this: infinity could not be compared.
LEAST = 1e-15


def score(data: ReportData) -> float:
    """Return one number, more is better: R², or the log loss times -1."""
    if data.fitted.classifies:
        return -classified(data)["the model"]["log loss"]
    return float(np.mean([each["the model"]["R²"] for each in regressed(data)]))


def regressed(data: ReportData) -> list[dict[str, Scores]]:
    """Return the scores of the model and of baselines, for each target."""
    known, found = data.known, []
    before, has_before = _before(data)
    for k in range(data.truth.shape[1]):
        truth, own = data.truth[known, k], data.middle[known, k]
        each = {
            "the model": _errors(truth, own),
            "always the mean of y": _errors(truth, np.full_like(truth, truth.mean())),
        }
        if has_before.any():
            last = data.truth[before[has_before], k]
            each["y of the row before"] = _errors(data.truth[has_before, k], last)
        found.append(each)
    return found


def _errors(truth: NDArray, answers: NDArray) -> Scores:
    error = answers - truth
    spread = np.square(truth - truth.mean()).sum()
    r2 = 1 - np.square(error).sum() / spread if spread > 0 else np.nan
    return {
        "R²": float(r2),
        "MAE": float(np.abs(error).mean()),
        "RMSE": float(np.sqrt(np.square(error).mean())),
    }


def classified(data: ReportData) -> dict[str, Scores]:
    """Return the scores of the model and of baselines."""
    codes, n, probabilities = class_codes(data), len(data.classes), data.probabilities
    assert probabilities is not None  # of a classifier
    known = codes >= 0
    counts = np.bincount(codes[known], minlength=n)
    share = counts / counts.sum()
    most = np.eye(n)[share.argmax()]
    everywhere = np.broadcast_to
    shape = (int(known.sum()), n)
    found = {
        "the model": _hits(codes[known], probabilities[known]),
        "always the most frequent class": _hits(
            codes[known], everywhere(most, shape), share=False
        ),
        "the shares of the classes": _hits(codes[known], everywhere(share, shape)),
    }
    before, has_before = _before(data)
    if has_before.any():
        last = np.eye(n)[codes[before[has_before]]]
        found["y of the row before"] = _hits(codes[has_before], last, share=False)
    return found


def class_codes(data: ReportData) -> NDArray[np.int64]:
    """Return the true class of each answer as a number, -1 where it is not known."""
    place = {label: k for k, label in enumerate(data.classes)}
    truth = data.truth.tolist()
    return np.array(
        [place[x] if good else -1 for x, good in zip(truth, data.known, strict=True)]
    )


def _hits(codes: NDArray, answers: NDArray, share: bool = True) -> Scores:
    predicted = answers.argmax(axis=1)
    right = predicted == codes
    recalls = [right[codes == k].mean() for k in np.unique(codes)]
    own = answers[np.arange(len(codes)), codes]
    found = {
        "accuracy": float(right.mean()),
        "balanced accuracy": float(np.mean(recalls)),
    }
    if share:  # without probabilities there is no log loss
        found["log loss"] = float(-np.log(np.maximum(own, LEAST)).mean())
    return found


def _before(data: ReportData) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the answer before each in its recording, and whether its y is known."""
    n, recording = len(data.recording), data.recording
    # With one answer for each sequence there is nothing before it.
    if data.sequences.layout != "rows" and not data.per_step:
        return np.zeros(n, dtype=int), np.zeros(n, dtype=bool)
    before = np.full(n, -1)
    order = np.argsort(recording, kind="stable")
    if data.sequences.layout == "rows":
        order = _rows_in_time(data)
    same = recording[order][1:] == recording[order][:-1]
    before[order[1:][same]] = order[:-1][same]
    there = (before >= 0) & data.known
    there[there] = data.known[before[there]]
    return before, there


def _rows_in_time(data: ReportData) -> NDArray[np.int64]:
    sequences = data.sequences
    if sequences.whole:
        return np.argsort(sequences.position_of_row)
    ends = np.empty(len(sequences), dtype=np.int64)
    ends[sequences.row_of_sample] = sequences.start + sequences.length - 1
    return np.argsort(ends)
