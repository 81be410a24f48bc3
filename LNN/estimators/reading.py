"""From the arguments of fit and predict to sequences, targets and weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.utils.validation import _num_samples, validate_data

from LNN._warnings import warn
from LNN.data import (
    SequenceSet,
    is_regular,
    layout_of,
    read_sequences,
    stacked,
    time_unit,
)
from LNN.data.gap_range import GapRange
from LNN.data.targets import Targets, encode_classes, is_per_step, read_targets
from LNN.data.time_index import warn_if_misaligned
from LNN.estimators.built import built, remember_parameters
from LNN.estimators.callbacks import OF_CALLBACKS
from LNN.exceptions import InvalidInputError


@dataclass(frozen=True, eq=False)
class Data:
    """Sequences with what belongs to them.

    Attributes
    ----------
    sequences : SequenceSet
    targets : Targets
        In the caller's units; class codes for classification.
    weights : ndarray of float64, shape (n_samples,)
    """

    sequences: SequenceSet
    targets: Targets
    weights: np.ndarray

    def subset(self, samples: np.ndarray) -> Data:
        """Return some of the samples; rows are shared."""
        return Data(
            self.sequences.subset(samples),
            self.targets.subset(samples),
            self.weights[samples],
        )

    def has_targets(self) -> bool:
        """Tell whether there is anything to learn from: steps may have no target."""
        values = self.targets.values
        known = values >= 0 if values.dtype.kind == "i" else ~np.isnan(values).any(1)
        if self.targets.per_step:
            known &= self.sequences.row_weights(self.weights) > 0
        return bool(known.any())

    def classes_shown(self) -> set[int]:
        """Return the codes of the classes that occur; none for regression."""
        codes = self.targets.values
        if codes.dtype.kind != "i":
            return set()
        if self.targets.per_step:
            codes = codes[self.sequences.row_weights(self.weights) > 0]
        return set(np.unique(codes[codes >= 0]).tolist())


def read_inputs(
    estimator,
    X: Any,
    *,
    timestamps: Any = None,
    groups: Any = None,
    context: Any = None,
    per_step: bool = False,
    stride: int = 1,
    n_jobs: int | None = None,
    reset: bool = False,
    name: str = "X",
) -> SequenceSet:
    """Read X with the estimator's parameters, and check it against what was fitted."""

    def settled(parameter: str) -> Any:
        return getattr(estimator, parameter) if reset else built(estimator, parameter)

    if not reset and estimator._fitted_on_rows:
        X = stacked(X)
    sequences = read_sequences(
        X,
        window_length=estimator._window_length,
        stride=stride,
        timestamps=timestamps,
        groups=groups,
        time_column=settled("time_column"),
        group_column=settled("group_column"),
        anchor=settled("anchor"),
        context=context,
        per_step=per_step,
        allow_missing=settled("missing") != "error",
        n_jobs=estimator.n_jobs if n_jobs is None else n_jobs,
        name=name,
    )
    if sequences.layout == "rows":
        validate_data(estimator, X, reset=reset, skip_check_array=True)
    elif reset:
        _remember_columns(estimator, sequences)
    else:
        _check_columns(estimator, sequences, X, name)
    if not reset:
        _check_kind(estimator, sequences, name)
        if context is None:
            _warn_if_recordings_are_lost(estimator, sequences, name)
        sequences = _in_known_time(estimator, sequences, name)
    return sequences


class Given(NamedTuple):
    """What the caller passed to learn from, as it came."""

    X: Any
    y: Any
    sample_weight: Any = None
    timestamps: Any = None
    groups: Any = None


