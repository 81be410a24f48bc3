"""The rows of data as the network reads them: scaled, cast, on its device."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from LNN.data import Rows, SequenceScaler
from LNN.data.tables import in_threads
from LNN.exceptions import InvalidInputError

# Rows that take no more than this when scaled are scaled once and kept, as windows read
# each row `window_length` times an epoch. More rows would take too much memory.
KEPT_BYTES = 2**28
# Values that are scaled at a time.
CHUNK_VALUES = 2**18


class ScaledRows:
    """Rows to be taken by position, scaled once if they are small enough to keep.

    Parameters
    ----------
    rows : Rows
    scaler : SequenceScaler
    dtype : torch.dtype
    device : torch.device
    n_jobs : int, default=None
        Threads that scale; the result does not depend on it.
    """

    def __init__(
        self,
        rows: Rows,
        scaler: SequenceScaler,
        dtype: torch.dtype,
        device: torch.device,
        n_jobs: int | None = None,
    ):
        self.rows, self.scaler = rows, scaler
        self.dtype, self.device = dtype, device
        size = rows.n_rows * rows.n_features * dtype.itemsize
        # The caller's transformer may not be safe in threads.
        n_jobs = None if hasattr(scaler, "transformer_") else n_jobs
        self._kept = self._scale_all(n_jobs) if size <= KEPT_BYTES else None

    @property
    def kept(self) -> Tensor | None:
        """All rows (n_rows, F), scaled; None if they are too many to be kept."""
        return self._kept

    def take(self, positions: np.ndarray) -> Tensor:
        """Return the rows at positions (B, T) as (B, T, n_features)."""
        if self._kept is not None:
            return gather(self._kept, positions)
        if positions.size:
            low, high = int(positions.min()), int(positions.max()) + 1
            if high - low <= positions.size:
                # Windows that follow each other share rows: each is scaled once.
                block = self.tensor(self._scaled(self.rows.block(low, high)))
                return gather(block, positions - low)
        rows = self.tensor(self._scaled(self.rows.take(positions.ravel())))
        return rows.view(*positions.shape, -1)

    def tensor(self, values: np.ndarray) -> Tensor:
        """Return a copy of values in the dtype and on the device of the rows."""
        return torch.tensor(values, dtype=self.dtype, device=self.device)

    def _scale_all(self, n_jobs: int | None) -> Tensor:
        rows = self.rows
        kept = torch.empty(
            rows.n_rows, rows.n_features, dtype=self.dtype, device=self.device
        )
        step = max(1, CHUNK_VALUES // rows.n_features)

        def scale(begin: int) -> None:
            end = min(begin + step, rows.n_rows)
            kept[begin:end] = self.tensor(self._scaled(rows.block(begin, end)))

        in_threads(scale, range(0, rows.n_rows, step), n_jobs)
        return kept

    def _scaled(self, values: np.ndarray) -> np.ndarray:
        scaled = self.scaler.transform_rows(values)
        # numpy compares in the dtype of `scaled`: the largest float64 would be infinite
        # in float32, and infinity not larger than it.
        largest = min(torch.finfo(self.dtype).max, float(np.finfo(scaled.dtype).max))
        too_large = np.abs(scaled) > largest
        if too_large.any():
            raise InvalidInputError(
                f"Expected numbers that {str(self.dtype).removeprefix('torch.')} can "
                f"hold after scaling, got {values[too_large][0]}. Check that value, or "
                'use dtype="float64".'
            )
        return scaled


def gather(table: Tensor, positions: np.ndarray) -> Tensor:
    """Return the rows of a table (n, ...) at positions of any shape."""
    # index_select takes half the time of an index in brackets.
    index = torch.from_numpy(positions).to(table.device)
    taken = table.index_select(0, index.flatten())
    return taken.view(*positions.shape, *table.shape[1:])
