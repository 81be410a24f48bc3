"""What a tree may ask about: the inputs now and before, their averages, the neurons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from LNN.data import SequenceSet
from LNN.estimators.fitted import FittedModel
from LNN.inspection.activity import activity_over
from LNN.inspection.names import neuron_names
from LNN.inspection.passes import input_names

KINDS = ("inputs", "window", "ema", "state")
# Largest first, so that a time is told in the unit that suits it.
_DURATIONS = {"d": 86400.0, "h": 3600.0, "min": 60.0, "s": 1.0, "ms": 1e-3}


class Features(NamedTuple):
    """Numbers of each line, and what they are called."""

    values: NDArray[np.float64]
    names: list[str]


class Lines(NamedTuple):
    """Where the answers stand that a tree has to give.

    Attributes
    ----------
    position : ndarray of int, shape (R,)
        The row of each, by its position in the sequences.
    sample : ndarray of int, shape (R,)
        The window or sequence that ends there.
    """

    position: NDArray[np.int64]
    sample: NDArray[np.int64]


def features_of(
    fitted: FittedModel,
    sequences: SequenceSet,
    lines: Lines,
    *,
    kind: str,
    steps: int,
    spans: Sequence[float],
) -> Features:
    """Return the features of lines.

    Parameters
    ----------
    fitted : FittedModel
    sequences : SequenceSet
    lines : Lines
    kind : {"inputs", "window", "ema", "state"}
    steps : int
        Of "window": rows that are seen, the last one among them.
    spans : sequence of float
        Of "ema": times in typical gaps between rows.
    """
    rows = sequences.rows.take(np.arange(sequences.rows.n_rows)).astype(float)
    names = _columns(sequences)
    now = rows[lines.position]
    parts, called = [now], list(names)
    if kind == "window":
        first = np.searchsorted(sequences.recording, sequences.recording)
        for lag in range(1, steps):
            before = np.maximum(lines.position - lag, first[lines.position])
            parts.append(rows[before])
            called += [f"{name}, {_ago(fitted, sequences, lag)}" for name in names]
    elif kind == "ema":
        lasting = np.asarray(spans, dtype=float) * fitted.clock.unit
        averages = moving_averages(rows, sequences, fitted.clock.unit, lasting)
        for place, span in enumerate(lasting):
            parts.append(averages[lines.position, place])
            about = _duration(fitted, sequences, span)
            called += [f"{name}, average of about the last {about}" for name in names]
    elif kind == "state":
        parts.append(states_before(fitted, sequences, lines))
        called += [f"{name} before" for name in neuron_names(fitted.network)]
    if sequences.elapsed is not None and not fitted.clock.regular:
        gap = sequences.elapsed[lines.position, None]
        parts.append(np.where(np.isnan(gap), fitted.clock.unit, gap))
        word = "time" if fitted.clock.kind == "numbers" else "seconds"
        called.append(f"{word} since the row before")
    return Features(np.hstack(parts), called)


def moving_averages(
    rows: NDArray[np.float64],
    sequences: SequenceSet,
    unit: float,
    spans: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return exponential moving averages of all rows, (n_rows, n_spans, F).

    ``a += (1 - exp(-elapsed / span)) * (x - a)``, from the first row of a recording,
    where it is x. A missing x leaves the average as it is. It is what a leaky neuron
    does, and what was read a span ago counts 1/e of what is read now.
    """
    elapsed = np.full(len(rows), unit)
    if sequences.elapsed is not None:
        elapsed = np.where(np.isnan(sequences.elapsed), unit, sequences.elapsed)
    share = -np.expm1(-elapsed[:, None] / spans)
    found = np.repeat(rows[:, None, :], len(spans), axis=1)
    begins = np.flatnonzero(np.diff(sequences.recording, prepend=-1))
    lengths = np.diff(np.append(begins, len(rows)))
    # Step by step, all recordings side by side.
    for step in range(1, int(lengths.max(initial=0))):
        at = begins[lengths > step] + step
        before, new = found[at - 1], found[at]
        mixed = before + share[at, :, None] * (new - before)
        only_one = np.where(np.isnan(new), before, new)
        found[at] = np.where(np.isnan(mixed), only_one, mixed)
    return found


def states_before(
    fitted: FittedModel, sequences: SequenceSet, lines: Lines
) -> NDArray[np.float64]:
    """Return the neurons' states one step before each line, 0 before the first.

    With patches the step before is the patch before.
    """
    n = sum(layer.n_neurons for layer in fitted.network.layers)
    found = np.zeros((len(lines.position), n))
    if sequences.layout == "rows" and not sequences.whole:
        # In the same window: it is read again without its last row.
        longer = np.flatnonzero(sequences.length > 1)
        less = sequences.subset(longer)
        before = activity_over(fitted, replace(less, length=less.length - 1))
        states = np.zeros((len(sequences), n))
        states[before.row] = before.states
        return states[sequences.row_of_sample[lines.sample]]
    activity = activity_over(fitted, sequences)
    order = np.argsort(activity.position)
    position, states = activity.position[order], activity.states[order]
    place = np.searchsorted(position, lines.position) - 1
    held = place >= 0
    recording = sequences.recording
    held[held] = recording[position[place[held]]] == recording[lines.position[held]]
    found[held] = states[place[held]]
    return found


def _columns(sequences: SequenceSet) -> list[str]:
    anchors = sequences.columns.anchors
    changed = set() if anchors is None else set(anchors.tolist())
    names = enumerate(input_names(sequences))
    words = [(k, n if isinstance(n, str) else f"column {n}") for k, n in names]
    return [f"change of {word}" if k in changed else word for k, word in words]


def _ago(fitted: FittedModel, sequences: SequenceSet, lag: int) -> str:
    if fitted.clock.kind == "datetimes or durations" and fitted.clock.regular:
        return f"{_duration(fitted, sequences, lag * fitted.clock.unit)} before"
    word = "row" if sequences.layout == "rows" else "step"
    return f"{lag} {word}{'s' if lag > 1 else ''} before"


def _duration(fitted: FittedModel, sequences: SequenceSet, span: float) -> str:
    """Return a time in words: seconds, units of the time stamps, or rows."""
    if fitted.clock.kind is None:
        word = "rows" if sequences.layout == "rows" else "steps"
        return f"{span:.3g} {word}"
    if fitted.clock.kind == "numbers":
        return f"{span:.3g} units of time"
    unit = next((u for u, size in _DURATIONS.items() if span >= size), "ms")
    return f"{span / _DURATIONS[unit]:.3g} {unit}"
