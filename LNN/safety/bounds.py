"""Bounds of states and answers that hold for every input, proved from the weights."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from torch import nn

from LNN._results import Result
from LNN.baselines import Baseline
from LNN.cells import MixedMemoryCell
from LNN.cells.base import Cell
from LNN.constraints.keeping import Keeper
from LNN.constraints.kinds import Bounds, RateLimit
from LNN.estimators.fitted import FittedModel, as_fitted
from LNN.exceptions import InvalidInputError
from LNN.models import Layer
from LNN.network import LiquidNetwork, MotorReadout
from LNN.pooling import pooled_size
from LNN.safety.cell_bounds import array, cell_of, invariant, step, time_constants
from LNN.safety.input_boxes import InputBox, input_interval
from LNN.safety.intervals import (
    Interval,
    affine,
    everywhere,
    hull,
    joined,
    meet,
    point,
    product,
    total,
    widened,
)

# Times that a set is shrunk, and by how much it has to shrink to go on.
MOST_ROUNDS, ENOUGH = 60, 1e-4
# A gap this much longer than the longest step is walked in one step.
ROUNDED = 5e-5
# The rounding of a mean over time, in units of the last place.
POOLING = 64


def state_bounds(model: Any) -> Result:
    """Return intervals that the neurons' states never leave, whatever the inputs.

    They follow from the equations and the trained weights alone, for every input and
    every elapsed time, for sequences that start at 0 or at a state inside. A start from
    elsewhere (a state of your own) is not covered.

    Parameters
    ----------
    model : fitted estimator, Pipeline or FittedModel

    Returns
    -------
    Bunch
        `layers`: for each layer a Bunch with

        - `low`, `high`: ndarray of shape (n_neurons,), infinite where nothing is
          proved. They include what rounding in the network's precision can add.
        - `reason`: which property of the equations it is.
        - `tau_low`, `tau_high`: for LTC the bounds of the time constants cm / G, in
          units of the time stamps; None for other cells.

        `proved`: whether all states have bounds.

    See Also
    --------
    output_bounds : What follows for the answers.

    Notes
    -----
    Proved: LTC with `solver="semi-implicit"` or "exponential" (reversal potentials and
    leak), CfC in mode "default" and "exponential" (1) and "no_gate" (2), LSTM and GRU
    (1), and CfC "pure" on a backbone whose activation is bounded. Not bounded: any
    other CfC "pure", LTC "explicit" and "rk4", and the memory c of `mixed_memory`,
    which may grow by 1 with each step and is no part of these states.

    Examples
    --------
    >>> import numpy as np
    >>> from LNN import LiquidRegressor
    >>> from LNN.safety import state_bounds
    >>> X = np.sin(0.2 * np.arange(100))[:, None]
    >>> lnn = LiquidRegressor(8, model_type="LTC", window_length=8, epochs=2)
    >>> found = state_bounds(lnn.fit(X[:-1], X[1:, 0]))
    >>> found.proved, found.layers[0].reason
    (True, 'LTC exponential: a mean of the state, vleak, E and 0')
    """
    fitted = as_built(model)
    layers = []
    for layer in fitted.network.layers:
        cell, eps = cell_of(layer), precision(layer)
        found, reason = invariant(cell, eps)
        tau, unit = time_constants(cell), fitted.clock.unit
        ends = (None, None) if tau is None else (tau.low * unit, tau.high * unit)
        layers.append(
            Result(
                low=found.low,
                high=found.high,
                reason=reason,
                tau_low=ends[0],
                tau_high=ends[1],
            )
        )
    proved = all(bool(np.isfinite([own.low, own.high]).all()) for own in layers)
    return Result(layers=layers, proved=proved)


def output_bounds(
    model: Any,
    input_box: InputBox | None = None,
    *,
    gaps: tuple[float, float] | None = None,
) -> Result:
    """Return an interval that every answer of the model lies in, in the units of y.

    Without `input_box` whatever the inputs are; with it for inputs that stay in a box,
    which is much narrower. The states' intervals are carried through poolings, the
    read-out and the scaler of the targets.

    Parameters
    ----------
    model : fitted estimator, Pipeline or FittedModel
        Of a Pipeline the last step: the box is then in the units that it gets.
    input_box : (low, high), or mapping of str to (low, high), default=None
        Two numbers, or two array-likes with one number per input column (all columns
        of X but those of time and groups), in the units of X. By the names of these
        columns: two mappings or Series, as (X.min(), X.max()) of a frame, or one
        mapping from names to (low, high).
    gaps : (low, high), default=None
        The shortest and the longest time between rows, in the units of the time stamps
        (seconds for dates). None is any, or one step where the model knows no time.
        Only used with `input_box`.

    Returns
    -------
    Bunch
        - `low`, `high`: as `predict` returns the answer to one sample; for a classifier
          as `predict_proba` does. Infinite where nothing is proved.
        - `states`: the intervals (low, high) of the last layer's states.
        - `proved`: whether all are finite.

    Raises
    ------
    InvalidInputError
        With `anchor=` and no box: the answer is then a change from an input, which has
        no bound. With a box where inputs are not what the network reads, row by row:
        `missing` other than "error", `scale="sequence"`, a transformer as `scale`, an
        encoder, `patch`.

    See Also
    --------
    verify : Is every answer in a box?

    Examples
    --------
    >>> import numpy as np
    >>> from LNN import LiquidRegressor
    >>> from LNN.safety import output_bounds
    >>> X = np.sin(0.2 * np.arange(100))[:, None]
    >>> lnn = LiquidRegressor(8, window_length=8, epochs=2, random_state=0)
    >>> lnn = lnn.fit(X[:-1], X[1:, 0])
    >>> always, inside = output_bounds(lnn), output_bounds(lnn, (-1, 1))
    >>> bool(always.low <= inside.low <= inside.high <= always.high)
    True
    >>> answers = lnn.predict(100 * X)
    >>> bool((always.low <= answers.min()) & (answers.max() <= always.high))
    True
    """
    fitted = as_built(model)
    box = None if input_box is None else input_interval(fitted, input_box)
    network = copy.deepcopy(fitted.network).double().eval()
    eps = precision(fitted.network)
    if gaps is not None:
        gap_ends(gaps)
    if box is None:
        found, _ = invariant(cell_of(network.layers[-1]), eps)
        states = _readable(network.layers[-1], found)
    else:
        scaled = scaled_box(fitted, box, eps)
        states = _reached(network, scaled, gap_interval(fitted, gaps), fitted, eps)
    low, high = _answers(fitted, _read_out(network, states, eps), box)
    proved = bool(np.isfinite(low).all() and np.isfinite(high).all())
    return Result(low=low, high=high, states=states, proved=proved)


def as_built(model: Any) -> FittedModel:
    """Return the fitted model, whose network is as its parameters say."""
    fitted = as_fitted(model)
    # A network changed by hand, or with hooks, computes something else.
    assert fitted.structure is not None
    fitted.structure.refuse_other(fitted.network)
    return fitted


def precision(module: nn.Module) -> float:
    """Return the rounding of one operation, relative to its result."""
    return float(torch.finfo(next(module.parameters()).dtype).eps)


def _readable(layer: Layer, states: Interval) -> Interval:
    """Return the part of the state that others read: without the memory c."""
    n = layer.n_neurons
    return Interval(states.low[:n], states.high[:n])


# --------------------------------------------------------------------------- the box


def scaled_box(fitted: FittedModel, box: Interval, eps: float) -> Interval:
    """Return the box as the first layer reads it."""
    network, missing = fitted.network, fitted.parameters["missing"]
    reasons = {
        f'missing="{missing}" holds values of rows before': missing != "error",
        'scale="sequence" reads the whole sequence': network.own_scale is not None,
        "a transformer scales": not isinstance(fitted.scaler.method, str),
        "an encoder reads the rows": network.encoder is not None,
        f"patch={network.patch} reads several rows": network.patching is not None,
    }
    for reason, holds in reasons.items():
        if holds:
            raise InvalidInputError(
                f"Expected a model that reads each row as it is, but {reason}. Leave "
                "input_box out: the bounds for any input hold here too."
            )
    ends = [fitted.scaler.transform_rows(side[None])[0] for side in box]
    scaled = Interval(np.minimum(*ends), np.maximum(*ends))
    return widened(scaled, 2 * eps * (1 + scaled.size))


def gap_ends(gaps: tuple[float, float]) -> tuple[float, float]:
    """Return the shortest and the longest gap, checked."""
    try:
        shortest, longest = map(float, gaps)
    except (TypeError, ValueError):
        shortest, longest = np.nan, np.nan
    if not 0 <= shortest <= longest:
        raise InvalidInputError(
            f"Expected gaps as two numbers >= 0, (shortest, longest), got {gaps!r}."
        )
    return shortest, longest


def gap_interval(fitted: FittedModel, gaps: tuple[float, float] | None) -> Interval:
    """Return the elapsed times of one step, in the network's unit."""
    clock = fitted.clock
    if gaps is None:
        ends = (1.0, 1.0) if clock.kind is None else (0.0, np.inf)
    else:
        shortest, longest = gap_ends(gaps)
        ends = (shortest / clock.unit, longest / clock.unit)
    # The first row of a recording counts one unit.
    low, high = min(ends[0], 1.0), max(ends[1], 1.0)
    if _walks(fitted, high):
        low = 0.0
    eps = precision(fitted.network)
    return Interval(np.array(low * (1 - 4 * eps)), np.array(high * (1 + 4 * eps)))


