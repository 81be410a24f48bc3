"""The constructors of the estimators, made from the declarations of their parameters.

Editors and type checkers read `signatures.pyi` instead, which `make stubs` writes.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Literal, SupportsFloat  # noqa: F401 (annotations name them)

from LNN.constraints.kinds import Constraint  # noqa: F401 (the annotations name it)
from LNN.estimators.declarations import PARAMETERS
from LNN.training.loop import Epoch  # noqa: F401 (the annotations name it)


def _takes_parameters(owner: str, *without: str, **fixed: Any) -> Callable:
    """Give a class its constructor, and attributes for the parameters that it fixes.

    Parameters
    ----------
    owner : str
        The estimator that errors name.
    *without
        Parameters that the constructor does not take: they keep their defaults.
    **fixed
        Parameters that it does not take, with the values that they have.
    """
    defaults = {p.name: p.default for p in PARAMETERS}
    fixed = {name: defaults[name] for name in without} | fixed

    def decorate(cls: type) -> type:
        for name, value in fixed.items():
            setattr(cls, name, value)
        # Type checkers take constructors for fixed; they read signatures.pyi.
        cls.__init__ = _constructor(owner, fixed)  # type: ignore[misc]
        return cls

    return decorate


def _constructor(owner: str, fixed: dict[str, Any]) -> Callable[..., None]:
    """Make an `__init__` that sets each parameter and does nothing else."""
    first, *others = [p for p in PARAMETERS if p.name not in fixed]
    defaults = {p.name: p.default for p in others}
    known = frozenset(defaults)

    # scikit-learn's searches clone by the thousand: binding to the signature would take
    # ten times as long.
    def __init__(self, n_neurons=first.default, **given):
        if not known.issuperset(given):
            unknown = next(name for name in given if name not in known)
            told = f"{owner}.__init__() got an unexpected keyword argument {unknown!r}"
            if unknown in fixed:
                told += _why_without(owner, unknown, fixed)
            raise TypeError(told)
        self.n_neurons = n_neurons
        for name, value in (defaults | given).items():
            setattr(self, name, value)

    taken = {first.name: first.type} | {p.name: p.type for p in others}
    __init__.__qualname__ = f"{owner}.__init__"
    __init__.__annotations__ = {**taken, "return": "None"}
    # An attribute that functions may have, which their type does not tell.
    __init__.__signature__ = _signature(fixed)  # type: ignore[attr-defined]
    return __init__


def _why_without(owner: str, name: str, fixed: dict[str, Any]) -> str:
    """Return why an estimator does not take what LiquidNeuralNetwork takes."""
    if name == "output_constraints":
        return ". They are limits of numbers, and a classifier answers with classes."
    return f". A {owner} has {name}={fixed[name]!r} always: leave it out."


def _signature(fixed: dict[str, Any]) -> inspect.Signature:
    """Return what `help` and scikit-learn read: all but the first are keyword-only."""
    found = [inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)]
    for declared in PARAMETERS:
        if declared.name in fixed:
            continue
        kind = inspect.Parameter.KEYWORD_ONLY
        if declared is PARAMETERS[0]:
            kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        found.append(
            inspect.Parameter(
                declared.name,
                kind,
                default=declared.default,
                annotation=declared.type,
            )
        )
    return inspect.Signature(found)


@_takes_parameters("LiquidNeuralNetwork")
class NetworkParameters:
    """All parameters."""


@_takes_parameters("LiquidRegressor", "class_weight", task="regression")
class RegressorParameters(NetworkParameters):
    """Those of a regressor."""


@_takes_parameters(
    "LiquidClassifier",
    "anchor",
    "loss",
    "quantile",
    "scale_target",
    "output_constraints",
    "on_infeasible",
    task="classification",
)
class ClassifierParameters(NetworkParameters):
    """Those of a classifier."""
