"""Test vectors: rows like those of training, and what the model answers to them."""

from __future__ import annotations

import numpy as np

from LNN.data import ArrayRows, SequenceSet
from LNN.data.row_store import with_anchors
from LNN.estimators.fitted import FittedModel

VECTORS = 16
# The fewest rows of a vector; more where windows and patches need them.
STEPS = 12
MOST_STEPS = 64
# The share of values that are missing, where they may be.
MISSING = 0.15


def test_vectors(model: FittedModel) -> dict[str, np.ndarray]:
    """Make recordings from the model's scaler and clock, and run the model on them.

    Training data are not kept, so these are draws that look like them.

    Parameters
    ----------
    model : FittedModel

    Returns
    -------
    dict of str to ndarray
        `inputs` (16, T, F) in the units of X, NaN where missing; `gaps` (16, T) in
        those of the time stamps, NaN at the start of each recording; `outputs` (16, S,
        n_outputs) of the network and `predictions` (16, S, ...), class codes for
        classes, where S is T or, with one answer a sequence, 1. With constraints also
        `feasible` (16, S).
    """
    random = np.random.default_rng(0)
    steps = _steps(model)
    inputs = _inputs(model, random, steps)
    gaps = _gaps(model, random, steps)
    sequences = sequences_of(model, inputs, gaps)
    outputs = model.outputs(sequences)
    kept = None if model.classifies else model.kept(outputs, sequences)
    predictions = model.objective.prediction(outputs) if kept is None else kept.values
    limited = {}
    if kept is not None and model.limits is not None:
        limited["feasible"] = kept.feasible.reshape(VECTORS, -1)
    return {
        **limited,
        "inputs": inputs,
        "gaps": gaps,
        "outputs": outputs.reshape(VECTORS, -1, *outputs.shape[1:]),
        "predictions": predictions.reshape(VECTORS, -1, *predictions.shape[1:]),
    }


# pytest would take it for a test where it is imported by name.
test_vectors.__test__ = False  # type: ignore[attr-defined]


def _steps(model: FittedModel) -> int:
    # Rows that leave a window, and patches that are full and not.
    longest = (model.layout.window_length or 1) + 3
    patched = 2 * model.network.patch + 3 if model.network.patch > 1 else 0
    return min(MOST_STEPS, max(STEPS, longest, patched))


def _inputs(model: FittedModel, random: np.random.Generator, steps: int) -> np.ndarray:
    scaler, n = model.scaler, model.layout.n_channels
    drawn = random.normal(size=(VECTORS, steps, n))
    # Of a range the middle half and a little; of others a standard deviation.
    scaled = 0.5 + 0.3 * drawn if scaler.method == "minmax" else drawn
    inputs: np.ndarray = scaled * scaler.scale_ + scaler.center_
    if model.parameters["missing"] != "error":
        gone = random.random(inputs.shape) < MISSING
        anchors = model.layout.columns.anchors
        if anchors is not None:  # these are always there
            gone[..., anchors] = False
        inputs[gone] = np.nan
    return inputs


def _gaps(model: FittedModel, random: np.random.Generator, steps: int) -> np.ndarray:
    clock, shape = model.clock, (VECTORS, steps)
    gaps = np.full(shape, clock.unit)
    known = clock.gap_range
    if not clock.regular and known is not None:
        low, high = np.log([known.shortest, known.longest])
        gaps = np.exp(random.uniform(low, high, shape))
        gaps[random.random(shape) < 0.2] = clock.unit
    elif clock.max_step is not None and clock.kind is not None:
        # Rows that are not there: whole units, which are walked.
        gaps = clock.unit * random.choice([1.0, 1.0, 1.0, 2.0, 3.0], shape)
    gaps[:, 0] = np.nan
    return gaps


def sequences_of(
    model: FittedModel, inputs: np.ndarray, gaps: np.ndarray
) -> SequenceSet:
    """Lay recordings out as `read_sequences` does, past columns, labels and dates.

    Parameters
    ----------
    model : FittedModel
    inputs : ndarray of shape (n, T, F)
        Recordings, as runtimes read them: input columns alone, in the units of X.
    gaps : ndarray of shape (n, T)
        Time since the row before, NaN at the first.
    """
    (n, steps), layout = inputs.shape[:2], model.layout
    n_rows = n * steps
    first = np.arange(0, n_rows, steps)
    is_first = np.zeros(n_rows, dtype=bool)
    is_first[first] = True
    base = ArrayRows(inputs.reshape(n_rows, -1))
    rows, anchors = with_anchors(base, layout.columns.anchors, is_first)
    start, length, place = first, np.full(n, steps), None
    if layout.whole:
        place = np.arange(n_rows)
    elif layout.in_rows:
        last = np.arange(n_rows)
        start = np.maximum(np.repeat(first, steps), last + 1 - layout.window_length)
        length = last + 1 - start
    whole = layout.whole or model.targets.per_step
    timed = model.clock.kind is not None and not layout.timeless
    return SequenceSet(
        rows=rows,
        recording=np.repeat(np.arange(n), steps),
        elapsed=gaps.reshape(-1) if timed else None,
        start=start,
        length=length,
        first_target=np.zeros_like(length) if whole else length - 1,
        row_of_sample=np.arange(len(start)),
        layout=layout.kind,
        columns=layout.columns,
        anchor_rows=anchors,
        time_kind=model.clock.kind,
        row_of_position=place,
    )
