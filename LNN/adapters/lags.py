"""`LagsAsSequence`: rows of lags, as forecasters by reduction make them, in order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin, clone
from sklearn.utils import Tags, get_tags
from sklearn.utils.validation import check_is_fitted, has_fit_parameter, validate_data

from LNN.exceptions import InvalidInputError

__all__ = ["LagsAsSequence"]

# lag_3 (skforecast), lag3 (mlforecast), and sales_lag_3 where there are several series.
_LAG = re.compile(r"(?:(?P<series>.+)_)?lag_?(?P<lag>\d+)")

# What an estimator would guess from shapes: few lags beside many columns could be
# channels, and as many targets as lags a target for each step.
SAID = {"layout": "sequences", "return_sequences": False}


class LagsAsSequence(MetaEstimatorMixin, RegressorMixin, BaseEstimator):
    """Hand rows of lags to a network as the sequences that they are.

    Libraries that forecast by regression (skforecast, sktime's `make_reduction`, darts'
    `SKLearnModel`, mlforecast) make one row per forecast: the lags of the series, then
    other columns. An LNN estimator alone would take these rows for a recording, each
    row following the one before. With this wrapper each row is one sequence, the oldest
    lag first; columns that are no lags stand beside every step.

    Parameters
    ----------
    estimator : regressor
        It is fitted on X of shape (n_rows, n_lags, n_channels): `LiquidRegressor()`.
    lags : "auto", or range or list of int, default="auto"
        The lag of each of the first columns: `range(1, 13)` in skforecast, which puts
        the newest first, `range(12, 0, -1)` in sktime and darts, which put the oldest
        first. "auto" reads it from names of columns (lag_1, lag2, sales_lag_3), where
        there are any. Where lags are not equally far apart, such as [1, 2, 3, 12], an
        estimator that reads time stamps is told the gaps.

    Attributes
    ----------
    estimator_ : regressor
        The fitted one.
    lags_ : ndarray of int of shape (n_lags,)
        From the oldest, in steps before the forecast.
    n_features_in_ : int
    feature_names_in_ : ndarray of str of shape (n_features_in_,)

    Examples
    --------
    >>> import numpy as np
    >>> from LNN import LiquidRegressor
    >>> from LNN.adapters import LagsAsSequence
    >>> series = np.sin(0.2 * np.arange(120))
    >>> windows = np.lib.stride_tricks.sliding_window_view(series, 9)
    >>> network = LiquidRegressor(8, epochs=2, random_state=0)
    >>> model = LagsAsSequence(network, lags=range(8, 0, -1))
    >>> model = model.fit(windows[:, :8], windows[:, 8])
    >>> model.lags_
    array([8, 7, 6, 5, 4, 3, 2, 1])
    >>> model.predict(windows[-1:, :8]).shape
    (1,)
    """

    def __init__(self, estimator: Any, *, lags: str | Sequence[int] = "auto"):
        self.estimator = estimator
        self.lags = lags

    def fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Fit the estimator on sequences.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_columns)
        y : array-like of shape (n_rows,) or (n_rows, n_targets)
        sample_weight : array-like of shape (n_rows,), default=None

        Returns
        -------
        self
        """
        rows: NDArray
        rows, y = validate_data(
            self,
            X,
            y,
            multi_output=True,
            y_numeric=True,
            dtype=np.float64,
            ensure_all_finite="allow-nan",
        )
        names = getattr(self, "feature_names_in_", None)
        self._columns = _columns_of(self.lags, self.n_features_in_, names)
        inner = clone(self.estimator)
        known = inner.get_params(deep=False)
        inner.set_params(**{k: v for k, v in SAID.items() if known.get(k) == "auto"})
        weight = {} if sample_weight is None else {"sample_weight": sample_weight}
        self._timed = not self._columns.even and has_fit_parameter(inner, "timestamps")
        sequences = self._columns.sequences(rows)
        self.estimator_ = inner.fit(sequences, y, **weight, **self._times(len(rows)))
        return self

    def predict(self, X: ArrayLike) -> NDArray:
        """Predict from rows of lags.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_columns)

        Returns
        -------
        ndarray of shape (n_rows,) or (n_rows, n_targets)
        """
        check_is_fitted(self)
        rows: NDArray = validate_data(
            self, X, reset=False, dtype=np.float64, ensure_all_finite="allow-nan"
        )
        sequences = self._columns.sequences(rows)
        return self.estimator_.predict(sequences, **self._times(len(rows)))

    @property
    def lags_(self) -> NDArray[np.int64]:
        """The lags, the oldest first."""
        check_is_fitted(self)
        return self._columns.lags

    def _times(self, n: int) -> dict[str, NDArray]:
        if not self._timed:
            return {}
        return {"timestamps": np.tile(-self._columns.lags, (n, 1))}

    def __sklearn_is_fitted__(self) -> bool:
        """Tell whether there is a fitted estimator."""
        return "estimator_" in vars(self)

    def __sklearn_tags__(self) -> Tags:
        """Describe the estimator, as far as the one inside is known."""
        tags, inner = super().__sklearn_tags__(), get_tags(self.estimator)
        tags.input_tags.allow_nan = inner.input_tags.allow_nan
        tags.target_tags.multi_output = inner.target_tags.multi_output
        tags.non_deterministic = inner.non_deterministic
        if tags.regressor_tags and inner.regressor_tags:
            tags.regressor_tags.poor_score = inner.regressor_tags.poor_score
        return tags


