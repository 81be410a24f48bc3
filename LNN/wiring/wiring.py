"""`Wiring`: which neuron reads which input and which other neuron.

A wiring is a value: built once, never changed, compared by content. The cells take
their masks from it and store parameters for its synapses only, so every edge that is
drawn is an edge of the trained network and there is no other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from LNN.exceptions import InvalidInputError, MissingDependencyError
from LNN.wiring.checks import (
    check_matrix,
    check_seed,
    check_sizes,
    check_sparsity,
    edges_of_matrix,
    positive_int,
    refuse_sizes_of_ncps,
)
from LNN.wiring.circuit import Circuit, Edges, Layer
from LNN.wiring.graph import graph_of
from LNN.wiring.named import Drawn, draw_ncp, draw_random
from LNN.wiring.ncps import read_ncps
from LNN.wiring.plot import draw_wiring
from LNN.wiring.summary import table_of

if TYPE_CHECKING:
    import networkx
    from matplotlib.axes import Axes

# The defaults of ncps, so that the same call gives the same wiring there and here.
NCP_SEED = 22222
DENSE_SEED = 1111
DEFAULT_SPARSITY = 0.5


class Wiring(Circuit):
    """An immutable wiring of inputs and neurons.

    Usually made by :meth:`ncp`, :meth:`full`, :meth:`random`, :meth:`from_ncps` or
    :meth:`from_adjacency`. Neurons are numbered as in ncps (motor, command, inter);
    column j of a cell's state is neuron j.

    Parameters
    ----------
    n_inputs, n_neurons : int
        At least 1.
    n_outputs : int
        Neurons ``0 .. n_outputs - 1`` are the motor neurons.
    sensory : Edges or (source, target, polarity)
        Synapses from inputs to neurons, in any order.
    recurrent : Edges or (source, target, polarity)
        Synapses from neurons to neurons, in any order.
    layers : sequence of Layer or (name, neurons), optional
        In the order of evaluation; each neuron is in exactly one. One layer called
        ``"neurons"`` if omitted.

    Raises
    ------
    InvalidInputError
        If sizes, indices, polarities or layers are inconsistent.

    Examples
    --------
    >>> from LNN.wiring import Wiring
    >>> wiring = Wiring.ncp(n_inputs=3, n_neurons=12, n_outputs=2)
    >>> wiring
    Wiring(3 inputs, 12 neurons [6 inter, 4 command, 2 motor], 2 outputs, 30 synapses)
    >>> wiring.neuron_type(0)
    'motor'
    >>> wiring == Wiring.ncp(n_inputs=3, n_neurons=12, n_outputs=2)
    True
    """

    # ---------------------------------------------------------------- constructors

    @classmethod
    def ncp(
        cls,
        n_inputs: int,
        n_neurons: int | None = None,
        n_outputs: int | None = None,
        *,
        sparsity: float = DEFAULT_SPARSITY,
        seed: int | None = None,
        layer_recurrence: bool = False,
    ) -> Wiring:
        """Neural circuit policy: inputs -> inter -> command -> motor neurons.

        The wiring of ``ncps.wirings.AutoNCP``; of the neurons which are not motor
        neurons 40 % are command neurons and 60 % inter neurons.

        Parameters
        ----------
        n_inputs, n_neurons, n_outputs : int
            ``n_neurons`` must be at least ``n_outputs + 3``.
        sparsity : float, default=0.5
            From 0.1 (dense) to 1.0 (the fewest synapses that connect everything).
        seed : int, optional
            22222 (that of ncps) if omitted.
        layer_recurrence : bool, default=False
            Add every synapse inside a layer, see :meth:`with_layer_recurrence`.

        Returns
        -------
        Wiring

        Raises
        ------
        InvalidInputError
            If the outputs do not fit or a value is out of range.
        """
        sizes = {"n_inputs": n_inputs, "n_neurons": n_neurons, "n_outputs": n_outputs}
        refuse_sizes_of_ncps("ncp", "AutoNCP", sizes)
        n_neurons = positive_int(n_neurons, "n_neurons")
        n_outputs = positive_int(n_outputs, "n_outputs")
        if n_neurons < n_outputs + 3:
            fits = (
                f"or at most {n_outputs_max} output(s)"
                if (n_outputs_max := n_neurons - 3) > 0
                else "(the smallest 'ncp' wiring has 4)"
            )
            raise InvalidInputError(
                "An 'ncp' wiring needs three neurons besides its outputs (two inter, "
                f"one command); got n_neurons={n_neurons} for n_outputs={n_outputs}. "
                f"Use n_neurons={n_outputs + 3} or more {fits}, or wiring='full'."
            )
        sparsity = check_sparsity(sparsity, "ncp", low=0.1, high=1.0)
        n_inputs = positive_int(n_inputs, "n_inputs")
        seed = check_seed(seed, NCP_SEED)
        drawn = draw_ncp(n_inputs, n_neurons, n_outputs, sparsity, seed)
        wiring = cls._of(drawn, n_outputs)
        return wiring.with_layer_recurrence(seed) if layer_recurrence else wiring

    @classmethod
    def full(
        cls,
        n_inputs: int,
        n_neurons: int | None = None,
        n_outputs: int | None = None,
        *,
        seed: int | None = None,
    ) -> Wiring:
        """Every input and every neuron reaches every neuron (ncps FullyConnected).

        Parameters
        ----------
        n_inputs, n_neurons : int
        n_outputs : int, optional
            ``n_neurons`` if omitted.
        seed : int, optional
            Seed of the polarities; 1111 (that of ncps) if omitted.

        Returns
        -------
        Wiring
        """
        sizes = {"n_inputs": n_inputs, "n_neurons": n_neurons}
        refuse_sizes_of_ncps("full", "FullyConnected", sizes)
        n_neurons, n_outputs = check_sizes(n_neurons, n_outputs)
        n_inputs = positive_int(n_inputs, "n_inputs")
        # The draws of ncps, which makes them one by one: 1.1 s for 300 neurons.
        random = np.random.default_rng(check_seed(seed, DENSE_SEED))
        # Recurrent ones first: in this order ncps draws from one generator.
        recurrent = random.choice([-1, 1, 1], size=(n_neurons, n_neurons))
        sensory = random.choice([-1, 1, 1], size=(n_inputs, n_neurons))
        return cls.from_adjacency(recurrent, sensory=sensory, n_outputs=n_outputs)

    @classmethod
    def random(
        cls,
        n_inputs: int,
        n_neurons: int | None = None,
        n_outputs: int | None = None,
        *,
        sparsity: float = DEFAULT_SPARSITY,
        seed: int | None = None,
        layer_recurrence: bool = False,
    ) -> Wiring:
        """A random share ``1 - sparsity`` of all synapses (ncps Random).

        Some neurons may be left without inputs.

        Parameters
        ----------
        n_inputs, n_neurons : int
        n_outputs : int, optional
            ``n_neurons`` if omitted.
        sparsity : float, default=0.5
            Share of the synapses that is left out, in [0, 1).
        seed : int, optional
            1111 (that of ncps) if omitted.
        layer_recurrence : bool, default=False
            Add every synapse inside a layer. All neurons are one layer here, so that
            only the sensory synapses stay sparse.

        Returns
        -------
        Wiring

        Raises
        ------
        InvalidInputError
            If a value is out of range, or if no synapse from an input is left.
        """
        sizes = {"n_inputs": n_inputs, "n_neurons": n_neurons}
        refuse_sizes_of_ncps("random", "Random", sizes)
        n_neurons, n_outputs = check_sizes(n_neurons, n_outputs)
        sparsity = check_sparsity(sparsity, "random", low=0.0, high=1.0, closed=False)
        n_inputs = positive_int(n_inputs, "n_inputs")
        seed = check_seed(seed, DENSE_SEED)
        drawn = draw_random(n_inputs, n_neurons, sparsity, seed)
        if not drawn.sensory.any():
            raise InvalidInputError(
                f"No input reaches any neuron: with sparsity={sparsity:g} none of the "
                f"{n_inputs * n_neurons} synapses from inputs is left. Lower it."
            )
        wiring = cls._of(drawn, n_outputs)
        return wiring.with_layer_recurrence(seed) if layer_recurrence else wiring

    @classmethod
    def _of(cls, drawn: Drawn, n_outputs: int) -> Wiring:
        return cls.from_adjacency(
            drawn.recurrent,
            drawn.sensory,
            n_outputs=n_outputs,
            layers=drawn.layers or None,
        )

    @classmethod
    def from_ncps(cls, wiring: Any, n_inputs: int | None = None) -> Wiring:
        """Copy an ``ncps.wirings`` object, which is never changed.

        Parameters
        ----------
        wiring : ncps.wirings.Wiring
            Built or not. Outputs are all neurons if it has no ``output_dim``.
        n_inputs : int, optional
            Needed if ``wiring`` is not built yet.

        Returns
        -------
        Wiring

        Raises
        ------
        InvalidInputError
            If ``n_inputs`` is missing or contradicts ``wiring``, if ncps cannot build
            it, or if its motor neurons are not the first ones.

        Examples
        --------
        >>> from ncps.wirings import NCP
        >>> circuit = NCP(6, 4, 2, sensory_fanout=3, inter_fanout=2,
        ...               recurrent_command_synapses=4, motor_fanin=2)
        >>> Wiring.from_ncps(circuit, n_inputs=3) == Wiring.from_ncps(circuit, 3)
        True
        >>> circuit.is_built()
        False
        """
        return cls(*read_ncps(wiring, n_inputs, None))

    @classmethod
    def from_adjacency(
        cls,
        recurrent: ArrayLike,
        sensory: ArrayLike | None = None,
        *,
        n_inputs: int | None = None,
        n_outputs: int | None = None,
        layers: Mapping[str, Iterable[int]] | Iterable[Any] | None = None,
    ) -> Wiring:
        """A wiring of your own from signed matrices.

        Parameters
        ----------
        recurrent : array-like of shape (n_neurons, n_neurons)
            Entry [i, j] is +1 or -1 for a synapse from neuron i to neuron j, else 0.
        sensory : array-like of shape (n_inputs, n_neurons), optional
            The same from input i to neuron j. If omitted, every input reaches every
            neuron with polarity +1, and ``n_inputs`` is needed.
        n_inputs : int, optional
            Must agree with ``sensory`` if both are given.
        n_outputs : int, optional
            The first so many neurons are the outputs; all if omitted.
        layers : mapping or sequence of (name, neurons), optional
            In the order of evaluation; one layer if omitted.

        Returns
        -------
        Wiring

        Examples
        --------
        >>> Wiring.from_adjacency([[0, 1], [-1, 0]], n_inputs=3, n_outputs=1)
        Wiring(3 inputs, 2 neurons, 1 output, 8 synapses)
        """
        recurrent = check_matrix(recurrent, "recurrent")
        n_neurons = len(recurrent)
        if recurrent.shape != (n_neurons, n_neurons):
            raise InvalidInputError(
                "recurrent must be square, (n_neurons, n_neurons); got shape "
                f"{recurrent.shape}. Connections from inputs go into sensory=."
            )
        if sensory is None:
            if n_inputs is None:
                raise InvalidInputError(
                    "Got neither sensory nor n_inputs, so the number of inputs is "
                    "unknown. Pass one of them."
                )
            sensory = np.ones((positive_int(n_inputs, "n_inputs"), n_neurons))
        sensory = check_matrix(sensory, "sensory")
        n_inputs = len(sensory) if n_inputs is None else n_inputs
        if sensory.shape != (n_inputs, n_neurons):
            raise InvalidInputError(
                f"sensory must be of shape (n_inputs, n_neurons) = ({n_inputs}, "
                f"{n_neurons}), got {sensory.shape}. Rows are inputs (transpose it?)."
            )
        n_outputs = n_neurons if n_outputs is None else n_outputs
        pairs = layers.items() if isinstance(layers, Mapping) else layers or ()
        return cls(
            n_inputs,
            n_neurons,
            n_outputs,
            Edges(*edges_of_matrix(sensory)),
            Edges(*edges_of_matrix(recurrent)),
            tuple(Layer(*pair) for pair in pairs),
        )

    def with_layer_recurrence(self, seed: int | None = None) -> Wiring:
        """The same wiring with every synapse i -> j inside each layer, i = j included.

        Existing synapses keep their polarity; new ones get +1 or -1 at random.

        Parameters
        ----------
        seed : int, optional
            Seed of the new polarities; 22222 if omitted.

        Returns
        -------
        Wiring

        Examples
        --------
        >>> strict = Wiring.ncp(8, 32, 1)
        >>> strict.n_recurrent_synapses
        136
        >>> strict.with_layer_recurrence().n_recurrent_synapses
        632
        """
        rng = np.random.default_rng(check_seed(seed, NCP_SEED))
        _, recurrent = self.adjacency()
        # One draw per pair, wanted or not: the sign of i -> j then depends on the
        # seed alone and not on which other synapses were already there.
        drawn = rng.choice(np.array([-1, 1], dtype=np.int8), size=recurrent.shape)
        layer_of = self.layer_of
        absent = (layer_of[:, None] == layer_of[None, :]) & (recurrent == 0)
        recurrent[absent] = drawn[absent]
        edges = Edges(*edges_of_matrix(recurrent))
        sizes = (self.n_inputs, self.n_neurons, self.n_outputs)
        return Wiring(*sizes, self.sensory, edges, self.layers)

    # ---------------------------------------------------------------- presentation

    def summary(self) -> str:
        """A table of layers and synapses, to be printed.

        Returns
        -------
        str

        Examples
        --------
        >>> print(Wiring.full(2, 3, 1, seed=3).summary())
        Wiring: 2 inputs, 3 neurons, 1 output
        layer    size  neurons
        inputs      2
        neurons     3  0-2
        synapses            count  possible  density  excitatory  inhibitory
        sensory -> neurons      6         6     1.00           3           3
        neurons -> neurons      9         9     1.00           4           5
        all                    15        15     1.00           7           8
        """
        return table_of(self)

    def plot(
        self,
        ax: Axes | None = None,
        input_names: Sequence[str] | None = None,
        output_names: Sequence[str] | None = None,
    ) -> Axes:
        """Draw the wiring: layers as columns, a single layer as a circle.

        Every line is one synapse, its colour the polarity. Synapses inside a layer
        are arcs: right of the column downwards, left of it upwards, a ring for a
        neuron's synapse to itself.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            A new figure of suitable size if omitted.
        input_names, output_names : sequence of str, optional
            Labels of the inputs and of the motor neurons.

        Returns
        -------
        matplotlib Axes

        Raises
        ------
        MissingDependencyError
            Without matplotlib (``pip install LNN[plot]``).
        """
        try:
            import matplotlib  # noqa: F401
        except ImportError as error:
            raise _missing("matplotlib", "plot()") from error
        return draw_wiring(self, ax, input_names, output_names)

    def to_networkx(self) -> networkx.DiGraph:
        """The wiring as a directed graph, for networkx's algorithms.

        Returns
        -------
        networkx.DiGraph
            Nodes ``("input", i)`` and ``("neuron", j)`` with attribute ``layer``;
            edges with attribute ``polarity``.

        Raises
        ------
        MissingDependencyError
            Without networkx (``pip install LNN[plot]``).

        Examples
        --------
        >>> Wiring.full(1, 2).to_networkx().nodes["neuron", 1]
        {'layer': 'motor'}
        """
        try:
            import networkx  # noqa: F401
        except ImportError as error:
            raise _missing("networkx", "to_networkx()") from error
        return graph_of(self)


def _missing(package: str, what: str) -> MissingDependencyError:
    return MissingDependencyError(
        f"{what} needs {package}, which is not installed. Run: pip install LNN[plot]"
    )
