"""`LiquidAnomalyDetector`: which rows do not follow from the rows before them."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from LNN._random import random_source
from LNN._typing import Column
from LNN.anomaly import fitting
from LNN.anomaly.fitted import FittedDetector
from LNN.anomaly.parameters import check, check_min_gap
from LNN.anomaly.plot import draw
from LNN.anomaly.recordings import as_table
from LNN.anomaly.scores import mean_of_known
from LNN.anomaly.stream import DetectorStream
from LNN.anomaly.summary import summarise
from LNN.estimators._docs import REFERENCE
from LNN.exceptions import InvalidInputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["LiquidAnomalyDetector"]


class LiquidAnomalyDetector(OutlierMixin, BaseEstimator):
    """Find rows, and stretches of rows, that do not follow from the rows before them.

    A liquid network learns to predict each channel over several horizons. The errors of
    a row, in units of their usual size, are averaged over the horizons, and over a
    season. The score of a row is how rare such an error is, as minus log10 of its rate:
    4 is seen once in ten thousand usual rows. It depends on no later row.

    Parameters
    ----------
    n_neurons : int, default=32
        Number of liquid neurons.
    horizons : "auto" or list of float, default="auto"
        How far ahead rows are predicted, in usual gaps between rows. "auto" is one gap,
        and a twelfth, a sixth, a third, a half and the whole of a season.
    window_length : int, default=48
        Number of rows that the network reads for a prediction.
    season : float, "auto" or None, default="auto"
        Length of a season, in usual gaps. "auto" finds it from the time stamps, the
        autocorrelation or, at irregular times, a periodogram; the rows must hold it at
        least four times. Without a season `window_length` is used in its place.
    calendar : {"auto", None} or list of {"day", "week", "year"}, default="auto"
        Calendar cycles that are given to the network as inputs. "auto" takes those that
        the rows cover at least twice, and that are longer than a window.
    aggregate : {"mean", "max"}, default="mean"
        How the errors of the channels are combined into that of the row.
    smooth : float, "auto" or None, default="auto"
        Time over which errors are averaged, in usual gaps. None is the row alone, which
        suits anomalies of a few rows. "auto" takes the rarest of three: the error of
        the row, and its means over half a season and over a season.
    alarm_rate : float, default=1e-3
        Share of usual rows that may be called abnormal; sets `offset_`.
    rows : {"steps", "sequences"}, default="steps"
        What a row of 2-D X is: a step of time, or a whole sequence whose columns are
        its steps. 3-D X and lists always hold sequences.
    time_column, group_column : column name or number, default=None
        Columns of X that hold the time stamps, and the name of the recording.
    model_type : str, default="CfC"
        The cell, as in `LiquidRegressor`.
    learning_rate : float, default=0.01
        Learning rate at the start.
    dropout : float, default=0.0
        Dropout on the neurons that the read-out reads.
    epochs : int or "auto", default=20
        Passes over the rows; "auto" as in `LiquidRegressor`.
    batch_size : int, default=64
        Windows per optimiser step.
    network : dict, default=None
        Further parameters of the network, as of `LiquidRegressor`.
    n_jobs : int, default=None
        Threads that prepare data.
    random_state : int, RandomState or None, default=None
        Seed of weights and of the order of windows.

    Attributes
    ----------
    model_ : FittedDetector
        What the fit has made, in one value that never changes.
    offset_ : float
        `decision_function` is `score_samples` minus this: log10 of `alarm_rate`.
    season_ : float
        The season that is used, in usual gaps.
    horizons_ : tuple of float
        The horizons that are used, in usual gaps.
    time_unit_ : float
        The usual gap between rows, in seconds or units of the time stamps.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of str of shape (n_features_in_,)
        Column names of X, if it has any.

    Examples
    --------
    >>> import numpy as np
    >>> from LNN import LiquidAnomalyDetector
    >>> x = np.sin(np.arange(1500) * 2 * np.pi / 50)[:, None]
    >>> x += 0.05 * np.random.default_rng(0).normal(size=x.shape)
    >>> x[1300] += 2
    >>> detector = LiquidAnomalyDetector(8, epochs=5, random_state=0).fit(x[:1000])
    >>> detector.events(x[1000:])["start"].tolist()
    [300]
    """

    # Links of the HTML representation: pages that ship with the package.
    _doc_link_module = "LNN"
    _doc_link_template = REFERENCE

    def __init__(
        self,
        n_neurons: int = 32,
        *,
        horizons: str | Sequence[float] = "auto",
        window_length: int = 48,
        season: float | str | None = "auto",
        calendar: str | Sequence[str] | None = "auto",
        aggregate: str = "mean",
        smooth: float | str | None = "auto",
        alarm_rate: float = 1e-3,
        rows: str = "steps",
        time_column: Hashable = None,
        group_column: Hashable = None,
        model_type: str = "CfC",
        learning_rate: float = 0.01,
        dropout: float = 0.0,
        epochs: int | str = 20,
        batch_size: int = 64,
        network: dict[str, Any] | None = None,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ):
        self.n_neurons = n_neurons
        self.horizons = horizons
        self.window_length = window_length
        self.season = season
        self.calendar = calendar
        self.aggregate = aggregate
        self.smooth = smooth
        self.alarm_rate = alarm_rate
        self.rows = rows
        self.time_column = time_column
        self.group_column = group_column
        self.model_type = model_type
        self.learning_rate = learning_rate
        self.dropout = dropout
        self.epochs = epochs
        self.batch_size = batch_size
        self.network = network
        self.n_jobs = n_jobs
        self.random_state = random_state

    # ------------------------------------------------------------------ learning

    def fit(
        self,
        X: ArrayLike,
        y: Any = None,
        *,
        timestamps: Column | None = None,
        groups: Column | None = None,
    ) -> Self:
        """Learn what is usual from rows most of which are.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_channels)
            Rows in time order; a Series is one channel. A DatetimeIndex gives the time
            stamps; a MultiIndex (recording, time), `groups` or `group_column` give the
            recordings. NaN is a missing value. 3-D X or a list are sequences, each of
            which gets one score.
        y : array-like of shape (n_rows,), default=None
            1 marks an abnormal row: later rows are still predicted from it, but the
            network does not learn to predict it, and it does not count as usual.
        timestamps : array-like of shape (n_rows,), default=None
            Time stamp of each row.
        groups : array-like of shape (n_rows,), default=None
            Recording of each row.

        Returns
        -------
        self

        Raises
        ------
        InvalidInputError
            A ValueError that says what was expected, what came and what to do. A few
            rows at an end whose times lie far from all others are refused, here and in
            all other methods: they mostly come from a clock that was reset.
        """
        values = self.get_params(deep=False)
        check(values)
        random = random_source(self.random_state)
        self.model_ = fitting.fit(X, y, timestamps, groups, values, random)
        return self

    # -------------------------------------------------------------------- answers

    def anomaly_scores(
        self,
        X: ArrayLike,
        *,
        timestamps: Column | None = None,
        groups: Column | None = None,
    ) -> Any:
        """Return how rare each row is: high is abnormal.

        Parameters
        ----------
        X, timestamps, groups
            As in `fit`. The first rows of a recording are not judged: begin a window
            and a season before the first row that matters.

        Returns
        -------
        ndarray of shape (n_rows,) or (n_sequences,), or Series
            Minus log10 of the rate: 4 is seen once in ten thousand usual rows. 0 for
            rows that are missing or have too few rows before them; `judged` tells these
            from usual rows. A Series for a frame.

        Warns
        -----
        LNNWarning
            If none of the rows is judged, if more than a tenth of those that have
            enough before them are not, or if they come at another rate than in `fit`.
        """
        return _like(X, self._scores(X, timestamps, groups), "anomaly score")

    def judged(
        self,
        X: ArrayLike,
        *,
        timestamps: Column | None = None,
        groups: Column | None = None,
    ) -> Any:
        """Tell which rows are judged, by a score of their own; others have the score 0.

        Parameters
        ----------
        X, timestamps, groups
            As in `fit`.

        Returns
        -------
        ndarray of bool of shape (n_rows,) or (n_sequences,), or Series
            False where the row is missing, or too many rows before it are: at the
            beginning of a recording, after a long gap, at another rate than in `fit`. A
            Series for a frame.
        """
        model = self._fitted()
        found = model.judged(model.read(X, timestamps, groups))
        return _like(X, found, "judged")

    def score_samples(
        self,
        X: ArrayLike,
        *,
        timestamps: Column | None = None,
        groups: Column | None = None,
    ) -> np.ndarray:
        """Return `anomaly_scores` with the sign of scikit-learn: low is abnormal.

        Parameters
        ----------
        X, timestamps, groups
            As in `fit`.

        Returns
        -------
        ndarray of shape (n_rows,) or (n_sequences,)
            0 or less; 0 also for rows that are not judged.
        """
        return -self._scores(X, timestamps, groups)

    def decision_function(
        self,
        X: ArrayLike,
        *,
        timestamps: Column | None = None,
        groups: Column | None = None,
    ) -> np.ndarray:
        """Return `score_samples` minus `offset_`: below 0 is abnormal.

        Parameters
        ----------
        X, timestamps, groups
            As in `fit`.

        Returns
        -------
        ndarray of shape (n_rows,) or (n_sequences,)
            Above 0 for rows that are not judged.
        """
        return -self._scores(X, timestamps, groups) - self.offset_

    def predict(
        self,
        X: ArrayLike,
        *,
        timestamps: Column | None = None,
        groups: Column | None = None,
    ) -> np.ndarray:
        """Return -1 for abnormal rows, +1 for all others.

        Parameters
        ----------
        X, timestamps, groups
            As in `fit`.

        Returns
        -------
        ndarray of int, shape (n_rows,) or (n_sequences,)
            +1 also for rows that are not judged; `judged` tells them apart.
        """
        below = self.decision_function(X, timestamps=timestamps, groups=groups) < 0
        return np.where(below, -1, 1)

    def fit_predict(
        self,
        X: ArrayLike,
        y: Any = None,
        *,
        timestamps: Column | None = None,
        groups: Column | None = None,
    ) -> np.ndarray:
        """Fit, and predict the same rows.

        Parameters
        ----------
        X, y, timestamps, groups
            As in `fit`.

        Returns
        -------
        ndarray of int, shape (n_rows,) or (n_sequences,)
            As in `predict`.
        """
        self.fit(X, y, timestamps=timestamps, groups=groups)
        return self.predict(X, timestamps=timestamps, groups=groups)

    def score(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        timestamps: Column | None = None,
        groups: Column | None = None,
    ) -> float:
        """Return the average precision of the scores, so that searches can use it.

        Parameters
        ----------
        X, timestamps, groups
            As in `fit`.
        y : array-like of shape (n_rows,)
            1 where a row is abnormal.

        Returns
        -------
        float
            1 is perfect; random scores get about the share of abnormal rows. Each row
            counts by itself: there is no point adjustment.
        """
        from sklearn.metrics import average_precision_score

        found = self._scores(X, timestamps, groups)
        abnormal = fitting.abnormal(y, len(found))
        if not abnormal.any():
            raise InvalidInputError(
                "Expected y to be 1 where a row is abnormal, got no such row: without "
                "any there is nothing to find, and no score."
            )
        return float(average_precision_score(abnormal, found))

    def contributions(
        self,
        X: ArrayLike,
        *,
        timestamps: Column | None = None,
        groups: Column | None = None,
        by_horizon: bool = False,
    ) -> Any:
        """Return how far each channel is from its prediction.

        Parameters
        ----------
        X, timestamps, groups
            As in `fit`.
        by_horizon : bool, default=False
            Whether to keep the horizons apart.

        Returns
        -------
        ndarray of shape (n_rows, n_channels) or (n_rows, n_channels, n_horizons), or \
