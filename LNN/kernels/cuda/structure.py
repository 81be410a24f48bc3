"""What a training step needs that is the same for all models of one structure.

Models of one structure have the same cell, read-out and loss, and differ in their data
and in the values of their parameters: one launch serves them all.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import numpy as np
import torch

from LNN.cells import LTCCell
from LNN.cells.base import Cell
from LNN.kernels.backend import Resident, Trained
from LNN.kernels.cuda.formulas import Constants, Formulas, constants_of
from LNN.kernels.cuda.ledger import Ledger
from LNN.kernels.cuda.plan import Plan
from LNN.kernels.cuda.plans import plan_of
from LNN.kernels.cuda.program import Program

# As csrc/read_out.cuh and gather.cuh number them.
POOLINGS = {"last": 1, "mean": 2, "max": 4}
LOSSES = ("squared_error", "absolute_error", "huber", "cross_entropy")
POLICIES = ("error", "hold", "mask")
# A block sums up a chunk of CHUNK rows, or of more where there would otherwise be more
# chunks than MOST_CHUNKS.
CHUNK, MOST_CHUNKS = 64, 64


@dataclass(frozen=True, eq=False)
class Structure:
    """The tables of a step and its sizes, by the names of csrc/step.cuh.

    Attributes
    ----------
    plan : Plan
    program : Program
        The kernels around those of the plan.
    constants : Constants
    ledger : Ledger
    tables : dict of str to ndarray of int32
    sizes : dict of str to int
    settings : (float, float)
        Epsilon of the leak, and decay of Adam's mean of squares.
    """

    plan: Plan
    program: Program
    constants: Constants
    ledger: Ledger
    tables: Mapping[str, np.ndarray]
    sizes: Mapping[str, int]
    settings: tuple[float, float]

    def key(self) -> Hashable:
        """Return a value that two structures share only if they are the same."""
        tables = [(name, t.shape, t.tobytes()) for name, t in self.tables.items()]
        passes = self.plan.program(self.program.dtype), *self.plan.key()
        parts = self.program, passes, self.settings, *tables, *self.sizes.items()
        return parts, tuple(self.ledger.products)


def structure_of(network: Trained, data: Resident) -> Structure | None:
    """Return the structure of a network's steps on data.

    None if the kernels cannot take them. They can with one layer and a read-out, both
    trained, if the constants of the cell are formulas that they know.
    """
    if len(network.cells) != 1 or network.adam is None or network.needs_inputs:
        return None
    (cell,), adam, dtype = network.cells, network.adam, network.weight.dtype
    plan = plan_of(cell)
    is_known = network.loss in LOSSES and not network.levels
    if plan is None or not is_known or data.table.rows.dtype is not dtype:
        return None
    places = {p: int(g.storage_offset()) for p, g in network.gradients.items()}
    weight, bias = (places.get(id(p)) for p in (network.weight, network.bias))
    formulas, ledger = Formulas(), Ledger()
    constants = constants_of(plan, cell, places, formulas, ledger)
    if constants is None or weight is None or bias is None:
        return None
    n_written = formulas.n
    _add_head(network, weight, bias, formulas, ledger)
    loss_entry = int(ledger.sums("losses", 1)[0])
    first_use, use = formulas.uses(adam.vector.numel())
    names = ("formula", "first", "second", "third", "entry")
    tables = dict(zip(names, formulas.table(), strict=True))
    tables |= {"first_use": first_use, "use": use, "place": _places(plan, cell)}
    tables |= _edges(constants, cell)
    sizes = _sizes(network, data, cell, plan, constants)
    sizes |= {
        "n_constants": formulas.n,
        "n_written": n_written,
        "n_parameters": adam.vector.numel(),
        "n_uses": len(use),
        "head_weight": weight,
        "head_bias": bias,
        "n_entries": ledger.n_entries,
        "loss_entry": loss_entry,
        "by_norm": int(adam.clip_by == "norm"),
        "decay_apart": int(adam.decay_apart),
    }
    defines = (("ACTIVATION", plan.defines.get("ACTIVATION", 0)),)
    program = Program("step.cu", defines, dtype)
    epsilon = cell.epsilon if isinstance(cell, LTCCell) else 0.0
    settings = (epsilon, adam.decay)
    return Structure(plan, program, constants, ledger, tables, sizes, settings)


def _add_head(
    network: Trained, weight: int, bias: int, formulas: Formulas, ledger: Ledger
) -> None:
    """Add the read-out, whose parameters begin at these places in the vector.

    It is listed for its gradients alone: kernels read it in the vector itself.
    """
    outputs, n_read = network.weight.shape
    entries = ledger.product("features", n_read, "errors", outputs).T
    formulas.add("copy", weight + np.arange(outputs * n_read), entries=entries)
    entries = ledger.sums("errors", outputs)
    formulas.add("copy", bias + np.arange(outputs), entries=entries)


def _places(plan: Plan, cell: Cell) -> np.ndarray:
    """Return the column of each neuron among the states as the kernels have them."""
    device = next(cell.parameters()).device
    columns = torch.arange(cell.state_size, dtype=torch.float64, device=device)
    return plan.leave(cell, columns).cpu().numpy().astype(np.int32)


def _edges(constants: Constants, cell: Cell) -> dict[str, np.ndarray]:
    """Return the tables of an LTC's sensory synapses; empty for other cells."""
    edges = constants.edges
    source, target = np.zeros((2, 0), np.int32) if edges is None else edges
    first = np.searchsorted(target, np.arange(cell.state_size + 1)).astype(np.int32)
    return {"first_edge": first, "edge_source": source, "edge_target": target}


def _sizes(
    network: Trained, data: Resident, cell: Cell, plan: Plan, constants: Constants
) -> dict[str, int]:
    """Return the sizes that follow from the network, its plan and the data."""
    outputs, n_read = network.weight.shape
    pooling = sum(POOLINGS[part] for part in network.pooling)
    batch, steps = data.batch_size, data.table.steps
    rows = batch if pooling else batch * steps
    chunk = max(CHUNK, -(-batch * steps // MOST_CHUNKS))
    begins = constants.inputs
    edges = constants.edges
    return {
        "batch": batch,
        "steps": steps,
        "channels": data.table.rows.shape[1],
        "inputs": cell.input_size,
        "neurons": plan.n_neurons,
        "width": cell.state_size,
        "drive_size": constants.drive_size,
        "read": n_read,
        "pooling": pooling,
        "outputs": outputs,
        "rows": rows,
        "loss": LOSSES.index(network.loss),
        "per_step": int(data.table.per_step),
        "whole": int(data.table.first_target is not None),
        "policy": POLICIES.index(data.table.policy),
        **{n: begins.get(n, 0) for n in ("input_weight", "input_bias")},
        **{n: begins.get(n, 0) for n in ("sensory", "leak")},
        "n_sensory": 0 if edges is None else edges.shape[1],
        "sensory_entry": constants.sensory_entry,
        "chunk": chunk,
        "n_chunks": -(-batch * steps // chunk),
    }
