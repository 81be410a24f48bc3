"""Training that goes on from a fitted model (`warm_start`, `partial_fit`).

It makes a new model; the one before stays as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from LNN.batching.preparation import DTYPES
from LNN.constraints.owned import with_own_constraints
from LNN.data.examples import Examples
from LNN.data.form import DataForm
from LNN.data.input_range import InputRange
from LNN.estimators.comparing import same
from LNN.estimators.fitted import FittedModel
from LNN.estimators.fitting import make_objective
from LNN.estimators.parameters import BUILT_FROM, CHANGEABLE
from LNN.estimators.settings import Settings
from LNN.exceptions import InvalidInputError
from LNN.training.copying import with_backend, with_own_weights
from LNN.training.device import device_for
from LNN.wiring import Wiring, build_wiring


def refuse_rebuilding(model: FittedModel, values: Mapping[str, Any]) -> None:
    """Refuse to go on training with a network of other parameters.

    Parameters
    ----------
    model : FittedModel
    values : mapping of str
        The current parameters.
    """
    for name in BUILT_FROM:
        now, then = values[name], model.parameters[name]
        if same(now, then):
            continue
        # A matrix, an object of ncps and a `Wiring` may be the same neurons and
        # synapses: what comes of them is compared.
        if name == "wiring" and _wiring(model, now) == _wiring(model, then):
            continue
        raise InvalidInputError(
            f"{name} was {then!r} when the network was built and is {now!r} now, but "
            "training that goes on (warm_start, partial_fit) keeps the network. Set it "
            "back, or fit anew with warm_start=False."
        )


def _wiring(model: FittedModel, spec: Any) -> Wiring | Any:
    """Build a wiring object for the network's sizes; None if it does not fit them."""
    built = model.network.wiring
    if isinstance(spec, str) or built is None:
        return spec
    n_inputs = model.network.layers[0].input_size
    try:
        return build_wiring(spec, n_inputs, None, built.n_outputs)
    except InvalidInputError:
        return None


def continue_from(
    known: FittedModel, training: Examples, form: DataForm, settings: Settings
) -> FittedModel:
    """Return a model that goes on from a known one, which stays what it is."""
    now = {name: settings.declared[name] for name in CHANGEABLE}
    now = with_own_constraints(now)
    parameters = {**known.parameters, **now}
    # Training changes weights in place; the known model is still the estimator's, and
    # stays so if this training fails.
    network = with_backend(with_own_weights(known.network), now["backend"])
    dtype = DTYPES[parameters["dtype"]]
    device = device_for(settings.device, network, dtype)
    backend = network.backend_for(device, dtype)
    # Scalers and clock stay: the weights have learnt numbers in these units. The
    # objective does not: class_weight="balanced" follows the classes of these data.
    model = replace(
        known,
        parameters=parameters,
        layout=form.layout,
        network=network,
        objective=make_objective(training, settings),
        record=replace(known.record, backend=backend),
        continuation=None,  # of other data, until training is over
        # Where nothing is known of the first data, the range of all is not known.
        input_range=known.input_range
        and known.input_range.joined(
            InputRange.of(training.sequences, training.weights)
        ),
    )
    _ = model.limits  # refused before training, if they do not suit
    return model
