"""`FittedForecaster`: what a fit makes, and all that forecasts need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from LNN._warnings import warn
from LNN.data.containers import plain
from LNN.data.timestamps import as_times
from LNN.estimators.plain_parts import Parts, PlainState
from LNN.exceptions import InvalidInputError
from LNN.forecasting.calendar import Calendar
from LNN.forecasting.direct import DirectModel
from LNN.forecasting.grid import Grid
from LNN.forecasting.history import SeriesHistory
from LNN.forecasting.inputs import Inputs, matched, read_inputs
from LNN.forecasting.irregular import Irregular, in_units
from LNN.forecasting.learning import Judged
from LNN.forecasting.linear_path import LinearPath
from LNN.forecasting.network_path import NetworkPath
from LNN.forecasting.normalising import Normaliser
from LNN.forecasting.plan import ForecastPlan
from LNN.forecasting.reading import SWAPPED, GivenSeries, are_swapped, read_given
from LNN.forecasting.regular import Regular, between_steps
from LNN.forecasting.series import SeriesForm, Track
from LNN.forecasting.stray import refuse_stray
from LNN.forecasting.summary import table_of_errors
from LNN.forecasting.times import refuse_other_times

__all__ = ["FittedForecaster"]


@dataclass(frozen=True, eq=False)
class FittedForecaster(PlainState):
    """A trained model, and the rows that its forecasts begin after.

    Attributes
    ----------
    parameters : mapping of str
        Those of the forecaster when it was fitted.
    form : SeriesForm
        The container of y.
    plan : ForecastPlan
        What "auto" stood for.
    engine : Regular or Irregular
    judged : Judged
        How forecasts of the validation part turned out, by a model that had not seen
        it: mean errors, and the residuals that intervals are made from.
    context : tuple of SeriesHistory
        The last rows of each series.
    n_short : int
        How many series of the fit were too short for a window to train on.
    """

    parameters: Mapping[str, Any]
    form: SeriesForm
    plan: ForecastPlan
    engine: Regular | Irregular
    judged: Judged
    context: tuple[SeriesHistory, ...]
    n_short: int = 0
    _parts: ClassVar[Parts] = Parts(
        [
            *(Calendar, DirectModel, ForecastPlan, Grid, Inputs, Irregular, Judged),
            *(LinearPath, NetworkPath, Normaliser, Regular, SeriesForm, SeriesHistory),
        ]
    )

    def with_context(self, y: Any, X: Any = None) -> FittedForecaster:
        """Return the same model after other rows; None keeps those it has."""
        if y is None:
            self._refuse_idle(X)
            return self
        given = self.read(y, X)
        prepared = [self.engine.prepared(history) for history in given[0]]
        return replace(self, context=tuple(prepared), form=given[1])

    def _refuse_idle(self, X: Any) -> None:
        """Refuse X of times to come, if no forecast depends on it."""
        inputs = self.engine.inputs
        if X is None or inputs.n_known:
            return
        if not inputs.columns:
            raise InvalidInputError(
                "The model was fitted without X, so no forecast depends on it, but X "
                "was given. Leave it out; or fit with X= and known_future=."
            )
        raise InvalidInputError(
            f"The model reads the columns {list(inputs.columns)} of rows that were, "
            "and none of times to come (known_future=[]), but X was given without y. "
            "Leave it out; or pass y= as well, the rows to forecast from."
        )

    def read(
        self, y: Any, X: Any, *, unseen: bool = False
    ) -> tuple[list[SeriesHistory], SeriesForm]:
        """Read rows like those of the fit, with the inputs that belong to them.

        With `unseen`, a target may be missing in all of them.
        """
        inputs = self.engine.inputs
        if inputs.columns and X is None and self.parameters["target"] is None:
            raise InvalidInputError(
                f"The model was fitted with the columns {list(inputs.columns)} of X, "
                "so rows of y need theirs. Pass X with the times of y, and those to "
                "forecast, in its index."
            )
        self._refuse_one_number(y)
        known = X if inputs.columns else None
        given = read_given(y, known, self.parameters, unseen=unseen)
        self._check_times(given)
        if given.columns != list(inputs.columns):
            self._refuse_other_columns(given.columns)
        k = given.histories[0].values.shape[1]
        expected = self.context[0].values.shape[1]
        if k != expected:
            if are_swapped(y, X):
                raise InvalidInputError(SWAPPED)
            raise InvalidInputError(
                f"Expected y with {expected} target(s), as in fit, got {k}. Pass the "
                "same columns of y, or fit again."
            )
        return given.histories, given.form

    def _refuse_other_columns(self, here: list[Any]) -> None:
        """Refuse X that lacks a column of the fit, or has another one."""
        known = list(self.engine.inputs.columns)
        lacking = [c for c in known if c not in here]
        others = [c for c in here if c not in known]
        parts = [f"lacks {lacking[:20]}"] if lacking else []
        parts += [f"has {others[:20]} beside them"] if others else []
        # In another order the columns are the same.
        told = " and ".join(parts) or f"has them as {here}"
        raise InvalidInputError(
            f"Expected the columns of X as in fit, {known}, got X that {told}. Pass "
            f"X[{known}]."
        )

    def _check_times(self, given: GivenSeries) -> None:
        """Refuse times unlike those of the fit; warn of another rate."""
        written = given.form.container not in ("array", "list")
        here, gap = self.context[0].times, self.engine.gap
        others = []
        for name, times, *_ in given.histories:
            refuse_other_times(here, times, "y", written=written)
            refuse_stray(times, in_units(times, gap), name)
            other = self.engine.describe_other_rate(times) if written else None
            others += [other] if other else []
        if others:
            warn(
                f"LiquidForecaster was fitted on other gaps between rows: those of y "
                f"{others[0]}. Pass rows at the rate of the fit, or fit on rows at "
                "this one."
            )

    def _refuse_one_number(self, y: Any) -> None:
        if not pd.api.types.is_scalar(y):
            return
        how = f"the values of a row in a list, [{y!r}]"
        if self.form.container not in ("array", "list"):
            how = f"a Series with its time, pandas.Series([{y!r}], index=[time])"
        raise InvalidInputError(f"Expected rows of y as in fit, got {y!r}. Pass {how}.")

    # ---------------------------------------------------------------- forecasts

    def predict(self, horizon: Any, times: Any, X: Any) -> Any:
        """Forecast the next rows, or at given times; see `LiquidForecaster`."""
        return self._give(*self.forecasts(horizon, times, X))

    def forecasts(
        self, horizon: Any, times: Any, X: Any
    ) -> tuple[list[pd.Index], list[np.ndarray]]:
        """Return times and forecasts (n_times, n_targets) of each series."""
        asked = self._asked(horizon, times)
        return asked, self._forecasts(asked, X)

    def _forecasts(self, asked: list[pd.Index], X: Any) -> list[np.ndarray]:
        self.engine.warn_if_far(max(map(max, self._steps_to(asked))), asked[0])
        known = self._known(X, self.engine.wanted(self.context, asked))
        return self.engine.predict_at(self.context, asked, known)

    def _steps_to(self, asked: list[pd.Index]) -> list[np.ndarray]:
        return [
            self.engine.steps_to(history, times)
            for history, times in zip(self.context, asked, strict=True)
            if len(times)
        ]

    def bands(
        self, horizon: Any, times: Any, X: Any, offsets: np.ndarray, names: list
    ) -> Any:
        """Return quantiles or ends of intervals, beside each other.

        Parameters
        ----------
        horizon, times, X
            As in `predict`.
        offsets : ndarray of shape (n_bands, horizon), or \
