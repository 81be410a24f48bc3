"""By how much one step can stretch the difference of two states, cell by cell.

Every bound here is a map G of sizes: whatever two states of the set differ by, neuron
by neuron at most v >= 0, after a step they differ by at most G(v). It comes from the
largest absolute value that each entry of the Jacobian takes in the set, which is a box,
so that the mean value theorem makes differences of derivatives. G never falls with v
and scales with it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch.nn.functional as F

from LNN.baselines import Baseline
from LNN.cells import CfCCell, LTCCell, WiredCfCCell
from LNN.cells.base import Cell
from LNN.safety.cell_bounds import (
    CONVEX,
    array,
    closed_form,
    decay,
    dense_layers,
    gate,
    unfolds,
    wired_layers,
    wired_maps,
)
from LNN.safety.intervals import Array, Interval, rising, sigmoid

Growth = Callable[[Array], Array]
# The largest slopes of activations, rounded up; that of tanh depends on where it is.
STEEPEST = {"relu": 1.0, "silu": 1.1, "gelu": 1.13}


def growth(
    cell: Cell | Baseline, x: Interval, state: Interval, dt: Interval, eps: float
) -> Growth | None:
    """Return the bound G, for inputs, states and elapsed times in intervals.

    Parameters
    ----------
    cell : Cell
        In float64.
    x : Interval of shape (input_size,)
    state : Interval of shape (state_size,)
        In the wiring's order, and so are the sizes.
    dt : Interval of shape ()
    eps : float
        The precision that the network computes in: intervals are widened by it.

    Returns
    -------
    callable or None
        None where no bound is written: explicit solvers, mixed memory, comparisons.
    """
    if isinstance(cell, LTCCell):
        return _of_ltc(cell, x, state, dt, eps) if cell.solver in CONVEX else None
    if isinstance(cell, WiredCfCCell):
        return _of_wired(cell, x, state, dt, eps)
    if isinstance(cell, CfCCell):
        return _of_dense(cell, x, state, dt, eps)
    return None


def _largest(alternatives: list[Array], v: Array) -> Array:
    """Return, row by row, the largest of what several matrices make of v."""
    return np.max([_times(matrix, v) for matrix in alternatives], axis=0)


def _times(matrix: Array, v: Array) -> Array:
    """Return matrix @ v for sizes, where 0 times infinity is 0."""
    with np.errstate(invalid="ignore"):
        parts = matrix * v
    return np.nansum(parts, axis=1)


# ------------------------------------------------------------------------------- LTC


def _of_ltc(
    cell: LTCCell, x: Interval, state: Interval, dt: Interval, eps: float
) -> Growth:
    """Return G of all solver steps, one after the other.

    With the goal P = I / G and the share q of the way to it, both solvers have

        |dv_j'/dv_i| <= (1 - q_j) [i = j] + q_j w s' max |E - u| / G_j,

    where s' is the slope of the synapse and u is between v_j and P_j: "exponential"
    has q - r of E - P and r of E - v with r = y exp(-y) <= q, y = h G / cm;
    "semi-implicit" has E - v'. It is linear in q, so the ends of q hold its largest.
    """
    synapses = cell.recurrent
    source, target = synapses.index.edges
    weight, steep = array(F.softplus(synapses.w)), np.abs(array(synapses.sigma))
    potential = array(synapses.erev)
    n, shares, coupled = cell.state_size, [], []
    for unfold in unfolds(cell, x, state, dt, eps):
        between = [unfold.state, unfold.goal, unfold.new]
        if cell.solver == "semi-implicit":
            between = [unfold.new]
        ends = [end[target] for interval in between for end in interval]
        reach = np.max([np.abs(potential - end) for end in ends], axis=0)
        opened, conductance = unfold.opened, unfold.conductance.low[target]
        slope = steep * _most_open(weight, opened, conductance)
        matrix = np.zeros((n, n))
        np.add.at(matrix, (target, source), slope * reach)
        shares.append(unfold.share)
        coupled.append(matrix)

    def grown(v: Array) -> Array:
        for share, matrix in zip(shares, coupled, strict=True):
            pushed = matrix @ v
            v = np.max([(1 - q) * v + q * pushed for q in share], axis=0)
        return v

    return grown


def _most_open(weight: Array, opened: Interval, conductance: Array) -> Array:
    """Return the largest w s (1 - s) / G, as the synapse itself is a part of G."""
    rest = np.maximum(conductance - weight * opened.low, 0.0)
    # Where its derivative vanishes; without a rest it falls from s = 0 on.
    turn = (np.sqrt(rest**2 + rest * weight) - rest) / np.maximum(weight, 1e-300)
    s = np.clip(turn, opened.low, opened.high)
    total = np.maximum(rest + weight * s, 1e-300)
    return weight * s * (1 - s) / total


# ------------------------------------------------------------------------------- CfC


def _of_wired(
    cell: WiredCfCCell, x: Interval, state: Interval, dt: Interval, eps: float
) -> Growth:
    order, place = cell.order.cpu().numpy(), cell.place.cpu().numpy()
    state = Interval(state.low[order].copy(), state.high[order].copy())
    layers = []
    for layer in wired_layers(cell):
        rows = slice(layer.begin, layer.end)
        maps = wired_maps(cell, layer, x, state, eps)
        own = Interval(state.low[rows], state.high[rows])
        of_states = np.abs(layer.weight[:, cell.input_size :])
        slopes = np.split(of_states, len(cell.maps))
        itself = np.eye(cell.state_size)[rows]
        found = _of_maps(cell.mode, maps, slopes, itself, own, dt, layer.pure, eps)
        layers.append((rows, found))
        state.low[rows], state.high[rows] = closed_form(
            cell.mode, maps, own, dt, layer.pure, eps
        )

    def grown(v: Array) -> Array:
        v = v[order]
        for rows, found in layers:  # later layers read what earlier ones have become
            v[rows] = _largest(found, v)
        return v[place]

    return grown


def _of_dense(
    cell: CfCCell, x: Interval, state: Interval, dt: Interval, eps: float
) -> Growth:
    entering, maps = dense_layers(cell, x, state, eps)
    slope = np.vstack(
        [np.zeros((cell.input_size, cell.state_size)), np.eye(len(state.low))]
    )
    for layer, z in zip(cell.backbone, entering, strict=True):
        steep = _steepest(cell.backbone_activation, z)
        slope = steep[:, None] * (np.abs(array(layer.weight)) @ slope)
    heads = [np.abs(array(getattr(cell, name).weight)) @ slope for name in cell.maps]
    pure = [array(p) for p in (cell.A, cell.w_tau) if p is not None]
    itself = np.eye(cell.state_size)
    found = _of_maps(cell.mode, maps, heads, itself, state, dt, pure, eps)
    return lambda v: _largest(found, v)


def _steepest(name: str, z: Interval) -> Array:
    """Return the largest slope of an activation on intervals."""
    if name == "tanh":
        return _slope_of_tanh(z)
    if name == "lecun_tanh":
        scaled = Interval(0.666 * z.low, 0.666 * z.high)
        return 1.7159 * 0.666 * _slope_of_tanh(scaled)
    return np.full(len(z.low), STEEPEST[name])


def _slope_of_tanh(z: Interval) -> Array:
    """Return the largest 1 - tanh^2 on intervals: it is where z is nearest to 0."""
    inside = (z.low <= 0) & (z.high >= 0)
    nearest = np.where(inside, 0.0, np.minimum(np.abs(z.low), np.abs(z.high)))
    return 1 - np.tanh(nearest) ** 2


def _of_maps(
    mode: str,
    maps: list[Interval],
    slopes: list[Array],
    itself: Array,
    state: Interval,
    dt: Interval,
    pure: list[Array],
    eps: float,
) -> list[Array]:
    """Return matrices that bound the Jacobian: for each row one of them does.

    Parameters
    ----------
    slopes : list of ndarray of shape (n_own, n_neurons)
        Sizes of the maps' derivatives.
    itself : ndarray of shape (n_own, n_neurons)
        1 where a neuron's own state stands.
    """
    if mode == "pure":
        # |(1 - y) exp(-y)| <= 1 with y = dt |f|, the derivative of exp(-y) y.
        asymptote, rate = pure
        size = np.abs(asymptote) * np.exp(-dt.low * np.abs(rate))
        return [size[:, None] * slopes[0]]
    first = rising(np.tanh, maps[0], eps)
    steep = _slope_of_tanh(maps[0])[:, None] * slopes[0]
    if mode == "exponential":
        share = decay(maps[1], dt, eps)
        far = _farthest(first, state)
        turned = (far * _most_turned(maps[1], dt))[:, None] * slopes[1]
        return [(1 - s)[:, None] * itself + s[:, None] * steep + turned for s in share]
    share, second = gate(maps, dt, eps), rising(np.tanh, maps[1], eps)
    other = _slope_of_tanh(maps[1])[:, None] * slopes[1]
    far = second.size if mode == "no_gate" else _farthest(second, first)
    with np.errstate(invalid="ignore"):
        timed = np.where(slopes[2] > 0, dt.high * slopes[2], 0.0) + slopes[3]
    nearest = np.clip(0.5, share.low, share.high)
    turned = (far * nearest * (1 - nearest))[:, None] * timed
    if mode == "no_gate":
        return [steep + share.high[:, None] * other + turned]
    return [(1 - s)[:, None] * steep + s[:, None] * other + turned for s in share]


def _farthest(a: Interval, b: Interval) -> Array:
    """Return the largest distance between values of two intervals."""
    return np.maximum(np.abs(a.high - b.low), np.abs(b.high - a.low))


def _most_turned(rate: Interval, dt: Interval) -> Array:
    """Return the largest dt sigmoid(a) exp(-dt softplus(a)): the share's slope in a.

    It rises and falls once along a, with its top at sigmoid(a) = 1 / (1 + dt), and once
    along dt, with its top at 1 / softplus(a); nowhere at both. So it is largest on an
    edge of the rectangle.
    """
    found = np.zeros_like(rate.low)
    for t in dt:
        with np.errstate(divide="ignore"):
            top = np.full_like(rate.low, -np.log(t))
        found = np.maximum(found, _turned(np.clip(top, rate.low, rate.high), t))
    for a in rate:
        with np.errstate(divide="ignore"):
            top = 1 / np.logaddexp(0.0, a)
        found = np.maximum(found, _turned(a, np.clip(top, dt.low, dt.high)))
    return found


def _turned(a: Array, t: Array) -> Array:
    with np.errstate(invalid="ignore", over="ignore"):
        speed = t * np.logaddexp(0.0, a)
        value = t * sigmoid(a) * np.exp(-speed)
    # After an endless time nothing depends on the rate any more, unless it is 0.
    return np.where(np.isnan(value), np.where(speed > 0, 0.0, np.inf), value)
