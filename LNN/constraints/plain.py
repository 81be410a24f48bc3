"""Constraints as plain numbers, which files and other languages hold, and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from LNN.constraints.kinds import Bounds, Constraint, HalfSpaces, RateLimit
from LNN.exceptions import InvalidInputError

NAMES: dict[type[Constraint], str] = {
    Bounds: "bounds",
    RateLimit: "rate_limit",
    HalfSpaces: "half_spaces",
}
KINDS = {name: kind for kind, name in NAMES.items()}


def is_plain(constraint: Constraint) -> bool:
    """Tell whether numbers say all there is of a constraint."""
    return type(constraint) in NAMES and not constraint.functions


def to_plain(constraint: Constraint) -> dict[str, Any]:
    """Take a constraint apart: its kind, and its numbers as float64 arrays or None.

    Examples
    --------
    >>> from LNN.safety import Bounds
    >>> to_plain(Bounds(0))
    {'kind': 'bounds', 'low': array(0.), 'high': None}
    """
    numbers = {
        name: None if value is None else np.array(value, np.float64)
        for name, value in vars(constraint).items()
        # Left out where there is none: older versions read what does not need it.
        if name != "b_quadratic" or value is not None
    }
    return {"kind": NAMES[type(constraint)], **numbers}


def from_plain(plain: Mapping[str, Any]) -> Constraint:
    """Make the constraint that `to_plain` took apart."""
    numbers = dict(plain)
    return KINDS[numbers.pop("kind")](**numbers)


def all_to_plain(constraints: Sequence[Constraint] | None) -> list[Any] | None:
    """Take constraints apart; those that are functions stay as they are."""
    if constraints is None:
        return None
    return [to_plain(one) if is_plain(one) else one for one in constraints]


def all_from_plain(stored: Sequence[Any] | None) -> list[Constraint] | None:
    """Make the constraints that `all_to_plain` took apart."""
    if stored is None:
        return None
    return [from_plain(one) if isinstance(one, dict) else one for one in stored]


def with_constraints(
    values: Mapping[str, Any], change: Callable[[Any], Any]
) -> dict[str, Any]:
    """Return the entry `output_constraints` changed; nothing if there is no entry."""
    name = "output_constraints"
    return {name: change(values[name])} if name in values else {}


def refuse_functions(constraints: Sequence[Constraint], where: str) -> None:
    """Refuse constraints that numbers alone do not describe."""
    for one in constraints:
        if not is_plain(one):
            what = ", ".join(one.functions) or "a class of yours"
            raise InvalidInputError(
                f"Expected constraints in numbers, got {type(one).__name__} with "
                f"functions of Python ({what}), which {where} cannot hold. Say it as "
                "HalfSpaces(A, b, A_inputs=, b_inputs=, b_quadratic=), for instance by "
                "DiscreteBarrier.affine or BarrierFunction.quadratic, or keep the "
                "model as a pickle."
            )
