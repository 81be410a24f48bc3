"""Streams with `context="fit"`: they begin where the training data ended."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from LNN.data.continuation import Continuation
from LNN.streaming.arrivals import Arrivals
from LNN.streaming.engines import StreamEngine


def start_at_end_of_fit(
    known: Continuation, arrivals: Arrivals, engine: StreamEngine
) -> None:
    """Bring a new stream to the end of the only recording of a fit.

    Parameters
    ----------
    known : Continuation
    arrivals, engine
        Of the stream, which has taken no row yet.
    """
    rows, states, clock = known.rows, known.states, arrivals.clock
    # Read first: a clock that has started knows the time that it started at.
    last = None if known.stamps is None else clock.read(None, _stamp(known)).stamps
    if states is None:
        for row, gap in zip(rows, _gaps(known), strict=True):
            # Only the first row of a recording has none before it.
            clock.started[:] = gap is None or not np.isnan(gap)
            gap = gap if clock.started[0] else None
            arrival = arrivals.of_inputs(row[None].astype(np.float64), gap, None, None)
            engine.advance(arrival.values, arrival.units, clock.started)
            arrivals.accept(arrival)
    else:
        layers = {f"state_{k}": layer for k, layer in enumerate(states.layers)}
        engine.set_state({"held": states.held, "age": states.age, **layers})
        if arrivals.columns.anchors is not None:
            arrivals.present = rows[:, arrivals.columns.anchors].astype(np.float64)
    clock.started[:] = True
    clock.stamps = last
    labels = known.labels
    if labels is not None and len(labels[0]) == 1:
        arrivals.group = [labels[0][0]]


def _stamp(known: Continuation) -> Any:
    """Return the time stamp of the last row as rows of a stream have it."""
    assert known.stamps is not None
    stamp = known.stamps[-1]
    return pd.Timestamp(stamp, tz="UTC") if known.zoned else stamp


def _gaps(known: Continuation) -> list[float | None]:
    """Return the time before each row; NaN before the first row of a recording."""
    return [None] * len(known.rows) if known.elapsed is None else known.elapsed.tolist()
