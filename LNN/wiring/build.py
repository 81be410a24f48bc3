"""`build_wiring`: a wiring from a name, a matrix or an object of ncps."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from LNN.exceptions import InvalidInputError
from LNN.wiring.ncps import read_ncps
from LNN.wiring.wiring import DEFAULT_SPARSITY, Wiring

# What decides each size. Estimators have no parameter for inputs and outputs.
_SIZES = {
    "n_inputs": "Inputs are the columns of X, or the neurons of the layer below",
    "n_neurons": "Change n_neurons, or leave it out where the wiring decides",
    "n_outputs": "Outputs of the motor neurons are the targets or classes of y",
}


def build_wiring(
    spec: str | Wiring | ArrayLike | Any,
    n_inputs: int,
    n_neurons: int | None,
    n_outputs: int | None,
    *,
    sparsity: float | None = None,
    seed: int | None = None,
    layer_recurrence: bool = False,
) -> Wiring:
    """Make the wiring that ``spec`` asks for.

    Parameters
    ----------
    spec : {"ncp", "full", "random"}, Wiring, ncps wiring or square signed matrix
        A name is built to the sizes, anything else must agree with them.
    n_inputs, n_neurons, n_outputs : int
        With a ``spec`` that is not a name, ``n_neurons=None`` and ``n_outputs=None``
        mean "what the wiring has" (all neurons are outputs of a matrix).
    sparsity : float, optional
        For "ncp" and "random" only, 0.5 if omitted.
    seed : int, optional
        Of "ncp", "full", "random" and of the polarities that ``layer_recurrence``
        adds; the defaults of ncps if omitted.
    layer_recurrence : bool, default=False
        Add every synapse inside a layer. Without effect on "full".

    Raises
    ------
    InvalidInputError
        If ``spec`` is unknown or sizes disagree.

    Examples
    --------
    >>> build_wiring("ncp", 4, 16, 1, sparsity=0.75)
    Wiring(4 inputs, 16 neurons [9 inter, 6 command, 1 motor], 1 output, 30 synapses)
    """
    if isinstance(spec, str):
        return _build_named(
            spec, n_inputs, n_neurons, n_outputs, sparsity, seed, layer_recurrence
        )
    if isinstance(spec, Wiring):
        wiring = spec
    elif hasattr(spec, "adjacency_matrix"):
        wiring = Wiring(*read_ncps(spec, n_inputs, n_outputs))
    elif isinstance(spec, np.ndarray | list | tuple) or hasattr(spec, "__array__"):
        _refuse_not_square(np.shape(spec))
        wiring = Wiring.from_adjacency(spec, n_inputs=n_inputs, n_outputs=n_outputs)
    else:
        raise InvalidInputError(_unknown_spec(spec))
    wanted = {"n_inputs": n_inputs, "n_neurons": n_neurons, "n_outputs": n_outputs}
    for name, value in wanted.items():
        has = getattr(wiring, name)
        if value is not None and value != has:
            raise InvalidInputError(
                f"The given wiring has {name}={has}, but {name}={value} is asked for. "
                f"{_SIZES[name]}: build the wiring with {name}={value}; got {wiring!r}."
            )
    return wiring.with_layer_recurrence(seed) if layer_recurrence else wiring


def _build_named(
    name: str,
    n_inputs: int,
    n_neurons: int | None,
    n_outputs: int | None,
    sparsity: float | None,
    seed: int | None,
    layer_recurrence: bool,
) -> Wiring:
    """A wiring by name; sparsity None means the default of the kind."""
    sizes: Any = (n_inputs, n_neurons, n_outputs)
    if name == "full":
        return Wiring.full(*sizes, seed=seed)
    if name not in ("ncp", "random"):
        raise InvalidInputError(_unknown_spec(name))
    make = Wiring.ncp if name == "ncp" else Wiring.random
    sparsity = DEFAULT_SPARSITY if sparsity is None else sparsity
    return make(*sizes, sparsity=sparsity, seed=seed, layer_recurrence=layer_recurrence)


def _refuse_not_square(shape: tuple[int, ...]) -> None:
    if len(shape) == 2 and shape[0] != shape[1]:
        raise InvalidInputError(
            "A matrix as wiring must be square, (n_neurons, n_neurons), got shape "
            f"{shape}: entry [i, j] is the synapse from neuron i to neuron j. For "
            "synapses of the inputs too, use Wiring.from_adjacency."
        )


def _unknown_spec(spec: object) -> str:
    return (
        "wiring must be 'ncp', 'full' or 'random', a Wiring, an ncps wiring or a "
        f"square matrix of -1, 0, +1; got {spec!r}."
    )
