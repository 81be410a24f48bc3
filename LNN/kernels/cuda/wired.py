"""The CfC without a backbone: wired, or with maps that read every neuron."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from LNN.cells import CfCCell, WiredCfCCell
from LNN.cells.base import Cell
from LNN.cells.cfc import MODES, closed_form, map_names
from LNN.kernels.cuda.dealing import Dealt, deal, sizes
from LNN.kernels.cuda.driver import Value
from LNN.kernels.cuda.ledger import Ledger
from LNN.kernels.cuda.plan import Data, Gradients, Plan, started
from LNN.kernels.torch_loop import Steps


class WiredPlan(Plan):
    """The steps of a wired CfC, or of one without backbone (csrc/wired.cu).

    Its constants are the weights of all layers, as `WiredCfCCell.constants` has them,
    in one vector, and for "pure" A and w_tau.
    """

    def __init__(self, cell: WiredCfCCell | CfCCell):
        slices, source, target = _structure(cell)
        n, maps = cell.state_size, len(map_names(cell.mode))
        self.mode, self.slices, self.n_maps = cell.mode, slices, maps
        layer = np.repeat(np.arange(len(slices)), [b - a for a, b in slices])
        begin = np.array([a for a, _ in slices])[layer]
        width = np.array([b - a for a, b in slices])[layer]
        column = maps * begin + np.arange(n) - begin
        # Of the first map; the others' follow `width` numbers apart.
        where = (
            maps * (n * begin[target] + source * width[target])
            + (np.arange(n) - begin)[target]
        )
        # A synapse from an earlier layer carries what is new.
        fresh = n * (layer[source] < layer[target])
        into, out = deal(target, n), deal(source, n)
        super().__init__(
            "wired.cu",
            {
                "NEURONS": n,
                "MAPS": maps,
                "LAYERS": len(slices),
                "MODE": MODES.index(cell.mode),
                **sizes("IN", into),
                **sizes("OUT", out),
            },
            {
                "places": np.stack([layer, column, width]).astype(np.int32),
                **_tables("in", into, source + fresh, where),
                **_tables("out", out, target + fresh, where),
            },
            (into.threads, out.threads),
            n_record=maps * n,
            n_shared=2 * maps * n,
        )

    def constants(self, cell: Cell) -> list[Tensor]:
        """Return all weights in one vector, and for "pure" A and w_tau."""
        assert isinstance(cell, WiredCfCCell | CfCCell)
        weights, pure = cell.constants()
        if isinstance(cell, CfCCell):
            joined, pure = weights.t().reshape(-1), (cell.A, cell.w_tau)
        else:
            joined = torch.cat([w.reshape(-1) for w in weights])
        return [joined, torch.stack(pure)] if self.mode == "pure" else [joined]

    def on_torch(self, cell: Cell) -> Steps:
        """Return the cell, or what reads A and w_tau from the constants as it does."""
        return _Direct(cell.mode, self.n_maps) if isinstance(cell, CfCCell) else cell

    def step_constants(self, cell: Cell, constants: Sequence[Tensor]) -> tuple:
        """Return the weights by layer, and A and w_tau."""
        weights, *pure = constants
        n, maps = self.n_neurons, self.n_maps
        if isinstance(cell, CfCCell):
            return weights.view(n, maps * n), tuple(pure[0]) if pure else ()
        sizes = [n * maps * (b - a) for a, b in self.slices]
        layers = [w.view(n, -1) for w in weights.split(sizes)]
        return layers, tuple(pure[0]) if pure else (None, None)

    def forward(
        self,
        data: Data,
        states: Tensor | None,
        record: Tensor | None,
        final: Tensor,
        first: int,
        last: int,
    ) -> None:
        """Take steps (see `Plan.forward`)."""
        tables = self.tables(data.drive.device)
        weights, pure = _both(data.constants)
        read: list[Value] = [
            data.drive,
            weights,
            tables["in codes"],
            tables["in where"],
        ]
        read += [tables["places"], pure, data.start, data.spans, data.lengths]
        values = [*read, states, record, final, data.steps, first, last]
        self.launch("forward", data, len(data.start), values)

    def sums(self, data: Data) -> Tensor | None:
        """Return zeros for the gradients of A and w_tau in each sequence."""
        if self.mode != "pure":
            return None
        return data.drive.new_zeros(len(data.start), 2, self.n_neurons)

    def backward(
        self,
        data: Data,
        states: Tensor,
        record: Tensor,
        grad_states: Tensor | None,
        carry: Tensor,
        found: Gradients,
        first: int,
        last: int,
    ) -> None:
        """Go steps back (see `Plan.backward`)."""
        tables = self.tables(data.drive.device)
        weights, pure = _both(data.constants)
        read: list[Value] = [record, weights, tables["out codes"], tables["out where"]]
        read += [tables["places"], pure, data.start, data.spans, data.lengths]
        written = [carry, found.drive, found.spans, found.sums]
        values = [*read, states, grad_states, *written, data.steps, first, last]
        self.launch("backward", data, len(data.start), values)

    def entries(self, ledger: Ledger) -> list[np.ndarray]:
        """List the products of states and the maps' gradients (see `Plan.entries`)."""
        n, maps = self.n_neurons, self.n_maps

        def read_by_maps(states: str) -> np.ndarray:
            at = self.n_gates
            return ledger.product(states, n, "drive", maps * n, right_at=at)

        old = read_by_maps(self.before)
        # Later layers read what earlier ones have just renewed.
        new = read_by_maps("states") if len(self.slices) > 1 else old
        parts = []
        for a, b in self.slices:
            read = np.concatenate([new[:a], old[a:]])
            parts.append(read[:, maps * a : maps * b].ravel())
        weights = [np.concatenate(parts)]
        if self.mode == "pure":
            weights.append(ledger.sums("sums", 2 * n).reshape(2, n))
        return weights

    def finish(
        self, data: Data, states: Tensor, found: Gradients
    ) -> list[Tensor | None]:
        """Return the gradients of weights, A and w_tau.

        A map's gradient is the drive's; a weight's is the product of the states that
        its layer reads and the maps' gradients, over all steps of all sequences.
        """
        n = self.n_neurons
        old = started(data, states, found)
        maps = found.drive.flatten(0, 1)
        parts = []
        for a, b in self.slices:
            read = old if a == 0 else torch.cat([states[..., :a], old[..., a:]], -1)
            columns = maps[:, self.n_maps * a : self.n_maps * b]
            parts.append((read.reshape(-1, n).t() @ columns).reshape(-1))
        weights = parts[0] if len(parts) == 1 else torch.cat(parts)
        return [weights, *([] if found.sums is None else [found.sums.sum(0)])]