def _walks(fitted: FittedModel, longest: float) -> bool:
    """Tell whether a gap can be so long that it is walked in several steps."""
    most = fitted.clock.max_step
    return most is not None and longest > most * (1 + ROUNDED)


# ------------------------------------------------------------------------- the states


def _reached(
    network: LiquidNetwork,
    inputs: Interval,
    dt: Interval,
    fitted: FittedModel,
    eps: float,
) -> Interval:
    """Return the last layer's states after one step or more on inputs in a box."""
    steps = fitted.layout.window_length if fitted.layout.in_rows else None
    if _walks(fitted, float(dt.high)):
        steps = None  # there are more steps than the window has rows
    if fitted.layout.timeless:
        steps = 1
    for layer in network.layers:
        inputs = _layer_reached(layer, inputs, dt, steps, eps)
    return inputs


def _layer_reached(
    layer: Layer, x: Interval, dt: Interval, steps: int | None, eps: float
) -> Interval:
    cell, start = cell_of(layer), point(np.zeros(_state_size(layer)))
    _, found = invariant_states(layer, x, dt, eps)
    if steps is not None and step(cell, x, start, dt, eps) is not None:
        found = meet(found, _within_steps(cell, x, start, dt, steps, eps))
    return _readable(layer, found)


def _state_size(layer: Layer) -> int:
    # With mixed memory c lies beside h.
    return (1 + isinstance(cell_of(layer), MixedMemoryCell)) * layer.n_neurons


