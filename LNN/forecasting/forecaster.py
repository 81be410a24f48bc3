"""`LiquidForecaster`: what comes next in a series, in many, or at any future time."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any, Self

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
from LNN.forecasting.picture import picture_of
from LNN.forecasting.plot import draw
from LNN.forecasting.reading import read_given
from LNN.forecasting.refits import backtest_with_refits
from LNN.forecasting.rolling import moved_on
from LNN.forecasting.stream import ForecastStream

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["LiquidForecaster"]

STEP = integer(1)


class LiquidForecaster(BaseEstimator):
    """Forecast one series or many, by a linear path and a liquid network.

    A forecast is made from the last rows of a series (a window), taken as changes from
    its last value. The linear path, a ridge regression, predicts all steps of the
    horizon at once; a liquid network learns its residuals. All series of a panel share
    one model.

    Parameters
    ----------
    horizon : int, default=1
        Number of rows to forecast.
    n_neurons : int, default=32
        Number of liquid neurons.
    known_future : list of column names, "all" or None, default=None
        Columns of X whose values are known in advance, such as prices or holidays.
        Required if X is given; [] says that no column is.
    target : column name or list of them, default=None
        Columns to forecast, if y is a frame that holds everything: its other columns
        are then taken as X.
    season : int, "auto" or None, default="auto"
        Length of a season in rows; None is no season. "auto" finds it from the time
        stamps or the autocorrelation.
    window_length : int or "auto", default="auto"
        Number of rows that a forecast is made from. "auto" is two seasons, and 36 rows
        or more, if the series are long enough.
    anchor : {"last", "mean"}, default="last"
        What is subtracted from a window before it is read: its last value, or its mean.
    normalise : {"auto", "none", "level", "std", "balanced", "season"}, default="auto"
        What a window is divided by: the mean of its absolute values ("level"), its
        standard deviation ("std"), or its mean change over a season ("season"). "none"
        divides all windows of a target by one number of the training part. "balanced"
        divides by the standard deviation, gives its ratio to the level to the network
        as an input, and weighs errors by a mix of both units. "auto" is "none" for one
        series; for a panel it is "balanced" if all values are positive, else "std".
    linear : bool, default=True
        Whether to use the linear path. Without it the network predicts everything.
    patch : int or "auto", default="auto"
        Number of rows that the network reads in one step. "auto" is a season if a
        window holds at least seven seasons, else 1.
    calendar : {"auto", None} or list of {"day", "week", "year"}, default="auto"
        Calendar cycles that are given to the model as inputs. "auto" takes those that
        the series cover at least twice, and that are longer than a window.
    time_column, group_column : column name, default=None
        Columns of a frame that hold the time stamps, and the name of the series.
    stride : int or "auto", default="auto"
        Train on every stride-th window; "auto" trains on at most 50,000 windows.
    model_type : str, default="CfC"
        The cell, as in `LiquidRegressor`.
    learning_rate : float, default=0.004
        Learning rate of the network at the start.
    dropout : float, default=0.1
        Dropout on the neurons that the read-out reads.
    epochs : int, default=20
        Passes over the windows, at most: training stops when errors on the validation
        part no longer fall.
    batch_size : int, default=128
        Windows per optimiser step.
    n_seeds : int, default=1
        Number of networks, trained from different seeds; the forecast is their mean.
        0 uses the linear path only. As many are trained at once as torch has threads.
    validation_fraction : float, default=0.15
        Share of each series, its last rows, that is held out to decide when to stop and
        how wide intervals are. The linear path is then fitted to all rows.
    network : dict, default=None
        Further parameters of the networks, as of `LiquidRegressor`.
    n_jobs : int, default=None
        Threads that prepare data, and processes of `backtest(refit=True)`.
    random_state : int, RandomState or None, default=None
        Seed of weights and of the order of windows.

    Attributes
    ----------
    model_ : FittedForecaster
        What the fit has made, in one value that never changes.
    season_, window_length_ : int
        What "auto" stood for.
    cutoff_ : object
        The last time of the series; for a panel, a dict with that of each series.
    baseline_errors_ : dict of str to float
        Error on the validation part of the naive forecasts, of the linear path alone
        and of this model, in units of the mean change over a season.

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
        known_future: str | Sequence[Hashable] | None = None,
        target: Hashable | Sequence[Hashable] = None,
        season: int | str | None = "auto",
        window_length: int | str = "auto",
        anchor: str = "last",
        normalise: str = "auto",
        linear: bool = True,
        patch: int | str = "auto",
        calendar: str | Sequence[str] | None = "auto",
        time_column: Hashable = None,
        group_column: Hashable = None,
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
        random_state: int | np.random.RandomState | None = None,
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
        """Learn from one series or many.

        Parameters
        ----------
        y : Series, DataFrame, array-like of shape (n,) or (n, n_targets), or list
            A Series or an array is one series, a frame one for each column. A
            MultiIndex (recording, ..., time), `group_column` or a list of series make a
            panel. The index is the time. NaN is a missing value.
        X : DataFrame or array-like of shape (n, n_columns), default=None
            Other columns, matched with y by their index. `known_future` says which of
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
        """Forecast the rows after the last known one.

        Parameters
        ----------
        horizon : int, default=None
            Number of rows to forecast; None is the `horizon` of the fit.
        times : time, list or Index of times, default=None
            Forecast at these times in place of the next rows. They may be in any order
            and any time after the last row; beyond the horizon of the fit there is a
            warning.
        X : DataFrame or array-like, default=None
            The columns of `known_future`, at the times to forecast. NaN is a value that
            is not known.
        y : as in `fit`, default=None
            Forecast what follows these rows in place of those of the fit. Nothing is
            learnt from them, so they may be of other series. X must have their rows
            too.

        Returns
        -------
        Series, DataFrame, ndarray or list
            In the container of y, indexed by the forecast times.
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
        coverage: float | Sequence[float] = 0.9,
    ) -> Any:
        """Forecast intervals that contain the future value with a given probability.

        Their widths come from split conformal prediction: the errors of forecasts of
        the validation part, in units of the local spread of the series (its mean change
        over a season), separately for each step, pooled over all series.

        Parameters
        ----------
        horizon, times, X, y
            As in `predict`, but not beyond the horizon of the fit.
        coverage : float or list of float, default=0.9
            The probability; a list asks for several intervals.

        Returns
        -------
        DataFrame, ndarray or list
            Columns "lower" and "upper"; with several targets (target, "lower") and so
            on. Arrays have the two as a last axis. A list of coverages adds a level of
            columns, or an axis, before that of the two ends.

        Raises
        ------
        InvalidInputError
            If the validation part has too few forecasts for this coverage.
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
        levels: float | Sequence[float] = (0.1, 0.5, 0.9),
    ) -> Any:
        """Forecast quantiles, which need not lie symmetrically about the forecast.

        Parameters
        ----------
        horizon, times, X, y
            As in `predict_interval`.
        levels : float or list of float, default=(0.1, 0.5, 0.9)
            Between 0 and 1.

        Returns
        -------
        DataFrame, ndarray or list
            One column per level, arranged as in `predict_interval`.
        """
        model, wanted = self._fitted(), check_levels(levels)
        offsets = level_offsets(model.judged.residuals, wanted)
        return model.with_context(y, X).bands(horizon, times, X, offsets, wanted)

    # ---------------------------------------------------------------- how good it is

    def score(self, y: Any, X: Any = None) -> float:
        """Return the skill of forecasts of later rows, made from every cutoff in them.

        Parameters
        ----------
        y, X : as in `fit`
            Rows that follow those of the fit, or whole new series.

        Returns
        -------
        float
            1 - E / E_naive, where E is the mean absolute error in units of the local
            spread, and E_naive that of repeating the last season. 1 is perfect, 0 is no
            better than repeating.
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
        """Forecast from many past cutoffs, each with the rows up to it only.

        Parameters
        ----------
        y, X : as in `fit`
            Rows that follow those of the fit, or all rows.
        start : time, default=None
            The first cutoff. None is the end of the fit; with `refit`, it is after 60 %
            of the rows.
        step : int, default=None
            Number of rows from one cutoff to the next. None is 1; with `refit`, the
            horizon.
        coverage : float, default=None
            Add intervals with this coverage.
        adaptive : bool, default=False
            Whether widths of intervals adapt (adaptive conformal inference): they widen
            after misses and narrow after hits among the values known at the cutoff.
        refit : bool, default=False
            Whether to fit again at each cutoff, `n_jobs` fits at a time. y must then
            hold all rows. The forecaster need not be fitted, and is not changed.

        Returns
        -------
        DataFrame
            One row per cutoff and step, with the columns cutoff, time, step, y and
            prediction; with `coverage` also lower and upper; recording and target in
            front if there are several. Predictions equal those of `predict` with the
            rows up to the cutoff.
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
        """Append rows that came after the fit; forecasts then begin after them.

        The model does not learn from them; `fit` again for that.

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
            Coverage of the stream's intervals, whose widths adapt; None makes none.

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
        series: Hashable = None,
        coverage: float | None = 0.9,
        truth: pd.Series | None = None,
        X: Any = None,
        ax: Axes | None = None,
    ) -> Axes:
        """Draw the last rows of a series and its forecast; needs matplotlib.

        Parameters
        ----------
        series : hashable, default=None
            Which one of several: the name of a recording (its place in a list), the
            column of a frame (its number in an array), or (recording, column).
        coverage : float, default=0.9
            Coverage of the band around the forecast; None draws no band. Where the
            validation part has too few forecasts for it, the highest that they allow is
            drawn; a warning and the legend say which.
        truth : Series, default=None
            The true values of this series at the forecast times, to draw them too.
        X : as in `predict`, default=None
        ax : Axes, default=None
            None makes a new figure.

        Returns
        -------
        Axes
        """
        return draw(ax, picture_of(self._fitted(), series, coverage, X), truth)

    def summary(self) -> str:
        """Describe the fitted model; errors of naive forecasts stand beside its own.

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
        """Length of a season in rows; 1 is no season."""
        return self._fitted().plan.season

    @property
    def window_length_(self) -> int:
        """Number of rows that a forecast is made from."""
        return self._fitted().plan.window_length

    @property
    def cutoff_(self) -> Any:
        """The last time of the series; for a panel, of each by its name."""
        ends = {h.name: h.times[-1] for h in self._fitted().context}
        return ends if self._fitted().form.is_panel else next(iter(ends.values()))

    @property
    def baseline_errors_(self) -> dict[str, float]:
        """Error of each method on the validation part."""
        return dict(self._fitted().judged.errors)
