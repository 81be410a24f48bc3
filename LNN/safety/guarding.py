"""Is a row like those that training showed? What is out of range, gap and bound."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from LNN._results import Result
from LNN._typing import Column
from LNN.data import SequenceSet
from LNN.data.timestamps import tolerance
from LNN.estimators.fitted import FittedModel, as_fitted
from LNN.exceptions import InvalidInputError
from LNN.network import LiquidNetwork
from LNN.network_state import flat_state
from LNN.safety.bounds import state_bounds

# A gap so many times the longest, or so small a part of the shortest, is a doubt. A
# lost row among equal gaps makes 2; clocks that jitter make a little more than 1.
FAR = 1.5
# A neuron is saturated in this part of its proved interval, at either end.
EDGE = 0.01
# One saturated neuron is a switch that is on; with more than half, little is left that
# an input could change.
MOST = 0.5


def guard(
    model: Any,
    X: ArrayLike,
    *,
    timestamps: Column | None = None,
    groups: Column | None = None,
) -> Result:
    """Tell which answers are made from rows unlike those of training.

    There is one entry for each answer of `predict`. For models of windows, of whole
    recordings or with answers per step, it is about the row itself; for one answer per
    sequence, about the most extreme value and gap of all its rows.

    Parameters
    ----------
    model : fitted estimator, Pipeline or FittedModel
        Of a Pipeline, the last step is used, and X is what that step gets.
    X, timestamps, groups
        As in `predict`.

    Returns
    -------
    Bunch
        Shapes are those for n answers; 3-D data and lists answered per step have them
        as `predict` does.

        - `outside`: ndarray of shape (n, n_inputs): how far a value lies above the
          range of the column in training (or below, if negative); 0 within the range
          and for missing values. In units of the scaler (if `scale` is a transformer:
          in widths of the range). Anchor columns count as changes.
        - `gap`: ndarray of shape (n,): 1 for a gap within the range of training; above
          1, a multiple of the longest one; below 1, a fraction of the shortest. Gaps of
          0, and those before first rows, are 1.
        - `saturated`: ndarray of shape (n,): the share of the last layer's neurons
          whose state is within 1 % of an end of its proved interval, of those that
          have one; None if no neuron has.
        - `flagged`: ndarray of bool, shape (n,): something is outside, the gap is more
          than 1.5 or less than 1 / 1.5, or more than half of the neurons are saturated.
        - `columns`: the names of the inputs, or None.

    Raises
    ------
    InvalidInputError
        If the model was stored by a version of LNN that kept no ranges.

    See Also
    --------
    state_bounds : The intervals of the states.
    LNN.streaming.LiquidStream : `guard=True` tells the same row by row.

    Notes
    -----
    A row inside of all ranges can still be unlike training: columns are looked at one
    by one, so a pair of values that never came together passes.

    Examples
    --------
    >>> import numpy as np
    >>> from LNN import LiquidRegressor
    >>> from LNN.safety import guard
    >>> X = np.sin(0.2 * np.arange(100))[:, None]
    >>> lnn = LiquidRegressor(8, window_length=8, epochs=2, random_state=0)
    >>> lnn = lnn.fit(X[:-1], X[1:, 0])
    >>> found = guard(lnn, [[0.5], [3.0]])
    >>> found.flagged.tolist()
    [False, True]
    """
    fitted = as_fitted(model)
    known = Guard(fitted)
    sequences = fitted.read(X, timestamps=timestamps, groups=groups)
    outside, units = _rows(known, sequences)
    saturated = _saturated(known, sequences)
    found = known.judged(outside, known.gaps(units), saturated)
    if fitted.targets.per_step:
        for name in ("outside", "gap", "saturated", "flagged"):
            if found[name] is not None:
                found[name] = fitted.in_layout(found[name], sequences)
    return found


class Guard:
    """What rows are held against.

    Parameters
    ----------
    fitted : FittedModel
    with_states : bool, default=True
        Whether its bounds hold for the states that are judged.
    """

    def __init__(self, fitted: FittedModel, with_states: bool = True):
        if fitted.input_range is None:
            raise InvalidInputError(
                "Expected a model that knows the range of its training data, got one "
                f"of a {fitted.owner} that an older version of LNN stored without. Fit "
                "it again."
            )
        self.fitted, self.range = fitted, fitted.input_range
        width = self.range.high - self.range.low
        widths = np.where(width > 0, width, 1.0)
        # A transformer as `scale` has no such numbers.
        self.scale: NDArray = getattr(fitted.scaler, "scale_", widths)
        clock, shown = fitted.clock, fitted.clock.gap_range
        # Without a gap that was longer than 0, a row counted one unit.
        ends = (1.0, 1.0) if shown is None else (shown.shortest, shown.longest)
        unit = 1.0 if shown is None else clock.unit
        self.shortest, self.longest = ends[0] / unit, ends[1] / unit
        self.near = tolerance(clock.unit, clock.resolution)
        self.bounds: tuple[Tensor, Tensor, Tensor] | None = None
        if with_states:
            self.bounds = _edges(fitted)

    def outside(self, values: NDArray) -> NDArray:
        """Return how far inputs (n, n_channels) lie outside, in scaled units."""
        return self.range.beyond(np.asarray(values, np.float64)) / self.scale

    def gaps(self, units: NDArray) -> NDArray:
        """Return how far gaps in units are from those of training; 1 is inside."""
        units = np.asarray(units, np.float64)
        longer = units > self.longest * (1 + self.near)
        shorter = (units > 0) & (units < self.shortest * (1 - self.near))
        found = np.where(longer, units / self.longest, 1.0)
        return np.where(shorter, units / self.shortest, found)

    def saturated(self, states: Tensor) -> Tensor | None:
        """Return the share of saturated neurons of states (..., n_neurons)."""
        if self.bounds is None:
            return None
        low, high, known = (part.to(states.device) for part in self.bounds)
        states = states[..., : len(known)].double()[..., known]
        return ((states <= low) | (states >= high)).double().mean(dim=-1)

    def judged(
        self, outside: NDArray, gap: NDArray, saturated: NDArray | None
    ) -> Result:
        """Return all that was found, and whether it is a doubt."""
        flagged = (outside != 0).any(axis=1) | (gap > FAR) | (gap < 1 / FAR)
        if saturated is not None:
            flagged |= saturated > MOST
        return Result(
            outside=outside,
            gap=gap,
            saturated=saturated,
            flagged=flagged,
            columns=self.fitted.layout.columns.input_names,
        )


def _edges(fitted: FittedModel) -> tuple[Tensor, Tensor, Tensor] | None:
    """Return where saturation begins, and which neurons have such a place."""
    last = state_bounds(fitted).layers[-1]
    low, high = torch.as_tensor(last.low), torch.as_tensor(last.high)
    low, high = low.double(), high.double()
    width = high - low
    known = torch.isfinite(width) & (width > 0)
    if not known.any():
        return None
    margin = EDGE * width[known]
    return low[known] + margin, high[known] - margin, known


def _rows(known: Guard, sequences: SequenceSet) -> tuple[NDArray, NDArray]:
    """Return what is outside, and the gap in units, for each answer."""
    fitted, n_rows = known.fitted, sequences.rows.n_rows
    outside = np.empty((n_rows, sequences.n_features))
    for rows, values in sequences.iter_rows():
        outside[rows] = known.outside(values)
    units = np.ones(n_rows)
    if sequences.elapsed is not None:
        units = fitted.preparation.units(sequences.elapsed)
    if sequences.whole:
        return outside[sequences.position_of_row], units[sequences.position_of_row]
    if fitted.targets.per_step:
        return outside, units
    ends = sequences.start + sequences.length
    if fitted.layout.in_rows:
        return outside[ends - 1], units[ends - 1]
    spans = list(zip(sequences.start, ends, strict=True))
    far = [_farthest(outside[begin:end]) for begin, end in spans]
    # By its logarithm: half the shortest is as far as twice the longest.
    strange = np.abs(np.log(known.gaps(units)))
    worst = [begin + int(strange[begin:end].argmax()) for begin, end in spans]
    return np.array(far).reshape(-1, sequences.n_features), units[worst]


def _farthest(values: NDArray) -> NDArray:
    """Return the value of largest size in each column."""
    rows = np.abs(values).argmax(axis=0)
    return values[rows, np.arange(values.shape[1])]


def _saturated(known: Guard, sequences: SequenceSet) -> NDArray | None:
    """Run the network; return the share of saturated neurons for each answer."""
    if known.bounds is None:
        return None
    fitted = known.fitted

    def run(network: LiquidNetwork, inputs: Tensor, *spans: Any, **how: Any) -> Tensor:
        states, final = network.features(inputs, *spans, **how)
        if not network.return_sequences:
            states = flat_state(final[-1])
        share = known.saturated(states)
        assert share is not None
        return share[..., None]

    every = fitted.network.return_sequences
    found = np.empty((sequences.rows.n_rows if every else len(sequences), 1))
    for batches, samples, answer in fitted.passes(sequences, run):
        batches.write(found, samples, answer)
    return found[sequences.position_of_row, 0] if sequences.whole else found[:, 0]
