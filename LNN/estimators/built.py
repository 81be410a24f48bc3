"""The parameters that a network was built from, and whether they still are the same."""

from __future__ import annotations

import copy
from typing import Any

from LNN.estimators.comparing import same
from LNN.estimators.parameters import BUILT_FROM
from LNN.exceptions import InvalidInputError
from LNN.wiring import Wiring, build_wiring


def remember_parameters(estimator) -> None:
    """Keep the parameters that the network is built from, as they are now."""
    estimator._built_from = {
        name: copy.deepcopy(getattr(estimator, name)) for name in BUILT_FROM
    }


def built(estimator, name: str) -> Any:
    """Return a parameter as it was when the network was built."""
    return estimator._built_from[name]


def refuse_rebuilding(estimator) -> None:
    """Refuse to go on training with a network of other parameters."""
    for name, value in estimator._built_from.items():
        now = getattr(estimator, name)
        if same(now, value):
            continue
        if name == "wiring" and _wiring(estimator, now) == _wiring(estimator, value):
            continue
        raise InvalidInputError(
            f"{name} was {value!r} when the network was built and is {now!r} now, but "
            "training that goes on (warm_start, partial_fit) keeps the network. Set it "
            "back, or fit anew with warm_start=False."
        )


def _wiring(estimator, spec: Any) -> Wiring | Any:
    """Return what a wiring object makes of the network's sizes, if it fits them."""
    if isinstance(spec, str) or estimator.wiring_ is None:
        return spec
    n_inputs = estimator.network_.layers[0].input_size
    try:
        return build_wiring(spec, n_inputs, None, estimator.wiring_.n_outputs)
    except InvalidInputError:
        return None
