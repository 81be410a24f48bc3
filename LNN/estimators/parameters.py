"""The parameters of the estimators: defaults, and the checks at the start of fit."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from LNN import models
from LNN.estimators.comparing import same
from LNN.estimators.declarations import PARAMETERS, Parameter
from LNN.estimators.limits import refuse_constraints
from LNN.estimators.rules import ANY, Rule, check_values
from LNN.exceptions import InvalidInputError
from LNN.training.losses import LOSSES, find_loss

DEFAULTS: dict[str, Any] = {p.name: p.default for p in PARAMETERS}
# What the network and the scalers were built from: it cannot change without a new fit.
BUILT_FROM = tuple(p.name for p in PARAMETERS if p.built_from)
# What may change after a fit without changing what was fitted.
CHANGEABLE = tuple(p.name for p in PARAMETERS if p.changeable)
# What these were in earlier versions: stored estimators hold them, wanted or not.
FORMER_DEFAULTS = {"mode": "default", "solver": "semi-implicit", "ode_unfolds": 6}
RULES: dict[str, Rule] = {p.name: p.rule for p in PARAMETERS if p.rule is not ANY}


def parameter_values(estimator: Any) -> dict[str, Any]:
    """Return all declared parameters, those that the estimator's class fixes too."""
    return {name: getattr(estimator, name) for name in DEFAULTS}


def default_parameters(estimator_class: type) -> dict[str, Any]:
    """Return the defaults of all parameters, with those of a subclass's own."""
    missing = {n: d for n, d in DEFAULTS.items() if not hasattr(estimator_class, n)}
    taken = inspect.signature(estimator_class).parameters.values()
    return missing | {p.name: p.default for p in taken if p.default is not p.empty}


def check_parameter(owner: str, name: str, value: Any) -> Any:
    """Return a value that its rule allows, else raise."""
    check_values(owner, {name: RULES.get(name, ANY)}, {name: value})
    return value


def check_parameters(owner: str, values: Mapping[str, Any]) -> None:
    """Check all parameters of one estimator, and those that depend on each other.

    Parameters
    ----------
    owner : str
        Name of the estimator's class, for errors.
    values : mapping
        Every declared parameter; others are not looked at.

    Raises
    ------
    InvalidInputError
        At the first value that is not allowed, or that would have no effect.
    """
    # Defaults are allowed, and most parameters have theirs.
    changed = [p for p in PARAMETERS if values[p.name] is not p.default]
    for parameter in changed:
        check_parameter(owner, parameter.name, values[parameter.name])
    _check_task(values)
    for parameter in changed:
        value = values[parameter.name]
        if same(value, parameter.default):
            continue
        why = _without_effect(parameter, values)
        if why:
            raise InvalidInputError(
                f"{parameter.name}={value!r} has no effect here: {why}. Leave "
                f"{parameter.name} out; in a search give each kind of model a grid of "
                "its own (a list of dicts)."
            )


def with_present_defaults(values: Mapping[str, Any]) -> dict[str, Any]:
    """Replace stored defaults of an earlier version where they have no effect.

    As in a CfC that names the LTC's solver: such a value was nobody's choice, and
    would be refused as one. Where it has an effect, it stays.
    """
    found = dict(values)
    for name, former in FORMER_DEFAULTS.items():
        if found[name] == former and models.without_effect(found["model_type"], name):
            found[name] = DEFAULTS[name]
    return found


def is_by_sequence(scale: Any) -> bool:
    """Tell whether `scale` is "sequence"; it may be a transformer, too."""
    return isinstance(scale, str) and scale == "sequence"


def _check_task(values: Mapping[str, Any]) -> None:
    """Refuse what makes no sense for the task."""
    task, loss, anchor = values["task"], values["loss"], values["anchor"]
    classifies = task == "classification"
    if find_loss(loss, classifies=classifies).classifies != classifies:
        fits = ", ".join(k for k, v in LOSSES.items() if v.classifies == classifies)
        raise InvalidInputError(
            f"loss={loss!r} does not fit task={task!r}. Use 'auto' or {fits}."
        )
    refuse_constraints(values)
    if classifies and anchor is not None:
        raise InvalidInputError(
            f"anchor={anchor!r} is the present value of a numeric target; "
            "classes have none. Leave anchor out."
        )


def _without_effect(parameter: Parameter, values: Mapping[str, Any]) -> str:
    """Return why a parameter has no effect beside the others; "" if it has one."""
    why = models.without_effect(values["model_type"], parameter.name)
    return why or parameter.idle(values)