def invariant_states(
    layer: Layer, x: Interval, dt: Interval, eps: float
) -> tuple[Interval, Interval]:
    """Return a set with 0 that states do not leave on inputs in a box.

    Beside it, where they are after one step or more.
    """
    cell = cell_of(layer)
    found, _ = invariant(cell, eps)
    if isinstance(cell, MixedMemoryCell):
        found = joined(found, everywhere(layer.n_neurons))
    start, never_left = point(np.zeros(_state_size(layer))), found
    state = hull(start, never_left)
    if step(cell, x, start, dt, eps) is None:
        return state, found
    # Each round holds for any number of steps: states begin in the set or at 0.
    for _ in range(MOST_ROUNDS):
        new = step(cell, x, state, dt, eps)
        assert new is not None
        found = meet(new, never_left)
        smaller = meet(hull(start, found), state)
        gained = _width(state) - _width(smaller)
        state = smaller
        if not gained > ENOUGH:
            break
    return state, found


def _width(a: Interval) -> float:
    """Return how wide intervals are on average, those without ends aside."""
    width = a.high - a.low
    return float(np.mean(np.where(np.isfinite(width), width, 1e6)))


def _within_steps(
    cell: Cell | Baseline,
    x: Interval,
    start: Interval,
    dt: Interval,
    steps: int,
    eps: float,
) -> Interval:
    """Return where states can be after 1 to `steps` steps from 0."""
    state, seen = start, None
    for _ in range(steps):
        new = step(cell, x, state, dt, eps)
        assert new is not None
        state, seen = new, new if seen is None else hull(seen, new)
    assert seen is not None  # a window has a row
    return seen


