"""Whole epochs in the library: the interpreter is not needed between batches."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from LNN.cells.base import Cell
from LNN.kernels.backend import SampleTable, Trained
from LNN.kernels.native import threads
from LNN.kernels.native.descent import AdamRecord
from LNN.kernels.native.description import description_of
from LNN.kernels.native.library import functions, load
from LNN.kernels.native.mirror import ISAS, Epoch, Problem, Samples
from LNN.kernels.native.packing import PackedWeights, table_of
from LNN.kernels.native.problem import Memory, address, place_all
from LNN.kernels.native.readout import ReadoutRecord

# About how long a call of the library takes: in between, Ctrl-C is looked at.
SECONDS = 0.1


class _Batches:
    """Goes through batches of samples, without Python in between.

    Parameters
    ----------
    network : Trained
        Without gradients of the inputs.
    table : SampleTable
    batch_size : int
    adam : AdamRecord or None
        What takes a step on each batch; None adds losses up.

    Attributes
    ----------
    fits : bool
        Whether the library can read the table.
    """

    def __init__(
        self,
        network: Trained,
        table: SampleTable,
        batch_size: int,
        adam: AdamRecord | None,
    ):
        goes_back = adam is not None
        self._readout = readout = ReadoutRecord(network, goes_back)
        self._layers = [_Layer(cell, network, goes_back) for cell in network.cells]
        self._adam, self._table, self._samples = adam, table, _samples(table)
        packing = [layer.packed for layer in self._layers]
        pack = table_of([copy for each in packing for copy in each.pack])
        unpack = table_of([copy for each in packing for copy in each.unpack])
        problems = [ctypes.addressof(layer.problem) for layer in self._layers]
        layers = (ctypes.c_void_p * len(problems))(*problems)
        self._record = Epoch(
            precision=8 * network.weight.element_size(),
            isa=ISAS[load().isa],
            n_layers=len(problems),
            n_samples=len(table.start),
            batch_size=batch_size,
            n_copies=len(pack),
            layers=ctypes.addressof(layers),
            readout=ctypes.addressof(readout.record),
            adam=None if adam is None else ctypes.addressof(adam.record),
            samples=ctypes.addressof(self._samples),
            pack=ctypes.addressof(pack),
            unpack=ctypes.addressof(unpack),
        )
        # What the record points to must live as long as it does.
        self._kept = (layers, pack, unpack)
        self._memory = Memory(0)
        self._at_once = 1
        self.fits = _fits(network, table, readout.per_row)
        sizes = batch_size, table.steps
        self._shares = [layer.share_of(*sizes) for layer in self._layers]

    @property
    def suits(self) -> bool:
        """Whether several threads would not do better with each batch."""
        least = threads.WORTH_SINGLE_BATCHES
        return all(
            groups == 1 or work <= least or threads.thread_count(work) == 1
            for groups, work in self._shares
        )

    def _run(self, order: np.ndarray) -> float:
        """Go through the batches of samples; return the sum of the losses."""
        record = self._record
        samples = np.ascontiguousarray(order, dtype=np.int64)
        assert samples.shape == (record.n_samples,)
        record.order, record.total = samples.ctypes.data, 0.0
        n_batches, done = -(-record.n_samples // record.batch_size), 0
        while done < n_batches:
            done += self._some(done, min(self._at_once, n_batches - done))
        return float(record.total)

    def _some(self, first: int, count: int) -> int:
        """Run so many batches, or fewer; return how many."""
        record, start = self._record, time.perf_counter()
        done = int(functions().lnn_run_batches(ctypes.byref(record), first, count))
        if done < count:
            self._memory = Memory(0)  # before there is more beside it
            self._memory = Memory(record.wanted_bytes)
            record.memory = self._memory.address
            record.memory_bytes = record.wanted_bytes
            return done
        spent = time.perf_counter() - start
        self._at_once = max(1, int(count * SECONDS / max(spent, 1e-6)))
        return done


class NativeEpochs(_Batches):
    """Takes steps on batch after batch.

    Parameters
    ----------
    network : Trained
        With Adam, and without gradients of the inputs.
    table : SampleTable
    batch_size : int
    """

    def __init__(self, network: Trained, table: SampleTable, batch_size: int):
        assert network.adam is not None
        self._rule = AdamRecord(network.adam)
        super().__init__(network, table, batch_size, self._rule)

    @property
    def step(self) -> int:
        """The number of the last step."""
        return int(self._rule.record.step)

    @step.setter
    def step(self, step: int) -> None:
        self._rule.record.step = step

    def train(
        self,
        order: np.ndarray,
        rates: Sequence[float],
        momenta: Sequence[float],
        mean_weight: float,
    ) -> float:
        """Take a step on each batch of samples; return the sum of their losses."""
        record = self._record
        numbers = np.array([rates, momenta], dtype=np.float64)
        assert numbers.shape == (2, -(-record.n_samples // record.batch_size))
        record.rates, record.momenta = (row.ctypes.data for row in numbers)
        record.mean_weight = mean_weight
        return self._run(order)


class NativeLosses(_Batches):
    """Adds losses up, and changes nothing.

    Parameters
    ----------
    network : Trained
        Without gradients of the inputs.
    table : SampleTable
    batch_size : int
    """

    def __init__(self, network: Trained, table: SampleTable, batch_size: int):
        super().__init__(network, table, batch_size, adam=None)
        self._order = np.arange(len(table.start))

    def total(self) -> float:
        """Return the sum of the losses of all samples."""
        return self._run(self._order)


class _Layer:
    """One cell as a problem of the library, without a batch."""

    def __init__(self, cell: Cell, network: Trained, goes_back: bool):
        description = description_of(cell)
        assert description is not None
        own = description.parameters(cell)
        weights = [None if p is None else p.detach() for p in own]
        gradients = None
        if goes_back:
            gradients = [None if p is None else network.gradients[id(p)] for p in own]
        self.packed = PackedWeights(description, weights, gradients)
        self.problem = problem = Problem.from_buffer_copy(description.problem)
        problem.isa = ISAS[load().isa]
        problem.precision = 8 * network.weight.element_size()
        problem.inputs = cell.input_size
        problem.neurons = cell.state_size // (2 if problem.memory else 1)
        place_all(problem.parameters, self.packed.weights, problem.memory)
        place_all(problem.grad_parameters, self.packed.gradients, problem.memory)
        # The copy has addresses only: the cell's structure must live as long.
        self._kept = description, weights, gradients

    def share_of(self, batch: int, steps: int) -> tuple[int, int]:
        """Return in how many groups a batch is run, and how much work it is."""
        problem = Problem.from_buffer_copy(self.problem)
        problem.batch, problem.steps = batch, steps
        groups = functions().lnn_groups(ctypes.byref(problem))
        return groups, batch * steps * problem.neurons


def _samples(table: SampleTable) -> Samples:
    target = table.target
    values = target[0].numel() if len(target) else 0
    record = Samples(
        features=table.rows.shape[1],
        target_bytes=values * target.element_size(),
        per_step=table.per_step,
    )
    names = "rows", "gaps", "target", "weight", "start", "length", "first_target"
    for name in names:
        setattr(record, name, address(getattr(table, name)))
    if table.policy == "hold" and bool(table.rows.isnan().any()):
        record.neutral = address(table.neutral)
    return record


def _fits(network: Trained, table: SampleTable, per_row: int) -> bool:
    """Tell whether the library may read the table, and reads what is there."""
    dtype, start, length = network.weight.dtype, table.start, table.length
    n_rows, n_samples = len(table.rows), len(start)
    if table.policy == "mask":  # ages of missing values, which the library has not
        return False
    if table.per_step == bool(network.pooling):  # one output per step, or pooled
        return False
    if not n_samples or table.rows.shape[1:] != (network.cells[0].input_size,):
        return False
    codes = network.loss == "cross_entropy"
    n_targets = n_rows if table.per_step else n_samples
    kinds = {
        table.rows: (n_rows * table.rows.shape[1], dtype),
        table.target: (n_targets * per_row, torch.int64 if codes else dtype),
        table.neutral: (table.rows.shape[1], dtype),
        start: (n_samples, torch.int64),
        length: (n_samples, torch.int64),
    }
    optional = {
        table.gaps: (n_rows, dtype),
        table.weight: (n_targets, dtype),
        table.first_target: (n_samples, torch.int64),
    }
    kinds |= {t: kind for t, kind in optional.items() if t is not None}
    if not all(_is(tensor, *kind) for tensor, kind in kinds.items()):
        return False
    inside = bool((start >= 0).all()) and int((start + length).max()) <= n_rows
    return inside and bool((length >= 1).all())


def _is(tensor: Tensor, size: int, dtype: torch.dtype) -> bool:
    plain = tensor.is_cpu and tensor.is_contiguous()
    return plain and tensor.numel() == size and tensor.dtype is dtype
