"""`build_wiring`: a wiring from a name, a matrix or an object of ncps."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from LNN._sharing import share
from LNN.exceptions import InvalidInputError
from LNN.wiring.ncps import read_ncps
from LNN.wiring.wiring import DEFAULT_SPARSITY, Wiring

# What decides each size. Estimators have no parameter for inputs and outputs.
_SIZES = {
    "n_inputs": "Inputs are the columns of X, or the neurons of the layer below",
    "n_neurons": "Change n_neurons, or leave it out where the wiring decides",
    "n_outputs": "Outputs of the motor neurons are the targets or classes of y",
}

# What ncps calls a wiring, and what a name of ours makes of it.
_NAMES_OF_NCPS = {
    "autoncp": "ncp",
    "ncp": "ncp",
    "fullyconnected": "full",
    "random": "random",
}


def build_wiring(
    spec: str | Wiring | ArrayLike | Any,
    n_inputs: int | None,
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
        With a ``spec`` that is not a name, None means "what the wiring has" (all
        neurons are outputs of a matrix). A matrix, and an ncps wiring that is not
        built, need ``n_inputs``.
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
        how = (spec, n_inputs, n_neurons, n_outputs, sparsity, seed, layer_recurrence)
        # Models that differ in their weights only have one wiring.
        return share("wiring", (), how, lambda: _build_named(*how))
    if isinstance(spec, Wiring):
        wiring = spec
    elif hasattr(spec, "adjacency_matrix"):
        wiring = Wiring(*read_ncps(spec, n_inputs, n_outputs))
    elif isinstance(spec, np.ndarray | list | tuple) or hasattr(spec, "__array__"):
        _refuse_not_square(np.shape(spec))
        wiring = Wiring.from_adjacency(spec, n_inputs=n_inputs, n_outputs=n_outputs)
    else:
        raise InvalidInputError(_unknown_spec(spec))
    # Only a name is built to size; what a wiring has by itself is not changed silently.
    wanted = {"n_inputs": n_inputs, "n_neurons": n_neurons, "n_outputs": n_outputs}
    for name, value in wanted.items():
        has = getattr(wiring, name)
        if value is not None and value != has:
            raise InvalidInputError(
                f"The given wiring has {name}={has}, but {name}={value} is asked for. "
                f"{_SIZES[name]}: build the wiring with {name}={value}; got {wiring!r}."
            )
    return wiring.with_layer_recurrence(seed) if layer_recurrence else wiring


def given_wiring(wiring: Any, n_inputs: int | None, owner: object) -> Wiring:
    """Return the wiring of a cell, which may be one of ncps.

    Parameters
    ----------
    wiring : Wiring or ncps wiring
    n_inputs : int or None
        None means "what the wiring has".
    owner : object
        The cell, for messages.
    """
    who, got = type(owner).__name__, type(wiring).__name__
    # By what it has: to tell, ncps need not be imported.
    is_theirs = hasattr(wiring, "adjacency_matrix")
    if not is_theirs and not isinstance(wiring, Wiring):
        raise InvalidInputError(
            f"{who} expects an LNN.Wiring or an ncps wiring, and before the number of "
            f"inputs: {who}(wiring, 3). Got {got} in its place. Make a wiring: "
            "Wiring.ncp(n_inputs=3, n_neurons=28, n_outputs=4)."
        )
    if is_theirs and n_inputs is None and not wiring.is_built():
        raise InvalidInputError(
            f"This {got} of ncps is not built, so {who} cannot know how many inputs it "
            f"has. Say so: {who}(wiring, 3)."
        )
    return build_wiring(wiring, n_inputs, None, None)


def _build_named(
    name: str,
    n_inputs: int | None,
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
    # None comes from estimators, where it says that the user has not set it.
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
        f"square matrix of -1, 0, +1; got {spec!r}.{_hint_of_ncps(spec)}"
    )


def _hint_of_ncps(spec: object) -> str:
    """Return what to write in place of a class of ncps, or of its name as text."""
    name = spec if isinstance(spec, str) else getattr(spec, "__name__", "")
    found = re.match(r"(?:ncps\.)?(?:wirings\.)?(\w+)", name.strip())
    if found is None:
        return ""
    ours = _NAMES_OF_NCPS.get(found[1].lower().replace("_", ""))
    if ours is None:
        return ""
    return (
        f" The {found[1]} of ncps is wiring={ours!r} here; the number of neurons is "
        "a parameter of its own. An object of ncps is taken as well: "
        "wiring=ncps.wirings.AutoNCP(28, 4), without quotes."
    )
