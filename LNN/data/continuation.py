"""The ends of the training data, from which later rows go on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from LNN._warnings import warn
from LNN.exceptions import InvalidInputError

from .recording_ends import RecordingEnds
from .row_store import (
    ArrayRows,
    DifferencedRows,
    ReorderedRows,
    Rows,
    StackedRows,
    first_rows,
    with_anchors,
)
from .sequence_set import SequenceSet
from .timestamps import seconds_between

__all__ = ["Continuation", "EndStates"]

# A pickled model should stay small beside its data: ends of more bytes are not kept.
MAX_BYTES = 16_000_000
# So many different rows that repeat the last ones of fit are these, and no chance.
SURE = 4
# Rows that are compared at a time, and of those that are alike the first so many.
_CHUNK, MANY = 2**16, 100
_PLAIN_LABELS = (bool, int, float, str)


@dataclass(frozen=True, eq=False)
class EndStates:
    """What a network knows at the end of each recording.

    Attributes
    ----------
    layers : list of ndarray of shape (n_recordings, state_size)
        The state of each layer.
    held, age : ndarray of shape (n_recordings, n_channels)
        The last value of each channel, scaled, and how long ago it was seen, in units
        of time.
    """

    layers: list[np.ndarray]
    held: np.ndarray
    age: np.ndarray

    @property
    def nbytes(self) -> int:
        """Size of all arrays."""
        return sum(array.nbytes for array in (*self.layers, self.held, self.age))

    def joined(self, kept: np.ndarray, later: EndStates) -> EndStates:
        """Return the states of some recordings, and those of others after them."""
        pairs = zip(self.layers, later.layers, strict=True)
        return EndStates(
            [np.concatenate([mine[kept], other]) for mine, other in pairs],
            np.concatenate([self.held[kept], later.held]),
            np.concatenate([self.age[kept], later.age]),
        )


@dataclass(frozen=True, eq=False)
class Continuation:
    """Where the recordings of the training data ended.

    Attributes
    ----------
    reason : str or None
        Why nothing was kept; None if something was.
    labels : list of tuple, or None
        The names of the recordings; None for a single one without a name.
    stamps : ndarray of shape (n_recordings,), or None
        Time stamps of the last rows, as in `Edges`.
    zoned : bool
        Whether they had a time zone.
    resolution : float
        Rounding of the time stamps.
    counts : ndarray of int64, shape (n_recordings,)
        How many rows of each recording were kept.
    rows : ndarray of shape (n_rows, n_channels)
        The last rows of each recording, as they came: what a window sees of the past.
        Of whole recordings at most one, which holds the anchors alone.
    elapsed : ndarray of float64, shape (n_rows,), or None
        Time since the row before each.
    states : EndStates or None
        For whole recordings.
    """

    reason: str | None = None
    labels: list[tuple] | None = None
    stamps: np.ndarray | None = None
    zoned: bool = False
    resolution: float = 0.0
    counts: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    rows: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    elapsed: np.ndarray | None = None
    states: EndStates | None = None

    @classmethod
    def of(cls, sequences: SequenceSet, window: int | None) -> Continuation:
        """Keep the ends of all recordings in the rows of a fit.

        Parameters
        ----------
        sequences : SequenceSet
            Of layout "rows"; which spans there are does not matter.
        window : int or None
            Rows that a prediction sees; None for whole recordings.
        """
        given = _ends_of(sequences)
        odd = _odd_label(given.labels)
        if odd is not None:
            return cls(
                f"its recordings have names of type {type(odd).__name__} ({odd!r}), "
                "where only numbers and text are stored"
            )
        anchors = sequences.columns.anchors
        # A change from the row before needs a row more than a window has.
        reach = 0 if window is None else window - 1
        reach += anchors is not None
        begins = np.flatnonzero(first_rows(sequences.recording))
        length = np.diff(np.append(begins, sequences.rows.n_rows))
        counts = np.minimum(length, reach)
        raw = _raw(sequences.rows)
        size = int(counts.sum()) * raw.n_features * raw.dtype.itemsize
        if size > MAX_BYTES:
            return cls(_too_much(size))
        positions = _ranges(begins + length - counts, counts)
        rows = raw.take(positions)
        if window is None and anchors is not None:
            kept = np.zeros_like(rows)
            kept[:, anchors] = rows[:, anchors]
            rows = kept
        elapsed = sequences.elapsed
        return cls(
            labels=given.labels,
            stamps=None if elapsed is None else given.last,
            zoned=given.zoned,
            resolution=sequences.time_resolution,
            counts=counts,
            rows=rows,
            elapsed=None if elapsed is None else elapsed[positions],
        )

    def __len__(self) -> int:
        return len(self.counts)

    def with_states(self, states: EndStates) -> Continuation:
        """Return it with the states of the network at the ends."""
        if states.nbytes > MAX_BYTES:
            return Continuation(_too_much(states.nbytes))
        return replace(self, states=states)

    def of_other_weights(self) -> Continuation:
        """Return what of it holds for a network whose weights have changed."""
        if self.states is None:
            return self
        return Continuation(
            "a stream has committed other weights since, and the state at the end of "
            "training was of the old ones"
        )

    def after(self, earlier: Continuation | None) -> Continuation:
        """Return it with those recordings of an earlier one that it does not have."""
        if earlier is None or earlier.labels is None or self.labels is None:
            return self
        mine = set(self.labels)
        others = np.array([label not in mine for label in earlier.labels], dtype=bool)
        alike = (earlier.stamps is None) == (self.stamps is None)
        if not others.any() or not alike or earlier.zoned != self.zoned:
            return self
        kept = np.repeat(others, earlier.counts)
        states = self.states
        if states is not None and earlier.states is not None:
            states = earlier.states.joined(others, states)
        pairs = zip(earlier.labels, others, strict=True)
        found = Continuation(
            labels=[label for label, other in pairs if other] + self.labels,
            stamps=_joined(earlier.stamps, others, self.stamps),
            zoned=self.zoned,
            resolution=max(earlier.resolution, self.resolution),
            counts=np.concatenate([earlier.counts[others], self.counts]),
            rows=np.concatenate([earlier.rows[kept], self.rows]),
            elapsed=_joined(earlier.elapsed, kept, self.elapsed),
            states=states,
        )
        size = found.rows.nbytes + (0 if states is None else states.nbytes)
        return self if size > MAX_BYTES else found

    # ------------------------------------------------------------- rows that go on

    def ahead_of(
        self, sequences: SequenceSet, window: int | None, name: str
    ) -> SequenceSet:
        """Put the ends in front of the recordings that go on from them.

        Parameters
        ----------
        sequences : SequenceSet
            Rows without a context.
        window : int or None
            Rows that a prediction sees; None for whole recordings.
        name : str
            What the rows are called in messages.

        Returns
        -------
        SequenceSet
            With predictions for the same rows.
        """
        given = _ends_of(sequences)
        which = self._continued_by(given, name)
        is_first = first_rows(sequences.recording)
        begins, raw = np.flatnonzero(is_first), _raw(sequences.rows)
        gaps = self._gaps(given, which, name)
        self._refuse_repeated(gaps, which, raw, begins, given, name)
        if sequences.elapsed is None and len(begins) == 1:
            self._warn_if_repeated(which, raw, name)
        counts = np.where(which >= 0, self.counts[which], 0)
        places = _Places.of(is_first, counts, sequences.place)
        # Where the row at each place is found: kept ones first, then those of X.
        kept = _ranges((np.cumsum(self.counts) - self.counts)[which], counts)
        source = places.filled(len(self.rows) + np.arange(raw.n_rows), kept)
        base: Rows = StackedRows([ArrayRows(self.rows), raw])
        base = ReorderedRows(base, source)
        before = np.repeat(sequences.recording[begins], counts)
        recording = places.filled(sequences.recording, before)
        anchors = sequences.columns.anchors
        rows, anchor_rows = with_anchors(base, anchors, first_rows(recording))
        row_of_position = sequences.row_of_position
        if row_of_position is not None:
            row_of_position = places.filled(row_of_position, -1)
        rank = np.searchsorted(begins, sequences.start, side="right") - 1
        more: np.ndarray | int = 0
        if window is not None:
            more = np.minimum(window - sequences.length, counts[rank])
        return replace(
            sequences,
            rows=rows,
            anchor_rows=anchor_rows,
            recording=recording,
            start=places.new[sequences.start] - more,
            length=sequences.length + more,
            first_target=sequences.first_target + more,
            row_of_position=row_of_position,
            place=places,
            ends=None,
            continues=which[rank] if window is None else None,
            **self._time(sequences, gaps, places, kept, begins),
        )

    def _time(
        self,
        sequences: SequenceSet,
        gaps: np.ndarray,
        places: _Places,
        kept: np.ndarray,
        begins: np.ndarray,
    ) -> dict[str, Any]:
        """Return what the rows know of time, the kept ones among them."""
        if sequences.elapsed is None:
            return {}
        elapsed = sequences.elapsed.copy()
        elapsed[begins] = gaps
        before = np.nan if self.elapsed is None else self.elapsed[kept]
        return {
            "elapsed": places.filled(elapsed, before),
            "time_resolution": max(sequences.time_resolution, self.resolution),
        }

    def _continued_by(self, given: RecordingEnds, name: str) -> np.ndarray:
        """Return which end each recording goes on from, -1 for none."""
        groups = name.replace("X", "groups")
        if self.labels is None or given.labels is None:
            if len(self) == len(given) == 1:
                return np.zeros(1, dtype=np.int64)
            if self.labels is None:
                raise InvalidInputError(
                    f'Expected {name} of one recording with context="fit", as in fit, '
                    f"got {len(given)}: which of them goes on from the training data "
                    "is not known. Predict the one that does by itself."
                )
            raise InvalidInputError(
                f'context="fit" continues each of {len(self)} recordings by its name, '
                f"but {name} does not say which row belongs to which. Pass {groups}= "
                "as in fit, or a frame with the MultiIndex."
            )
        place = {label: k for k, label in enumerate(self.labels)}
        which = np.array([place.get(label, -1) for label in given.labels])
        if (which < 0).all():
            warn(
                f'context="fit" continues no recording of {name}: it has '
                f"{_names(given.labels)}, the training data {_names(self.labels)}. "
                "All start cold. Are the names the same, numbers or text?"
            )
        return which

    def _gaps(self, given: RecordingEnds, which: np.ndarray, name: str) -> np.ndarray:
        """Return the time between the end and the first row; NaN where not known."""
        gaps = np.full(len(which), np.nan)
        if self.stamps is None or given.first is None:
            return gaps
        clocks = [stamps.dtype.kind in "mM" for stamps in (self.stamps, given.first)]
        if clocks[0] != clocks[1]:
            return gaps  # the clock refuses these
        mine = _kind(self.stamps, self.zoned), _kind(given.first, given.zoned)
        if mine[0] != mine[1]:
            raise InvalidInputError(
                f'Expected time stamps of {name} that are {mine[0]} with context="fit"'
                f", as in fit, got {mine[1]}. Convert them."
            )
        on = which >= 0
        gaps[on] = seconds_between(self.stamps[which[on]], given.first[on])
        back = np.flatnonzero(gaps < 0)
        if len(back):
            here = int(back[0])
            raise InvalidInputError(
                f'Expected {name} to begin after the rows of fit with context="fit", '
                f"got {given.first[here]} first{_of(given, here)}, and fit went until "
                f"{self.stamps[which[here]]}. Pass only rows that come after, or the "
                "rows before these as context=."
            )
        return gaps

    def _refuse_repeated(
        self,
        gaps: np.ndarray,
        which: np.ndarray,
        raw: Rows,
        begins: np.ndarray,
        given: RecordingEnds,
        name: str,
    ) -> None:
        """Raise if the last row of fit is the first of X, in time and values."""
        if self.states is not None or given.first is None:
            return  # there is no row, or no time, to compare with
        ends = np.cumsum(self.counts)
        for here in np.flatnonzero(gaps == 0).tolist():
            if not self.counts[which[here]]:
                continue
            last = self.rows[ends[which[here]] - 1]
            first = raw.block(begins[here], begins[here] + 1)[0]
            if np.array_equal(last, first, equal_nan=True):
                raise InvalidInputError(
                    f'Expected {name} to begin after the rows of fit with context="fit"'
                    f", got the row of {given.first[here]} in both{_of(given, here)}. "
                    "X.loc[t:] holds the row t too: use X.loc[X.index > t]."
                )

    def _warn_if_repeated(self, which: np.ndarray, raw: Rows, name: str) -> None:
        """Warn if X holds the rows that were kept, where no time tells."""
        stops = np.cumsum(self.counts)
        stop = int(stops[which[0]]) if which[0] >= 0 else 0
        kept = self.rows[stop - int(self.counts[which[0]]) : stop]
        if self.states is not None or len(np.unique(kept, axis=0)) < len(kept):
            return  # rows that repeat each other may come again
        for end in _rows_like(kept[-1:], raw):
            reach = min(end + 1, len(kept))
            found = raw.block(end + 1 - reach, end + 1)
            if reach < SURE or not np.array_equal(found, kept[-reach:], equal_nan=True):
                continue
            warn(
                f'context="fit" puts the last rows of fit before {name}, but rows '
                f"{end + 1 - reach} to {end} of {name} are the same ones. Pass only "
                "rows that come after those of fit."
            )
            return


@dataclass(frozen=True, eq=False)
class _Places:
    """Where rows go when others come before them, and the words for them.

    `new` holds the new position of each old one, `old` the reverse, -1 for rows that
    were put in.
    """

    new: np.ndarray
    old: np.ndarray
    words: Callable[[int], str]

    @classmethod
    def of(
        cls, is_first: np.ndarray, counts: np.ndarray, words: Callable[[int], str]
    ) -> _Places:
        """Make room for so many rows before each recording."""
        rank = np.cumsum(is_first) - 1
        new = np.arange(len(is_first)) + np.cumsum(counts)[rank]
        old = np.full(len(is_first) + int(counts.sum()), -1)
        old[new] = np.arange(len(is_first))
        return cls(new, old, words)

    def filled(self, values: np.ndarray, others: np.ndarray | float) -> np.ndarray:
        """Return values at their new positions, with others at those put in."""
        found = np.empty(len(self.old), dtype=values.dtype)
        found[self.new] = values
        found[self.old < 0] = others
        return found

    def __call__(self, position: int) -> str:
        old = int(self.old[position])
        return "a row of the training data" if old < 0 else self.words(old)


def _ends_of(sequences: SequenceSet) -> RecordingEnds:
    assert sequences.ends is not None  # they came without a context
    return sequences.ends()


def _raw(rows: Rows) -> Rows:
    """Return rows as they came, without changes in place of anchors."""
    return rows.base if isinstance(rows, DifferencedRows) else rows


def _rows_like(row: np.ndarray, rows: Rows) -> list[int]:
    """Return the first positions of rows that equal one, which may be empty."""
    found: list[int] = []
    for begin in range(0, rows.n_rows if len(row) else 0, _CHUNK):
        block = rows.block(begin, min(begin + _CHUNK, rows.n_rows))
        same = (block == row) | (np.isnan(block) & np.isnan(row))
        found += (begin + np.flatnonzero(same.all(axis=1))).tolist()
        if len(found) > MANY:
            break
    return found[:MANY]


def _ranges(start: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Return `count` numbers from each start, one range after another."""
    before = np.cumsum(count) - count
    found: np.ndarray = np.arange(int(count.sum())) + np.repeat(start - before, count)
    return found


