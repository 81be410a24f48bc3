"""How fast neurons forget at a step, by cell: their time constants."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from LNN.baselines import RecurrentBaseline
from LNN.cells import CfCCell, LTCCell, MixedMemoryCell, WiredCfCCell
from LNN.cells.base import Cell
from LNN.exceptions import InvalidInputError
from LNN.inspection.steps import Moments
from LNN.layers import SequenceLayer
from LNN.models import Layer


def kind_of(layer: Layer) -> str | None:
    """Return "exact", "proxy", or None where a layer has no time constants."""
    if isinstance(layer, RecurrentBaseline):
        return "proxy"
    cell = inner(layer)
    if isinstance(cell, LTCCell):
        return "exact"
    if isinstance(cell, CfCCell | WiredCfCCell):
        return "exact" if cell.mode == "exponential" else "proxy"
    return None


def refuse_without(layer: Layer) -> None:
    """Raise where a layer has no time constants."""
    if kind_of(layer) is None:
        raise InvalidInputError(
            "Expected a model whose neurons have time constants (LTC, CfC), or gates "
            f"that imply some (LSTM, GRU), got {called(layer)}. See "
            "LNN.inspection.neuron_activity for its states."
        )


def called(layer: Layer) -> str:
    """Return what to call a layer in messages."""
    if isinstance(layer, RecurrentBaseline):
        return type(layer.rnn).__name__
    return type(inner(layer) or layer).__name__


def inner(layer: Layer) -> Cell | None:
    """Return the liquid cell of a layer, None for baselines."""
    cell = layer.cell if isinstance(layer, SequenceLayer) else None
    return cell.cell if isinstance(cell, MixedMemoryCell) else cell


@torch.no_grad()
def time_constants_of(layer: Layer, moments: Moments) -> Tensor:
    """Return the time constants (L, N) at single steps, in units of their spans."""
    if isinstance(layer, RecurrentBaseline):
        return _of_share(_kept(layer, moments), moments.span)
    cell = inner(layer)
    if isinstance(cell, LTCCell):
        return _of_ltc(cell, *cell_moment(layer, moments))
    if isinstance(cell, CfCCell | WiredCfCCell):
        return _of_cfc(cell, *cell_moment(layer, moments))
    return torch.full_like(moments.after[:, : layer.n_neurons], torch.nan)


def cell_moment(layer: Layer, moments: Moments) -> tuple[Tensor, Tensor, Tensor]:
    """Return the drive, the start and the span of the liquid cell's steps.

    In mixed memory the cell starts from what the LSTM around it has made.
    """
    assert isinstance(layer, SequenceLayer)
    cell = layer.cell
    if not isinstance(cell, MixedMemoryCell):
        return cell.drive(moments.inputs), cell.enter(moments.before), moments.span
    drive = cell.drive(moments.inputs)
    start, _ = cell.remember(drive, moments.before, cell.constants())
    return drive[:, 4 * cell.n_neurons :], cell.cell.enter(start), moments.span


def _of_ltc(cell: LTCCell, drive: Tensor, state: Tensor, span: Tensor) -> Tensor:
    capacitance, synapses = cell.constants()
    both = drive + cell.recurrent.currents(state, synapses)
    return capacitance / both.chunk(2, dim=-1)[1]


def _of_cfc(
    cell: CfCCell | WiredCfCCell, drive: Tensor, state: Tensor, span: Tensor
) -> Tensor:
    maps = dict(zip(cell.maps, maps_of_cfc(cell, drive, state, span), strict=True))
    if cell.mode == "exponential":
        return 1 / F.softplus(maps["time_a"])
    if cell.mode == "pure":
        assert cell.w_tau is not None  # "pure" has it
        return 1 / (cell.w_tau.abs() + maps["ff1"].abs())
    # 1 - sigmoid(x) is sigmoid(-x), which keeps its digits where the gate is open.
    return _of_share(F.logsigmoid(-maps["time_a"] * span - maps["time_b"]), span)


def maps_of_cfc(
    cell: CfCCell | WiredCfCCell, drive: Tensor, state: Tensor, span: Tensor
) -> list[Tensor]:
    """Return the maps (L, N) of steps, in the order of the wiring."""
    constants = cell.constants()
    if isinstance(cell, CfCCell):
        return list(cell.values_of_maps(drive, state, constants))
    layers = []
    for number in range(len(cell.slices)):
        maps = cell.values_of_maps(number, drive, state, constants)
        state = cell.with_layer(number, maps, state, span, constants)
        layers.append(maps)
    return [cell.leave(torch.cat(m, dim=-1)) for m in zip(*layers, strict=True)]


def _kept(layer: RecurrentBaseline, moments: Moments) -> Tensor:
    """Return the logarithm of what the memories keep of themselves, (L, N)."""
    inputs, before = moments.inputs, layer.visible(moments.before)
    if layer.use_time:
        inputs = torch.cat([inputs, moments.span], dim=-1)
    rnn = layer.rnn
    gates = F.linear(inputs, rnn.weight_ih_l0, rnn.bias_ih_l0)
    gates = gates + F.linear(before, rnn.weight_hh_l0, rnn.bias_hh_l0)
    # The second gate of both: an LSTM's forget gate, a GRU's update gate.
    kept = F.logsigmoid(gates.chunk(gates.shape[1] // layer.n_neurons, dim=-1)[1])
    return kept * moments.span if layer.time_gates else kept


def _of_share(log_kept: Tensor, span: Tensor) -> Tensor:
    """Return the time constant of the decay that keeps such a share over a span.

    No decay is told apart where no time passes.
    """
    return torch.where(span > 0, -span / log_kept, torch.nan)
