"""Scaling per channel, for rows, 3-D arrays and lists of recordings alike."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin, clone
from sklearn.utils import Tags, check_array
from sklearn.utils.validation import (
    check_is_fitted,
    has_fit_parameter,
    validate_data,
)

from LNN.exceptions import InvalidInputError

from .channel_statistics import (
    WeightedChunk,
    is_constant,
    live,
    mean_and_deviation,
    no_change,
    quantiles,
    value_range,
)
from .containers import frame_like, plain
from .layouts import layout_of
from .non_numeric import (
    ColumnArguments,
    naming_non_numeric,
    refuse_times,
    without_mask,
)
from .padding import warn_if_padded_by_value
from .samples import check_recording, check_same_names
from .tables import column_names

__all__ = ["SequenceScaler"]

_METHODS = ("standard", "minmax", "robust", "none")
_CHUNK_VALUES = 2**19
# A scaler has no parameter that names columns.
_NO_TIME = ColumnArguments(time=None)


def _unless_sequences(wrapped: Callable) -> Callable:
    """Return a method that `set_output` wraps for tables only."""
    plain = inspect.unwrap(wrapped)

    @functools.wraps(plain)
    def method(self: Any, X: Any, *args: Any, **kwargs: Any) -> Any:
        chosen = wrapped if layout_of(X) == "rows" else plain
        return chosen(self, X, *args, **kwargs)

    return method


def _repeatable(
    chunks: Iterable[WeightedChunk] | Callable[[], Iterable[WeightedChunk]],
    twice: bool,
) -> Callable[[], Iterable[WeightedChunk]]:
    """Return what gives the chunks whenever it is called, or once if not `twice`."""
    if callable(chunks):
        return chunks
    # Copies: a generator may hand out the same memory again and again.
    kept = [(np.array(v), w) for v, w in chunks] if twice else chunks
    return lambda: kept


class _SequenceTransformer(TransformerMixin):
    """A transformer of tables and sequences; only tables can become frames."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for name in ("transform", "fit_transform"):
            setattr(cls, name, _unless_sequences(getattr(cls, name)))


