"""What each cell's state cannot leave, and where one step can take it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from LNN.baselines import Baseline, RecurrentBaseline
from LNN.cells import CfCCell, LTCCell, MixedMemoryCell, WiredCfCCell
from LNN.cells.base import Cell
from LNN.cells.ltc import Synapses
from LNN.layers import SequenceLayer
from LNN.models import Layer
from LNN.safety.intervals import (
    FUNCTION,
    Array,
    Interval,
    affine,
    between,
    clipped,
    everywhere,
    hull,
    joined,
    meet,
    point,
    product,
    rising,
    sigmoid,
    softplus,
    total,
    widened,
)

CONVEX = ("semi-implicit", "exponential")
# Where silu and gelu turn, and their least values there, rounded down.
TURNS = {"silu": (-1.2784645, -0.2784646), "gelu": (-0.7517916, -0.1699713)}


def array(value: Tensor) -> Array:
    """Return a tensor as an array of float64."""
    return value.detach().cpu().double().numpy()


def cell_of(layer: Layer) -> Cell | Baseline:
    """Return a layer's cell; a comparison has none and is returned itself."""
    return layer.cell if isinstance(layer, SequenceLayer) else layer


def invariant(cell: Cell | Baseline, eps: float) -> tuple[Interval, str]:
    """Return a set that states starting in it, or at 0, never leave.

    For every input and every elapsed time, finite or not; without ends where there is
    no such set. The text says why.
    """
    if isinstance(cell, MixedMemoryCell):
        return _of_mixed_memory(cell, eps)
    if isinstance(cell, LTCCell):
        return _of_ltc(cell, eps)
    if isinstance(cell, CfCCell | WiredCfCCell):
        return _of_cfc(cell, eps)
    n = cell.n_neurons if isinstance(cell, Baseline) else cell.state_size
    if isinstance(cell, RecurrentBaseline) and not cell.time_gates:
        name = type(cell.rnn).__name__
        return _within(n, 1.0, eps), f"{name}: a tanh times a gate, or a mean of these"
    return everywhere(n), f"{type(cell).__name__}: no bound is known"


def _within(n: int, size: float, eps: float) -> Interval:
    ends = np.full(n, size * (1 + FUNCTION * eps))
    return Interval(-ends, ends)


def _of_ltc(cell: LTCCell, eps: float) -> tuple[Interval, str]:
    if cell.solver not in CONVEX:
        reason = f"LTC {cell.solver}: no bound, states can explode at long steps"
        return everywhere(cell.state_size), reason
    goals = _synapses(cell)[1]
    return goals, f"LTC {cell.solver}: a mean of the state, vleak, E and 0"


def _synapses(cell: LTCCell) -> tuple[Array, Interval]:
    """Return how many synapses each neuron has, and the hull of what pulls at it."""
    n = cell.state_size
    leak = array(cell.vleak)
    low, high = np.minimum(leak, 0.0), np.maximum(leak, 0.0)
    count = np.zeros(n)
    for synapses in (cell.sensory, cell.recurrent):
        target, goal = synapses.index.edges[1], array(synapses.erev)
        np.minimum.at(low, target, goal)
        np.maximum.at(high, target, goal)
        np.add.at(count, target, 1.0)
    eps = float(torch.finfo(cell.vleak.dtype).eps)
    size = np.maximum(np.abs(low), np.abs(high))
    # Current and conductance are sums over synapses, each rounded as often.
    slack = (2 * count + FUNCTION) * eps * size
    return count, Interval(low - slack, high + slack)


