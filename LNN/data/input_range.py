"""The range of each input column in training, which later rows are held against."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .sequence_set import SequenceSet

__all__ = ["InputRange"]


@dataclass(frozen=True, eq=False)
class InputRange:
    """The least and the largest value of each input that training read.

    Attributes
    ----------
    low, high : ndarray of float64, shape (n_channels,)
        In the units of X, anchor columns as changes; NaN where no value was seen.
    """

    low: np.ndarray
    high: np.ndarray

    @classmethod
    def of(
        cls, sequences: SequenceSet, sample_weight: np.ndarray | None = None
    ) -> InputRange:
        """Return the range of the rows that samples of positive weight read."""
        live = sequences.row_weights(sample_weight) > 0
        low = np.full(sequences.n_features, np.nan)
        high = low.copy()
        for rows, values in sequences.iter_rows():
            read = values[live[rows]]
            if len(read):
                # fmin and fmax pass over NaN, which is what was not measured.
                low = np.fmin(low, np.fmin.reduce(read, axis=0))
                high = np.fmax(high, np.fmax.reduce(read, axis=0))
        return cls(low, high)

    def joined(self, other: InputRange) -> InputRange:
        """Return the range of both."""
        return InputRange(np.fmin(self.low, other.low), np.fmax(self.high, other.high))

    def beyond(self, values: np.ndarray) -> np.ndarray:
        """Return by how much values (n, n_channels) lie above or, negative, below.

        0 inside; NaN (missing) counts as inside, a column without a range too.

        Examples
        --------
        >>> import numpy as np
        >>> known = InputRange(np.array([0.0]), np.array([2.0]))
        >>> known.beyond(np.array([[1.0], [5.0], [-1.0]])).ravel().tolist()
        [0.0, 3.0, -1.0]
        """
        above = np.fmax(values - self.high, 0.0)
        below = np.fmin(values - self.low, 0.0)
        return above + below