class SequenceScaler(OneToOneFeatureMixin, _SequenceTransformer, BaseEstimator):
    """Scale each channel (last axis) of 2-D, 3-D or ragged data.

    scikit-learn's scalers take 2-D arrays only. This one takes what the estimators of
    this package take and returns the same layout, so that it works in a Pipeline in
    front of them: frames stay frames, with their index, which may hold the time and the
    recordings. The estimators scale their inputs themselves: put this in front only
    for a scaling they do not offer, with ``scale="none"`` in the estimator.

    Parameters
    ----------
    method : {"standard", "minmax", "robust", "none"} or transformer
        Mean 0 and variance 1; minimum 0 and maximum 1; median 0 and interquartile range
        1; unchanged; or any scikit-learn transformer with as many outputs as inputs
        (cloned, and fitted on all rows of positive weight).

    Attributes
    ----------
    center_, scale_ : ndarray of float64, shape (n_features,)
        ``(X - center_) / scale_`` is the result. Constant channels have scale 1. Not
        set for a transformer.
    transformer_ : transformer
        The fitted clone, if ``method`` is a transformer.
    neutral_ : ndarray of float64, shape (n_features,)
        Scaled value that stands for an unknown one: 0 for mean or median, 0.5 for the
        middle of a range, for a transformer the mean of what it returned.
    n_features_in_ : int
        Number of channels.
    feature_names_in_ : ndarray of str, shape (n_features,)
        Column names of a frame, or of the frames of a list.

    Notes
    -----
    NaN is left out of the statistics and stays NaN. Weights equal repetition; rows of
    weight 0 have no influence. float32 stays float32, anything else becomes float64.

    Examples
    --------
    >>> import numpy as np
    >>> from LNN.data import SequenceScaler
    >>> X = [np.array([[0.0], [2.0]]), np.array([[4.0]])]
    >>> [x.ravel().tolist() for x in SequenceScaler(method="minmax").fit_transform(X)]
    [[0.0, 0.5], [1.0]]
    """

    def __init__(self, method: Any = "standard") -> None:
        self.method = method

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> SequenceScaler:
        """Learn center and scale of each channel.

        Parameters
        ----------
        X : array-like of shape (n, F) or (n, T, F), or list of (T_i, F)
        y : ignored
        sample_weight : array-like of shape (n,), optional
            Per row for 2-D data, per sequence otherwise.

        Returns
        -------
        self
        """
        self._check_method()
        blocks = self._blocks(plain(X), reset=True)
        n_samples = len(blocks) if isinstance(blocks, list) else blocks.shape[0]
        weight = _check_weight(sample_weight, n_samples)
        if not isinstance(blocks, list) and blocks.ndim == 3:
            harm = "it counts in the scale of every channel"
            warn_if_padded_by_value(blocks, "X", harm=harm)
        names = getattr(self, "feature_names_in_", None)
        return self.fit_rows(lambda: _chunks(blocks, weight), names=names)

    def fit_rows(
        self,
        chunks: Iterable[WeightedChunk] | Callable[[], Iterable[WeightedChunk]],
        n_jobs: int | None = None,
        names: np.ndarray | None = None,
    ) -> SequenceScaler:
        """Learn from rows in chunks, without holding them all.

        Parameters
        ----------
        chunks : iterable of (values, weights), or callable that returns one
            values (n, F), weights (n,) or None for ones. ``method="robust"`` goes
            through the chunks once per channel: given a callable it does so without
            keeping them.
        n_jobs : int, optional
            Threads for ``method="standard"``; the result does not depend on it.
        names : ndarray of str, optional
            Names of the channels, for a transformer that chooses columns by name.

        Returns
        -------
        self
        """
        self._check_method()
        # Which of them are there tells how to scale: those of another method must go.
        for name in ("center_", "scale_", "transformer_", "neutral_"):
            if hasattr(self, name):
                delattr(self, name)
        # Only quantiles and foreign transformers need the rows twice.
        twice = self.method not in ("standard", "minmax", "none")
        again = _repeatable(chunks, twice)
        if not isinstance(self.method, str):
            self._fit_transformer(again, names)
            return self
        if self.method == "standard":
            center, scale = mean_and_deviation(live(again), n_jobs)
        else:
            fit = {"minmax": value_range, "none": no_change, "robust": quantiles}
            center, scale = fit[self.method](live(again))
        constant = is_constant(center, scale)
        scale[constant] = 1.0
        self.center_, self.scale_ = center, scale
        middle = 0.5 if self.method == "minmax" else 0.0
        self.neutral_ = np.where(constant, 0.0, middle)
        self.n_features_in_ = len(center)
        return self

    def transform(self, X: Any) -> Any:
        """Scale X.

        Parameters
        ----------
        X : array-like of shape (n, F) or (n, T, F), or list of (T_i, F)

        Returns
        -------
        ndarray, DataFrame or list
            In the layout of X. `set_output` acts on 2-D data only.
        """
        return self._apply(X, self.transform_rows)

    def inverse_transform(self, X: Any) -> Any:
        """Undo `transform`.

        Parameters
        ----------
        X : array-like of shape (n, F) or (n, T, F), or list of (T_i, F)

        Returns
        -------
        ndarray, DataFrame or list
            In the layout of X.
        """
        return self._apply(X, self.inverse_rows, names=False)

    def transform_rows(self, values: np.ndarray) -> np.ndarray:
        """Scale rows without any check; a new array.

        Parameters
        ----------
        values : ndarray of shape (n, F)
            Any leading shape unless ``method`` is a transformer.

        Returns
        -------
        ndarray of the same shape
        """
        if hasattr(self, "transformer_"):
            scaled = self.transformer_.transform(self._named(values))
            return _as_float(np.asarray(scaled), values)
        # In float64 also for float32: a mean of 1e6 rounded to float32 would shift
        # everything by parts of a unit.
        scaled = values - self.center_
        scaled /= self.scale_
        return _as_float(scaled, values)

    def inverse_rows(self, values: np.ndarray) -> np.ndarray:
        """Undo `transform_rows`.

        Parameters
        ----------
        values : ndarray of shape (n, F)

        Returns
        -------
        ndarray of the same shape
        """
        if hasattr(self, "transformer_"):
            undone = self.transformer_.inverse_transform(self._named(values))
            return _as_float(np.asarray(undone), values)
        undone = values * self.scale_
        undone += self.center_
        return _as_float(undone, values)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "center_") or hasattr(self, "transformer_")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def _check_method(self) -> None:
        foreign = hasattr(self.method, "fit") and hasattr(self.method, "transform")
        if isinstance(self.method, type) or not (
            foreign or (isinstance(self.method, str) and self.method in _METHODS)
        ):
            raise InvalidInputError(
                f"Expected method to be one of {_METHODS} or a scikit-learn "
                f"transformer, got {self.method!r}. Pass one of these."
            )

    def _blocks(
        self, X: Any, *, reset: bool, names: bool = True
    ) -> np.ndarray | list[np.ndarray]:
        """X checked, as one array or a list of recordings."""
        layout = layout_of(X)
        if layout == "rows" and names:
            return _checked(X, "X", functools.partial(validate_data, self, reset=reset))
        if layout == "ragged":
            blocks: Any = []
            for number, item in enumerate(X):
                name = f"X[{number}]"
                check_recording(item, name)
                check = functools.partial(check_array, input_name=name)
                blocks.append(_checked(item, name, check))
            widths = [block.shape[1] for block in blocks]
        else:
            check = functools.partial(check_array, input_name="X", allow_nd=True)
            blocks = _checked(X, "X", check)
            widths = [blocks.shape[-1]]
        if reset:
            # A fit on a frame before would leave its names behind.
            if hasattr(self, "feature_names_in_"):
                del self.feature_names_in_
            self.n_features_in_ = widths[0]
        self._check_widths(widths)
        if layout == "ragged" and names:
            self._check_names(X, reset)
        return blocks

    def _check_names(self, X: Any, reset: bool) -> None:
        """Check the columns of a list of frames; learn their names if `reset`."""
        check_same_names(X, "X")
        got = column_names(X[0])
        if reset:
            if got is not None:
                self.feature_names_in_ = got
            return
        known = getattr(self, "feature_names_in_", None)
        if known is not None and got is not None and list(known) != list(got):
            raise InvalidInputError(
                f"X has the columns {list(got)}, but {type(self).__name__} was fitted "
                f"on {list(known)}. Select the same columns in the same order."
            )

    def _check_widths(self, widths: list[int]) -> None:
        for number, width in enumerate(widths):
            if width != self.n_features_in_:
                where = f" in X[{number}]" if len(widths) > 1 else ""
                raise InvalidInputError(
                    f"X has {width} features{where}, but {type(self).__name__} is "
                    f"expecting {self.n_features_in_} features as input. Features are "
                    "the last axis: pass the same columns as in fit."
                )

    def _apply(
        self,
        X: Any,
        function: Callable[[np.ndarray], np.ndarray],
        names: bool = True,
    ) -> Any:
        check_is_fitted(self)
        as_read = plain(X)
        blocks = self._blocks(as_read, reset=False, names=names)
        if not isinstance(blocks, list):
            flat = blocks.reshape(-1, blocks.shape[-1])
            result = frame_like(function(flat).reshape(blocks.shape), X)
            unnamed = names and not hasattr(self, "feature_names_in_")
            if unnamed and isinstance(X, pd.DataFrame) and column_names(X) is not None:
                # scikit-learn has warned that these are not the names of fit.
                result.columns = self.get_feature_names_out()
            return result
        items = X if isinstance(X, list | tuple | np.ndarray) else as_read
        results = [
            frame_like(function(block), item)
            for block, item in zip(blocks, items, strict=True)
        ]
        if isinstance(X, np.ndarray):
            out = np.empty(len(results), dtype=object)
            out[:] = results
            return out
        return type(X)(results) if type(X) in (list, tuple) else results

    def _named(self, values: np.ndarray) -> Any:
        """Return values as what the transformer was fitted on: a frame or an array."""
        names = getattr(self.transformer_, "feature_names_in_", None)
        return values if names is None else pd.DataFrame(values, columns=names)

    def _fit_transformer(
        self,
        chunks: Callable[[], Iterable[WeightedChunk]],
        names: np.ndarray | None,
    ) -> None:
        kept = list(live(chunks, dtype=None)())
        values = np.concatenate([chunk for chunk, _ in kept])
        if names is not None:
            values = pd.DataFrame(values, columns=names)
        weights = np.concatenate([weight for _, weight in kept])
        transformer = clone(self.method)
        # If it takes no weights, rows of weight 0 are left out all the same (`live`).
        if has_fit_parameter(transformer, "sample_weight"):
            transformer.fit(values, sample_weight=weights)
        else:
            transformer.fit(values)
        scaled = np.asarray(transformer.transform(values))
        width = scaled.shape[1:]
        if width != values.shape[1:]:
            raise InvalidInputError(
                f"Expected a transformer that keeps the {values.shape[1]} channels, "
                f"got {transformer!r}, which returns {width} per row. Put it in a "
                "Pipeline in front instead."
            )
        self.transformer_ = transformer
        self.neutral_ = mean_and_deviation(lambda: iter([(scaled, weights)]))[0]
        self.n_features_in_ = values.shape[1]


