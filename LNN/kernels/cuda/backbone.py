"""The plan of the CfC with a backbone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from LNN.cells import CfCCell
from LNN.cells.base import Cell
from LNN.cells.cfc import ACTIVATIONS, MODES, closed_form, map_names
from LNN.kernels.cuda.dealing import lanes_for
from LNN.kernels.cuda.driver import Value
from LNN.kernels.cuda.ledger import Ledger
from LNN.kernels.cuda.plan import Data, Gradients, Plan, started
from LNN.kernels.torch_loop import Steps

# A block has as many threads, if their registers hold all weights. With fewer a thread
# would do more in a row, with more it would have fewer registers than it needs.
FEW, MANY = 256, 512


@dataclass(frozen=True, eq=False)
class BackboneGradients(Gradients):
    """What sums up, chunk by chunk, from what the kernels write.

    Attributes
    ----------
    heads : Tensor of shape (maps N, U)
    deep : Tensor of shape (L - 1, U, U)
    biases : Tensor of shape ((L - 1) U + maps N,)
        Those of the deep layers, then those of the heads.
    """

    heads: Tensor | None = None
    deep: Tensor | None = None
    biases: Tensor | None = None


class BackbonePlan(Plan):
    """The steps of a CfC with a backbone of one layer or more (csrc/backbone.cu).

    With U units, L layers and M maps of N neurons, its constants are the recurrent part
    of the first layer (U, N), the other layers' weights (L - 1, U, U) and biases
    (L - 1, U), the heads (M N, U) and their biases (M N,), and for "pure" A and w_tau,
    (2, N), else nothing.
    """

    def __init__(self, cell: CfCCell):
        n, maps = cell.state_size, len(map_names(cell.mode))
        layers, units = len(cell.backbone), cell.backbone[0].out_features
        self.mode, self.n_maps = cell.mode, maps
        self.n_units, self.n_deep = units, layers - 1
        self.activation = ACTIVATIONS[cell.backbone_activation]
        threads = _threads(n, units, layers, maps)

        def lanes(rows: int, columns: int) -> int:
            return lanes_for(rows, columns, threads)

        super().__init__(
            "backbone.cu",
            {
                "NEURONS": n,
                "UNITS": units,
                "LAYERS": layers,
                "MAPS": maps,
                "MODE": MODES.index(cell.mode),
                "ACTIVATION": list(ACTIVATIONS).index(cell.backbone_activation),
                **dict.fromkeys(("IN_THREADS", "OUT_THREADS"), threads),
                "RECURRENT_LANES": lanes(units, n),
                "RECURRENT_BACK_LANES": lanes(n, units),
                "DEEP_LANES": lanes(units, units),
                "HEADS_LANES": lanes(maps * n, units),
                "HEADS_BACK_LANES": lanes(units, maps * n),
            },
            {},
            (threads, threads),
            n_record=layers * units + maps * n,
            n_shared=2 * (-(-units // 4) * 4) + (maps + 1) * n,
            n_work=(layers - 1) * units + maps * n,
        )

    def constants(self, cell: Cell) -> list[Tensor]:
        """Return what the class says."""
        assert isinstance(cell, CfCCell)
        recurrent, (heads, bias) = cell.constants()
        units = self.n_units
        deep, deep_bias = heads.new_empty(0, units, units), heads.new_empty(0, units)
        if self.n_deep:
            deep = torch.stack([layer.weight for layer in cell.backbone[1:]])
            deep_bias = torch.stack([layer.bias for layer in cell.backbone[1:]])
        pure = heads.new_empty(0)
        if cell.A is not None and cell.w_tau is not None:
            pure = torch.stack((cell.A, cell.w_tau))
        return [recurrent, deep, deep_bias, heads, bias, pure]

    def on_torch(self, cell: Cell) -> Steps:
        """Return steps that take all weights from the constants."""
        return _Steps(self)

    def step_constants(self, cell: Cell, constants: Sequence[Tensor]) -> tuple:
        """Return the constants."""
        return tuple(constants)

    def by_column(self, constants: Sequence[Tensor]) -> list[Tensor]:
        """Return the recurrent part, the deep layers' weights and the heads."""
        recurrent, deep, _, heads, *_ = constants
        return [m.mT.contiguous() for m in (recurrent, deep, heads)]

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
        _, _, deep_bias, _, bias, pure = data.constants
        turned = data.by_column or self.by_column(data.constants)
        recurrent, deep, heads = turned
        read: list[Value] = [data.drive, recurrent, deep, deep_bias, heads]
        read += [bias, pure, data.start, data.spans, data.lengths]
        values = [*read, states, record, final, data.steps, first, last]
        self.launch("forward", data, len(data.start), values)

    def gradients(self, data: Data, spans_too: bool) -> BackboneGradients:
        """Return memory for the gradients, with zeros for all sums."""
        found = super().gradients(data, spans_too)
        _, deep, deep_bias, heads, bias, _ = data.constants
        return BackboneGradients(
            found.drive,
            found.spans,
            found.sums,
            heads=torch.zeros_like(heads),
            deep=torch.zeros_like(deep),
            biases=heads.new_zeros(deep_bias.numel() + bias.numel()),
        )

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
        recurrent, deep, _, heads, _, pure = data.constants
        rows = data.batch * (last - first)
        work = found.work
        if work is None:
            work = data.drive.new_empty(rows, self.n_work)
        read: list[Value] = [record, recurrent, deep, heads, pure, data.start]
        read += [data.spans, data.lengths, states, grad_states]
        written = [carry, found.drive, found.spans, found.sums, work]
        values = [*read, *written, data.steps, first, last]
        self.launch("backward", data, len(data.start), values)
        if found.work is None:
            self._add_up(record.view(rows, self.n_record), work, found)

    def _add_up(self, record: Tensor, work: Tensor, found: Gradients) -> None:
        """Add a chunk's part of the gradients of deep layers and heads.

        A weight's gradient is the product of what its map reads and of the gradients
        of what it returns, over all steps of all sequences.
        """
        assert isinstance(found, BackboneGradients)
        assert found.heads is not None
        assert found.deep is not None
        assert found.biases is not None
        units, deep = self.n_units, self.n_deep
        features = self.activation(record[:, : (deep + 1) * units])
        for k in range(deep):
            at = slice(k * units, (k + 1) * units)
            found.deep[k].addmm_(work[:, at].t(), features[:, at])
        of_maps = work[:, deep * units :]
        found.heads.addmm_(of_maps.t(), features[:, deep * units :])
        found.biases.add_(work.sum(0))

    def entries(self, ledger: Ledger) -> list[np.ndarray]:
        """List the products that `_add_up` and `finish` make (see `Plan.entries`)."""
        n, units, deep = self.n_neurons, self.n_units, self.n_deep
        n_maps, begin = self.n_maps * n, deep * units
        recurrent = ledger.product(
            self.before, n, "drive", units, right_at=self.n_gates
        )

        def of_layer(k: int, n_right: int) -> np.ndarray:
            at, sizes = k * units, ("record", units, "work", n_right)
            return ledger.product(*sizes, left_at=at, right_at=at, active=True).T

        layers = [of_layer(k, units) for k in range(deep)]
        heads = of_layer(deep, n_maps)
        biases = ledger.sums("work", begin + n_maps)
        return [
            recurrent.T,
            np.array(layers, dtype=np.int64).reshape(deep, units, units),
            biases[:begin].reshape(deep, units),
            heads,
            biases[begin:],
            ledger.sums("sums", 2 * n if self.mode == "pure" else 0).reshape(-1, n),
        ]

    def finish(
        self, data: Data, states: Tensor, found: Gradients
    ) -> list[Tensor | None]:
        """Return the gradients of the constants."""
        assert isinstance(found, BackboneGradients)
        assert found.biases is not None
        old = started(data, states, found).flatten(0, 1)
        recurrent = found.drive.flatten(0, 1).t() @ old
        deep_bias, bias = found.biases.split(
            [self.n_deep * self.n_units, self.n_maps * self.n_neurons]
        )
        sizes = data.constants[2].shape
        pure = None if found.sums is None else found.sums.sum(0)
        parts = [recurrent, found.deep, deep_bias.view(sizes), found.heads, bias]
        return [*parts, pure]


