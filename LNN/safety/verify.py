"""Whether every answer to inputs in a box lies in another box."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from LNN._random import random_source
from LNN._results import Result
from LNN.estimators.fitted import FittedModel, as_fitted
from LNN.exceptions import InvalidInputError
from LNN.safety.bounds import gap_ends, output_bounds
from LNN.safety.input_boxes import InputBox, input_interval
from LNN.safety.intervals import Interval

# Sequences that each search starts from, and the steps that it takes.
STARTS, ASCENTS = 32, 40
# The length of sequences whose length the model leaves open.
LENGTH = 32
# The longest gap that the search draws, in usual ones.
LONGEST = 100


def verify(
    model: Any,
    box_in: InputBox,
    box_out: tuple[ArrayLike, ArrayLike],
    *,
    gaps: tuple[float, float] | None = None,
    random_state: int | np.random.RandomState | None = 0,
) -> Result:
    """Prove that answers to inputs in a box lie in another, or find one that does not.

    Intervals are carried through the model; where they are too wide for a proof,
    inputs are searched that lead outside, by climbing the model's gradients.

    Parameters
    ----------
    model : fitted estimator, Pipeline or FittedModel
        As for `output_bounds`.
    box_in : (low, high), or mapping of str to (low, high)
        Where every input of every row lies, in the units of X, as for `output_bounds`.
    box_out : (low, high)
        Numbers or array-likes of an answer's shape, in the units of y; of a classifier
        for the probabilities. One of them may be infinite.
    gaps : (low, high), default=None
        As for `output_bounds`.
    random_state : int or RandomState, default=0
        Of the search.

    Returns
    -------
    Bunch
        - `status`: "proved", "counterexample" or "unknown". Unknown means that neither
          was found: the bounds are wider than what the model does.
        - `bounds`: what `output_bounds` returned.
        - `X`, `timestamps`, `answer`: the counterexample; `predict` gives this answer
          for the last row or, without rows, for its only sequence. None otherwise.
        - `nearest`: the lowest and highest answers that the search came upon.

    Examples
    --------
    >>> import numpy as np
    >>> from LNN import LiquidRegressor
    >>> from LNN.safety import verify
    >>> X = np.sin(0.2 * np.arange(100))[:, None]
    >>> lnn = LiquidRegressor(8, window_length=8, epochs=2, random_state=0)
    >>> lnn = lnn.fit(X[:-1], X[1:, 0])
    >>> verify(lnn, (-1, 1), (-50, 50)).status
    'proved'
    >>> found = verify(lnn, (-1, 1), (10, 50))
    >>> found.status, bool(lnn.predict(found.X)[-1] == found.answer)
    ('counterexample', True)
    """
    fitted = as_fitted(model)
    bounds = output_bounds(fitted, box_in, gaps=gaps)
    goal = _goal(box_out, np.shape(bounds.low))
    found = Result(
        status="unknown", bounds=bounds, X=None, timestamps=None, answer=None
    )
    found.nearest = None
    sides = {-1: bounds.low >= goal.low, 1: bounds.high <= goal.high}
    if all(bool(np.all(side)) for side in sides.values()):
        found.status = "proved"
        return found
    columns = fitted.layout.columns
    if columns.time is not None or columns.group is not None:
        return found  # rows that look like those of training cannot be made up
    search = _Search(fitted, input_interval(fitted, box_in), gaps, random_state)
    for sign, held in sides.items():
        for place in zip(*np.nonzero(~np.atleast_1d(held)), strict=True):
            X, timestamps = search.furthest(place, sign)
            answer = search.answers(X, timestamps)
            seen = answer if found.nearest is None else [*found.nearest, answer]
            found.nearest = (np.min(seen, axis=0), np.max(seen, axis=0))
            if bool(((answer < goal.low) | (answer > goal.high)).any()):
                found.update(
                    status="counterexample", X=X, timestamps=timestamps, answer=answer
                )
                return found
    return found


def _goal(box_out: tuple[ArrayLike, ArrayLike], shape: tuple[int, ...]) -> Interval:
    try:
        low, high = (np.broadcast_to(np.asarray(s, float), shape) for s in box_out)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(
            f"Expected box_out as (low, high), each a number or of an answer's shape "
            f"{shape}, got {box_out!r}."
        ) from error
    if not np.all(low <= high):
        raise InvalidInputError(
            f"Expected a box_out with low <= high, got {low} and {high}."
        )
    return Interval(low, high)


class _Search:
    """Climbs to inputs in a box whose answers are far up or down."""

    def __init__(
        self,
        fitted: FittedModel,
        box: Interval,
        gaps: tuple[float, float] | None,
        random_state: Any,
    ):
        self.fitted, self.box = fitted, box
        self.random = random_source(random_state)
        self.length = LENGTH
        if fitted.layout.in_rows and fitted.layout.window_length is not None:
            self.length = fitted.layout.window_length
        unit = fitted.clock.unit
        self.timed = fitted.clock.kind is not None
        shortest, longest = (unit, unit) if gaps is None else gap_ends(gaps)
        # Gaps that are longer yet tell little more, and endless ones cannot be drawn.
        self.gaps = shortest, min(longest, max(shortest, LONGEST * unit))
        network = copy.deepcopy(fitted.network).double().eval()
        self.network = network.requires_grad_(False)

    def furthest(self, place: tuple[int, ...], sign: int) -> tuple[Any, Any]:
        """Return X and time stamps whose answer goes furthest at this place."""
        shape = (STARTS, self.length, len(self.box.low))
        share = self.random.uniform(size=shape)
        # Half of them begin at a corner of the box and stay there.
        corners = self.random.uniform(size=(STARTS // 2, 1, shape[2])) < 0.5
        share[: STARTS // 2] = corners
        gaps = self.random.uniform(*self.gaps, size=shape[:2])
        spans = torch.as_tensor(gaps / self.fitted.clock.unit)
        spans[:, 0] = 1.0  # the first row of a recording
        z = torch.as_tensor(share)
        for step in range(ASCENTS):
            z.requires_grad_()
            value = sign * self._value(z, spans, place)
            (slope,) = torch.autograd.grad(value.sum(), z)
            size = 0.5 * (1 - step / ASCENTS)
            z = (z.detach() + size * slope.sign()).clamp(0, 1)
        best = int((sign * self._value(z, spans, place)).argmax())
        low, high = self.box
        rows = np.clip(low + (high - low) * z[best].numpy(), low, high)
        return self._as_given(rows), self._stamps(gaps[best])

    def _value(self, z: Tensor, spans: Tensor, place: tuple[int, ...]) -> Tensor:
        """Return the answers' value at this place, up to constants, (B,)."""
        low, high = (torch.as_tensor(side) for side in self.box)
        rows = low + (high - low) * z
        scaler = self.fitted.scaler
        center, scale = (torch.as_tensor(s) for s in (scaler.center_, scaler.scale_))
        outputs = self.network((rows - center) / scale, timespans=spans)
        outputs = outputs[:, -1] if outputs.ndim == 3 else outputs
        if self.fitted.classifies:
            (k,) = place
            others = [j for j in range(outputs.shape[1]) if j != k]
            return outputs[:, k] - outputs[:, others].logsumexp(1)
        targets = self.fitted.target_scaler
        assert targets is not None  # only a classifier has none
        n_levels = outputs.shape[1] // len(targets.scale_)
        # A place is (target, level), each left out where there is one.
        target = place[0] if len(targets.scale_) > 1 else 0
        level = place[-1] if n_levels > 1 else 0
        value = outputs[:, target * n_levels + level] * float(targets.scale_[target])
        anchors = self.fitted.layout.columns.anchors
        return value if anchors is None else value + rows[:, -1, anchors[target]]

    def _as_given(self, rows: np.ndarray) -> Any:
        columns = self.fitted.layout.columns
        X: Any = rows
        if self.fitted.layout.kind != "rows":
            return rows[None] if self.fitted.layout.kind == "cube" else [rows]
        if columns.names is not None:
            X = pd.DataFrame(rows, columns=columns.input_names)
        return X

    def _stamps(self, gaps: np.ndarray) -> Any:
        if not self.timed:
            return None
        stamps: Any = np.cumsum(gaps)
        if self.fitted.clock.kind != "numbers":
            stamps = pd.Timestamp("2000-01-01") + pd.to_timedelta(stamps, unit="s")
        return stamps if self.fitted.layout.kind == "rows" else [stamps]

    def answers(self, X: Any, timestamps: Any) -> np.ndarray:
        """Return what the model itself answers, at the last row."""
        fitted = self.fitted
        sequences = fitted.read(X, timestamps=timestamps)
        outputs = fitted.outputs(sequences)
        call = fitted.probabilities if fitted.classifies else fitted.answers
        answers = call(outputs, sequences)
        last = answers[-1]
        # One answer per step of a sequence, not of rows.
        per_step = fitted.targets.per_step and fitted.layout.kind != "rows"
        return np.asarray(last[-1] if per_step else last)