class _Columns(NamedTuple):
    """Which column is which.

    Attributes
    ----------
    lags : ndarray of int of shape (n_lags,)
        From the oldest.
    series : ndarray of int of shape (n_lags, n_series)
        The columns of each lag.
    others : ndarray of int
        Columns that are no lags.
    """

    lags: NDArray[np.int64]
    series: NDArray[np.intp]
    others: NDArray[np.intp]

    @property
    def even(self) -> bool:
        """Whether lags are equally far apart."""
        return len(np.unique(np.diff(self.lags))) < 2

    def sequences(self, X: NDArray) -> NDArray:
        """Return rows (n, n_columns) as sequences (n, n_lags, n_channels)."""
        beside = np.repeat(X[:, None, self.others], len(self.lags), axis=1)
        return np.concatenate([X[:, self.series], beside], axis=2)


def _columns_of(lags: Any, n: int, names: NDArray | None) -> _Columns:
    """Find the lags among n columns."""
    if isinstance(lags, str) and lags == "auto":
        if names is None:
            raise InvalidInputError(
                'lags="auto" goes by names of columns, but X has none. Pass the lag of '
                "each column: range(1, 13) if the newest of 12 comes first (skforecast)"
                ", range(12, 0, -1) if the oldest does (sktime, darts)."
            )
        return _by_name(names)
    given = np.asarray(lags)
    if given.ndim != 1 or not len(given) or given.dtype.kind not in "iu":
        raise InvalidInputError(
            "The 'lags' parameter of LagsAsSequence must be \"auto\", or a range or "
            f"list with the lag of each column. Got {lags!r} instead."
        )
    if (given < 1).any() or len(np.unique(given)) < len(given) or len(given) > n:
        raise InvalidInputError(
            "Expected lags as different numbers of steps, 1 or more, one for each of "
            f"the first columns of X, which has {n}; got {lags!r}."
        )
    return _in_order(given, n)


def _in_order(given: NDArray, n: int) -> _Columns:
    """Take the first columns for these lags."""
    given = given.astype(np.int64)
    order = np.argsort(-given)
    return _Columns(given[order], order[:, None], np.arange(len(given), n))


def _by_name(names: NDArray) -> _Columns:
    """Find lags by the names that forecasting libraries give them."""
    series: dict[str | None, dict[int, int]] = {}
    for column, name in enumerate(names):
        if found := _LAG.fullmatch(name):
            series.setdefault(found["series"], {})[int(found["lag"])] = column
    # Beside the series itself, other_lag_1 is a column that somebody made.
    if None in series:
        series = {None: series[None]}
    kinds = {tuple(sorted(own, reverse=True)) for own in series.values()}
    if len(kinds) != 1:
        raise InvalidInputError(
            "Expected columns with names of lags, such as lag_1, the same lags of each "
            f"series, got {names[:20].tolist()}. Pass lags=, the lag of each column."
        )
    (lags,) = kinds
    columns = np.array([[own[lag] for own in series.values()] for lag in lags])
    others = np.setdiff1d(np.arange(len(names)), columns)
    return _Columns(np.array(lags), columns, others)
