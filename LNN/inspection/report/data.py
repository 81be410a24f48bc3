"""The data of a report: what the model answers to them, and a part for slow panels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils import _safe_indexing

from LNN.data import SequenceSet
from LNN.data.containers import plain
from LNN.data.targets import read_targets
from LNN.estimators.fitted import FittedModel
from LNN.exceptions import InvalidInputError
from LNN.inspection.passes import input_names
from LNN.inspection.places import Places

# Rows that slow panels look at, and sequences: a stretch of rows in a row, or sequences
# that are drawn, always the same ones.
MOST_ROWS, MOST_SEQUENCES, SEED = 4000, 400, 0


@dataclass(frozen=True, eq=False)
class ReportData:
    """X and y as they came, with the model's answers.

    Attributes
    ----------
    fitted : FittedModel
    X, y, timestamps, groups
        As `predict` and `score` take them.
    taken_from : ndarray of int or None
        The rows or sequences of what the caller gave that these are; None is all.

    Notes
    -----
    Answers stand in one order, n of them: by rows of X, by sequences, or, with an
    answer at each step, by all steps of all sequences.
    """

    fitted: FittedModel
    X: Any
    y: Any
    timestamps: Any = None
    groups: Any = None
    taken_from: NDArray[np.int64] | None = None

    @classmethod
    def of(cls, fitted: FittedModel, *given: Any) -> ReportData:
        """Take data of any container."""
        return cls(fitted, *(plain(value) for value in given))

    @property
    def given(self) -> dict[str, Any]:
        """What `predict` takes besides X."""
        return {"timestamps": self.timestamps, "groups": self.groups}

    @cached_property
    def sequences(self) -> SequenceSet:
        """X as the model reads it."""
        return self.fitted.read(self.X, **self.given)

    @cached_property
    def outputs(self) -> NDArray[np.float64]:
        """The network's outputs."""
        return self.fitted.outputs(self.sequences)

    @cached_property
    def order(self) -> NDArray[np.int64]:
        """The number of the answer that each of `outputs` is."""
        sequences = self.sequences
        if self.per_step or sequences.whole:
            return np.arange(len(self.outputs))
        return sequences.row_of_sample

    @property
    def classes(self) -> list[Any]:
        """The classes; none for a regressor."""
        known = self.fitted.targets.classes
        return [] if known is None else list(known)

    @property
    def per_step(self) -> bool:
        """Whether there is an answer at each step of sequences."""
        return bool(self.fitted.targets.per_step)

    @cached_property
    def predictions(self) -> NDArray:
        """Labels (n,), numbers (n, K), or quantiles (n, K, Q)."""
        fitted = self.fitted
        values = fitted.kept(self.outputs, self.sequences).values
        if not fitted.classifies and fitted.targets.ndim == 0:
            values = values[:, None]
        return self._sorted(values)

    @cached_property
    def middle(self) -> NDArray[np.float64]:
        """One number for each target, (n, K): of quantiles the one in the middle."""
        values = self.predictions
        return values if values.ndim == 2 else values[:, :, values.shape[2] // 2]

    @cached_property
    def probabilities(self) -> NDArray[np.float64] | None:
        """Probabilities of the classes (n, C); None for a regressor."""
        if not self.fitted.classifies:
            return None
        return self._sorted(self.fitted.objective.probabilities(self.outputs))

    @cached_property
    def truth(self) -> NDArray:
        """Labels (n,), None or NaN where there is none; or numbers (n, K)."""
        sequences, fitted = self.sequences, self.fitted
        n = len(sequences.position_of_row) if sequences.whole else len(sequences)
        task = "classification" if fitted.classifies else "regression"
        every = np.ones(n, dtype=bool)
        values, _ = read_targets(
            self.y, sequences, counts=every, task=task, per_step=self.per_step
        )
        if fitted.targets.classes is not None:
            self._refuse_unknown(values, fitted.targets.classes)
        if sequences.whole:
            return values[sequences.position_of_row]
        return self._sorted(values)

    @staticmethod
    def _refuse_unknown(labels: NDArray, classes: NDArray) -> None:
        known = set(classes.tolist())
        there = labels[~np.asarray(pd.isna(labels))]
        if unknown := sorted({str(x) for x in there.tolist() if x not in known}):
            raise InvalidInputError(
                f"Expected y with the classes {classes.tolist()}, got {unknown[:5]} "
                "too. Leave these rows out, or fit with all classes."
            )

    @cached_property
    def known(self) -> NDArray[np.bool_]:
        """Whether the truth of each answer is known."""
        missing = np.asarray(pd.isna(self.truth)).reshape(len(self.truth), -1)
        return np.asarray(~missing.any(axis=1))

    @cached_property
    def recording(self) -> NDArray[np.int64]:
        """The recording or sequence that each answer belongs to."""
        sequences = self.sequences
        if self.per_step:
            return np.repeat(np.arange(len(sequences)), sequences.length)
        if sequences.whole:
            return sequences.recording[sequences.position_of_row]
        ends = sequences.start + sequences.length - 1
        return self._sorted(sequences.recording[ends])

    def _sorted(self, values: NDArray) -> NDArray:
        found = np.empty_like(values)
        found[self.order] = values
        return found

    @property
    def names(self) -> list[str]:
        """The inputs, in words."""
        return [column_text(name) for name in input_names(self.sequences)]

    @property
    def target_names(self) -> list[str]:
        """Names of the targets, of the columns of y where these have names."""
        n = self.fitted.targets.n_targets
        if isinstance(self.y, pd.DataFrame) and self.y.shape[1] == n:
            return [str(name) for name in self.y.columns]
        if n == 1:
            return [str(getattr(self.y, "name", None) or "y")]
        return [f"y {k}" for k in range(n)]

    @property
    def size(self) -> str:
        """How much there is, in words."""
        sequences = self.sequences
        if sequences.layout == "rows":
            n = len(self.order) if sequences.whole else len(sequences)
            return f"{n:,} rows"
        return f"{len(sequences):,} sequences"

    def raw_rows(self, positions: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return rows as runtimes take them: anchors as they came, not as changes."""
        sequences = self.sequences
        rows = np.array(sequences.rows.take(positions), dtype=np.float64)
        if sequences.anchor_rows is not None:
            rows[:, sequences.columns.anchors] = sequences.anchor_rows.take(positions)
        return rows

    # ------------------------------------------------------------------ a part of them

    def part(self) -> ReportData:
        """Return all, or as much as slow panels can take."""
        random = np.random.default_rng(SEED)
        n = len(self.X)
        if self.sequences.layout == "rows":
            if n <= MOST_ROWS:
                return self
            begin = int(random.integers(n - MOST_ROWS + 1))
            return self.taken(np.arange(begin, begin + MOST_ROWS))
        lengths = self.sequences.length
        allowed = max(2, min(MOST_SEQUENCES, 25 * MOST_ROWS // max(1, lengths.max())))
        if n <= allowed:
            return self
        return self.taken(np.sort(random.permutation(n)[:allowed]))

    def taken(self, which: NDArray[np.int64]) -> ReportData:
        """Return some of the rows or sequences."""
        given = (self.X, self.y, self.timestamps, self.groups)
        X, y, timestamps, groups = (
            None if value is None else _safe_indexing(value, which) for value in given
        )
        return ReportData(self.fitted, X, y, timestamps, groups, which)

    def place_text(self, place: int) -> str:
        """Return what the caller calls a row or sequence."""
        number = place if self.taken_from is None else self.taken_from[place]
        if self.sequences.layout != "rows":
            return f"sequence {number}"
        label = self._places.label(place)
        # A number may be that of the part: rows are counted in all that was given.
        if isinstance(label, int | np.integer):
            return f"row {number}"
        return f"row {self._places.text(place)}"

    @cached_property
    def _places(self) -> Places:
        return Places(self.fitted, self.X, self.sequences, 0, self.timestamps)


def column_text(name: Any) -> str:
    """Return the name of a column, or words for its number."""
    return name if isinstance(name, str) else f"column {name}"
