"""What a call is given, read once: series with the inputs that belong to them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from LNN.data.containers import plain
from LNN.exceptions import InvalidInputError
from LNN.forecasting.history import SeriesHistory
from LNN.forecasting.inputs import matched, read_inputs
from LNN.forecasting.series import SeriesForm, Track, read_tracks

__all__ = [
    "SWAPPED",
    "GivenSeries",
    "are_swapped",
    "read_given",
    "refuse_nothing_seen",
]

SWAPPED = (
    "Expected the series first, as in fit(y, X), got a table first and a series after "
    "it. Turn them round. Tools of scikit-learn that pass X first "
    "(permutation_importance, RFE, ensembles) cannot use a forecaster: backtest(y, X) "
    "judges it, and cross_val_score(forecaster, y, cv=TimeSeriesSplit())."
)


class GivenSeries(NamedTuple):
    """Series with their inputs.

    Attributes
    ----------
    histories : list of SeriesHistory
    form : SeriesForm
        The container of y.
    columns : list of hashable
        Of X, those known in future last.
    n_known : int
    """

    histories: list[SeriesHistory]
    form: SeriesForm
    columns: list[Hashable]
    n_known: int


def read_given(
    y: Any, X: Any, values: Mapping[str, Any], *, unseen: bool = False
) -> GivenSeries:
    """Read y and X.

    Parameters
    ----------
    y, X : as in `LiquidForecaster.fit`
    values : mapping of str
        The parameters of the forecaster.
    unseen : bool
        Whether a target may be missing in all rows.
    """
    special = values["time_column"], values["group_column"]
    _refuse_swapped(y, X, values["known_future"])
    y, target = plain(y), values["target"]
    targets = None
    if target is not None:
        targets = list(target) if isinstance(target, list | tuple) else [target]
        y, X = _taken_apart(y, X, targets, special)
    tracks, form = read_tracks(
        y, time_column=special[0], group_column=special[1], columns=targets
    )
    # One name is one target, a list of one is a frame with one column.
    if targets is not None and not isinstance(target, list | tuple):
        container = "series" if form.container == "frame" else form.container
        form = replace(form, single=True, container=container)
    if not unseen:
        refuse_nothing_seen(tracks)
    if X is None:
        empty = [np.empty((len(t.times), 0)) for t in tracks]
        return GivenSeries(
            [SeriesHistory(*t, table) for t, table in zip(tracks, empty, strict=True)],
            form,
            [],
            0,
        )
    given, columns, n_known, own = read_inputs(X, values["known_future"], *special)
    names, times = [t.name for t in tracks], [t.times for t in tracks]
    if form.container in ("array", "list") and own.container not in ("array", "list"):
        own = SeriesForm("array")  # y has no labels to match by
    tables = matched(given, own, names, times)
    histories = [
        SeriesHistory(*t, table) for t, table in zip(tracks, tables, strict=True)
    ]
    return GivenSeries(histories, form, columns, n_known)


def are_swapped(y: Any, X: Any) -> bool:
    """Tell whether a table came first and one series after it."""
    return getattr(X, "ndim", None) == 1 and getattr(y, "ndim", None) == 2


def _refuse_swapped(y: Any, X: Any, known_future: Any) -> None:
    """Refuse (X, y), the order of scikit-learn, where it shows."""
    if not are_swapped(y, X) or isinstance(known_future, str):
        return
    known, first = list(known_future or []), list(getattr(y, "columns", []))
    in_first = bool(known) and all(c in first for c in known)
    if known_future is None or (in_first and getattr(X, "name", None) not in known):
        raise InvalidInputError(SWAPPED)


def _taken_apart(
    y: Any, X: Any, targets: list, special: tuple[Any, Any]
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Return the targets of a frame that holds everything, and its other columns."""
    if not isinstance(y, pd.DataFrame):
        raise InvalidInputError(
            f"target={targets} names columns of y, got y as {type(y).__name__}. Pass "
            "a DataFrame, or leave target out."
        )
    missing = [c for c in targets if c not in y.columns]
    if missing:
        raise InvalidInputError(
            f"Expected the columns target={targets} in y, which lacks {missing}: it "
            f"has {list(y.columns)[:20]}. Check the spelling."
        )
    named = [c for c in special if c is not None]
    others = [c for c in y.columns if c not in targets and c not in named]
    if X is None and others:
        X = y[[*named, *others]]
    return y[[*named, *targets]], X


def refuse_nothing_seen(tracks: Sequence[Track | SeriesHistory]) -> None:
    """Refuse series in which a target has no value."""
    for track in tracks:
        seen = np.isfinite(track.values).any(axis=0)
        if not seen.all():
            where = "" if track.name is None else f" in recording {track.name!r}"
            raise InvalidInputError(
                f"Expected at least one value of every target{where}, got none in "
                f"column {int(np.argmin(seen))}. Leave that series out."
            )