def _of_cfc(cell: CfCCell | WiredCfCCell, eps: float) -> tuple[Interval, str]:
    n, mode = cell.state_size, cell.mode
    size = {"pure": np.inf, "no_gate": 2.0}.get(mode, 1.0)
    reasons = {
        "default": "a mean of two tanh",
        "exponential": "a mean of the state and a tanh",
        "no_gate": "a tanh plus a share of a tanh",
        "pure": "no bound, as its map of inputs and states has none",
    }
    found, reason = _within(n, size, eps), f"CfC {mode}: {reasons[mode]}"
    if isinstance(cell, CfCCell) and len(cell.backbone):
        # A backbone may end in what is bounded itself.
        x, ever = everywhere(cell.input_size), Interval(np.array(0.0), np.array(np.inf))
        found = meet(found, _dense_step(cell, x, everywhere(n), ever, eps))
        if mode == "pure" and bool(np.isfinite(found.size).all()):
            reason = f"CfC pure: a map of the backbone's {cell.backbone_activation}"
    return found, reason


def _of_mixed_memory(cell: MixedMemoryCell, eps: float) -> tuple[Interval, str]:
    inner, reason = invariant(cell.cell, eps)
    # The liquid cell starts each step from a tanh times a gate.
    inner = hull(inner, _within(cell.n_neurons, 1.0, eps))
    return inner, f"mixed memory, whose c grows with time; around it {reason}"


def time_constants(cell: Cell | Baseline) -> Interval | None:
    """Return between what an LTC's time constants cm / G lie, in units of time."""
    cell = cell.cell if isinstance(cell, MixedMemoryCell) else cell
    if not isinstance(cell, LTCCell):
        return None
    capacity, leak = array(F.softplus(cell.cm)), array(F.softplus(cell.gleak))
    most = leak + cell.epsilon
    for synapses in (cell.sensory, cell.recurrent):
        np.add.at(most, synapses.index.edges[1], array(F.softplus(synapses.w)))
    return Interval(capacity / most, capacity / (leak + cell.epsilon))


def step(
    cell: Cell | Baseline, x: Interval, state: Interval, dt: Interval, eps: float
) -> Interval | None:
    """Return where a step takes states: inputs, states and elapsed time in intervals.

    Parameters
    ----------
    cell : Cell
        In float64, as the weights are read.
    x : Interval of shape (input_size,)
    state : Interval of shape (state_size,)
        In the wiring's order; with mixed memory h and c side by side.
    dt : Interval of shape ()
    eps : float
        The precision that the network computes in.

    Returns
    -------
    Interval of shape (state_size,), or None
        None where nothing is known beyond `invariant`.
    """
    if isinstance(cell, MixedMemoryCell):
        return _mixed_step(cell, x, state, dt, eps)
    if isinstance(cell, LTCCell):
        return _ltc_step(cell, x, state, dt, eps) if cell.solver in CONVEX else None
    if isinstance(cell, WiredCfCCell):
        return _wired_step(cell, x, state, dt, eps)
    if isinstance(cell, CfCCell):
        return _dense_step(cell, x, state, dt, eps)
    return None


# ------------------------------------------------------------------------------- LTC


class Unfold(NamedTuple):
    """What holds during one of an LTC's solver steps.

    Attributes
    ----------
    state, new : Interval of shape (n_neurons,)
    opened : Interval of shape (n_recurrent,)
        How far the recurrent synapses are open.
    goal, conductance : Interval of shape (n_neurons,)
        I / G and G.
    share : Interval of shape (n_neurons,)
        The part of the way to the goal that is gone.
    """

    state: Interval
    opened: Interval
    goal: Interval
    conductance: Interval
    share: Interval
    new: Interval


