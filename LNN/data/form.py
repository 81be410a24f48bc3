"""What data must look like: learnt from those of a fit, checked in all that follow."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from LNN._warnings import warn
from LNN.exceptions import InvalidInputError

from .clock import Clock
from .containers import plain
from .continuation import Continuation
from .layouts import stacked
from .reading import read_sequences
from .sequence_set import Layout, SequenceSet
from .tables import Columns

__all__ = ["DataForm", "GivenX", "InputLayout", "ReadOptions", "TargetLayout"]


@dataclass(frozen=True, eq=False)
class GivenX:
    """X as the caller passed it, with what goes with it; see `read_sequences`.

    A prediction is for every row, so only training passes its `stride`.
    """

    X: Any
    timestamps: Any = None
    groups: Any = None
    context: Any = None
    per_step: bool = False
    stride: int = 1
    n_jobs: int | None = None
    name: str = "X"


@dataclass(frozen=True)
class ReadOptions:
    """How X is to be read; the names are those of the estimators' parameters.

    `owner` is the estimator's name, for messages. `stride` is for training: `read`
    takes the one that is given with X.
    """

    owner: str
    window_length: int | None
    stride: int = 1
    time_column: Any = None
    group_column: Any = None
    anchor: Any = None
    allow_missing: bool = False

    @property
    def names_no_column(self) -> bool:
        """Whether every column of X is an input and nothing else."""
        named = (self.time_column, self.group_column, self.anchor)
        return all(label is None for label in named)

    def read(self, given: GivenX) -> SequenceSet:
        """Read X without comparing it to anything; see `read_sequences`."""
        own = {k: v for k, v in vars(self).items() if k not in ("owner", "stride")}
        return read_sequences(**vars(given), **own)


@dataclass(frozen=True)
class InputLayout:
    """What the X of a fit looked like.

    Attributes
    ----------
    options : ReadOptions
        How it was read.
    kind : {"rows", "cube", "ragged"}
        2-D rows, a 3-D array, or a list of recordings.
    columns : Columns
        Which columns of X are what.
    recordings : bool
        Whether it had several recordings.
    """

    options: ReadOptions
    kind: Layout
    columns: Columns
    recordings: bool

    @classmethod
    def of(cls, options: ReadOptions, sequences: SequenceSet) -> InputLayout:
        """Learn the layout from the sequences of a fit."""
        groups = sequences.groups
        several = groups is not None and bool(np.ptp(groups))
        return cls(options, sequences.layout, sequences.columns, several)

    @property
    def owner(self) -> str:
        """The estimator's name, for messages."""
        return self.options.owner

    @property
    def in_rows(self) -> bool:
        """Whether X is 2-D, with one prediction per row."""
        return self.kind == "rows"

    @property
    def window_length(self) -> int | None:
        """Rows that a prediction sees, for 2-D X; None for all so far."""
        return self.options.window_length

    @property
    def whole(self) -> bool:
        """Whether 2-D X is read as whole recordings, not as windows."""
        return self.in_rows and self.window_length is None

    @property
    def timeless(self) -> bool:
        """Whether rows are independent, so that there is no time between them."""
        return self.in_rows and self.window_length == 1

    @property
    def n_channels(self) -> int:
        """Number of inputs per step."""
        return len(self.columns.inputs)

    def read(
        self,
        given: GivenX,
        clock: Clock,
        *,
        counts: np.ndarray | None = None,
        before: Continuation | None = None,
    ) -> SequenceSet:
        """Read X and check it against the training data.

        Parameters
        ----------
        given : GivenX
        clock : Clock
            What the fit learnt about time.
        counts : ndarray of bool, optional
            Which samples (rows, for 2-D) have a weight above 0. None is all.
        before : Continuation, optional
            The ends of the training data, which these rows go on from.

        Returns
        -------
        SequenceSet

        Raises
        ------
        InvalidInputError
            If X has another layout, other columns or another kind of time.
        """
        X, name = plain(given.X), given.name
        if self.in_rows:
            X = stacked(X)
        sequences = self.options.read(replace(given, X=X))
        if sequences.layout == "rows":
            self._check_table(X)
        else:
            self._check_columns(sequences, X, name)
        self._check_kind(sequences, name)
        if before is not None:
            sequences = before.ahead_of(sequences, self.window_length, name)
        # Rows with a context are of one recording, whatever training had.
        elif given.context is None:
            self._warn_if_recordings_are_lost(sequences, name)
        if self.timeless:
            return sequences
        # Gaps that only samples of weight 0 read are nobody's concern.
        samples = None if counts is None else sequences.counted(counts)
        return clock.checked(sequences, self.owner, name, samples)

    def _check_table(self, X: Any) -> None:
        """Check number and names of the columns of a table as scikit-learn does."""
        # Its messages name the class of the estimator that they are about.
        known: Any = _estimator_named(self.owner)()
        known.n_features_in_ = self.columns.n_features_in
        if self.columns.names is not None:
            known.feature_names_in_ = self.columns.names
        validate_data(known, X, reset=False, skip_check_array=True)

    def _check_columns(self, sequences: SequenceSet, X: Any, name: str) -> None:
        expected, got = self.columns.n_features_in, sequences.n_features_in
        if got != expected:
            shape = np.shape(X) if sequences.layout == "cube" else np.shape(X[0])
            hint = ""
            # Other libraries put channels before time.
            if expected in shape[-2:-1]:
                hint = (
                    " The axis before has that many: if the layout is (..., channels, "
                    "time), swap the last two axes."
                )
            raise InvalidInputError(
                f"{name} has {got} features in its last axis, but {self.owner} is "
                f"expecting {expected} features as input: shape (n_samples, "
                f"n_timesteps, {expected}).{hint}"
            )
        known, names = self.columns.names, sequences.feature_names_in
        if known is not None and names is not None and list(known) != list(names):
            raise InvalidInputError(
                f"{name} has the columns {list(names)}, but the estimator was fitted "
                f"on {list(known)}. Select the same columns in the same order."
            )

    def _check_kind(self, sequences: SequenceSet, name: str) -> None:
        """Refuse rows if training had sequences, and the reverse."""
        # They mean different things: a prediction per row, or per sequence.
        rows = sequences.layout == "rows"
        if rows == self.in_rows:
            return
        want = "2-D rows" if self.in_rows else "sequences (3-D or a list)"
        got = "2-D rows" if rows else "sequences (3-D or a list)"
        raise InvalidInputError(
            f"{self.owner} was fitted on {want}, but {name} holds {got}. Pass the same "
            "kind of data; one sequence is X[None]."
        )

    def _warn_if_recordings_are_lost(self, sequences: SequenceSet, name: str) -> None:
        """Warn of rows without recordings where training had told them apart."""
        if not self.recordings or sequences.groups is not None:
            return
        # Only windows of several rows can cross from one recording into the next.
        if sequences.layout != "rows" or sequences.max_length == 1:
            return
        groups = name.replace("X", "groups")
        warn(
            f"{self.owner} was fitted on several recordings, but {name} does not say "
            "which row belongs to which: all are taken as one, and windows cross from "
            f"each recording into the next. Pass {groups}=, or a frame with the "
            f"MultiIndex; {groups}=numpy.zeros(len({name})) says that it is one."
        )


# Cached, as a class is slow to make and every call of `predict` needs it.
@cache
def _estimator_named(owner: str) -> type[BaseEstimator]:
    """Return a class of this name that scikit-learn's checks can speak of."""
    return type(owner, (BaseEstimator,), {})


@dataclass(frozen=True, eq=False)
class TargetLayout:
    """What the y of a fit looked like.

    Attributes
    ----------
    per_step : bool
        Whether there is a target at every step of a sequence.
    ndim : int
        Dimensions of one target: 0 a number or label, 1 a vector.
    n_targets : int
        Numbers in one target; 1 for a label.
    classes : ndarray or None
        Class labels, for classification.
    """

    per_step: bool
    ndim: int
    n_targets: int
    classes: np.ndarray | None


class DataForm(NamedTuple):
    """What the data of a fit looked like: all that later data have to match."""

    layout: InputLayout
    clock: Clock
    targets: TargetLayout

    @property
    def every_step(self) -> bool:
        """Whether the network answers at every step, and not once a sequence."""
        return self.targets.per_step or self.layout.whole
