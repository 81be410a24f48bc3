"""Targets of a fit beside its `output_constraints`: mistaken units, contradictions."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from LNN._warnings import warn
from LNN.constraints.kinds import Constraint
from LNN.constraints.output import SafeOutput
from LNN.data.examples import Examples
from LNN.estimators.limits import inputs_at, places_of_answers
from LNN.estimators.model_parts import ModelParts

# The share of targets outside that may be noise, or what the limits are for. Barriers
# and other limits of each row are there to change what was done in training data.
MOST_OUTSIDE, MOST_OUTSIDE_BY_ROW = 0.05, 0.95
# How far outside rounding may put a target, beside its size.
TOLERANCE = 1e-7
# Targets that are looked at together, and rows tried for contradictions.
MOST_ROWS, MOST_TRIED = 10_000, 500


def check_targets(model: ModelParts, data: Examples) -> None:
    """Warn of limits that contradict each other, or that many targets break.

    Limits that read the answer before are left out: in training there is none.

    Parameters
    ----------
    model : FittedModel
    data : Examples
        The training part, in the units of y.
    """
    constraints = model.parameters["output_constraints"] or ()
    static = [one for one in constraints if not one.reads_previous]
    if not static:
        return
    values = data.targets.values
    known = np.flatnonzero((data.weight_per_value > 0) & ~np.isnan(values).any(axis=1))
    if not len(known):
        return
    if told := _contradiction(static, data, known):
        warn(told)
        return
    shares = [(_share_outside(one, data, known), one) for one in static]
    broken = [
        f"{share:.0%} of them break {one!r}"
        for share, one in shares
        if share > (MOST_OUTSIDE_BY_ROW if one.reads_inputs else MOST_OUTSIDE)
    ]
    if broken:
        values = values[known]
        warn(
            f"The training targets lie from {values.min():.6g} to {values.max():.6g}. "
            f"With output_constraints, {', '.join(broken)}, and the model never "
            "answers there. Are the limits in the units of y, as fit gets it? If they "
            "are meant to be narrower than y, ignore this warning."
        )


def _context(
    constraints: list[Constraint], data: Examples, rows: NDArray[np.int64]
) -> dict[str, Any]:
    if not any(one.reads_inputs for one in constraints):
        return {}
    places = places_of_answers(data.sequences, data.targets.per_step)[rows]
    inputs = torch.as_tensor(inputs_at(data.sequences, places))
    return {"inputs": inputs, "state": inputs}


def _contradiction(
    constraints: list[Constraint], data: Examples, known: NDArray[np.int64]
) -> str:
    """Return a warning if no row that is tried has an output within all limits."""
    varies = any(one.reads_inputs for one in constraints)
    n = min(len(known), MOST_TRIED if varies else 1)
    rows = known[np.linspace(0, len(known) - 1, n).astype(int)]
    y = torch.as_tensor(data.targets.values[rows])
    with torch.no_grad():
        safety = SafeOutput(constraints)(y, _context(constraints, data, rows))[1]
    if bool(safety.feasible.any()):
        return ""
    where = f"in any of {n} training rows that were tried" if varies else "anywhere"
    return (
        "output_constraints contradict each other: no output satisfies all of "
        f"{constraints!r} {where}. Each answer will break one and be flagged. Loosen "
        "one of them, or leave one out."
    )


def _share_outside(one: Constraint, data: Examples, known: NDArray[np.int64]) -> float:
    """Return the share of known targets that break a constraint."""
    outside = 0
    for begin in range(0, len(known), MOST_ROWS):
        rows = known[begin : begin + MOST_ROWS]
        y = torch.as_tensor(data.targets.values[rows])
        with torch.no_grad():
            outside += int(_breaks(one, y, _context([one], data, rows)).sum())
    return outside / len(known)


def _breaks(one: Constraint, y: torch.Tensor, context: dict[str, Any]) -> torch.Tensor:
    """Return which targets (B, n) break a constraint, (B,)."""
    if one.curved:
        return one.excess(y, context) > TOLERANCE
    limits, breaks = one.limits(y, context), torch.zeros(len(y), dtype=torch.bool)
    if limits.low is not None and limits.high is not None:
        room = TOLERANCE * (1e-3 + y.abs())
        breaks = breaks | ((y < limits.low - room) | (y > limits.high + room)).any(1)
    if limits.normals is not None and limits.offsets is not None:
        normals = limits.normals.expand(len(y), -1, -1)
        over = torch.einsum("bmn,bn->bm", normals, y) - limits.offsets
        size = (normals * y[:, None]).abs().sum(2) + limits.offsets.abs()
        # An offset without a limit has no size either.
        room = TOLERANCE * (1e-3 + torch.where(size.isinf(), 0.0, size))
        breaks = breaks | (over > room).any(1)
    return breaks
