"""An upper bound, proved from the weights, of how slowly states forget."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from LNN._results import Result
from LNN.estimators.fitted import FittedModel
from LNN.safety.bounds import (
    ROUNDED,
    as_built,
    gap_ends,
    invariant_states,
    precision,
    scaled_box,
)
from LNN.safety.cell_bounds import cell_of, invariant
from LNN.safety.cell_growth import Growth, growth
from LNN.safety.input_boxes import InputBox, input_interval
from LNN.safety.intervals import Array, Interval, everywhere

# Rounds in which the weights of the norm are looked for, and their least ratio.
MOST_ROUNDS, LEAST = 500, 1e-12
# The rounding of the factor itself, which is computed in float64.
SLACK = 1e-9


def contraction_bound(
    model: Any,
    input_box: InputBox | None = None,
    *,
    gaps: tuple[float, float] | None = None,
) -> Result:
    """Return a proved bound of how much one step leaves of a difference of states.

    Two copies of a layer that read the same inputs, and stand in different states of
    the set `states`, differ after a step by at most `factor` times what they differed
    by, measured as the largest of |difference of neuron i| / weights[i]. A factor below
    1 proves that a wrong state is forgotten: after k steps at most factor ** k is left.

    Parameters
    ----------
    model : fitted estimator, Pipeline or FittedModel
        Of a Pipeline the last step: the box is then in the units that it gets.
    input_box : (low, high), or mapping of str to (low, high), default=None
        As in `output_bounds`. None is any input, for which little can be proved.
    gaps : (low, high), default=None
        The shortest and the longest time between rows, in the units of the time stamps.
        None is what training showed, or one step where the model knows no time. The
        first row of a recording, which counts one unit, is always covered. After a gap
        of 0 nothing is forgotten, so that nothing is proved with low = 0.

    Returns
    -------
    Bunch
        - `factor`: float, the largest of the layers' factors; infinite without a bound.
        - `proved`: whether it is below 1.
        - `reason`: in words.
        - `layers`: for each layer a Bunch with `factor`, `weights`, ndarray of shape
          (n_neurons,), and `states`, the (low, high) of the set, which contains 0 and
          which states do not leave while inputs stay in the box. Weights are None
          where no bound is written for the cell.

        With several layers a layer's factor is for inputs that are the same already:
        differences of the layers before it arrive late, and all of them vanish like
        (factor + any margin) ** k times a constant.

    Raises
    ------
    InvalidInputError
        As in `output_bounds`, or if gaps are not (shortest, longest) >= 0.

    See Also
    --------
    contraction_rate : The same measured on data: usually much faster.

    Notes
    -----
    The absolute value of each entry of the step's Jacobian is bounded by interval
    arithmetic over states, inputs and gaps. The weights are the Perron vector of the
    matrix of these bounds (of the worst alternative in each row), for which the norm is
    its spectral radius; any positive weights give a valid bound (Collatz and Wielandt).
    It speaks of exact arithmetic: differences of the size of rounding stay. Bounds
    exist for CfC of every mode and for LTC with `solver="semi-implicit"` or
    "exponential"; not for explicit solvers, `mixed_memory`, LSTM, GRU and other
    comparisons.

    References
    ----------
    Lohmiller and Slotine, On contraction analysis for non-linear systems, Automatica
    1998. Horn and Johnson, Matrix analysis, 2013, chapter 8 (Perron vectors).

    Examples
    --------
    >>> import numpy as np
    >>> from LNN import LiquidRegressor
    >>> from LNN.safety import contraction_bound
    >>> X = np.sin(0.2 * np.arange(100))[:, None]
    >>> how = {"model_type": "LTC", "window_length": 8, "random_state": 0}
    >>> lnn = LiquidRegressor(8, epochs=2, **how)
    >>> found = contraction_bound(lnn.fit(X[:-1], X[1:, 0]), (-1, 1))
    >>> found.proved, bool(found.factor < 1)
    (True, True)
    """
    fitted = as_built(model)
    eps, dt = precision(fitted.network), _steps(fitted, gaps)
    x = None
    if input_box is not None:
        x = scaled_box(fitted, input_interval(fitted, input_box), eps)
    layers, factor, reason = [], 0.0, ""
    for layer in copy.deepcopy(fitted.network).double().eval().layers:
        cell = cell_of(layer)
        if x is None:
            read, states = everywhere(layer.input_size), invariant(cell, eps)[0]
        else:
            read, (states, x) = x, invariant_states(layer, x, dt, eps)
        own = _of_layer(growth(cell, read, states, dt, eps), states)
        layers.append(own)
        factor = max(factor, own.factor)
        if own.weights is None:
            reason = f"{type(cell).__name__}: no bound is written for this cell"
    return Result(
        factor=factor,
        proved=factor < 1,
        reason=reason or _in_words(factor, input_box is None),
        layers=layers,
    )


def _of_layer(step: Growth | None, states: Interval) -> Result:
    factor, weights = np.inf, None
    if step is not None:
        factor, weights = _least_factor(step, len(states.low))
    return Result(factor=factor, weights=weights, states=(states.low, states.high))


def _in_words(factor: float, any_input: bool) -> str:
    if factor < 1:
        return f"a step leaves at most {factor:.4g} of a difference"
    more = ", and inputs may be anything: give an input_box" if any_input else ""
    return (
        f"as far as intervals show, a step may leave {factor:.4g} of a difference"
        f"{more}. States may forget all the same: see contraction_rate"
    )


def _steps(fitted: FittedModel, gaps: tuple[float, float] | None) -> Interval:
    """Return the elapsed times of the steps that are walked, in the network's unit."""
    clock = fitted.clock
    ends = (1.0, 1.0)
    if gaps is not None:
        shortest, longest = gap_ends(gaps)
        ends = (shortest / clock.unit, longest / clock.unit)
    elif clock.kind is not None and clock.gap_range is not None:
        shown = clock.gap_range
        ends = (shown.shortest / clock.unit, shown.longest / clock.unit)
    low, high = min(ends[0], 1.0), max(ends[1], 1.0)
    most = clock.max_step
    if most is not None and high > most:
        # Equal steps of a longer gap are between a half and the whole of the longest.
        low, high = min(low, most / 2), most * (1 + ROUNDED)
    near = 4 * precision(fitted.network)
    return Interval(np.array(low * (1 - near)), np.array(high * (1 + near)))


def _least_factor(step: Growth, n: int) -> tuple[float, Array]:
    """Return the least factor that is found, and the weights it holds for."""
    weights, best = np.ones(n), (np.inf, np.ones(n))
    for _ in range(MOST_ROUNDS):
        grown = step(weights.copy())
        if not np.isfinite(grown).all():
            break
        factor = float((grown / weights).max()) * (1 + SLACK)
        gained = best[0] - factor
        if gained > 0:
            best = (factor, weights)
        # Half a step of the power method, which does not go round in circles.
        weights = weights + grown
        weights = np.maximum(weights / weights.max(), LEAST)
    return best
