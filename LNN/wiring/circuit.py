"""Circuits: neurons, synapses and layers as a value, and questions about them."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from LNN.exceptions import InvalidInputError
from LNN.wiring.checks import (
    check_edges,
    check_layers,
    check_n_outputs,
    positive_int,
)


class Edges(NamedTuple):
    """Synapses sorted by ``(target, source)``, that is, CSR order by target neuron.

    ``source`` (int64) is an input index for sensory synapses and a neuron for
    recurrent ones, ``target`` (int64) a neuron, ``polarity`` (int8) +1 or -1.
    The arrays are read-only and of equal length.
    """

    source: NDArray[np.int64]
    target: NDArray[np.int64]
    polarity: NDArray[np.int8]


class Layer(NamedTuple):
    """A named group of neurons (sorted, read-only) evaluated at the same time."""

    name: str
    neurons: NDArray[np.int64]


@dataclass(frozen=True, eq=False, repr=False)
class Circuit:
    """What a `Wiring` is made of; drawing and tables need no more than this.

    Parameters
    ----------
    n_inputs, n_neurons, n_outputs, sensory, recurrent, layers
        See :class:`LNN.wiring.Wiring`.
    """

    n_inputs: int
    n_neurons: int
    n_outputs: int
    sensory: Edges
    recurrent: Edges
    layers: tuple[Layer, ...] = ()

    def __post_init__(self) -> None:
        n_inputs = positive_int(self.n_inputs, "n_inputs")
        n_neurons = positive_int(self.n_neurons, "n_neurons")
        n_outputs = check_n_outputs(self.n_outputs, n_neurons)
        sensory = check_edges(self.sensory, n_inputs, n_neurons, "sensory")
        recurrent = check_edges(self.recurrent, n_neurons, n_neurons, "recurrent")
        layers = list(self.layers) or [Layer("neurons", np.arange(n_neurons))]
        checked = {
            "n_inputs": n_inputs,
            "n_neurons": n_neurons,
            "n_outputs": n_outputs,
            "sensory": Edges(*sensory),
            "recurrent": Edges(*recurrent),
            "layers": tuple(Layer(*pair) for pair in check_layers(layers, n_neurons)),
        }
        # Past the frozen dataclass's own refusal: until here nobody has seen the value.
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    # ------------------------------------------------------------------ value type

    def _key(self) -> tuple[Any, ...]:
        # Bytes, which compare and hash as a whole: arrays do neither.
        edges = (a.tobytes() for e in (self.sensory, self.recurrent) for a in e)
        layers = tuple((name, ids.tobytes()) for name, ids in self.layers)
        return (self.n_inputs, self.n_neurons, self.n_outputs, *edges, layers)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Circuit):
            return NotImplemented
        return self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    # A value that never changes: copies of a network share it.
    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        # Through the constructor: unpickled arrays would be writeable again.
        edges = (tuple(self.sensory), tuple(self.recurrent))
        layers = tuple(tuple(layer) for layer in self.layers)
        return type(self), (
            self.n_inputs,
            self.n_neurons,
            self.n_outputs,
            *edges,
            layers,
        )

    def __repr__(self) -> str:
        layers = ""
        if len(self.layers) > 1:
            sizes = ", ".join(f"{ids.size} {name}" for name, ids in self.layers)
            layers = f" [{sizes}]"
        return (
            f"{type(self).__name__}({counted(self.n_inputs, 'input')}, "
            f"{counted(self.n_neurons, 'neuron')}{layers}, "
            f"{counted(self.n_outputs, 'output')}, "
            f"{counted(self.n_synapses, 'synapse')})"
        )

    # ------------------------------------------------------------------- questions

    @property
    def n_sensory_synapses(self) -> int:
        """Number of synapses from inputs to neurons."""
        return self.sensory.source.size

    @property
    def n_recurrent_synapses(self) -> int:
        """Number of synapses from neurons to neurons, self synapses included."""
        return self.recurrent.source.size

    @property
    def n_synapses(self) -> int:
        """Number of all synapses."""
        return self.n_sensory_synapses + self.n_recurrent_synapses

    @property
    def layer_of(self) -> NDArray[np.int64]:
        """Index into ``layers`` of every neuron, shape (n_neurons,)."""
        index = np.empty(self.n_neurons, dtype=np.int64)
        for i, layer in enumerate(self.layers):
            index[layer.neurons] = i
        return index

    def neuron_type(self, neuron: int) -> str:
        """Name of the layer of a neuron.

        Parameters
        ----------
        neuron : int

        Returns
        -------
        str
            ``"motor"`` for the outputs of a wiring of a single layer.
        """
        neuron = operator.index(neuron)
        if not 0 <= neuron < self.n_neurons:
            raise InvalidInputError(
                f"neuron must be 0 to {self.n_neurons - 1}, got {neuron}."
            )
        if len(self.layers) == 1 and neuron < self.n_outputs:
            return "motor"
        return self.layers[self.layer_of[neuron]].name

    def adjacency(self) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
        """Signed matrices: entry [i, j] is the polarity of i -> j, 0 for no synapse.

        Returns
        -------
        sensory : int8 array of shape (n_inputs, n_neurons)
        recurrent : int8 array of shape (n_neurons, n_neurons)
        """
        sensory = np.zeros((self.n_inputs, self.n_neurons), dtype=np.int8)
        recurrent = np.zeros((self.n_neurons, self.n_neurons), dtype=np.int8)
        for matrix, edges in ((sensory, self.sensory), (recurrent, self.recurrent)):
            matrix[edges.source, edges.target] = edges.polarity
        return sensory, recurrent

    def reachable_in_one_step(self) -> NDArray[np.bool_]:
        """What can influence each neuron within one step of a CfC.

        Layers are evaluated in order: a synapse from an earlier layer carries the
        value of this step, every other one the value of the step before, and each
        neuron reads its own old value.

        Returns
        -------
        bool array of shape (n_inputs + n_neurons, n_neurons)
            Rows are the inputs of this step, then the neurons' old values.

        Examples
        --------
        >>> from LNN.wiring import Wiring
        >>> chain = Wiring.from_adjacency(
        ...     [[0, 0], [1, 0]], sensory=[[0, 1]], n_outputs=1,
        ...     layers=[("inter", [1]), ("motor", [0])],
        ... )
        >>> chain.reachable_in_one_step().astype(int)
        array([[1, 1],
               [1, 0],
               [1, 1]])
        """
        sensory, recurrent = (matrix != 0 for matrix in self.adjacency())
        reach = np.zeros((self.n_inputs + self.n_neurons, self.n_neurons), dtype=bool)
        own = np.eye(self.n_neurons, dtype=bool)
        layer_of = self.layer_of
        for i, (_, ids) in enumerate(self.layers):
            # What earlier layers read in this step counts, not their old values.
            earlier = layer_of < i
            old = recurrent[:, ids] & ~earlier[:, None]
            reach[:, ids] = np.vstack([sensory[:, ids], old | own[:, ids]])
            # A product of bool matrices is "or of ands": paths through new values.
            reach[:, ids] |= reach[:, earlier] @ recurrent[np.ix_(earlier, ids)]
        return reach


def counted(n: int, noun: str) -> str:
    """Return "1 neuron" or "3 neurons"."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