# ------------------------------------------------------------------------ the answers


def _read_out(network: LiquidNetwork, states: Interval, eps: float) -> Interval:
    """Return the outputs: a mean, a maximum or a last state is among the states."""
    if network.pooling != "last":
        size = np.where(np.isfinite(states.size), states.size, 0.0)
        states = widened(states, POOLING * eps * size)
    readout = network.readout
    if isinstance(readout, MotorReadout):
        weight, bias = array(readout.weight), array(readout.bias)
        n = len(weight)
        motor = Interval(states.low[:n], states.high[:n])
        found = total(product(point(weight), motor), point(bias))
        size = np.where(np.isfinite(found.size), found.size, 0.0) + np.abs(bias)
        return widened(found, 4 * eps * size)
    copies = pooled_size(network.pooling, 1)
    states = Interval(np.tile(states.low, copies), np.tile(states.high, copies))
    head: Any = readout[-1]
    return affine(array(head.weight), states, array(head.bias), eps)


def _answers(
    fitted: FittedModel, outputs: Interval, box: Interval | None
) -> tuple[Any, Any]:
    """Return the outputs' intervals in the caller's units."""
    if fitted.classifies:
        return _probabilities(outputs)
    present: list[Any] = [None, None]
    anchors = fitted.layout.columns.anchors
    if anchors is not None:
        if box is None:
            raise InvalidInputError(
                "Expected input_box=(low, high): with anchor= the answer is a change "
                "from an input, which has no bound by itself."
            )
        present = [side[anchors][None] for side in box]
    low, high = (
        fitted.proposals(side[None], own)
        for side, own in zip(outputs, present, strict=True)
    )
    return _within(fitted, low[0], high[0])


def _within(fitted: FittedModel, low: Any, high: Any) -> tuple[Any, Any]:
    """Return what the model's own constraints leave of bounds of an answer.

    Boxes move an answer towards each other's points, and a rate limit towards the
    answer before: neither leaves the clipped interval. What half-spaces and barriers
    make of it is only known to lie within the bounds.
    """
    limits = fitted.limits
    if limits is None:
        return low, high
    boxes = (Bounds, RateLimit)
    if not all(isinstance(one, boxes) for one in limits.constraints):
        low, high = np.full_like(low, -np.inf), np.full_like(high, np.inf)
    kinds = [one for one in limits.constraints if isinstance(one, Bounds)]
    if not kinds:
        return low, high
    keeper = Keeper(kinds, "project", limits.n)
    flat = (np.reshape(side, (limits.n, -1)).T for side in (low, high))
    kept = (keeper.keep(side, None, None, 1.0)[0].T for side in flat)
    first, last = (side.reshape(np.shape(low)) for side in kept)
    return (first, last) if np.ndim(low) else (first[()], last[()])


def _probabilities(scores: Interval) -> tuple[Any, Any]:
    """Return the bounds of a softmax: each class at its least against all others."""
    others = ~np.eye(len(scores.low), dtype=bool)
    found = []
    for own, rest in (scores, scores[::-1]):
        with np.errstate(over="ignore", invalid="ignore"):
            odds = np.exp(rest[None] - own[:, None])
        odds = np.where(np.isnan(odds), 1.0, odds)
        found.append(1 / (1 + np.where(others, odds, 0.0).sum(1)))
    return found[0], found[1]