DataFrame
            Sizes of the errors in units of their usual size; NaN where there is no
            prediction. A frame for a frame; `by_horizon` gives it columns (channel,
            horizon).
        """
        model, given = self._fitted(), as_table(X)
        found = model.contributions(model.read(X, timestamps, groups))
        channels = _labels(given, model)
        if not by_horizon:
            found = mean_of_known(found, axis=2)
        if not isinstance(given, pd.DataFrame):
            return found
        columns: pd.Index = pd.Index(channels, name="channel")
        if by_horizon:
            parts = [channels, list(self.horizons_)]
            columns = pd.MultiIndex.from_product(parts, names=["channel", "horizon"])
        return pd.DataFrame(found.reshape(len(found), -1), given.index, columns)

    def events(
        self,
        X: ArrayLike,
        *,
        timestamps: Column | None = None,
        groups: Column | None = None,
        min_gap: float | None = None,
    ) -> pd.DataFrame:
        """Return abnormal stretches of time as a frame, one event per row.

        Parameters
        ----------
        X, timestamps, groups
            As in `fit`.
        min_gap : float, default=None
            Alarms at most this far apart are one event, in usual gaps. None is a
            season.

        Returns
        -------
        DataFrame
            Columns start, end and peak (time stamps, or row numbers), score (at the
            peak), and channel (the one with the largest mean error). With several
            recordings also recording.
        """
        model = self._fitted()
        check_min_gap(min_gap)
        gap = self.season_ if min_gap is None else float(min_gap)
        rows = model.read(X, timestamps, groups)
        found = model.events(rows, -self.offset_, gap)
        called = dict(zip(model.channels, _labels(as_table(X), model), strict=True))
        found["channel"] = [called[channel] for channel in found["channel"]]
        return found

    def plot(
        self,
        X: ArrayLike,
        *,
        timestamps: Column | None = None,
        groups: Column | None = None,
        min_gap: float | None = None,
        ax: Axes | None = None,
    ) -> Axes:
        """Draw scores over time, with the threshold and events; needs matplotlib.

        Parameters
        ----------
        X, timestamps, groups
            As in `fit`, of one recording. Rows that are not judged have no score here.
        min_gap : float, default=None
            As in `events`.
        ax : Axes, default=None
            None makes a new figure.

        Returns
        -------
        Axes
        """
        model = self._fitted()
        check_min_gap(min_gap)
        gap = self.season_ if min_gap is None else float(min_gap)
        rows = model.read(X, timestamps, groups)
        events = model.events(rows, -self.offset_, gap)
        return draw(ax, model, rows, events, -self.offset_)

    def stream(
        self, context: ArrayLike | None = None, *, adaptive: bool = True
    ) -> DetectorStream:
        """Open a stream: rows come in, scores and alarms come out.

        Parameters
        ----------
        context : array-like or DataFrame of shape (n_rows, n_channels), default=None
            Rows that came just before the stream; they cause no alarms. If they are as
            many as a window and a season, the first row of the stream is judged too.
        adaptive : bool, default=True
            Whether the usual size of errors adapts to the rows of the stream. It does
            not learn from rows with an alarm, so that an anomaly does not become usual.
            False scores as `anomaly_scores` does.

        Returns
        -------
        DetectorStream
            It does not change the detector.
        """
        return DetectorStream(self._fitted(), -self.offset_, context, adaptive)

    def summary(self) -> str:
        """Describe the fitted model.

        Returns
        -------
        str
            A few lines; `print(detector.summary())`.
        """
        return summarise(self._fitted())

    def _scores(self, X: Any, timestamps: Any, groups: Any) -> np.ndarray:
        model = self._fitted()
        return model.scores(model.read(X, timestamps, groups))

    def _fitted(self) -> FittedDetector:
        check_is_fitted(self)
        return self.model_

    def __sklearn_is_fitted__(self) -> bool:
        """Tell whether there is a trained model."""
        return "model_" in vars(self)

    def __sklearn_tags__(self) -> Tags:
        """Say that NaN is allowed, and sequences are."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.three_d_array = True
        return tags

    # ----------------------------------------------------------- what a fit has found

    @property
    def offset_(self) -> float:
        """The threshold of `score_samples`: log10 of `alarm_rate`."""
        return float(np.log10(self._fitted().parameters["alarm_rate"]))

    @property
    def season_(self) -> float:
        """The season that is used, in usual gaps between rows."""
        return self._fitted().engine.plan.season

    @property
    def horizons_(self) -> tuple[float, ...]:
        """How far ahead rows are predicted, in usual gaps between rows."""
        return self._fitted().engine.plan.horizons

    @property
    def time_unit_(self) -> float:
        """The usual gap between rows."""
        return self._fitted().engine.plan.unit

    @property
    def n_features_in_(self) -> int:
        """Number of columns of X."""
        return self._fitted().form.layout.columns.n_features_in

    @property
    def feature_names_in_(self) -> np.ndarray:
        """Column names of X."""
        names = self._fitted().form.layout.columns.names
        if names is None:
            raise AttributeError("X had no column names that are all text.")
        return names


def _like(X: Any, found: np.ndarray, name: str) -> Any:
    """Return something of each row as a Series, if X is a frame."""
    frame = as_table(X)
    if isinstance(frame, pd.DataFrame):
        return pd.Series(found, index=frame.index, name=name)
    return found


def _labels(given: Any, model: FittedDetector) -> list[Any]:
    """Return the channels as a frame names its columns; these need not be text."""
    columns = model.form.layout.columns
    if model.form.by_row or not isinstance(given, pd.DataFrame):
        return model.channels
    return [given.columns[k] for k in columns.inputs]
