"""Rules for the values of a parameter, and their wording in errors."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np

from LNN.constraints.kinds import Constraint
from LNN.exceptions import InvalidInputError


@dataclass(frozen=True)
class Rule:
    """Which values are allowed: as a test, and in words.

    The words may be a function, for names that are registered while Python runs.
    """

    allows: Callable[[Any], bool]
    words: str | Callable[[], str]

    def __or__(self, other: Rule) -> Rule:
        return Rule(
            lambda value: self.allows(value) or other.allows(value),
            lambda: f"{self}, or {other}",
        )

    def __str__(self) -> str:
        return self.words if isinstance(self.words, str) else self.words()


def check_values(
    owner: str, rules: Mapping[str, Rule], values: Mapping[str, Any]
) -> None:
    """Refuse the first value that its rule does not allow.

    Parameters
    ----------
    owner : str
        Whose parameters these are, for the error.
    rules, values : mapping
        By the name of the parameter; every rule needs a value.
    """
    for name, rule in rules.items():
        if not rule.allows(values[name]):
            raise InvalidInputError(
                f"The {name!r} parameter of {owner} must be {rule}. Got "
                f"{values[name]!r} instead."
            )


# The kinds of values that are named; numpy has its own, as in an array of a grid.
_KINDS = (str, bool | np.bool_, type(None))


def one_of(*values: Any) -> Rule:
    """Allow these names, booleans or None; True and 1 are not the same."""

    def allows(v: Any) -> bool:
        kinds = [kind for kind in _KINDS if isinstance(v, kind)]
        return any(isinstance(a, kind) and v == a for a in values for kind in kinds)

    return Rule(allows, _listed(values))


def name_in(registry: Collection[str]) -> Rule:
    """Allow the names that a registry has when the value is checked."""
    return Rule(
        lambda value: isinstance(value, str) and value in registry,
        lambda: _listed(registry),
    )


def _listed(values: Collection[Any]) -> str:
    listed = ", ".join(map(repr, values))
    return f"one of {listed}" if len(values) > 1 else listed


def _is_real(value: Any) -> bool:
    # True is a number to Python; as a width or a rate it is a slip.
    return isinstance(value, Real) and not isinstance(value, bool)


def integer(low: int) -> Rule:
    """Allow whole numbers that are at least `low`."""
    return Rule(
        lambda v: isinstance(v, Integral) and _is_real(v) and int(v) >= low,
        f"an int >= {low}",
    )


def real(low: float, high: float = float("inf"), *, ends: str = "[)") -> Rule:
    """Allow real numbers in an interval; `ends` tells which ends belong to it."""

    def allows(v: Any) -> bool:
        if not _is_real(v):
            return False
        above = v >= low if ends[0] == "[" else v > low
        return above and (v <= high if ends[1] == "]" else v < high)

    return Rule(allows, f"a number in {ends[0]}{low:g}, {high:g}{ends[1]}")


ANY = Rule(lambda value: True, "anything")
NONE = one_of(None)
BOOL = one_of(True, False)
CALLABLE = Rule(callable, "a callable")


def _levels(value: Any) -> bool:
    levels = [value] if isinstance(value, Real) else value
    if not isinstance(levels, list | tuple | np.ndarray) or not np.size(levels):
        return False
    if np.ndim(levels) != 1:
        return False
    return all(isinstance(q, Real) and 0 < float(q) < 1 for q in levels)


def _scorer_name(value: Any) -> bool:
    # Imported here: `import LNN` should cost little more than torch and pandas.
    from sklearn.metrics import get_scorer_names

    return isinstance(value, str) and value in get_scorer_names()


def _transformer(value: Any) -> bool:
    return hasattr(value, "transform") and not isinstance(value, type)


def _class_weight(value: Any) -> bool:
    if isinstance(value, dict):
        weights = list(value.values())
        numbers = all(isinstance(w, Real) and float(w) >= 0 for w in weights)
        return numbers and any(w > 0 for w in weights)
    return value is None or (isinstance(value, str) and value == "balanced")


def _constraints(value: Any) -> bool:
    if not isinstance(value, list | tuple) or not value:
        return False
    return all(isinstance(one, Constraint) for one in value)


LEVELS = Rule(_levels, "a number in (0, 1) or a list of them")
SCORER_NAME = Rule(_scorer_name, "a name of sklearn.metrics.get_scorer_names()")
TRANSFORMER = Rule(
    _transformer, "a scikit-learn transformer (an object, not its class)"
)
CLASS_WEIGHT = Rule(_class_weight, "None, 'balanced' or a dict class -> weight >= 0")
CONSTRAINTS = Rule(_constraints, "a list of constraints of LNN.safety, at least one")
DEVICE = Rule(lambda v: isinstance(v, str), "a str as 'auto', 'cpu' or 'cuda:0'")
N_JOBS = NONE | Rule(lambda v: isinstance(v, Integral) and v != 0, "an int != 0")
