"""What is declared of one parameter, and why it may have no effect.

An `idle` function says from all values why a parameter has no effect; "" if it has one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from LNN.estimators.rules import ANY, Rule
from LNN.training.losses import find_loss


def _never(values: Mapping[str, Any]) -> str:
    return ""


@dataclass(frozen=True)
class Parameter:
    """One parameter of the estimators.

    Attributes
    ----------
    name : str
    type : str
        As signatures have it.
    default : object
    doc : str
        What it does; one paragraph, whose line breaks do not matter.
    rule : Rule
        Which values it may have. Without one, the data or the network checks it.
    kind : str
        Its type in words; "" takes `type`.
    built_from : bool
        Whether the network or the scalers depend on it, so that it cannot change
        without a new fit.
    changeable : bool
        Whether a fitted model follows it, when it is changed after the fit.
    idle : callable
        Says from all values why this one has no effect; "" if it has one. `LNN.models`
        knows what depends on `model_type`.
    """

    name: str
    type: str
    default: Any
    doc: str
    rule: Rule = ANY
    kind: str = ""
    built_from: bool = False
    changeable: bool = False
    idle: Callable[[Mapping[str, Any]], str] = _never


def braced(*values: Any) -> str:
    """Return values as numpydoc writes a choice."""
    return "{" + quoted(values) + "}"


def quoted(values: Iterable[Any], between: str = ", ") -> str:
    """Return values in quotation marks."""
    return between.join(f'"{value}"' for value in values)


def wiring_is_given(values: Mapping[str, Any]) -> str:
    """Say why what draws a wiring has no effect beside a given one."""
    given = not isinstance(values["wiring"], str)
    return "the wiring says which synapses there are" if given else ""


def reads_motor_neurons(values: Mapping[str, Any]) -> str:
    """Say why what acts on the dense read-out has no effect on motor neurons."""
    motor = values["readout"] == "motor"
    return "it acts on what the dense read-out reads" if motor else ""


def has_another_loss(values: Mapping[str, Any]) -> str:
    """Say why `quantile` has no effect with another loss."""
    classifies = values["task"] == "classification"
    read = find_loss(values["loss"], classifies=classifies).parameters
    return "" if "quantile" in read else 'only loss="quantile" reads it'


def has_windows(values: Mapping[str, Any]) -> str:
    """Say why what is for whole recordings has no effect on windows."""
    windows = values["window_length"] is not None
    return "only window_length=None reads it" if windows else ""


def has_no_windows(values: Mapping[str, Any]) -> str:
    """Say why what is for windows has no effect on whole recordings."""
    whole = values["window_length"] is None
    return "window_length=None has no windows" if whole else ""


def has_no_constraints(values: Mapping[str, Any]) -> str:
    """Say why what is for constraints has no effect without any."""
    none = values["output_constraints"] is None
    return "there are no output_constraints" if none else ""


def has_no_classes(values: Mapping[str, Any]) -> str:
    """Say why what is for classes has no effect in regression."""
    return "" if values["task"] == "classification" else "regression has no classes"