def _checked(table: Any, name: str, check: Callable[..., np.ndarray]) -> np.ndarray:
    """Return a table as scikit-learn's `check` gives it: floats, NaN where masked."""
    table = without_mask(table)
    refuse_times(table, name, arguments=_NO_TIME)
    floats = [np.float64, np.float32]
    with naming_non_numeric(table, name, arguments=_NO_TIME):
        return check(table, dtype=floats, ensure_all_finite="allow-nan")


def _chunks(
    blocks: np.ndarray | list[np.ndarray], weight: np.ndarray | None
) -> Iterator[WeightedChunk]:
    """Rows of an array or a list of arrays, each with its sample's weight."""
    if isinstance(blocks, list):
        for number, block in enumerate(blocks):
            own = None if weight is None else np.full(len(block), weight[number])
            yield block, own
        return
    width = blocks.shape[-1]
    per_sample = int(np.prod(blocks.shape[1:-1]))
    # In float64, to which statistics go, a whole array might not fit into memory.
    step = max(1, _CHUNK_VALUES // max(1, per_sample * width))
    for begin in range(0, len(blocks), step):
        rows = blocks[begin : begin + step].reshape(-1, width)
        if weight is None:
            yield rows, None
        else:
            yield rows, np.repeat(weight[begin : begin + step], per_sample)


def _check_weight(sample_weight: Any, n_samples: int) -> np.ndarray | None:
    if sample_weight is None:
        return None
    weight = np.asarray(sample_weight, dtype=np.float64)
    if weight.shape != (n_samples,):
        raise InvalidInputError(
            f"Expected sample_weight of shape ({n_samples},), got shape "
            f"{weight.shape}. Pass one weight per sample."
        )
    if not np.isfinite(weight).all() or (weight < 0).any():
        bad = int(np.argmax(~np.isfinite(weight) | (weight < 0)))
        raise InvalidInputError(
            "Expected sample_weight to be finite and not negative, got "
            f"{weight[bad]} for sample {bad}. Use 0 to leave a sample out."
        )
    return weight


def _as_float(result: np.ndarray, values: np.ndarray) -> np.ndarray:
    dtype = np.float32 if values.dtype == np.float32 else np.float64
    return result.astype(dtype, copy=False)
