"""From what arrives at a step to what the network reads: as `predict` reads a row."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from LNN.exceptions import InvalidInputError
from LNN.reading import built
from LNN.streaming.clock import Clock, Gaps


class Arrival(NamedTuple):
    """One row of each stream, read and checked.

    Attributes
    ----------
    values : ndarray of float64, shape (n, F)
        Scaled; NaN where missing.
    gaps : Gaps
    present : ndarray of shape (n, K), or None
        The anchors' values.
    group : Any
        The recording's label, if X has a column for it.
    """

    values: np.ndarray
    gaps: Gaps
    present: np.ndarray | None
    group: Any

    @property
    def units(self) -> float | np.ndarray:
        """Time since the row before, in units."""
        return self.gaps.units


class Arrivals:
    """Reads rows of streams, one of each at a time.

    Parameters
    ----------
    estimator : fitted estimator
    n : int or None
        Number of streams; None is a single one whose rows have no axis for it.
    """

    def __init__(self, estimator, n: int | None):
        self.n, self.count = n, 1 if n is None else n
        self.columns = estimator._columns
        self.scaler = estimator.scaler_
        self.clock = Clock(estimator, self.count)
        self.allow_missing = built(estimator, "missing") != "error"
        self.present: np.ndarray | None = None
        self.group: Any = None

    def read(self, x: Any, dt: Any, timestamp: Any) -> Arrival:
        """Read one row of each stream; nothing changes before `accept`."""
        values, time, group = self._parts(x)
        if time is not None:
            if timestamp is not None or dt is not None:
                raise InvalidInputError(
                    "Expected the time in the row's time column only, got dt or "
                    "timestamp too. Drop it."
                )
            timestamp = None if self.clock.timeless else time
        self._check_group(group)
        # A sum is finite if all are, and much cheaper to look at.
        if not math.isfinite(values.sum()):
            self._check_finite(values)
        gaps = self.clock.read(dt, timestamp)
        present = None
        if self.columns.anchors is not None:
            values = values.copy()
            present = values[:, self.columns.anchors]
            before = present if self.present is None else self.present
            change = np.where(self.clock.started[:, None], present - before, 0.0)
            values[:, self.columns.anchors] = change
        scaled = self.scaler.transform_rows(values)
        return Arrival(scaled, gaps, present, group)

    def accept(self, arrival: Arrival) -> None:
        """Remember what the next row is read from."""
        self.clock.accept(arrival.gaps)
        self.present, self.group = arrival.present, arrival.group

    def reset(self, which: np.ndarray | slice) -> None:
        """Let streams begin anew."""
        self.clock.reset(which)
        if not self.clock.started.any():
            self.group = None

    def _parts(self, x: Any) -> tuple[np.ndarray, Any, Any]:
        """Return inputs (n, F), time stamps and group labels."""
        columns = self.columns
        if isinstance(x, dict | pd.Series | pd.DataFrame):
            return self._named_parts(x)
        values = np.asarray(x, dtype=np.float64)
        shape = (columns.n_features_in,)
        if self.n is not None:
            shape = (self.n, *shape)
        if values.shape != shape and values.shape != (self.count, shape[-1]):
            what = "a row of X" if self.n is None else "one row of X per stream"
            raise InvalidInputError(
                f"Expected {what}, shape {shape}, got shape {values.shape}. Lay it out "
                "as in fit, columns of time and group included."
            )
        values = values.reshape(self.count, -1)
        if columns.all_inputs:
            return values, None, None
        time = None if columns.time is None else values[:, columns.time]
        group = None if columns.group is None else values[:, columns.group].tolist()
        return values[:, columns.inputs], time, group

    def _named_parts(self, x: Any) -> tuple[np.ndarray, Any, Any]:
        """Do the same for a dict, a Series or, for many streams, a frame."""
        columns = self.columns
        names = columns.names
        if isinstance(x, dict):
            frame = pd.DataFrame([x])
        else:
            frame = x if isinstance(x, pd.DataFrame) else x.to_frame().T
        wanted = list(range(columns.n_features_in)) if names is None else list(names)
        unknown = [name for name in frame.columns if name not in set(wanted)]
        lacking = [name for name in wanted if name not in frame.columns]
        # A dict may leave out what was not measured.
        if unknown or (lacking and not (self.allow_missing and isinstance(x, dict))):
            raise InvalidInputError(
                f"Expected a row with the columns {wanted}, got "
                f"{list(frame.columns)}: unknown {unknown}, lacking {lacking}. Name "
                "them as in fit."
            )
        if len(frame) != self.count:
            raise InvalidInputError(
                f"Expected {self.count} row(s), one per stream, got {len(frame)}."
            )
        frame = frame.reindex(columns=wanted)
        inputs = frame.iloc[:, columns.inputs].to_numpy(dtype=np.float64)
        time = group = None
        if columns.time is not None:
            time = frame.iloc[:, columns.time].infer_objects().to_numpy()
        if columns.group is not None:
            group = frame.iloc[:, columns.group].tolist()
        return inputs, time, group

    def _check_group(self, group: Any) -> None:
        if group is None or self.group is None or group == self.group:
            return
        raise InvalidInputError(
            f"The recording of this stream was {self.group} and is {group} now. A "
            "stream is one recording: reset it first, or open one stream for each."
        )

    def _check_finite(self, values: np.ndarray) -> None:
        bad = np.isinf(values)
        if not self.allow_missing:
            bad |= np.isnan(values)
        elif self.columns.anchors is not None:
            bad[:, self.columns.anchors] |= np.isnan(values[:, self.columns.anchors])
        if not bad.any():
            return
        stream, column = np.argwhere(bad)[0]
        where = self.columns.describe(column)
        if self.n is not None:
            where += f" of stream {stream}"
        raise InvalidInputError(
            f"Expected finite numbers, got {values[stream, column]} in {where}. Fill "
            'it in or leave the row out; models fitted with missing="hold" or "mask" '
            "take NaN where a value is missing (but for anchors)."
        )
