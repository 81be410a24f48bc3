"""Constraints as a fitted model holds them: copies of its own."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from LNN.constraints.kinds import Constraint


class OwnConstraints(list[Constraint]):
    """Copies of constraints, and the list that they are copies of.

    What its owner changes later, in the list or in one of its constraints, is no matter
    of the fitted model: only another list is.

    Parameters
    ----------
    given : list or tuple of Constraint

    Examples
    --------
    >>> from LNN.safety import Bounds
    >>> given = [Bounds(0, 1)]
    >>> own = OwnConstraints(given)
    >>> given[0].high = 99
    >>> own, own.given is given
    ([Bounds(low=0, high=1)], True)
    """

    def __init__(self, given: Iterable[Constraint]):
        super().__init__(map(_copied, given))
        self.given = given


def owned(given: Any, known: Any = None) -> Any:
    """Return copies of constraints; `known` itself if it is of this list already.

    What is not a list of constraints is returned as it is, to be refused by name where
    it is used.
    """
    if isinstance(known, OwnConstraints) and known.given is given:
        return known
    right = isinstance(given, list | tuple) and len(given) > 0
    if not right or not all(isinstance(one, Constraint) for one in given):
        return given
    return OwnConstraints(given)


def with_own_constraints(
    values: Mapping[str, Any], known: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return parameters with copies of their constraints.

    Parameters
    ----------
    values : mapping of str
    known : mapping of str, default=None
        Parameters of a model whose copies stay, if they are of the same list.
    """
    name = "output_constraints"
    before = None if known is None else known[name]
    return {**values, name: owned(values[name], before)}


def with_owner(model: Any, values: Mapping[str, Any]) -> Any:
    """Return a model that was stored, with the list that its constraints are copies of.

    Parameters
    ----------
    model : FittedModel
    values : mapping of str
        Parameters of its estimator.
    """
    own = owned(values.get("output_constraints"))  # a classifier has none
    if own is None or own != model.parameters["output_constraints"]:
        return model  # the estimator's were set after the fit
    now = {**model.parameters, "output_constraints": own}
    return replace(model, parameters=now)


def _copied(one: Constraint) -> Constraint:
    """Copy a constraint and its numbers; functions stay what they are."""
    own = copy.copy(one)
    for name, value in vars(one).items():
        if not callable(value):
            setattr(own, name, copy.deepcopy(value))
    return own
