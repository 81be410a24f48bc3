"""The steps of a Pipeline before its last one, for rows that come one at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from LNN.data.containers import plain
from LNN.estimators.fitted import steps_before
from LNN.exceptions import InvalidInputError

__all__ = ["StepsBefore"]

# Rows that are kept to see whether a step reads the neighbours of a row.
ENOUGH = 64
# Sums of float32 differ so much with the number of rows; neighbours change far more.
TOLERANCE = 1e-4


class StepsBefore:
    """Transforms rows of a stream as a Pipeline transforms tables of them.

    Parameters
    ----------
    pipeline : fitted Pipeline
    n : int or None
        Number of streams, as in `LiquidStream`.

    Raises
    ------
    InvalidInputError
        If a step does not transform, such as one that resamples.
    """

    def __init__(self, pipeline: Any, n: int | None):
        self.steps, self.n, self.count = (
            steps_before(pipeline),
            n,
            1 if n is None else n,
        )
        for name, step in self.steps:
            if not hasattr(step, "transform"):
                raise InvalidInputError(
                    f"Step {name!r} ({type(step).__name__}) has no transform(): it "
                    "cannot stand before a stream, which has one row at a time. Do "
                    "its work before the Pipeline is fitted."
                )
        first = self.steps[0][1] if self.steps else pipeline.steps[-1][1]
        names = getattr(first, "feature_names_in_", None)
        self.names = None if names is None else list(names)
        # The rows of the step before, until two unlike ones have been compared: steps
        # that read neighbours transform them differently together and alone.
        self._earlier: Any = None
        self._must_compare = bool(self.steps)

    def row(self, x: Any) -> Any:
        """Return a row of each stream as the last step reads it."""
        table = self._table(x)
        found = self._transformed(table)
        if self._must_compare:
            self._compare(table)
        return found

    def context(self, rows: Any) -> Any:
        """Return rows that came before, (n_rows, n_features) or with n streams 3-D."""
        rows = plain(rows)
        if isinstance(rows, pd.DataFrame):
            table, shape = rows, None
        else:
            rows = np.asarray(rows)
            if rows.ndim != (2 if self.n is None else 3) or not rows.size:
                return rows  # the stream says what it expects
            shape, table = (
                rows.shape[:-1],
                self._named(rows.reshape(-1, rows.shape[-1])),
            )
        if not len(table):
            return rows
        found = self._transformed(table)
        self._earlier = table[-ENOUGH:]
        if shape is None or self.n is None:
            return found
        return np.asarray(plain(found)).reshape(*shape, -1)

    def keys(self, x: Any) -> Any:
        """Leave out keys of a dict that no column has; one may be a misspelt column."""
        names = self.names
        if not isinstance(x, dict) or names is None or any(k not in x for k in names):
            return x
        return {name: x[name] for name in names}

    # ------------------------------------------------------------------ in detail

    def _transformed(self, table: Any) -> Any:
        for name, step in self.steps:
            table = _through(name, step, table)
        return table

    def _compare(self, now: Any) -> None:
        """Refuse steps for which a row depends on the rows beside it."""
        before = self._earlier
        self._earlier = now
        # The same row again says little.
        if before is None or _same(before[-len(now) :], now):
            return
        for name, step in self.steps:
            n = len(now)
            together = _through(name, step, _joined(before, now))
            alone = _through(name, step, now)
            if not _same(together[-n:], alone):
                raise InvalidInputError(
                    f"Step {name!r} ({type(step).__name__}) transforms a row "
                    "differently when it stands beside other rows, which a stream "
                    "cannot give it. Do its work before the Pipeline, and step the "
                    "stream with its results."
                )
            before, now = together[:-n], alone
        self._must_compare, self._earlier = False, None

    def _table(self, x: Any) -> Any:
        """Return a row of each stream as a table like the X of the fit."""
        if isinstance(x, dict):
            return self._of_dict(x)
        x = plain(x)
        if isinstance(x, pd.Series):
            x = x.to_frame().T.infer_objects()
        if isinstance(x, pd.DataFrame):
            named = self.names is not None and set(self.names) == set(x.columns)
            return x[self.names] if named else x
        given = np.asarray(x.detach() if hasattr(x, "detach") else x)
        if given.ndim == 1 and self.n is None:
            given = given[None]
        if given.ndim != 2 or len(given) != self.count:
            shape = "(n_features,)" if self.n is None else f"({self.n}, n_features)"
            raise InvalidInputError(
                f"Expected a row of X for each stream, shape {shape}, got shape "
                f"{given.shape}. Lay it out as in fit."
            )
        return self._named(given)

    def _named(self, values: np.ndarray) -> Any:
        """Give an array the columns of the fit."""
        if self.names is None or values.shape[1] != len(self.names):
            return values
        return pd.DataFrame(values, columns=self.names).infer_objects()

    def _of_dict(self, x: dict) -> Any:
        names = self.names
        if names is None:
            names = sorted(x) if set(x) == set(range(len(x))) else None
        if names is None or not set(x) <= set(names):
            raise InvalidInputError(
                f"Expected a row with the columns {self.names}, got {list(x)}. Name "
                "them as in fit; if the fit saw no names, pass the row as an array."
            )
        # What was not measured is missing: a step or the model says if it must not be.
        values = {name: [x.get(name, np.nan)] for name in names}
        table = pd.DataFrame(values)
        return table if self.names is not None else table.to_numpy()


def _through(name: str, step: Any, table: Any) -> Any:
    """Return what a step makes of a table, with as many rows."""
    try:
        found = step.transform(table)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(
            f"Step {name!r} ({type(step).__name__}) cannot transform this row: {error}"
        ) from error
    rows = np.shape(found)[0]
    if rows != len(table):
        raise InvalidInputError(
            f"Expected as many rows from step {name!r} ({type(step).__name__}) as it "
            f"gets, {len(table)}, got {rows}. A stream has one row at a time: steps "
            "that add or drop rows belong before the Pipeline."
        )
    return found


def _joined(before: Any, now: Any) -> Any:
    if isinstance(before, pd.DataFrame) and isinstance(now, pd.DataFrame):
        return pd.concat([before, now])
    return np.concatenate([np.asarray(before), np.asarray(now)])


def _same(one: Any, other: Any) -> bool:
    """Tell whether two tables hold the same, up to rounding."""
    a, b = (np.asarray(plain(table)) for table in (one, other))
    if a.shape != b.shape:
        return False
    try:
        a, b = a.astype(np.float64), b.astype(np.float64)
    except (TypeError, ValueError):  # there are dates or texts
        return pd.DataFrame(a).equals(pd.DataFrame(b))
    size = float(np.nanmax(np.abs(b), initial=0.0, where=np.isfinite(b)))
    return bool(np.allclose(a, b, rtol=0, atol=TOLERANCE * size, equal_nan=True))
