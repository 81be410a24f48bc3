"""`LiquidForecaster`: what comes next in a series, in many, or at any future time."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from LNN._random import random_source
from LNN.estimators._docs import REFERENCE
from LNN.estimators.rules import integer
from LNN.exceptions import InvalidInputError
from LNN.forecasting import fitting
from LNN.forecasting.backtest import backtest, skill
from LNN.forecasting.fitted import FittedForecaster
from LNN.forecasting.intervals import (
    check_coverage,
    check_coverages,
    check_levels,
    level_offsets,
    widths,
)
from LNN.forecasting.parameters import check
from LNN.forecasting.plot import draw
from LNN.forecasting.reading import read_given
from LNN.forecasting.refits import backtest_with_refits
from LNN.forecasting.rolling import moved_on
from LNN.forecasting.stream import ForecastStream

__all__ = ["LiquidForecaster"]

STEP = integer(1)


class LiquidForecaster(BaseEstimator):
    """Forecasts of one series or of many, by a linear path and a liquid network.

    A forecast is made from the last rows of a series: as changes from the last value, a
    ridge regression gives all steps of the horizon at once, and a liquid network learns
    what that leaves over. All series of a panel share one model.

    Parameters
    ----------
    horizon : int, default=1
        Rows to forecast.
    n_neurons : int, default=32
        Number of liquid neurons.
    known_future : list of column names, "all" or None, default=None
        Columns of X that are known in advance. It has to be said where X is given; []
        says that none is.
    target : column name or list of them, default=None
        Columns of y to forecast, if y is a frame that holds everything: its other
        columns then are X.
    season : int, "auto" or None, default="auto"
        Rows after which the series looks alike. "auto" reads it from the times, or from
        the autocorrelation.
    window_length : int or "auto", default="auto"
        Rows that a forecast sees.
    anchor : {"last", "mean"}, default="last"
        What is subtracted from a window.
    normalise : {"auto", "none", "level", "std", "balanced", "season"}, default="auto"
        What divides a window: the mean of its absolute values ("level"), their spread
        ("std"), or their mean change over a season. "none" divides by a number of the
        training part. "balanced" divides by the spread, tells the network which part
        of the level that is, and lets errors count between both units. "auto" is "none"
        for one series, and for a panel "balanced" if all values are positive, else
        "std".
    linear : bool, default=True
        Whether there is a linear path.
    patch : int or "auto", default="auto"
        Rows that the network reads in one step. "auto" is a season if a window holds
        seven of them, else 1.
    calendar : {"auto", None} or list of {"day", "week", "year"}, default="auto"
        Cycles of the calendar that are inputs. "auto" takes those that the times show
        twice and a window does not show in full.
    time_column, group_column : column name, default=None
        Columns of a frame that hold the times, and tell series apart.
    stride : int or "auto", default="auto"
        Train on every stride-th window; "auto" takes at most 50,000 of them.
    model_type : str, default="CfC"
        The cell, as in `LiquidRegressor`.
    learning_rate : float, default=0.004
        Step size of the network at the start.
    dropout : float, default=0.1
        Dropout on the neurons that the read-out reads.
    epochs : int, default=20
        At most so many passes over the windows; the validation part stops earlier.
    batch_size : int, default=128
        Windows per optimiser step.
    n_seeds : int, default=1
        Networks that differ in their random start; forecasts are their mean. 0 leaves
        the linear path alone. As many are trained at once as torch has threads.
    validation_fraction : float, default=0.15
        Part of each series, its last rows, that decides when to stop and how wide
        intervals are. The final model is then trained on all rows.
    network : dict, default=None
        Other parameters of `LiquidRegressor`.
    n_jobs : int, default=None
        Threads, and processes of a backtest that fits again.
    random_state : int, RandomState or None, default=None
        Seed of weights and of the order of windows.

    Attributes
    ----------
    model_ : FittedForecaster
        What the fit has made, in one value that never changes.
    season_, window_length_ : int
        What "auto" stood for.
    cutoff_ : object
        The last time of the series that are known; of each one, for a panel.
    baseline_errors_ : dict of str to float
        Error on the validation part, in mean changes over a season, of the naive
        forecasts, of the linear path alone and of this model.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from LNN import LiquidForecaster
    >>> days = pd.date_range("2024-01-01", periods=300, freq="D")
    >>> y = pd.Series(np.sin(np.arange(300) * 2 * np.pi / 7), index=days)
    >>> forecaster = LiquidForecaster(horizon=3, epochs=3, random_state=0).fit(y)
    >>> forecast = forecaster.predict()
    >>> forecast.index[0]
    Timestamp('2024-10-27 00:00:00')
    >>> bool(np.abs(forecast - np.sin(np.arange(300, 303) * 2 * np.pi / 7)).max() < 0.1)
    True
    """

    # Links of the HTML representation: pages that ship with the package.
    _doc_link_module = "LNN"
    _doc_link_template = REFERENCE

    def __init__(
        self,
        horizon: int = 1,
        n_neurons: int = 32,
        *,
        known_future: Any = None,
        target: Any = None,
        season: int | str | None = "auto",
        window_length: int | str = "auto",
        anchor: str = "last",
        normalise: str = "auto",
        linear: bool = True,
        patch: int | str = "auto",
        calendar: Any = "auto",
        time_column: Any = None,
        group_column: Any = None,
        stride: int | str = "auto",
        model_type: str = "CfC",
        learning_rate: float = 0.004,
        dropout: float = 0.1,
        epochs: int = 20,
        batch_size: int = 128,
        n_seeds: int = 1,
        validation_fraction: float = 0.15,
        network: dict[str, Any] | None = None,
        n_jobs: int | None = None,
        random_state: Any = None,
    ):
        self.horizon = horizon
        self.n_neurons = n_neurons
        self.known_future = known_future
        self.target = target
        self.season = season
        self.window_length = window_length
        self.anchor = anchor
        self.normalise = normalise
        self.linear = linear
        self.patch = patch
        self.calendar = calendar
        self.time_column = time_column
        self.group_column = group_column
        self.stride = stride
        self.model_type = model_type
        self.learning_rate = learning_rate
        self.dropout = dropout
        self.epochs = epochs
        self.batch_size = batch_size
        self.n_seeds = n_seeds
        self.validation_fraction = validation_fraction
        self.network = network
        self.n_jobs = n_jobs
        self.random_state = random_state

    # ------------------------------------------------------------------ learning

    def fit(self, y: Any, X: Any = None) -> Self:
        """Learn from series.

        Parameters
        ----------
        y : Series, DataFrame, array-like of shape (n,) or (n, n_targets), or list
            A Series or an array is one series, a frame one for each column. A
            MultiIndex (recording, ..., time), `group_column` or a list are panels.
            The index is the time. NaN stands for what nobody saw.
        X : DataFrame or array-like of shape (n, n_columns), default=None
            Other columns, matched with y by their index; `known_future` says which of
            them are known in advance.

        Returns
        -------
        self

        Raises
        ------
        InvalidInputError
            A ValueError that says what was expected, what came and what to do.
        """
        values = self.get_params(deep=False)
        check(values)
        given = read_given(y, X, values)
        self.model_ = fitting.fit(given, values, random_source(self.random_state))
        return self

    # ------------------------------------------------------------------ forecasts

    def predict(
        self,
        horizon: int | None = None,
        times: Any = None,
        X: Any = None,
        y: Any = None,
    ) -> Any:
        """Forecast what comes after the last row that is known.

        Parameters
        ----------
        horizon : int, default=None
            Rows to forecast; None is the `horizon` of the fit.
        times : time, list or Index of times, default=None
            Forecast at these times in place of the next rows: in any order, at any
            distance after the last row. Beyond the horizon of the fit there is a
            warning.
        X : DataFrame or array-like, default=None
            The columns of `known_future`, at the times to forecast. NaN is not known.
        y : as in `fit`, default=None
            Forecast from these rows in place of those of the fit. Nothing is learnt
            from them, so the series may be new ones. X then has their rows as well.

        Returns
        -------
        Series, DataFrame, ndarray or list
            In the container of y, indexed by the times to come.
        """
        model = self._fitted().with_context(y, X)
        return model.predict(horizon, times, X)

    def predict_interval(
        self,
        horizon: int | None = None,
        times: Any = None,
        X: Any = None,
        y: Any = None,
        *,
        coverage: Any = 0.9,
    ) -> Any:
        """Forecast intervals that hold what comes with a given probability.

        Split conformal: how far forecasts of the validation part were off, in units of
        the local spread of the series (its mean change over a season), separately for
        each step, pooled over all series.

        Parameters
        ----------
        horizon, times, X, y
            As in `predict`; intervals reach no further than the horizon of the fit.
        coverage : float or list of float, default=0.9

        Returns
        -------
        DataFrame, ndarray or list
            Columns "lower" and "upper"; for several targets under the name of each.
            Arrays have them as a last axis. For a list of coverages there is a level of
            columns, or an axis, more: that of the coverage comes before the ends.

        Raises
        ------
        InvalidInputError
            Also if the validation part holds too few forecasts for this coverage.
        """
        model = self._fitted()
        covers, several = check_coverages(coverage)
        reach = np.stack([widths(model.judged.residuals, cover) for cover in covers])
        offsets = np.stack([-reach, reach], axis=1).reshape(2 * len(covers), -1)
        names: list[Any] = ["lower", "upper"]
        if several:
            names = [(cover, end) for cover in covers for end in names]
        return model.with_context(y, X).bands(horizon, times, X, offsets, names)

    def predict_quantiles(
        self,
        horizon: int | None = None,
        times: Any = None,
        X: Any = None,
        y: Any = None,
        *,
        levels: Any = (0.1, 0.5, 0.9),
    ) -> Any:
        """Forecast quantiles; unlike intervals they need not lie symmetrically.

        Parameters
        ----------
        horizon, times, X, y
            As in `predict_interval`.
        levels : float or list of float, default=(0.1, 0.5, 0.9)

        Returns
        -------
        DataFrame, ndarray or list
            One column a level, as in `predict_interval`.
        """
        model, wanted = self._fitted(), check_levels(levels)
        offsets = level_offsets(model.judged.residuals, wanted)
        return model.with_context(y, X).bands(horizon, times, X, offsets, wanted)

    # ---------------------------------------------------------------- how good it is

    def score(self, y: Any, X: Any = None) -> float:
        """Return the skill of forecasts of later rows, from every row on.

        Parameters
        ----------
        y, X : as in `fit`
            Rows that follow those of the fit; with new recordings, whole ones.

        Returns
        -------
        float
            1 - error / error of the seasonal naive method. Errors are absolute ones,
            in units of the local spread. 1 is perfect; 0 is no better than to repeat
            the last season.
        """
        return skill(self._fitted(), y, X)

    def backtest(
        self,
        y: Any,
        X: Any = None,
        *,
        start: Any = None,
        step: int | None = None,
        coverage: float | None = None,
        adaptive: bool = False,
        refit: bool = False,
    ) -> pd.DataFrame:
        """Forecast from many cutoffs as if each were now, in one pass.

        Parameters
        ----------
        y, X : as in `fit`
            Rows that follow those of the fit, or all rows.
        start : time, default=None
            The first cutoff; None is the end of the fit. With `refit` it is after six
            tenths of the rows.
        step : int, default=None
            Rows from one cutoff to the next; None is 1, and with `refit` the horizon.
        coverage : float, default=None
            Adds the ends of intervals.
        adaptive : bool, default=False
            Whether their widths follow what came (ACI): a forecast knows whether the
            truths of earlier ones lay inside, if they had come by then.
        refit : bool, default=False
            Whether to fit again at each cutoff, `n_jobs` at a time. The forecaster need
            not be fitted for that, and is not changed. y has all rows then.

        Returns
        -------
        DataFrame
            Columns (recording, target,) cutoff, time, step, y, prediction, and with
            `coverage` lower and upper. A forecast is that of `predict` with the rows up
            to its cutoff.
        """
        cover = None if coverage is None else check_coverage(coverage)
        if step is not None and not STEP.allows(step):
            raise InvalidInputError(f"Expected step as {STEP}, got {step!r}.")
        if refit:
            values = self.get_params(deep=False)
            check(values)
            return backtest_with_refits(y, X, start, step, cover, adaptive, values)
        return backtest(self._fitted(), y, X, start, step or 1, cover, adaptive)

    # ------------------------------------------------------------------ as rows come

    def update(self, y: Any, X: Any = None) -> Self:
        """Take in rows that came after the fit; forecasts then begin after them.

        Nothing is learnt from them: `fit` learns.

        Parameters
        ----------
        y, X : as in `fit`

        Returns
        -------
        self
        """
        self.model_ = moved_on(self._fitted(), y, X)
        return self

    def stream(self, coverage: float | None = None) -> ForecastStream:
        """Open a stream: rows come in, forecasts come out.

        Parameters
        ----------
        coverage : float, default=None
            Of intervals whose widths follow what comes.

        Returns
        -------
        ForecastStream
            It does not change the forecaster.
        """
        cover = None if coverage is None else check_coverage(coverage)
        return ForecastStream(self._fitted(), cover)

    # ------------------------------------------------------------------------ looks

    def plot(
        self,
        *,
        coverage: float | None = 0.9,
        truth: Any = None,
        X: Any = None,
        ax: Any = None,
    ) -> Any:
        """Draw the last rows of a series and its forecast; needs matplotlib.

        Parameters
        ----------
        coverage : float, default=0.9
            Of the band around the forecast; None draws none.
        truth : Series, default=None
            What came, to draw it as well.
        X : as in `predict`, default=None
        ax : Axes, default=None
            None makes a new figure.

        Returns
        -------
        Axes
        """
        model = self._fitted()
        past = model.past()
        band = None
        if coverage is not None:
            band = self.predict_interval(X=X, coverage=coverage)
        return draw(ax, past, self.predict(X=X), band, truth)

    def summary(self) -> str:
        """Describe the fitted model, with the errors of the baselines beside its own.

        Returns
        -------
        str
            A few lines; `print(forecaster.summary())`.
        """
        return self._fitted().summary()

    def _fitted(self) -> FittedForecaster:
        check_is_fitted(self)
        return self.model_

    def __sklearn_is_fitted__(self) -> bool:
        """Tell whether there is a trained model."""
        return "model_" in vars(self)

    # ----------------------------------------------------------- what a fit has found

    @property
    def season_(self) -> int:
        """Rows after which the series looks alike."""
        return self._fitted().plan.season

    @property
    def window_length_(self) -> int:
        """Rows that a forecast sees."""
        return self._fitted().plan.window_length

    @property
    def cutoff_(self) -> Any:
        """The last time that is known."""
        ends = {h.name: h.times[-1] for h in self._fitted().context}
        return ends if self._fitted().form.is_panel else next(iter(ends.values()))

    @property
    def baseline_errors_(self) -> dict[str, float]:
        """Error of each method on the validation part."""
        return dict(self._fitted().judged.errors)
