"""Reading ``ncps.wirings`` objects without changing them."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from LNN.exceptions import InvalidInputError
from LNN.wiring.checks import check_matrix, edges_of_matrix, positive_int


def read_ncps(
    wiring: Any, n_inputs: int | None, n_outputs: int | None
) -> tuple[Any, ...]:
    """Arguments of ``Wiring`` for an ncps wiring, which is copied and never changed.

    ``n_outputs`` counts only if the object has no ``output_dim``.
    """
    # Building adds synapses and advances the generator of the object: only ever
    # build a copy.
    own = copy.deepcopy(wiring)
    if own.output_dim is None:
        own.set_output_dim(own.units if n_outputs is None else n_outputs)
    if not own.is_built():
        _build_ncps(own, n_inputs)
    elif n_inputs is not None and own.input_dim != n_inputs:
        raise InvalidInputError(
            f"The ncps wiring was built for {own.input_dim} inputs, the data have "
            f"{n_inputs}. Pass a fresh wiring object that is not built yet."
        )
    sizes = (own.input_dim, own.units, own.output_dim)
    motor = [j for j in range(own.units) if own.get_type_of_neuron(j) == "motor"]
    if motor and motor != list(range(own.output_dim)):
        raise InvalidInputError(
            f"Motor neurons must be neurons 0 to {own.output_dim - 1} (output_dim), "
            f"got {motor} from {type(own).__name__}. Renumber the neurons."
        )
    edges = [
        edges_of_matrix(check_matrix(matrix, "ncps adjacency"))
        for matrix in (own.sensory_adjacency_matrix, own.adjacency_matrix)
    ]
    return (*sizes, *edges, _ncps_layers(own))


def _build_ncps(own: Any, n_inputs: int | None) -> None:
    """Build an ncps wiring in place (a copy of the caller's)."""
    if n_inputs is None:
        raise InvalidInputError(
            f"This {type(own).__name__} is not built, so its number of inputs is "
            "unknown. Pass n_inputs."
        )
    n_inputs = positive_int(n_inputs, "n_inputs")
    try:
        own.build(n_inputs)
    except ValueError as error:
        raise InvalidInputError(
            f"ncps cannot build this {type(own).__name__} for {n_inputs} inputs: "
            f"{error}. Change the sizes or synapse counts of the ncps object."
        ) from error
    if not np.any(own.sensory_adjacency_matrix):
        raise InvalidInputError(
            f"No input reaches any neuron: this {type(own).__name__} with {own.units} "
            f"neurons has no synapse from its {n_inputs} inputs. Lower the sparsity, "
            "or add sensory synapses."
        )


def _ncps_layers(own: Any) -> list[tuple[str, list[int]]]:
    """Layers of a built ncps wiring, in the order of evaluation."""
    if own.num_layers == 1:
        return [("neurons", list(range(own.units)))]
    groups = [list(own.get_neurons_of_layer(i)) for i in range(own.num_layers)]
    names = [str(own.get_type_of_neuron(ids[0])) for ids in groups]
    # A class of the user's may have two inter layers: number them.
    return [
        (name if names.count(name) == 1 else f"{name} {names[:i].count(name) + 1}", ids)
        for i, (name, ids) in enumerate(zip(names, groups, strict=True))
    ]
