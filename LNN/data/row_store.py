"""Recording tables held as the caller gave them, read a few rows at a time.

Every class here answers one question: *what is in these rows?* Wrappers change the
answer (other columns, another order, differences) without touching the table below,
so no array of the caller is ever copied whole.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from .pages import expect_to_read

__all__ = [
    "ArrayRows",
    "BlockRows",
    "CubeRows",
    "DifferencedRows",
    "ReorderedRows",
    "Rows",
    "SelectedRows",
    "StackedRows",
    "first_rows",
    "with_anchors",
]


class Rows(ABC):
    """A table of ``n_rows`` by ``n_features`` that is read by row position.

    Attributes
    ----------
    n_rows : int
        Number of rows.
    n_features : int
        Number of columns.
    dtype : numpy.dtype
        What ``take`` returns.
    """

    n_rows: int
    n_features: int
    dtype: np.dtype

    @abstractmethod
    def take(self, positions: np.ndarray) -> np.ndarray:
        """Return a new array with the rows at these positions.

        Parameters
        ----------
        positions : ndarray of int, shape (n,)
            Row positions, in any order, repeats allowed.

        Returns
        -------
        ndarray of shape (n, n_features)
        """

    def block(self, start: int, stop: int) -> np.ndarray:
        """Return rows ``start`` to ``stop``; may be a view, so do not write to it."""
        return self.take(np.arange(start, stop))

    def __len__(self) -> int:
        return self.n_rows


class ArrayRows(Rows):
    """Rows of one two-dimensional array (a memmap stays on disk).

    Parameters
    ----------
    array : array of shape (n_rows, n_features)

    Examples
    --------
    >>> import numpy as np
    >>> ArrayRows(np.arange(6).reshape(3, 2)).take(np.array([2, 0])).tolist()
    [[4, 5], [0, 1]]
    """

    def __init__(self, array: np.ndarray) -> None:
        self.array = np.asarray(array)
        self.n_rows, self.n_features = self.array.shape
        self.dtype = self.array.dtype

    def take(self, positions: np.ndarray) -> np.ndarray:
        """Copy rows by position, as `Rows.take`."""
        # ndarray.take is faster, but it copies an array that is not contiguous
        # whole before it takes anything.
        if self.array.flags.c_contiguous:
            return self.array.take(positions, axis=0)
        return self.array[positions]

    def block(self, start: int, stop: int) -> np.ndarray:
        """Return a run of rows, as `Rows.block`."""
        part = self.array[start:stop]
        expect_to_read(part)
        return part


class CubeRows(Rows):
    """Rows of a three-dimensional array: row ``k`` is ``array[k // T, k % T]``.

    Parameters
    ----------
    array : array of shape (n_samples, n_timesteps, n_features)
        Any strides.

    Examples
    --------
    >>> import numpy as np
    >>> CubeRows(np.arange(12).reshape(2, 3, 2)).take(np.array([4])).tolist()
    [[8, 9]]
    """

    def __init__(self, array: np.ndarray) -> None:
        self.array = np.asarray(array)
        n_samples, self.n_timesteps, self.n_features = self.array.shape
        self.n_rows = n_samples * self.n_timesteps
        self.dtype = self.array.dtype
        self._contiguous = bool(self.array.flags.c_contiguous)

    def take(self, positions: np.ndarray) -> np.ndarray:
        """Copy rows by position, as `Rows.take`."""
        if self._contiguous:
            return self._flat().take(positions, axis=0)
        # Two indices in place of a reshape, which would copy other strides whole.
        samples, steps = np.divmod(positions, self.n_timesteps)
        return self.array[samples, steps]

    def block(self, start: int, stop: int) -> np.ndarray:
        """Return a run of rows, as `Rows.block`."""
        if self._contiguous:
            return self._flat()[start:stop]
        return super().block(start, stop)

    def _flat(self) -> np.ndarray:
        return self.array.reshape(self.n_rows, self.n_features)


class BlockRows(Rows):
    """Rows of several arrays, one after another.

    Parameters
    ----------
    blocks : sequence of arrays of shape (T_i, n_features)

    Examples
    --------
    >>> import numpy as np
    >>> rows = BlockRows([np.zeros((2, 1)), np.ones((3, 1))])
    >>> rows.n_rows, rows.take(np.array([1, 2])).ravel().tolist()
    (5, [0.0, 1.0])
    """

    def __init__(self, blocks: Sequence[np.ndarray]) -> None:
        self.blocks = [np.asarray(block) for block in blocks]
        self.offsets = np.zeros(len(self.blocks) + 1, dtype=np.int64)
        np.cumsum([len(block) for block in self.blocks], out=self.offsets[1:])
        self.n_rows = int(self.offsets[-1])
        self.n_features = self.blocks[0].shape[1]
        # A set first: numpy.result_type takes at most 64 arguments.
        self.dtype = np.result_type(*{block.dtype for block in self.blocks})

    def take(self, positions: np.ndarray) -> np.ndarray:
        """Copy rows by position, as `Rows.take`."""
        positions = np.asarray(positions)
        out = np.empty((len(positions), self.n_features), dtype=self.dtype)
        if not len(positions):
            return out
        owner = np.searchsorted(self.offsets, positions, side="right") - 1
        # Spans are asked for one after another, so a run of equal owners is a span:
        # the loop is over spans, not rows.
        cuts = np.flatnonzero(np.diff(owner)) + 1
        bounds = [0, *cuts.tolist(), len(positions)]
        for begin, end in zip(bounds[:-1], bounds[1:], strict=True):
            number = owner[begin]
            local = positions[begin:end] - self.offsets[number]
            out[begin:end] = self.blocks[number][local]
        return out


class SelectedRows(Rows):
    """Some columns of another table.

    Parameters
    ----------
    base : Rows
    columns : sequence of int
        Column positions in ``base``.

    Examples
    --------
    >>> import numpy as np
    >>> rows = ArrayRows(np.arange(6).reshape(2, 3))
    >>> SelectedRows(rows, [2, 0]).take(np.array([1])).tolist()
    [[5, 3]]
    """

    def __init__(self, base: Rows, columns: Sequence[int] | np.ndarray) -> None:
        self.base = base
        self.columns = np.asarray(columns, dtype=np.int64)
        self.n_rows = base.n_rows
        self.n_features = len(self.columns)
        self.dtype = base.dtype

    def take(self, positions: np.ndarray) -> np.ndarray:
        """Copy rows by position, as `Rows.take`."""
        return self.base.take(positions)[:, self.columns]

    def block(self, start: int, stop: int) -> np.ndarray:
        """Return a run of rows, as `Rows.block`."""
        return self.base.block(start, stop)[:, self.columns]


class ReorderedRows(Rows):
    """Another table's rows in another order.

    Parameters
    ----------
    base : Rows
    order : ndarray of int, shape (n_rows,)
        Row ``k`` is row ``order[k]`` of ``base``.
    """

    def __init__(self, base: Rows, order: np.ndarray) -> None:
        self.base = base
        self.order = order
        self.n_rows = len(order)
        self.n_features = base.n_features
        self.dtype = base.dtype

    def take(self, positions: np.ndarray) -> np.ndarray:
        """Copy rows by position, as `Rows.take`."""
        return self.base.take(self.order[positions])


class DifferencedRows(Rows):
    """Another table in which some columns are their change from the row before.

    Parameters
    ----------
    base : Rows
    columns : sequence of int
        Columns that become differences.
    is_first : ndarray of bool, shape (n_rows,)
        Rows that have no row before them; their change is 0.

    Examples
    --------
    >>> import numpy as np
    >>> base = ArrayRows(np.array([[1.0, 7.0], [4.0, 7.0], [9.0, 7.0]]))
    >>> rows = DifferencedRows(base, [0], np.array([True, False, False]))
    >>> rows.take(np.arange(3)).tolist()
    [[0.0, 7.0], [3.0, 7.0], [5.0, 7.0]]
    """

    def __init__(
        self, base: Rows, columns: Sequence[int] | np.ndarray, is_first: np.ndarray
    ) -> None:
        self.base = base
        self.columns = np.asarray(columns, dtype=np.int64)
        self.is_first = is_first
        self.n_rows = base.n_rows
        self.n_features = base.n_features
        # Differences of unsigned integers and booleans would wrap around.
        self.dtype = base.dtype if base.dtype.kind == "f" else np.dtype(np.float64)

    def take(self, positions: np.ndarray) -> np.ndarray:
        """Copy rows by position, as `Rows.take`."""
        positions = np.asarray(positions)
        # `take` returns a new array, so the caller's is not written to.
        values = self.base.take(positions).astype(self.dtype, copy=False)
        before = self.base.take(np.maximum(positions - 1, 0))
        # In float64: levels are large beside their changes.
        change = values[:, self.columns].astype(np.float64)
        change -= before[:, self.columns]
        change[self.is_first[positions]] = 0.0
        values[:, self.columns] = change
        return values


class StackedRows(Rows):
    """Tables one below another, such as context rows and the rows after them.

    Parameters
    ----------
    parts : sequence of Rows
        With the same number of columns.
    """

    def __init__(self, parts: Sequence[Rows]) -> None:
        self.parts = list(parts)
        self.offsets = np.cumsum([0, *(part.n_rows for part in self.parts)])
        self.n_rows = int(self.offsets[-1])
        self.n_features = self.parts[0].n_features
        self.dtype = np.result_type(*(part.dtype for part in self.parts))

    def take(self, positions: np.ndarray) -> np.ndarray:
        """Copy rows by position, as `Rows.take`."""
        positions = np.asarray(positions)
        out = np.empty((len(positions), self.n_features), dtype=self.dtype)
        for number, part in enumerate(self.parts):
            low, high = self.offsets[number], self.offsets[number + 1]
            mine = (positions >= low) & (positions < high)
            if mine.any():
                out[mine] = part.take(positions[mine] - low)
        return out


def with_anchors(
    rows: Rows, anchors: np.ndarray | None, is_first: np.ndarray
) -> tuple[Rows, Rows | None]:
    """Return what the network reads, and the raw anchor columns (or None)."""
    if anchors is None:
        return rows, None
    return DifferencedRows(rows, anchors, is_first), SelectedRows(rows, anchors)


def first_rows(recording: np.ndarray) -> np.ndarray:
    """Return True where a new recording begins."""
    is_first = np.ones(len(recording), dtype=bool)
    np.not_equal(recording[1:], recording[:-1], out=is_first[1:])
    return is_first
