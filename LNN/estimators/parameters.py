"""What each parameter of the estimators may be, checked once at the start of fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np

from LNN.baselines import BASELINES
from LNN.batching.missing import POLICIES
from LNN.cells.cfc import ACTIVATIONS, MODES
from LNN.cells.ltc import SOLVERS
from LNN.estimators.built import same
from LNN.exceptions import InvalidInputError
from LNN.kernels import BACKENDS
from LNN.network import MODEL_TYPES, POOLINGS
from LNN.training.device import DTYPES
from LNN.training.losses import LOSSES, find_loss
from LNN.training.optimisers import OPTIMIZERS
from LNN.training.schedules import SCHEDULES

TASKS = ("regression", "classification")


@dataclass(frozen=True)
class Rule:
    """Whether a value is allowed, and what is, in words."""

    allows: Callable[[Any], bool]
    words: str

    def __or__(self, other: Rule) -> Rule:
        return Rule(
            lambda value: self.allows(value) or other.allows(value),
            f"{self.words}, or {other.words}",
        )


# The kinds of values that are named; numpy has its own, as in an array of a grid.
_KINDS = (str, bool | np.bool_, type(None))


def one_of(*values) -> Rule:
    """Allow these names, booleans or None; True and 1 are not the same."""
    names = ", ".join(map(repr, values))

    def allows(v) -> bool:
        kinds = [kind for kind in _KINDS if isinstance(v, kind)]
        return any(isinstance(a, kind) and v == a for a in values for kind in kinds)

    return Rule(allows, f"one of {names}" if len(values) > 1 else names)


def integer(low: int) -> Rule:
    """Allow whole numbers from `low` on."""
    return Rule(
        lambda v: isinstance(v, Integral) and not isinstance(v, bool) and v >= low,
        f"an int >= {low}",
    )


def real(low: float, high: float = float("inf"), *, ends: str = "[)") -> Rule:
    """Allow real numbers in an interval; `ends` tells which ends belong to it."""

    def allows(v) -> bool:
        if not isinstance(v, Real) or isinstance(v, bool):
            return False
        above = v >= low if ends[0] == "[" else v > low
        return above and (v <= high if ends[1] == "]" else v < high)

    return Rule(allows, f"a number in {ends[0]}{low:g}, {high:g}{ends[1]}")


ANY = Rule(lambda value: True, "anything")
NONE = one_of(None)
BOOL = one_of(True, False)


def _levels(value) -> bool:
    levels = [value] if isinstance(value, Real) else value
    if not isinstance(levels, list | tuple | np.ndarray) or not np.size(levels):
        return False
    if np.ndim(levels) != 1:
        return False
    return all(isinstance(q, Real) and 0 < q < 1 for q in levels)


def _scorer_name(value) -> bool:
    # Imported here: `import LNN` should cost little more than torch and pandas.
    from sklearn.metrics import get_scorer_names

    return isinstance(value, str) and value in get_scorer_names()


def _transformer(value) -> bool:
    return hasattr(value, "transform") and not isinstance(value, type)


def _class_weight(value) -> bool:
    if isinstance(value, dict):
        weights = list(value.values())
        numbers = all(isinstance(w, Real) and w >= 0 for w in weights)
        return numbers and any(w > 0 for w in weights)
    return value is None or (isinstance(value, str) and value == "balanced")


RULES: dict[str, Rule] = {
    "task": one_of(*TASKS),
    "n_neurons": integer(1),
    "model_type": one_of(*MODEL_TYPES),
    "mode": one_of(*MODES),
    "sparsity": NONE | real(0, 1, ends="[]"),
    "wiring_seed": NONE | integer(0),
    "layer_recurrence": NONE | BOOL,
    "readout": one_of("dense", "motor"),
    "n_layers": integer(1),
    "solver": one_of(*SOLVERS),
    "ode_unfolds": integer(1),
    "mixed_memory": BOOL,
    "backbone_units": NONE | integer(1),
    "backbone_layers": NONE | integer(0),
    "backbone_dropout": NONE | real(0, 1),
    "backbone_activation": NONE | one_of(*ACTIVATIONS),
    "dropout": real(0, 1),
    "window_length": integer(1),
    "stride": integer(1),
    "pooling": one_of("auto", *POOLINGS),
    "return_sequences": one_of("auto") | BOOL,
    "missing": one_of(*POLICIES),
    "epochs": one_of("auto") | integer(1),
    "batch_size": integer(1),
    "learning_rate": real(0, ends="()"),
    "optimizer": one_of(*OPTIMIZERS),
    "weight_decay": real(0),
    "lr_schedule": one_of(*SCHEDULES),
    "clip_value": NONE | real(0),
    "clip_by": one_of("norm", "value"),
    "early_stopping": one_of("auto") | BOOL,
    "validation_fraction": real(0, 1, ends="()"),
    "n_iter_no_change": integer(1),
    "tol": real(0),
    "scoring": one_of("loss")
    | Rule(callable, "a callable")
    | Rule(_scorer_name, "a name of sklearn.metrics.get_scorer_names()"),
    "loss": Rule(
        # Asked anew each time: users enter losses of their own.
        lambda v: one_of("auto", *LOSSES).allows(v),
        one_of("auto", *LOSSES).words,
    ),
    "quantile": Rule(_levels, "a number in (0, 1) or a list of them"),
    "class_weight": Rule(
        _class_weight, "None, 'balanced' or a dict class -> weight >= 0"
    ),
    "scale": one_of("standard", "minmax", "robust", "none")
    | Rule(_transformer, "a scikit-learn transformer (an object, not its class)"),
    "scale_target": BOOL,
    "backend": one_of(*BACKENDS),
    "dtype": one_of(*DTYPES),
    "device": Rule(lambda v: isinstance(v, str), "a str as 'auto', 'cpu' or 'cuda:0'"),
    "n_jobs": NONE | Rule(lambda v: isinstance(v, Integral) and v != 0, "an int != 0"),
    "verbose": one_of("bar") | BOOL | integer(0),
    "warm_start": BOOL,
    "callback": NONE | Rule(callable, "a callable"),
}


def check_parameter(owner: str, name: str, value: Any) -> Any:
    """Return a value that its rule allows, else raise."""
    rule = RULES.get(name, ANY)
    if not rule.allows(value):
        raise InvalidInputError(
            f"The {name!r} parameter of {owner} must be {rule.words}. "
            f"Got {value!r} instead."
        )
    return value


def check_parameters(estimator) -> None:
    """Check every parameter of an estimator, and those that depend on each other."""
    owner = type(estimator).__name__
    for name, value in estimator.get_params(deep=False).items():
        check_parameter(owner, name, value)
    classifies = estimator.task == "classification"
    if find_loss(estimator.loss, classifies=classifies).classifies != classifies:
        fits = ", ".join(k for k, v in LOSSES.items() if v.classifies == classifies)
        raise InvalidInputError(
            f"loss={estimator.loss!r} does not fit task={estimator.task!r}. "
            f"Use 'auto' or {fits}."
        )
    if classifies and estimator.anchor is not None:
        raise InvalidInputError(
            f"anchor={estimator.anchor!r} is the present value of a numeric target; "
            "classes have none. Leave anchor out."
        )
    for name, idle, why in _WITHOUT_EFFECT:
        value = getattr(estimator, name)
        if not same(value, DEFAULTS[name]) and idle(estimator):
            raise InvalidInputError(
                f"{name}={value!r} has no effect here: {why}. Leave {name} out; in a "
                "search give each kind of model a grid of its own (a list of dicts)."
            )


def _fixed_cell(estimator) -> bool:
    return estimator.model_type in BASELINES


def _not(model_type: str) -> Callable[[Any], bool]:
    return lambda estimator: estimator.model_type != model_type


def _not_read_by_loss(name: str) -> Callable[[Any], bool]:
    def idle(estimator) -> bool:
        classifies = estimator.task == "classification"
        loss = find_loss(estimator.loss, classifies=classifies)
        return name not in loss.parameters

    return idle


def _given_wiring(estimator) -> bool:
    return not isinstance(estimator.wiring, str)


_BACKBONE = (
    "backbone_units",
    "backbone_layers",
    "backbone_dropout",
    "backbone_activation",
)
# Of the signature: other values would be ignored without a word, were they not refused.
DEFAULTS = {
    "n_neurons": 32,
    "mode": "default",
    "solver": "semi-implicit",
    "ode_unfolds": 6,
    "mixed_memory": False,
    "dropout": 0.0,
    "readout": "dense",
    "wiring": "ncp",
    "sparsity": None,
    "layer_recurrence": None,
    "quantile": 0.5,
    "class_weight": None,
    **dict.fromkeys(_BACKBONE),
}
_WITHOUT_EFFECT = (
    ("mode", _not("CfC"), "it is a form of the CfC"),
    ("solver", _not("LTC"), "it is that of the LTC"),
    ("ode_unfolds", _not("LTC"), "they are solver steps of the LTC"),
    ("mixed_memory", _fixed_cell, "it puts an LSTM around a liquid cell"),
    ("readout", _fixed_cell, "only CfC and LTC have motor neurons"),
    ("wiring", _fixed_cell, "only CfC and LTC have one"),
    ("sparsity", _fixed_cell, "only CfC and LTC have a wiring"),
    ("sparsity", _given_wiring, "the wiring says which synapses there are"),
    ("layer_recurrence", _fixed_cell, "only CfC and LTC have a wiring"),
    *((name, _not("CfC"), "only the CfC has a backbone") for name in _BACKBONE),
    (
        "dropout",
        lambda estimator: estimator.readout == "motor",
        "it acts on what the dense read-out reads",
    ),
    (
        "quantile",
        _not_read_by_loss("quantile"),
        'it is that of loss="quantile"',
    ),
    (
        "class_weight",
        lambda estimator: estimator.task != "classification",
        "regression has no classes",
    ),
)