@dataclass(frozen=True)
class _Direct:
    """The steps of a CfC without a backbone, all of whose constants are given."""

    mode: str
    n_maps: int

    def step(
        self, drive: Tensor, state: Tensor, dt: Tensor, constants: tuple
    ) -> Tensor:
        """Take a step with weights (N, maps x N), and for "pure" A and w_tau."""
        weights, pure = constants
        maps = (drive + state @ weights).chunk(self.n_maps, dim=-1)
        return closed_form(self.mode, maps, state, dt, *pure)


def _both(constants: list[Tensor]) -> tuple[Tensor, Tensor | None]:
    weights, *pure = constants
    return weights, (pure[0] if pure else None)


def _structure(
    cell: WiredCfCCell | CfCCell,
) -> tuple[list[tuple[int, int]], np.ndarray, np.ndarray]:
    """Return layers as slices, sources and targets, all in evaluation order."""
    n = cell.state_size
    if isinstance(cell, CfCCell):
        source, target = np.divmod(np.arange(n * n), n)
        return [(0, n)], source, target
    order = np.concatenate([layer.neurons for layer in cell.wiring.layers])
    place = np.argsort(order)
    # Synapses that any map has; the weights of the others are zero.
    edges = [getattr(cell, f"{name}_recurrent_index").edges for name in cell.maps]
    source, target = place[np.concatenate(edges, axis=1)]
    target, source = np.divmod(np.unique(target * n + source), n)
    return cell.slices, source, target


def _tables(
    prefix: str, dealt: Dealt, codes: np.ndarray, where: np.ndarray
) -> dict[str, np.ndarray]:
    return {
        f"{prefix} codes": dealt.table(codes, dealt.own()),
        f"{prefix} where": dealt.table(where, -1),
    }