def _joined(
    mine: np.ndarray | None, kept: np.ndarray, later: np.ndarray | None
) -> np.ndarray | None:
    if mine is None or later is None:
        return None
    return np.concatenate([mine[kept], later])


def _odd_label(labels: list[tuple] | None) -> Any:
    """Return the first part of a name that no pickle should hold, None without one."""
    parts = (part for label in labels or () for part in label)
    return next((p for p in parts if not isinstance(p, _PLAIN_LABELS)), None)


def _too_much(size: int) -> str:
    return f"the ends of its recordings would take {size / 1e6:.0f} MB"


def _kind(stamps: np.ndarray, zoned: bool) -> str:
    if stamps.dtype.kind == "M":
        return f"datetimes {'with' if zoned else 'without'} a time zone"
    return "durations" if stamps.dtype.kind == "m" else "numbers"


def _of(given: RecordingEnds, number: int) -> str:
    """Return words for a recording that has a name."""
    if given.labels is None:
        return ""
    return f" in recording {_names(given.labels[number : number + 1])}"


def _names(labels: list[tuple]) -> str:
    """Return the first names for a message."""
    shown = [repr(x[0] if len(x) == 1 else x) for x in labels[:3]]
    return ", ".join(shown) + (", ..." if len(labels) > 3 else "")