def unfolds(
    cell: LTCCell, x: Interval, state: Interval, dt: Interval, eps: float
) -> Iterator[Unfold]:
    """Yield the solver steps of one step, for a solver that is convex."""
    if cell.input_weight is not None:
        x = product(point(array(cell.input_weight)), x)
    if cell.input_bias is not None:
        x = total(x, point(array(cell.input_bias)))
    x = widened(x, np.where(np.isfinite(x.size), 2 * eps * x.size, 0.0))
    sensory = _opening(cell.sensory, x, eps)
    capacity = array(F.softplus(cell.cm))
    h = Interval(dt.low / cell.ode_unfolds, dt.high / cell.ode_unfolds)
    for _ in range(cell.ode_unfolds):
        recurrent = _opening(cell.recurrent, state, eps)
        goal, conductance = _pull(cell, sensory, recurrent, eps)
        moved = product(h, conductance)
        share = Interval(*(_gone(cell.solver, end / capacity) for end in moved))
        share = clipped(widened(share, FUNCTION * eps), 0.0, 1.0)
        new = between(share, state, goal, eps)
        yield Unfold(state, recurrent, goal, conductance, share, new)
        state = new


def _ltc_step(
    cell: LTCCell, x: Interval, state: Interval, dt: Interval, eps: float
) -> Interval:
    for unfold in unfolds(cell, x, state, dt, eps):
        state = unfold.new
    return state


def _gone(solver: str, moved: Array) -> Array:
    """Return which share of the way to I / G a step goes, from h G / cm."""
    if solver == "exponential":
        return -np.expm1(-moved)
    with np.errstate(divide="ignore"):
        return 1 / (1 + 1 / moved)


def _opening(synapses: Synapses, x: Interval, eps: float) -> Interval:
    """Return how far open synapses are, from 0 to 1."""
    sigma, mu = array(synapses.sigma), array(synapses.mu)
    source = synapses.index.edges[0]
    from_x = product(point(sigma), Interval(x.low[source], x.high[source]))
    size = from_x.size + np.abs(sigma * mu)
    argument = widened(total(from_x, point(-sigma * mu)), 4 * eps * size)
    # Infinite inputs leave no number here.
    ends = np.nan_to_num(argument.low, nan=-np.inf, neginf=-np.inf, posinf=np.inf)
    tops = np.nan_to_num(argument.high, nan=np.inf, neginf=-np.inf, posinf=np.inf)
    return clipped(rising(sigmoid, Interval(ends, tops), eps), 0.0, 1.0)


def _pull(
    cell: LTCCell, sensory: Interval, recurrent: Interval, eps: float
) -> tuple[Interval, Interval]:
    """Return I / G, towards which each neuron goes, and its conductance G."""
    n = cell.state_size
    both = (cell.sensory, cell.recurrent)
    target = np.concatenate([part.index.edges[1] for part in both])
    weight = np.concatenate([array(F.softplus(part.w)) for part in both])
    goal = np.concatenate([array(part.erev) for part in both])
    least = weight * np.concatenate([sensory.low, recurrent.low])
    most = weight * np.concatenate([sensory.high, recurrent.high])
    leak = array(F.softplus(cell.gleak))
    current = leak * array(cell.vleak)
    leak = leak + cell.epsilon

    def ends(sign: float) -> Array:
        """Return the extreme mean: synapses open where that pulls further there."""
        found = current / leak
        for _ in range(len(target) + 2):
            further = sign * goal > sign * found[target]
            open_by = np.where(further, most, least)
            above = current + np.bincount(target, open_by * goal, minlength=n)
            before, found = found, above / (leak + np.bincount(target, open_by, n))
            if np.array_equal(before, found):
                return found
        return np.full(n, sign * np.inf)

    count, bounds = _synapses(cell)
    slack = (2 * count + FUNCTION) * eps * bounds.size
    pull = meet(widened(Interval(ends(-1.0), ends(1.0)), slack), bounds)
    total_least = leak + np.bincount(target, least, minlength=n)
    total_most = leak + np.bincount(target, most, minlength=n)
    loss = (count + 2) * eps
    return pull, Interval(total_least * (1 - loss), total_most * (1 + loss))


# ------------------------------------------------------------------------------- CfC


