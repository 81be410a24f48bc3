"""How rows in the users' units become what the network reads, in one place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from LNN.batching.batches import Batches, Starts
from LNN.batching.missing import MissingRule
from LNN.batching.scaled_rows import ScaledRows
from LNN.batching.target_tensors import TargetTensors
from LNN.data import Rows, SequenceScaler, SequenceSet
from LNN.data.sub_steps import sub_steps
from LNN.data.timestamps import normalised, tolerance

DTYPES = {"float32": torch.float32, "float64": torch.float64}


@dataclass(frozen=True, eq=False)
class Preparation:
    """Scaling, missing values, units of time and precision of one fitted model.

    Training, predictions and streams share it, so that a row means the same to each.

    Attributes
    ----------
    scaler : SequenceScaler
        Scaler of the inputs.
    missing : {"error", "hold", "mask"}
        What a missing value means; see `MissingRule`.
    unit : float
        Elapsed times are given to the network as multiples of it.
    resolution : float
        Rounding of the time stamps in training, so that regular time stays regular.
    dtype : {"float32", "float64"}
    max_step : float or None
        A longer gap is walked in equal sub-steps of at most this many units; None
        takes every gap in one step.
    """

    scaler: SequenceScaler
    missing: str
    unit: float
    resolution: float
    dtype: str
    max_step: float | None = None

    @property
    def torch_dtype(self) -> torch.dtype:
        """The precision of the network's inputs."""
        return DTYPES[self.dtype]

    @property
    def largest(self) -> float:
        """The largest number that the network's inputs hold."""
        return float(np.finfo(self.dtype).max)

    @property
    def tolerance(self) -> float:
        """How much a gap may differ from one unit and still be one, in units."""
        return tolerance(self.unit, self.resolution)

    def rule(self, device: torch.device | str = "cpu") -> MissingRule:
        """Return what the network reads where values are missing."""
        return MissingRule.of_scaler(
            self.missing, self.scaler, self.torch_dtype, device
        )

    def units(self, gaps: np.ndarray, resolution: float = 0.0) -> np.ndarray:
        """Return gaps as multiples of the unit; see `normalised`."""
        # The coarser of the two clocks: the unit is known no better than training's.
        return normalised(gaps, self.unit, max(self.resolution, resolution))

    def scaled(self, values: np.ndarray) -> np.ndarray:
        """Return rows (n, F) scaled, in the precision that the scaler returns."""
        return self.scaler.transform_rows(values)

    def rows(
        self, rows: Rows, device: torch.device, n_jobs: int | None = None
    ) -> ScaledRows:
        """Return rows as the network reads them, to be taken by position."""
        return ScaledRows(rows, self.scaler, self.torch_dtype, device, n_jobs)

    def batches(
        self,
        sequences: SequenceSet,
        rows: ScaledRows,
        targets: TargetTensors | None = None,
        starts: Starts | None = None,
        limits: Callable[[torch.Tensor, np.ndarray], torch.Tensor] | None = None,
    ) -> Batches:
        """Return what gathers the network's arguments, batch by batch.

        Parameters
        ----------
        sequences : SequenceSet
        rows : ScaledRows
            Those of the sequences.
        targets : TargetTensors, default=None
            What the network should answer, to train on or to evaluate.
        starts : Starts, default=None
            Where the sequences go on from; None starts all of them cold.
        limits : callable, default=None
            As `Batches` takes it.
        """
        # Without time stamps the network takes every gap as one unit.
        units, gaps, counts = None, None, None
        if sequences.elapsed is not None:
            units = self.units(sequences.elapsed, sequences.time_resolution)
        elif self.max_step is not None and self.max_step < 1:
            units = np.ones(sequences.rows.n_rows)  # without time, each gap is a unit
        if units is not None:
            gaps, counts = rows.tensor(units), self.sub_steps(units)
        rule = self.rule(rows.device)
        return Batches(sequences, rows, gaps, rule, targets, counts, starts, limits)

    def sub_steps(self, units: np.ndarray | float) -> np.ndarray | None:
        """Return into how many sub-steps gaps are cut; None if all stay whole."""
        if self.max_step is None:
            return None
        if isinstance(units, float) and units <= self.max_step:
            return None  # most steps of a stream, which take microseconds
        counts = sub_steps(units, self.max_step)
        return counts if counts.max(initial=1) > 1 else None