def read_data(
    estimator,
    given: Given,
    *,
    n_jobs: int | None = None,
    reset: bool = True,
    classes: Any = None,
    suffix: str = "",
) -> Data:
    """Read X, y and weights for training or validation; sets `classes_` if reset.

    `classes` are all class labels, where y may not show them all.

    Samples of weight 0 are left out: they are the same as samples that are not there.
    """
    X, y, sample_weight, timestamps, groups = given
    # Training that goes on may change it; predictions follow what was trained last.
    estimator._window_length = estimator.window_length
    layout = layout_of(X, name="X" + suffix)
    if layout == "rows":
        warn_if_misaligned(X, y, suffix)
    if isinstance(y, pd.DataFrame) and layout != "rows":
        y = y.to_numpy()  # going through a frame gives its columns, not its rows
    _check_given(y, suffix)
    wanted = estimator.return_sequences
    if not reset and layout != "rows":
        wanted = estimator._per_step
    per_step = is_per_step(y, X, layout, wanted, estimator.task)
    sequences = read_inputs(
        estimator,
        X,
        timestamps=timestamps,
        groups=groups,
        per_step=per_step,
        stride=estimator.stride,
        n_jobs=n_jobs,
        reset=reset,
        name="X" + suffix,
    )
    by_row = check_weights(sample_weight, _num_samples(X))
    weights = _weights_used(by_row, sequences, suffix)
    values, ndim = read_targets(
        y, sequences, counts=by_row > 0, task=estimator.task, per_step=per_step
    )
    if estimator.task == "classification":
        counts = (sequences.row_weights(weights) if per_step else weights) > 0
        values = _codes(estimator, values, counts, reset, classes)
    elif not reset and values.shape[1] != estimator._n_targets:
        raise InvalidInputError(
            f"Expected y{suffix} with {estimator._n_targets} target(s) as in the first "
            f"fit, got {values.shape[1]}. Pass the same targets, or fit anew "
            "(warm_start=False)."
        )
    data = Data(sequences, Targets(values, per_step, ndim), weights)
    if not data.has_targets():
        raise InvalidInputError(
            f"No step of y{suffix} has a target among the samples used: all are NaN. "
            "Pass at least one."
        )
    return data.subset(np.flatnonzero(weights)) if (weights == 0).any() else data


@contextmanager
def unchanged_on_error(estimator, unless: list) -> Iterator[None]:
    """Take back all attributes that were set, if what is done here fails.

    A fit that refuses its data must not leave a fitted estimator with other classes,
    nor one that learnt nothing. Once `unless` has entries, there is something to keep.
    """
    before = dict(vars(estimator))
    random = before.get("_random")  # partial_fit goes on drawing from it
    drawn = None if random is None else random.get_state()
    try:
        yield
    except BaseException:
        if not unless:
            if random is not None:
                random.set_state(drawn)
            after = vars(estimator).copy()
            vars(estimator).clear()
            vars(estimator).update(before)
            # scikit-learn still has to tear its callbacks down.
            vars(estimator).update((n, after[n]) for n in OF_CALLBACKS if n in after)
        raise


def refuse_without_x_val(held_out: Given) -> None:
    """Refuse arguments that belong to X_val where there is no X_val."""
    others = held_out._asdict()
    if others.pop("X") is not None:
        return
    given = [f"{name}_val" for name, value in others.items() if value is not None]
    if given:
        raise InvalidInputError(
            f"Expected X_val with {', '.join(given)}, got none. Pass X_val and y_val, "
            "or leave all of them out."
        )


def _check_given(y: Any, suffix: str) -> None:
    if y is None:
        raise InvalidInputError(
            f"requires y{suffix} to be passed, but the target y{suffix} is None."
        )
    if np.isscalar(y) or getattr(y, "shape", None) == ():
        raise InvalidInputError(
            f"Expected y{suffix} with one target per sample, got the single value "
            f"{y!r}. Pass an array-like as long as X{suffix}."
        )