class WiredLayer(NamedTuple):
    """Affine maps of one layer, which reads inputs and states in evaluation order.

    Attributes
    ----------
    begin, end : int
        Which neurons, in evaluation order.
    weight : ndarray of shape (n_maps * n_own, n_inputs + n_neurons)
    bias : ndarray of shape (n_maps * n_own,)
    pure : list of ndarray of shape (n_own,)
        A and w_tau, for mode "pure".
    """

    begin: int
    end: int
    weight: Array
    bias: Array
    pure: list[Array]


def wired_layers(cell: WiredCfCCell) -> Iterator[WiredLayer]:
    """Yield the layers of a wired CfC in the order in which they are evaluated."""
    # Inputs are affine in x: its weights are what unit vectors add to the bias.
    bias = array(cell.drive(torch.zeros(1, cell.input_size, dtype=torch.float64)))[0]
    units = torch.eye(cell.input_size, dtype=torch.float64)
    of_inputs = array(cell.drive(units)).T - bias[:, None]
    weights, (asymptote, rate) = cell.constants()
    done = 0
    for (a, b), of_state in zip(cell.slices, weights, strict=True):
        rows = slice(done, done + len(cell.maps) * (b - a))
        done = rows.stop
        weight = np.concatenate([of_inputs[rows], array(of_state).T], axis=1)
        pure = [array(p[a:b]) for p in (asymptote, rate) if p is not None]
        yield WiredLayer(a, b, weight, bias[rows], pure)


def wired_maps(
    cell: WiredCfCCell, layer: WiredLayer, x: Interval, state: Interval, eps: float
) -> list[Interval]:
    """Return what the maps of a layer are, with states in evaluation order."""
    z = affine(layer.weight, joined(x, state), layer.bias, eps)
    return _split(z, len(cell.maps))


def _wired_step(
    cell: WiredCfCCell, x: Interval, state: Interval, dt: Interval, eps: float
) -> Interval:
    order, place = cell.order.cpu().numpy(), cell.place.cpu().numpy()
    state = Interval(state.low[order].copy(), state.high[order].copy())
    for layer in wired_layers(cell):
        rows = slice(layer.begin, layer.end)
        maps = wired_maps(cell, layer, x, state, eps)
        own = Interval(state.low[rows], state.high[rows])
        new = closed_form(cell.mode, maps, own, dt, layer.pure, eps)
        state.low[rows], state.high[rows] = new
    return Interval(state.low[place], state.high[place])


def dense_layers(
    cell: CfCCell, x: Interval, state: Interval, eps: float
) -> tuple[list[Interval], list[Interval]]:
    """Return what enters each activation of the backbone, and what the maps are."""
    z, entering = joined(x, state), []
    for layer in cell.backbone:
        z = affine(array(layer.weight), z, array(layer.bias), eps)
        entering.append(z)
        z = _activated(cell.backbone_activation, z, eps)
    heads = [getattr(cell, name) for name in cell.maps]
    maps = [affine(array(head.weight), z, array(head.bias), eps) for head in heads]
    return entering, maps


def _dense_step(
    cell: CfCCell, x: Interval, state: Interval, dt: Interval, eps: float
) -> Interval:
    maps = dense_layers(cell, x, state, eps)[1]
    pure = [array(p) for p in (cell.A, cell.w_tau) if p is not None]
    return closed_form(cell.mode, maps, state, dt, pure, eps)


def _split(z: Interval, n: int) -> list[Interval]:
    lows, highs = np.split(z.low, n), np.split(z.high, n)
    return [Interval(*ends) for ends in zip(lows, highs, strict=True)]


def _activated(name: str, z: Interval, eps: float) -> Interval:
    if name == "tanh":
        return rising(np.tanh, z, eps)
    if name == "lecun_tanh":
        return rising(lambda x: 1.7159 * np.tanh(0.666 * x), z, eps, 2.0)
    if name == "relu":
        return Interval(np.maximum(z.low, 0), np.maximum(z.high, 0))
    function = getattr(F, name)
    ends = [array(function(torch.as_tensor(side))) for side in z]
    turn, least = TURNS[name]
    # They fall, turn and rise: the least value is inside, the largest at an end.
    low = np.where((z.low < turn) & (turn < z.high), least, np.minimum(*ends))
    found = Interval(low, np.maximum(*ends))
    size = np.where(np.isfinite(z.size), np.maximum(z.size, 1.0), 1.0)
    return widened(found, FUNCTION * eps * size)


