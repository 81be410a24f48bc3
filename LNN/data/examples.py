"""Examples: sequences with their targets and weights, as a fit learns from them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.utils.validation import _num_samples

from LNN.exceptions import InvalidInputError

from .alignment import warn_if_misaligned
from .axes import check_layout, warn_of_odd_axes
from .containers import plain
from .form import DataForm, GivenX, ReadOptions, TargetLayout
from .label_tables import check_labels_per_step
from .layouts import layout_of
from .sequence_set import Layout, SequenceSet
from .targets import Targets, encode_classes, is_per_step, read_targets

__all__ = [
    "Examples",
    "Given",
    "check_weights",
    "read_examples",
    "refuse_without_x_val",
]


class Given(NamedTuple):
    """What the caller passed to learn from, as it came."""

    X: Any
    y: Any
    sample_weight: Any = None
    timestamps: Any = None
    groups: Any = None


@dataclass(frozen=True, eq=False)
class Examples:
    """Sequences with what belongs to them.

    Attributes
    ----------
    sequences : SequenceSet
    targets : Targets
        In the caller's units; class codes for classification.
    weights : ndarray of float64, shape (n_samples,)
    row_weights : ndarray of float64, shape (n_rows,), or None
        For whole recordings, the weight of the target of each row.
    classes : ndarray or None
        The labels that the codes stand for.
    """

    sequences: SequenceSet
    targets: Targets
    weights: np.ndarray
    classes: np.ndarray | None = None
    row_weights: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.sequences)

    def subset(self, samples: np.ndarray) -> Examples:
        """Return some of the samples; rows are shared."""
        return replace(
            self,
            sequences=self.sequences.subset(samples),
            targets=self.targets.subset(samples),
            weights=self.weights[samples],
        )

    def split_tails(self, fraction: float, warm: int) -> tuple[Examples, Examples]:
        """Cut the last part of whole recordings off; see `SequenceSet.split_tails`."""
        parts = self.sequences.split_tails(fraction, warm)
        head, tail = (self._with(part) for part in parts)
        return head, tail

    def cut(self, length: int, burn_in: int) -> Examples:
        """Cut whole recordings into chunks; see `SequenceSet.cut`."""
        return self._with(self.sequences.cut(length, burn_in))

    def _with(self, sequences: SequenceSet) -> Examples:
        """Return other spans over the same recordings."""
        # Recordings without a target that counts are gone; the rest are all read.
        return replace(self, sequences=sequences, weights=np.ones(len(sequences)))

    @property
    def n_targets(self) -> int:
        """How many rows or samples have a target, steps of sequences not counted."""
        if not self.sequences.whole:
            return len(self)
        return int((self.sequences.length - self.sequences.first_target).sum())

    @property
    def target_layout(self) -> TargetLayout:
        """What the targets look like."""
        targets = self.targets
        size = targets.values[0].size
        per_step = targets.per_step and not self.sequences.whole
        return TargetLayout(per_step, targets.ndim, size, self.classes)

    @property
    def weight_per_value(self) -> np.ndarray:
        """The weight of each row of the targets' values."""
        if self.row_weights is not None:
            return np.where(self.sequences.target_rows(), self.row_weights, 0.0)
        if not self.targets.per_step:
            return self.weights
        return self.sequences.row_weights(self.weights)

    def has_targets(self) -> bool:
        """Tell whether there is anything to learn from: steps may have no target."""
        return bool(self._known().any())

    def classes_shown(self) -> set[int]:
        """Return the codes of the classes that occur; none for regression."""
        if self.classes is None:
            return set()
        return set(np.unique(self.targets.values[self._known()]).tolist())

    def known_targets(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return which values have a target that counts, the targets, and weights.

        The targets are in the caller's units, labels and shape.
        """
        known, weights = self._known(), self.weight_per_value
        truth = self.targets.values[known]
        if self.classes is not None:
            truth = self.classes[truth]
        elif self.targets.ndim == 0:
            truth = truth[:, 0]
        return known, truth, weights[known]

    def _known(self) -> np.ndarray:
        """Return which values have a target and a positive weight."""
        values = self.targets.values
        if self.classes is not None:
            known = values >= 0
        else:
            known = ~np.isnan(values).any(axis=1)
        return known & (self.weight_per_value > 0)


def read_examples(
    given: Given,
    options: ReadOptions,
    known: DataForm | None,
    *,
    task: str,
    return_sequences: bool | str,
    layout: str = "auto",
    n_jobs: int | None = None,
    classes: Any = None,
    suffix: str = "",
) -> Examples:
    """Read X, y and weights to train on or to validate with.

    Parameters
    ----------
    given : Given
    options : ReadOptions
    known : DataForm or None
        What the data must match; None reads the first data of a fit.
    task : {"regression", "classification"}
    return_sequences : bool or "auto"
        As the estimators' parameter.
    layout : {"auto", "rows", "sequences"}
        As the estimators' parameter.
    n_jobs : int or None
        Threads for checks; the result does not depend on it.
    classes : array-like or None
        All class labels, where y may not show them all.
    suffix : str
        "_val" for validation data, for messages.

    Returns
    -------
    found : Examples
        Without samples of weight 0, which count as if they were absent.
    """
    given = Given(*map(plain, given))
    warn_if_misaligned(**given._asdict(), suffix=suffix)
    X, y, sample_weight, timestamps, groups = given
    name = "X" + suffix
    kind = layout_of(X, name=name)
    if known is None:
        check_layout(layout, kind, name)
    labels = y
    if isinstance(y, pd.DataFrame) and kind != "rows":
        y = y.to_numpy()  # iterating over a frame gives columns, not rows
    _check_given(y, suffix)
    if known is not None and kind != "rows":
        return_sequences = known.targets.per_step  # what its network is built for
    per_step = is_per_step(y, X, kind, return_sequences, task)
    if per_step and task == "classification" and return_sequences == "auto":
        check_labels_per_step(labels, X)
    how = per_step, options.stride, n_jobs, name
    given_x = GivenX(X, timestamps, groups, None, *how)
    by_row = check_weights(sample_weight, _num_samples(X))
    if known is None:
        sequences = _read_first(given_x, options, kind, layout)
    else:
        sequences = known.layout.read(given_x, known.clock, counts=by_row > 0)
    weights, row_weights = _weights_used(by_row, sequences, suffix)
    values, ndim = read_targets(
        y, sequences, counts=by_row > 0, task=task, per_step=per_step
    )
    found = None
    if task == "classification":
        counts = sequences.row_weights(weights) if per_step else weights
        counts = counts if row_weights is None else row_weights
        found, values = _encoded(values, counts > 0, classes, known)
    elif known is not None:
        _check_n_targets(values.shape[1], known.targets.n_targets, suffix)
    targets = Targets(values, per_step or sequences.whole, ndim)
    examples = Examples(sequences, targets, weights, found, row_weights)
    if not examples.has_targets():
        raise InvalidInputError(
            f"No step of y{suffix} has a target among the samples used: all are NaN. "
            "Pass at least one."
        )
    # Only now: which rows there are, and their windows, must not depend on weights.
    if (weights == 0).any():
        return examples.subset(np.flatnonzero(weights))
    return examples


def _read_first(
    given: GivenX, options: ReadOptions, kind: Layout, layout: str
) -> SequenceSet:
    """Read the first X of a fit; warn if nothing was said of its axes and they are odd.

    `kind` is the layout that X has, and `layout` the parameter.
    """
    sequences = options.read(given)
    is_labelled = given.timestamps is not None or given.groups is not None
    is_told = given.per_step or layout != "auto" or not options.names_no_column
    if not is_told and not is_labelled:
        warn_of_odd_axes(given.X, kind, window_length=options.window_length)
    return sequences


def _check_n_targets(got: int, expected: int, suffix: str) -> None:
    if got != expected:
        raise InvalidInputError(
            f"Expected y{suffix} with {expected} target(s) as in the first fit, got "
            f"{got}. Pass the same targets, or fit anew (warm_start=False)."
        )


def _encoded(
    labels: np.ndarray, counts: np.ndarray, classes: Any, known: DataForm | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the classes, and the code of each label."""
    given = np.unique(np.asarray(classes)) if classes is not None else None
    if known is None:
        return encode_classes(labels, counts, given)
    before = known.targets.classes
    if given is not None and before is not None and list(given) != list(before):
        raise InvalidInputError(
            f"classes={given.tolist()} is not the same as on the last call to "
            f"partial_fit, was: {before.tolist()}. Pass the same, or none."
        )
    return encode_classes(labels, counts, before)


def _check_given(y: Any, suffix: str) -> None:
    if y is None:
        raise InvalidInputError(
            f"Training requires y{suffix} to be passed, but the target y{suffix} is "
            "None. Pass one target per sample."
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
    # Errors begin in the words of scikit-learn's `_check_sample_weight`.
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
            "Sample weights must be finite, >= 0, and not all zero; those of "
            "sample_weight are not. Give samples that should not count the weight 0."
        )
    return weights


def _weights_used(
    by_row: np.ndarray, sequences: SequenceSet, suffix: str
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the weights of the samples, which a stride makes fewer than rows.

    Also those of the rows, where each has a target: whole recordings are read as
    they are, whatever their targets count.
    """
    if sequences.row_of_position is not None:
        counted = sequences.counted(by_row > 0).astype(np.float64)
        return counted, by_row[sequences.row_of_position]
    # A window counts as much as the row that it predicts.
    weights = by_row[sequences.row_of_sample]
    if not (weights > 0).any():
        raise InvalidInputError(
            f"No sample of X{suffix} has a positive weight among those used; check "
            "sample_weight and stride."
        )
    return weights, None


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
