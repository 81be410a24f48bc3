"""The one representation of data: rows held once, and spans over them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from .recording_ends import RecordingEnds
from .row_store import Rows
from .tables import Columns

__all__ = ["Layout", "SequenceSet"]

Layout = Literal["rows", "cube", "ragged"]
# Values that `iter_rows` takes at a time.
_CHUNK_VALUES = 2**18


@dataclass(frozen=True, eq=False)
class SequenceSet:
    """Sequences as spans over rows, so that windows are never built for all data.

    A *position* is a place in ``rows``; rows of one recording lie together there, in
    time order. A *sample* is one span of positions.

    Attributes
    ----------
    rows : Rows
        What the network reads: inputs only, anchor columns as changes.
    recording : ndarray of int64, shape (n_rows,)
        Recording number of each position, never decreasing.
    elapsed : ndarray of float64, shape (n_rows,), or None
        Time since the row before, in the caller's units (seconds for datetimes);
        NaN at the first row of a recording. None without time stamps.
    start, length, first_target : ndarray of int64, shape (n_samples,)
        The span of a sample, and the first step in it whose target counts.
    row_of_sample : ndarray of int64, shape (n_samples,)
        For windows of layout "rows" the row of X (without context) that a sample
        predicts, else the number of the sample.
    layout : {"rows", "cube", "ragged"}
        What the caller gave: 2-D, 3-D, or a list of recordings.
    columns : Columns
        Which columns of X are what.
    anchor_rows : Rows or None
        The anchor columns by position, as they came (not differenced).
    groups : ndarray of int64, shape (n_samples,), or None
        Number of the recording or group of each sample, if the caller gave one.
    time_resolution : float
        Rounding of the time stamps (0 for exact ones), for `normalised`.
    time_kind : str or None
        "numbers" or "datetimes or durations"; None without time stamps.
    time_zoned : bool or None
        Whether datetimes have a time zone; None for other time stamps.
    time_source : {"timestamps", "the time column", "the index", "the last level of \
the index"} or None
        Where the time stamps stood; None without any.
    time_line : str or None
        The line that makes times of dates written as numbers, if the time stamps
        are; as `line_for_numbers` returns it.
    row_of_position : ndarray of int64, shape (n_rows,), or None
        For whole recordings of layout "rows" the row of X at each position, -1 for
        context: each has a target of its own. None for all others.
    place : callable
        Turns a position into words for messages: "row 7", as the caller counts.
    ends : callable or None
        Returns the `RecordingEnds` of rows that came without a context; None for all
        other data.
    continues : ndarray of int64, shape (n_samples,), or None
        For whole recordings that go on from the end of training: where it is in the
        model's `Continuation`, -1 for those that are not in it.

    Examples
    --------
    >>> import numpy as np
    >>> from LNN.data import read_sequences
    >>> sequences = read_sequences(np.arange(4.0).reshape(-1, 1), window_length=3)
    >>> positions, lengths = sequences.spans(np.array([0, 3]))
    >>> positions.tolist(), lengths.tolist()
    ([[0, 0, 0], [1, 2, 3]], [1, 3])
    """

    rows: Rows
    recording: np.ndarray
    elapsed: np.ndarray | None
    start: np.ndarray
    length: np.ndarray
    first_target: np.ndarray
    row_of_sample: np.ndarray
    layout: Layout
    columns: Columns
    anchor_rows: Rows | None = None
    groups: np.ndarray | None = None
    time_resolution: float = 0.0
    time_kind: str | None = None
    time_zoned: bool | None = None
    time_source: str | None = None
    time_line: str | None = None
    row_of_position: np.ndarray | None = None
    place: Callable[[int], str] = "row {}".format
    ends: Callable[[], RecordingEnds] | None = None
    continues: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.start)

    @property
    def whole(self) -> bool:
        """Whether rows of layout "rows" are whole recordings, not windows."""
        return self.row_of_position is not None

    @property
    def position_of_row(self) -> np.ndarray:
        """The position of each row of X, for whole recordings."""
        assert self.row_of_position is not None
        held = np.flatnonzero(self.row_of_position >= 0)
        positions = np.empty_like(held)
        positions[self.row_of_position[held]] = held
        return positions

    @property
    def n_features(self) -> int:
        """Number of inputs per step."""
        return self.rows.n_features

    @property
    def n_features_in(self) -> int:
        """Number of columns of X, those with times and groups included."""
        return self.columns.n_features_in

    @property
    def feature_names_in(self) -> np.ndarray | None:
        """Column names of X, where they are all strings."""
        return self.columns.names

    @property
    def max_length(self) -> int:
        """Steps in the longest span (0 without samples)."""
        return int(self.length.max()) if len(self) else 0

    def counted(self, counts: np.ndarray) -> np.ndarray:
        """Return which samples count, from which rows (or sequences) of X do."""
        if self.row_of_position is None:
            return counts[self.row_of_sample]
        held = self.row_of_position >= 0
        live = np.zeros(len(held), dtype=bool)
        live[held] = counts[self.row_of_position[held]]
        found: np.ndarray = np.logical_or.reduceat(live, self.start)
        return found

    def subset(self, samples: np.ndarray | slice) -> SequenceSet:
        """Return the set with these samples only; the rows are shared.

        Parameters
        ----------
        samples : array of int or bool, or slice

        Returns
        -------
        SequenceSet
        """
        return replace(
            self,
            start=self.start[samples],
            length=self.length[samples],
            first_target=self.first_target[samples],
            row_of_sample=self.row_of_sample[samples],
            groups=None if self.groups is None else self.groups[samples],
            continues=None if self.continues is None else self.continues[samples],
        )

    def spans(
        self, samples: np.ndarray | slice
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the row positions of each step of these samples, and their lengths.

        Parameters
        ----------
        samples : array of int or bool, or slice

        Returns
        -------
        positions : ndarray of int64, shape (B, T)
            T is the longest span of the batch. Padding repeats the last row.
        length : ndarray of int64, shape (B,), or None
            None if there is no padding, which is the usual case and the quick one.
        """
        start, length = self.start[samples], self.length[samples]
        longest = length.max(initial=0)
        positions = start[:, None] + np.arange(longest)
        if length.min(initial=longest) == longest:
            return positions, None
        # Padding repeats the last row: a position that is there, of the same recording.
        last = start + length - 1
        return np.minimum(positions, last[:, None], out=positions), length

    def anchors(self, samples: np.ndarray | slice) -> np.ndarray:
        """Return the raw anchor values at the last row of each span.

        Returns
        -------
        ndarray of shape (B, K)
        """
        last = self.start[samples] + self.length[samples] - 1
        return self._anchor_rows().take(last)

    def anchors_of_targets(self, per_step: bool) -> np.ndarray | None:
        """Return the raw anchor values that belong to targets; None without anchors.

        Parameters
        ----------
        per_step : bool
            Whether every row has a target, or every sample.

        Returns
        -------
        ndarray of shape (n_rows, K) or (n_samples, K)
        """
        if self.anchor_rows is None:
            return None
        if per_step:
            return self.anchor_rows.take(np.arange(self.rows.n_rows))
        if self.whole:
            return self.anchor_rows.take(self.position_of_row)
        return self.anchors(np.arange(len(self)))

    def cut(self, length: int, burn_in: int) -> SequenceSet:
        """Cut the spans into chunks of nearly equal length, which share no target.

        Parameters
        ----------
        length : int
            Targets of a chunk, at most.
        burn_in : int
            Rows that a chunk reads before its first target, where there are any.
        """
        # Of nearly equal length: a short last chunk would be mostly padding in a batch.
        n_targets = self.length - self.first_target
        chunks = -(-n_targets // length)
        span = np.repeat(np.arange(len(self)), chunks)
        rank = np.arange(len(span)) - np.repeat(np.cumsum(chunks) - chunks, chunks)
        begin = self.first_target[span] + rank * n_targets[span] // chunks[span]
        end = self.first_target[span] + (rank + 1) * n_targets[span] // chunks[span]
        first = np.minimum(begin, burn_in)
        return replace(
            self.subset(span),
            start=self.start[span] + begin - first,
            length=end - begin + first,
            first_target=first,
        )

    def split_tails(
        self, fraction: float, warm: int
    ) -> tuple[SequenceSet, SequenceSet]:
        """Cut the last part of each span off.

        Parameters
        ----------
        fraction : float
            Share of the targets in the last parts.
        warm : int
            Rows that the last parts read before their first target.
        """
        n_tail = np.round(fraction * (self.length - self.first_target)).astype(np.int64)
        kept = self.length - n_tail
        before = np.minimum(kept, warm)
        # Parts without any target have nothing to train on, or to judge by.
        head = replace(self, length=kept).subset(kept > self.first_target)
        tail = replace(
            self,
            start=self.start + kept - before,
            length=n_tail + before,
            first_target=before,
        )
        return head, tail.subset(n_tail > 0)

    def target_rows(self) -> np.ndarray:
        """Return for each row whether a sample has a target there."""
        first = self.start + self.first_target
        return self._cover(first, self.length - self.first_target) > 0

    def row_weights(self, sample_weight: np.ndarray | None = None) -> np.ndarray:
        """Return for each row the summed weight of the samples that read it.

        Parameters
        ----------
        sample_weight : ndarray of shape (n_samples,), optional
            1 each by default.

        Returns
        -------
        ndarray of float64, shape (n_rows,)
            Exactly 0 for rows that no sample of positive weight reads.
        """
        if sample_weight is None:
            return self._cover(self.start, self.length).astype(np.float64)
        weight = np.asarray(sample_weight, dtype=np.float64)
        total = self._cover(self.start, self.length, weight)
        # The running sum of fractions does not come back to exactly 0.
        live = weight > 0
        total[self._cover(self.start[live], self.length[live]) == 0] = 0.0
        return np.maximum(total, 0.0, out=total)

    def covered_gaps(self, samples: np.ndarray | slice | None = None) -> np.ndarray:
        """Return the known gaps of the rows that these samples read, once per row.

        Parameters
        ----------
        samples : array of int or bool, or slice, optional
            All by default.

        Returns
        -------
        ndarray of float64, shape (n,)
            Empty without time stamps.
        """
        weight = None
        if samples is not None:
            weight = np.zeros(len(self))
            weight[samples] = 1.0
        return self.weighted_gaps(weight)[0]

    def weighted_gaps(
        self, sample_weight: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the known gaps of the rows that samples read, and what each counts.

        As the scalers count rows, so that a weight of 2 is the same as the sample
        twice.

        Parameters
        ----------
        sample_weight : ndarray of shape (n_samples,), optional
            1 each by default.

        Returns
        -------
        gaps, weights : ndarray of float64, shape (n,)
            Weights above 0. Empty without time stamps.
        """
        if self.elapsed is None:
            return np.empty(0), np.empty(0)
        weights = self.row_weights(sample_weight)
        known = (weights > 0) & ~np.isnan(self.elapsed)
        return self.elapsed[known], weights[known]

    def iter_rows(self, chunk: int | None = None) -> Iterator[tuple[slice, np.ndarray]]:
        """Go through the rows in chunks.

        Parameters
        ----------
        chunk : int, optional
            Rows at a time; as many as a cache holds by default.

        Yields
        ------
        positions : slice
        values : ndarray of shape (at most chunk, n_features)
            May be a view of the caller's data: do not write to it.
        """
        if chunk is None:
            chunk = max(1, _CHUNK_VALUES // max(1, self.n_features))
        for begin in range(0, self.rows.n_rows, chunk):
            end = min(begin + chunk, self.rows.n_rows)
            yield slice(begin, end), self.rows.block(begin, end)

    def _anchor_rows(self) -> Rows:
        if self.anchor_rows is None:
            raise AttributeError("These sequences were read without anchor=.")
        return self.anchor_rows

    def _cover(
        self, start: np.ndarray, length: np.ndarray, weight: np.ndarray | None = None
    ) -> np.ndarray:
        """Sum of weights (or count) of the spans over each row."""
        # Where spans begin and end, summed up: windows overlap, and to count their rows
        # one by one would take `window_length` times as long.
        size = self.rows.n_rows + 1
        change = np.bincount(start, weight, size)
        change -= np.bincount(start + length, weight, size)
        return np.cumsum(change)[:-1]