def check_weights(sample_weight: Any, n_samples: int) -> np.ndarray:
    """Return sample weights as float64 (n,), ones for None."""
    if sample_weight is None:
        return np.ones(n_samples)
    advice = (
        "Pass one weight per sequence, or per row of 2-D X; of a sequence with targets "
        "per step, NaN in y leaves a step out."
    )
    try:
        weights = np.array(sample_weight, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(
            f"Expected numbers in sample_weight, of shape ({n_samples},): {error} "
            f"{advice}"
        ) from error
    if weights.ndim == 0:
        weights = np.full(n_samples, float(weights))
    if weights.ndim != 1:
        raise InvalidInputError(
            f"Sample weights must be 1D array or scalar, got {weights.ndim}D array. "
            f"{advice}"
        )
    if weights.shape != (n_samples,):
        raise InvalidInputError(
            f"sample_weight.shape == {weights.shape}, expected {(n_samples,)}! {advice}"
        )
    if not np.isfinite(weights).all() or (weights < 0).any() or not weights.any():
        raise InvalidInputError(
            "Sample weights must be finite, >= 0, and not all zero. Give samples that "
            "should not count the weight 0."
        )
    return weights


def _weights_used(
    by_row: np.ndarray, sequences: SequenceSet, suffix: str
) -> np.ndarray:
    """Return the weights of the samples, which a stride makes fewer than rows."""
    weights = by_row[sequences.row_of_sample]
    if not (weights > 0).any():
        raise InvalidInputError(
            f"No sample of X{suffix} has a positive weight among those used; check "
            "sample_weight and stride."
        )
    return weights


def remember_kind(estimator, data: Data) -> None:
    """Keep what predictions must look like, from parameters and training data."""
    remember_parameters(estimator)
    estimator._fitted_on_rows = data.sequences.layout == "rows"
    groups = data.sequences.groups
    estimator._fitted_on_recordings = groups is not None and bool(np.ptp(groups))
    estimator._columns = data.sequences.columns
    estimator._per_step = data.targets.per_step
    estimator._target_ndim = data.targets.ndim
    estimator._n_targets = data.targets.values[0].size
    if estimator.task == "classification" and len(estimator.classes_) < 2:
        raise InvalidInputError(
            "A classifier needs samples of at least 2 classes in y, got one class "
            f"only: {estimator.classes_.tolist()}. Check how the data were split; the "
            "first partial_fit takes all labels as classes=, if its y lacks some."
        )


def remember_time(estimator, sequences: SequenceSet) -> None:
    """Set `time_unit_` from the training part, and whether its time is regular."""
    gaps, resolution = sequences.covered_gaps(), sequences.time_resolution
    unit = time_unit(gaps)
    estimator.time_unit_ = unit
    _refuse_endless_gaps(estimator, sequences)
    if len(gaps):
        refuse_coarse_time(resolution, unit)
    estimator._time_kind = sequences.time_kind
    estimator._time_resolution = resolution
    estimator._regular_time = is_regular(gaps, unit, resolution)
    estimator._known_gaps = GapRange.of(gaps, unit)


def refuse_coarse_time(resolution: float, unit: float) -> None:
    """Refuse time stamps that are rounded to much of what lies between them."""
    if resolution > 0.1 * unit:
        raise InvalidInputError(
            f"The time stamps are rounded to {resolution:g}, but the gaps between them "
            f"are about {unit:g}: they lost what they measure. Pass them as float64, "
            "or subtract the first one before they become float32."
        )


def _refuse_endless_gaps(estimator, sequences: SequenceSet) -> None:
    """Refuse gaps that the network's numbers cannot hold."""
    if sequences.elapsed is None:
        return
    dtype = built(estimator, "dtype")
    largest = float(np.finfo(dtype).max) * estimator.time_unit_
    largest = min(largest, np.finfo(np.float64).max)
    endless = np.flatnonzero(sequences.elapsed > largest)
    if len(endless):
        row = int(endless[0])
        raise InvalidInputError(
            f"Expected gaps of up to {largest:g}, the most that {dtype} holds, got "
            f"{sequences.elapsed[row]:g} before {sequences.place(row)}. Check that "
            "time stamp."
        )


def _in_known_time(estimator, sequences: SequenceSet, name: str) -> SequenceSet:
    """Check the time of new data against that of training; drop what has no unit."""
    if estimator._window_length == 1 and sequences.layout == "rows":
        return sequences
    kind, known = sequences.time_kind, estimator._time_kind
    owner = type(estimator).__name__
    if kind is None:
        if estimator._regular_time:
            return sequences
        raise InvalidInputError(
            f"{owner} was fitted on irregular time stamps, but {name} comes without "
            "any. Pass timestamps=, a frame with a DatetimeIndex, or the time column "
            "it was fitted with."
        )
    gaps = sequences.covered_gaps()
    if known is None:
        if is_regular(gaps, time_unit(gaps), sequences.time_resolution):
            return replace(sequences, elapsed=None)
        raise InvalidInputError(
            f"{owner} was fitted without time stamps, but {name} comes with irregular "
            "ones, which it never learnt to use. Fit with time stamps too, or leave "
            "them out here."
        )
    if kind != known:
        raise InvalidInputError(
            f"{owner} was fitted on time stamps that are {known}, but those of {name} "
            f"are {kind}: their units differ. Pass the same kind as in fit."
        )
    _refuse_endless_gaps(estimator, sequences)
    # Rounding is harmless if it is little of the gaps here, or of the known unit.
    unit = max(time_unit(gaps), estimator.time_unit_)
    if len(gaps):
        refuse_coarse_time(sequences.time_resolution, unit)
    resolution = max(sequences.time_resolution, estimator._time_resolution)
    if not estimator._regular_time:
        _doubt_unit(estimator, gaps, name)
    elif not is_regular(gaps, estimator.time_unit_, resolution):
        warn(
            f"{owner} was fitted on equal gaps of {estimator.time_unit_:g}, but {name} "
            "has others, which it never learnt to use. Predictions may be poor: fit on "
            "data with such gaps."
        )
    return sequences


def _doubt_unit(estimator, gaps: np.ndarray, name: str) -> None:
    """Warn of gaps so far from those of training that their unit may be another."""
    known = getattr(estimator, "_known_gaps", None)  # not in older pickles
    doubt = known and known.doubt(gaps)
    if doubt:
        warn(far_gaps(type(estimator).__name__, name, doubt))


def far_gaps(owner: str, name: str, doubt: str) -> str:
    """Return the warning of gaps that `GapRange` doubts."""
    return (
        f"{name} has {doubt}. Is its time in the same unit as in fit? If so, "
        f"{owner} never learnt to use such gaps. Predictions may be poor: fit on data "
        "with such gaps."
    )


def _codes(
    estimator, labels: np.ndarray, counts: np.ndarray, reset: bool, classes: Any
) -> np.ndarray:
    known = np.unique(np.asarray(classes)) if classes is not None else None
    if known is not None and not reset and list(known) != list(estimator.classes_):
        raise InvalidInputError(
            f"classes={known.tolist()} is not the same as on the last call to "
            f"partial_fit, was: {estimator.classes_.tolist()}. Pass the same, or none."
        )
    known = known if reset else estimator.classes_
    classes, codes = encode_classes(labels, counts, known)
    if reset:
        estimator.classes_ = classes
    return codes


def _remember_columns(estimator, sequences: SequenceSet) -> None:
    estimator.n_features_in_ = sequences.n_features_in
    if sequences.feature_names_in is not None:
        estimator.feature_names_in_ = sequences.feature_names_in
    elif hasattr(estimator, "feature_names_in_"):
        del estimator.feature_names_in_


def _check_columns(estimator, sequences: SequenceSet, X: Any, name: str) -> None:
    expected, got = estimator.n_features_in_, sequences.n_features_in
    if got != expected:
        shape = np.shape(X) if sequences.layout == "cube" else np.shape(X[0])
        hint = ""
        if expected in shape[-2:-1]:
            hint = (
                " The axis before has that many: if the layout is (..., channels, "
                "time), swap the last two axes."
            )
        raise InvalidInputError(
            f"{name} has {got} features in its last axis, but "
            f"{type(estimator).__name__} is expecting {expected} features as input: "
            f"shape (n_samples, n_timesteps, {expected}).{hint}"
        )
    names = getattr(estimator, "feature_names_in_", None)
    got_names = sequences.feature_names_in
    if names is not None and got_names is not None and list(names) != list(got_names):
        raise InvalidInputError(
            f"{name} has the columns {list(got_names)}, but the estimator was fitted "
            f"on {list(names)}. Select the same columns in the same order."
        )


def _warn_if_recordings_are_lost(estimator, sequences: SequenceSet, name: str) -> None:
    """Warn of rows without recordings where training had told them apart."""
    known = getattr(estimator, "_fitted_on_recordings", False)  # not in older pickles
    if not known or sequences.groups is not None:
        return
    # Only windows of several rows can cross from one recording into the next.
    if sequences.layout != "rows" or sequences.max_length == 1:
        return
    groups = name.replace("X", "groups")
    warn(
        f"{type(estimator).__name__} was fitted on several recordings, but {name} does "
        "not say which row belongs to which: all are taken as one, and windows cross "
        f"from each recording into the next. Pass {groups}=, or a frame with the "
        f"MultiIndex; {groups}=numpy.zeros(len({name})) says that it is one."
    )


def _check_kind(estimator, sequences: SequenceSet, name: str) -> None:
    """2-D and 3-D data mean different things: one prediction per row, or sequence."""
    rows = sequences.layout == "rows"
    if rows != estimator._fitted_on_rows:
        want = "2-D rows" if estimator._fitted_on_rows else "sequences (3-D or a list)"
        got = "2-D rows" if rows else "sequences (3-D or a list)"
        raise InvalidInputError(
            f"{type(estimator).__name__} was fitted on {want}, but {name} holds {got}. "
            "Pass the same kind of data; one sequence is X[None]."
        )