def closed_form(
    mode: str,
    maps: list[Interval],
    state: Interval,
    dt: Interval,
    pure: list[Array],
    eps: float,
) -> Interval:
    """Return the new states of a CfC from its maps."""
    if mode == "pure":
        asymptote, rate = pure
        (f,) = maps
        nearest = np.where((f.low < 0) & (f.high > 0), 0.0, np.minimum(*np.abs(f)))
        speed = product(dt, Interval(np.abs(rate) + nearest, np.abs(rate) + f.size))
        left = rising(np.exp, Interval(-speed.high, -speed.low), eps)
        left = clipped(left, 0.0, 1.0)
        changed = product(product(point(-asymptote), left), f)
        new = total(point(asymptote), changed)
        size = np.abs(asymptote) * (1 + f.size)
        return widened(new, np.where(np.isfinite(size), FUNCTION * eps * size, 0.0))
    first = rising(np.tanh, maps[0], eps)
    if mode == "exponential":
        return between(decay(maps[1], dt, eps), state, first, eps)
    second = rising(np.tanh, maps[1], eps)
    share = gate(maps, dt, eps)
    if mode == "no_gate":
        return widened(total(first, product(share, second)), FUNCTION * eps)
    return between(share, first, second, eps)


def decay(rate: Interval, dt: Interval, eps: float) -> Interval:
    """Return the share of the way that "exponential" goes at a rate and a time."""
    # softplus, too, is rounded: relative to its own size.
    speed = product(dt, rising(softplus, rate, eps, 0.0))
    return clipped(rising(lambda x: -np.expm1(-x), speed, eps), 0.0, 1.0)


def gate(maps: list[Interval], dt: Interval, eps: float) -> Interval:
    """Return the gate between the branches of "default" and "no_gate"."""
    z = total(product(dt, maps[2]), maps[3])
    size = product(dt, maps[2]).size + maps[3].size
    z = widened(z, np.where(np.isfinite(size), 2 * eps * size, 0.0))
    ends = Interval(
        np.where(np.isnan(z.low), -np.inf, z.low),
        np.where(np.isnan(z.high), np.inf, z.high),
    )
    return clipped(rising(sigmoid, ends, eps), 0.0, 1.0)


# --------------------------------------------------------------------- mixed memory


def _mixed_step(
    cell: MixedMemoryCell, x: Interval, state: Interval, dt: Interval, eps: float
) -> Interval | None:
    n = cell.n_neurons
    h, c = (Interval(state.low[part], state.high[part]) for part in _halves(n))
    weight = np.concatenate(
        [array(cell.input_map.weight), array(cell.recurrent_weight)], axis=1
    )
    gates = affine(weight, joined(x, h), array(cell.input_map.bias), eps)
    candidate, write, keep, read = _split(gates, 4)
    shares = [write, Interval(keep.low + 1, keep.high + 1), read]
    shares = [clipped(rising(sigmoid, share, eps), 0.0, 1.0) for share in shares]
    written = product(rising(np.tanh, candidate, eps), shares[0])
    c = total(product(c, shares[1]), written)
    c = widened(c, np.where(np.isfinite(c.size), 4 * eps * (1 + c.size), 0.0))
    h = widened(product(rising(np.tanh, c, eps), shares[2]), 2 * eps)
    new = step(cell.cell, x, h, dt, eps)
    return None if new is None else joined(new, c)


def _halves(n: int) -> tuple[slice, slice]:
    return slice(0, n), slice(n, 2 * n)