(n_series, n_targets, n_bands, horizon)
            What is added to forecasts, in units of the local spread.
        names : list
            What the columns are called; pairs are two levels.
        """
        asked = self._asked(horizon, times)
        steps = self._steps_to(asked)
        self._refuse_far(max(map(max, steps)))
        found = self._forecasts(asked, X)
        spreads = self.engine.spreads(self.context)
        offsets = np.broadcast_to(offsets, (*spreads.shape, *offsets.shape[-2:]))
        at_last = np.zeros(offsets.shape[-2])
        bands = []
        for k, (own, values) in enumerate(zip(steps, found, strict=True)):
            reach = [between_steps(target.T, at_last, own) for target in offsets[k]]
            size = spreads[k][None, :, None]
            bands.append(values[:, :, None] + np.stack(reach, axis=1) * size)
        return self._give_bands(asked, bands, names)

    def _refuse_far(self, steps: float) -> None:
        if steps > self.plan.horizon:
            raise InvalidInputError(
                f"Expected at most {self.plan.horizon} steps, the horizon of the fit, "
                f"got {int(np.ceil(steps))}: how far errors reach beyond it was never "
                "seen. Fit with a longer horizon."
            )

    def _give_bands(
        self, times: list[pd.Index], bands: list[np.ndarray], names: list
    ) -> Any:
        """Give bands (n, n_targets, n_bands) the container of y."""
        nested = isinstance(names[0], tuple)  # the ends of several intervals
        if self.form.container in ("array", "list"):
            pairs = [b.reshape(*b.shape[:2], -1, 2) if nested else b for b in bands]
            arrays = [b[:, 0] if self.form.single else b for b in pairs]
            return arrays if self.form.container == "list" else arrays[0]
        columns = pd.Index(names)
        targets = self.form.columns
        if not self.form.single and targets is not None:
            columns = pd.MultiIndex.from_tuples(
                [(t, *(n if nested else (n,))) for t in targets for n in names]
            )
        tracks = [
            Track(history.name, own, band.reshape(len(own), -1))
            for history, own, band in zip(self.context, times, bands, strict=True)
        ]
        return self.form.give_back(tracks, columns)

    def _asked(self, horizon: Any, times: Any) -> list[pd.Index]:
        """Return the times that are asked of each series."""
        if times is None:
            n = self._rows_ahead(horizon)
            return [self.engine.future(history, n) for history in self.context]
        if horizon is not None:
            raise InvalidInputError(
                f"horizon={horizon} and times= both say what to forecast. Pass one of "
                "them."
            )
        times = [times] if pd.api.types.is_scalar(times) else plain(times)
        index = times if isinstance(times, pd.Index) else pd.Index(np.asarray(times))
        if not len(index):
            raise InvalidInputError("Expected at least one time, got none.")
        several = isinstance(index, pd.MultiIndex)
        last = as_times(index.get_level_values(-1) if several else index)
        refuse_other_times(self.context[0].times, last, "times")
        if not several:
            return [last] * len(self.context)
        named = index.droplevel(-1)
        known = [history.name for history in self.context]
        lacking = [name for name in named.unique() if name not in known]
        if lacking:
            raise InvalidInputError(
                f"Expected times of recordings that were fitted, got {lacking[:5]}. "
                "Pass their rows as y=."
            )
        return [last[named == name] for name in known]

    def _rows_ahead(self, horizon: Any) -> int:
        if horizon is None:
            return self.plan.horizon
        whole = isinstance(horizon, Integral) and not isinstance(horizon, bool)
        if not whole or horizon < 1:
            raise InvalidInputError(
                f"Expected horizon as a number of rows >= 1, {_misplaced(horizon)}"
            )
        return int(horizon)

    def _known(self, X: Any, wanted: Sequence[pd.Index]) -> list[np.ndarray] | None:
        """Return what is known of times to come, from X."""
        inputs = self.engine.inputs
        if not inputs.n_known:
            return None
        known = list(inputs.columns[-inputs.n_known :])
        if X is None:
            raise InvalidInputError(
                f"The model reads the columns {known} at the times to forecast, from "
                f"{wanted[0][0]} to {wanted[0][-1]}, but there is no X. Pass "
                "predict(X=...) with these times as its index; NaN where one is not "
                "known."
            )
        special = self.parameters["time_column"], self.parameters["group_column"]
        tracks, columns, _, form = read_inputs(X, "all", *special)
        missing = [c for c in known if c not in columns]
        if missing:
            raise InvalidInputError(
                f"Expected the columns {known} of known_future in X, which lacks "
                f"{missing}: it has {columns[:20]}. Add them; NaN is not known."
            )
        places = [columns.index(c) for c in known]
        tracks = [t._replace(values=t.values[:, places]) for t in tracks]
        names = [history.name for history in self.context]
        return matched(tracks, form, names, wanted)

    def _give(self, times: Sequence[pd.Index], values: Sequence[np.ndarray]) -> Any:
        tracks = [
            Track(history.name, own, found)
            for history, own, found in zip(self.context, times, values, strict=True)
        ]
        return self.form.give_back(tracks)

    # ------------------------------------------------------------------- in words

    def summary(self) -> str:
        """Return what was fitted, on what, and how well."""
        plan, model = self.plan, self.engine.model
        n = len(self.context)
        k = self.context[0].values.shape[1]
        alpha = model.linear.alpha
        penalty = "none" if alpha is None else f"ridge, alpha {alpha:g}"
        added = "left out: it added nothing on the validation part"
        if model.network is not None:
            epochs = ", ".join(map(str, model.network.epochs))
            added = f"{model.weight:.0%} of its correction, {epochs} epoch(s)"
        times = self.context[0].times
        short = (
            f", {self.n_short} of them too short to train on" if self.n_short else ""
        )
        rhythm = self.engine.rhythm(times, plan.season)
        lines = {
            "data": f"{n} series of {k} target(s){short}",
            "steps": self.engine.steps(times),
            "forecast": f"{plan.horizon} row(s) from {plan.window_length}, {rhythm}",
            "scale": f"{plan.scale}, anchor {plan.anchor}",
            "linear": penalty,
            "network": added,
        }
        shown = [f"  {name:10s}{text}" for name, text in lines.items()]
        errors = table_of_errors(self.judged.errors)
        title = "  error on the validation part, in mean changes over a season"
        return "\n".join(["LiquidForecaster", *shown, title, errors])


def _misplaced(horizon: Any) -> str:
    """Return what came in place of a number of rows, and where it belongs."""
    if not np.ndim(horizon):
        share = isinstance(horizon, float) and 0 < horizon < 1
        levels = (
            f" Write coverage={horizon} for intervals, levels={horizon} for quantiles."
        )
        return f"got {horizon!r}.{levels if share else ' Pass a whole number.'}"
    got = f"got a {type(horizon).__name__}. "
    if np.ndim(horizon) == 1 and not isinstance(horizon, pd.Series):
        return got + (
            "At given times pass times=; levels of intervals are coverage=, those of "
            "quantiles levels=. To forecast from other rows pass them as y=."
        )
    return got + (
        "To forecast from other rows pass them as y=, and columns that are known of "
        "times to come as X=. Scorers of scikit-learn that call predict(X), such as "
        '"r2", cannot judge a forecaster: score(y, X) and backtest(y, X) do.'
    )
