"""The network that an estimator's parameters describe, new or as it was stored."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from LNN.batching.missing import MissingRule
from LNN.batching.preparation import DTYPES
from LNN.data import SequenceScaler
from LNN.data.clock import Clock
from LNN.data.examples import Examples
from LNN.data.form import DataForm
from LNN.data.weighted import weighted_median, weighted_quantiles
from LNN.estimators.parameters import DEFAULTS, is_by_sequence
from LNN.network import LiquidNetwork
from LNN.training.losses import Loss
from LNN.training.parameter_vector import gradients_recorded
from LNN.wiring import Wiring
from LNN.wiring.checks import own_n_neurons

# The quantiles of irregular gaps that gates start to watch, and the largest share of
# gates that do.
GAP_QUANTILES, MOST_GATES = (0.01, 0.9999), 0.5
# Steps from which sequences are long, and the rows of their patches.
LONG_SEQUENCE, LONG_PATCH = 250, 8
# Parameters of these names are passed on as they are, unless they were settled before.
_TAKEN = frozenset(inspect.signature(LiquidNetwork).parameters)


def build_network(
    training: Examples,
    form: DataForm,
    parameters: Mapping[str, Any],
    scaler: SequenceScaler,
    objective: Loss,
    random: np.random.RandomState,
) -> LiquidNetwork:
    """Make an untrained network for the training data.

    Parameters
    ----------
    training : Examples
        The lengths of sequences and gaps decide where time constants start.
    form, parameters, scaler, objective
        As in `FittedModel`.
    random : numpy.random.RandomState
    """
    generator = torch.Generator().manual_seed(int(random.randint(2**31 - 1)))
    lengths = training.sequences.length.astype(np.float64)
    typical = weighted_median(lengths, training.weights)
    mode, patch = _settled_mode(parameters), _settled_patch(form, parameters, typical)
    return _network(
        form,
        parameters,
        scaler,
        objective,
        hidden_size=_n_neurons(parameters),
        wiring=parameters["wiring"],
        pooling=_settled_pooling(form, parameters),
        patch=patch,
        mode=mode,
        ode_unfolds=_settled_unfolds(parameters),
        time_constants=_first_time_constants(
            form.targets.per_step, typical / patch, mode
        ),
        gaps=_gaps(training, form.clock),
        generator=generator,
    )


def rebuild_network(
    form: DataForm,
    parameters: Mapping[str, Any],
    scaler: SequenceScaler,
    objective: Loss,
    n_neurons: int,
    settled: Mapping[str, Any],
    wirings: Sequence[Wiring] | None,
) -> LiquidNetwork:
    """Make a network of the structure that was stored; its weights mean nothing yet.

    Parameters
    ----------
    form, parameters, scaler, objective
        As in `FittedModel`.
    n_neurons : int
    settled : mapping of str
        `pooling`, `patch`, `mode` and `ode_unfolds`, where the parameter may be "auto".
    wirings : sequence of Wiring, or None
        One per layer, used as they are; None where the parameter `wiring` is enough.
    """
    return _network(
        form,
        parameters,
        scaler,
        objective,
        hidden_size=n_neurons,
        wiring=parameters["wiring"] if wirings is None else wirings,
        generator=torch.Generator().manual_seed(0),  # no trace in the global one
        **settled,
    )


def _network(
    form: DataForm,
    parameters: Mapping[str, Any],
    scaler: SequenceScaler,
    objective: Loss,
    **structure: Any,
) -> LiquidNetwork:
    rule = MissingRule.of_scaler(parameters["missing"], scaler)
    names = _TAKEN.intersection(parameters).difference(structure)
    by_sequence = is_by_sequence(parameters["scale"])
    passed = {name: parameters[name] for name in names}
    # On the CPU whatever torch's default device is: the generator is there.
    with torch.device("cpu"), gradients_recorded():
        network = LiquidNetwork(
            rule.n_inputs(form.layout.n_channels),
            output_size=objective.output_size,
            return_sequences=form.every_step,
            use_time=not form.clock.regular,
            neutral=rule.neutral if rule.policy == "mask" else None,
            own_scale=form.layout.n_channels if by_sequence else 0,
            **passed,
            **structure,
        )
    return network.to(DTYPES[parameters["dtype"]])


def _settled_mode(parameters: Mapping[str, Any]) -> str:
    """Return the form of the CfC that "auto" stands for (docu/defaults.md)."""
    mode: str = parameters["mode"]
    return "exponential" if mode == "auto" else mode


def _settled_unfolds(parameters: Mapping[str, Any]) -> int:
    """Return the solver steps that "auto" stands for (docu/defaults.md)."""
    if parameters["ode_unfolds"] != "auto":
        return parameters["ode_unfolds"]
    if parameters["solver"] != "exponential":
        return 6  # as in the paper
    # An input reaches a motor neuron over inter and command neurons.
    return 3 if parameters["readout"] == "motor" else 1


def _settled_pooling(form: DataForm, parameters: Mapping[str, Any]) -> str:
    """Return the pooling that "auto" stands for (docu/defaults.md)."""
    if parameters["pooling"] != "auto":
        return parameters["pooling"]
    # In a window, the end matters most. Motor neurons are the outputs themselves.
    one_target = not form.layout.in_rows and not form.targets.per_step
    all_three = one_target and parameters["readout"] != "motor"
    return "last+mean+max" if all_three else "last"


def _settled_patch(form: DataForm, parameters: Mapping[str, Any], steps: float) -> int:
    """Return the rows of a patch that "auto" stands for (docu/defaults.md)."""
    if parameters["patch"] != "auto":
        return parameters["patch"]
    # Neurons of an audited network read the columns themselves, as GRU-D does.
    reads_columns = parameters["readout"] == "motor" or parameters["missing"] == "mask"
    one_target = not form.layout.in_rows and not form.targets.per_step
    long = steps >= LONG_SEQUENCE and form.clock.regular
    return LONG_PATCH if one_target and long and not reads_columns else 1


def _n_neurons(parameters: Mapping[str, Any]) -> int:
    """Return `n_neurons`; a wiring of fixed size decides in place of the default."""
    given, wiring = parameters["n_neurons"], parameters["wiring"]
    # With both, a contradiction is refused where the wiring is built.
    if isinstance(wiring, str) or given != DEFAULTS["n_neurons"]:
        return given
    return own_n_neurons(wiring) or given


def _first_time_constants(
    per_step: bool, steps: float, mode: str
) -> tuple[float, float] | None:
    """Return the time constants at the start, in steps (docu/defaults.md).

    An output at the end of a sequence needs memory: from about one step up to half of
    the sequence. An output at every step depends mostly on that step: neurons start
    fast. Exponential neurons hold all that they do not forget, so some start faster.
    """
    shortest = 0.3 if mode == "exponential" else 1.0
    return None if per_step else (shortest, max(2.0, steps / 2))


def _gaps(training: Examples, clock: Clock) -> tuple[float, float, float] | None:
    """Return the share of gaps that are not typical, the shortest and the longest.

    In units of time. The share is a half at most, so that inputs still move the other
    gates. Long gaps count although they are rare, since many short ones surround each;
    but not one outage in a year. Jitter of the clock is not a short gap, and below a
    thousandth of what is typical, gaps are alike.
    """
    gaps, weights = training.sequences.weighted_gaps(training.weights)
    gaps, weights = gaps[gaps > 0] / clock.unit, weights[gaps > 0]
    if clock.regular or not len(gaps):
        return None
    shortest, longest = weighted_quantiles(gaps, GAP_QUANTILES, weights)
    share = np.average(np.abs(gaps - 1) >= 0.5, weights=weights)
    return min(float(share), MOST_GATES), max(shortest, 1e-3), longest