@dataclass(frozen=True)
class _Steps:
    """The steps of a CfC with a backbone, all of whose weights are given."""

    plan: BackbonePlan

    def step(
        self, drive: Tensor, state: Tensor, dt: Tensor, constants: tuple
    ) -> Tensor:
        """Take a step with the constants of the plan."""
        recurrent, deep, deep_bias, heads, bias, pure = constants
        z = self.plan.activation(drive + F.linear(state, recurrent))
        for k in range(self.plan.n_deep):
            z = self.plan.activation(F.linear(z, deep[k], deep_bias[k]))
        maps = F.linear(z, heads, bias).chunk(self.plan.n_maps, dim=-1)
        return closed_form(self.plan.mode, maps, state, dt, *pure)


def is_plain(cell: CfCCell) -> bool:
    """Tell whether a backbone is of affine maps of one width, as cells are made."""
    units = getattr(cell.backbone[0], "out_features", 0)
    sizes = [cell.input_size + cell.state_size] + [units] * (len(cell.backbone) - 1)
    return all(
        is_affine(layer) and layer.weight.shape == (units, size)
        for layer, size in zip(cell.backbone, sizes, strict=True)
    )


def is_affine(layer: nn.Module) -> bool:
    """Tell whether a module is torch's affine map, whatever makes its weight."""
    # By the method, as torch's parametrizations are subclasses.
    same = getattr(type(layer), "forward", None) is nn.Linear.forward
    return same and getattr(layer, "bias", None) is not None


def _threads(n: int, units: int, layers: int, maps: int) -> int:
    """Return how many threads a block has: no fewer than neurons."""
    weights = units * (n + (layers - 1) * units + maps * n)
    threads = FEW if weights <= 160 * FEW else MANY
    return max(threads, -(-n // 32) * 32)
