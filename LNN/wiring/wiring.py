"""Wirings: which neuron reads which input and which other neuron.

A :class:`Wiring` is a value: built once, never changed, compared by content. The
cells take their masks from it and store parameters for its synapses only, so every
edge that is drawn is an edge of the trained network and there is no other.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from LNN.exceptions import InvalidInputError, MissingDependencyError
from LNN.wiring.checks import (
    check_edges,
    check_layers,
    check_matrix,
    check_n_outputs,
    check_seed,
    check_sizes,
    check_sparsity,
    edges_of_matrix,
    positive_int,
)
from LNN.wiring.ncps import read_ncps

if TYPE_CHECKING:
    import networkx
    from matplotlib.axes import Axes

__all__ = ["Edges", "Layer", "Wiring", "build_wiring"]

# The defaults of ncps, so that the same call gives the same wiring there and here.
NCP_SEED = 22222
DENSE_SEED = 1111
DEFAULT_SPARSITY = 0.5


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
class Wiring:
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
        layers = list(self.layers) or [("neurons", np.arange(n_neurons))]
        checked = {
            "n_inputs": n_inputs,
            "n_neurons": n_neurons,
            "n_outputs": n_outputs,
            "sensory": Edges(*sensory),
            "recurrent": Edges(*recurrent),
            "layers": tuple(Layer(*pair) for pair in check_layers(layers, n_neurons)),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    # ------------------------------------------------------------------ value type

    def _key(self) -> tuple[Any, ...]:
        edges = (a.tobytes() for e in (self.sensory, self.recurrent) for a in e)
        layers = tuple((name, ids.tobytes()) for name, ids in self.layers)
        return (self.n_inputs, self.n_neurons, self.n_outputs, *edges, layers)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Wiring):
            return NotImplemented
        return self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __copy__(self) -> Wiring:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Wiring:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        # Through the constructor: unpickled arrays would be writeable again.
        edges = (tuple(self.sensory), tuple(self.recurrent))
        layers = tuple(tuple(layer) for layer in self.layers)
        return Wiring, (self.n_inputs, self.n_neurons, self.n_outputs, *edges, layers)

    def __repr__(self) -> str:
        layers = ""
        if len(self.layers) > 1:
            sizes = ", ".join(f"{ids.size} {name}" for name, ids in self.layers)
            layers = f" [{sizes}]"
        return (
            f"Wiring({_count(self.n_inputs, 'input')}, "
            f"{_count(self.n_neurons, 'neuron')}{layers}, "
            f"{_count(self.n_outputs, 'output')}, "
            f"{_count(self.n_synapses, 'synapse')})"
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
        """Name of the layer of a neuron; ``"motor"`` for outputs of a single layer."""
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
        >>> import numpy as np
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
            earlier = layer_of < i
            old = recurrent[:, ids] & ~earlier[:, None]
            reach[:, ids] = np.vstack([sensory[:, ids], old | own[:, ids]])
            # A product of bool matrices is "or of ands": paths through new values.
            reach[:, ids] |= reach[:, earlier] @ recurrent[np.ix_(earlier, ids)]
        return reach

    def with_layer_recurrence(self, seed: int | None = None) -> Wiring:
        """The same wiring with every synapse i -> j inside each layer, i = j included.

        Existing synapses keep their polarity; new ones get +1 or -1 at random.

        Parameters
        ----------
        seed : int, optional
            Of the new polarities; 22222 if omitted.

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
        counts = [_count(self.n_inputs, "input"), _count(self.n_neurons, "neuron")]
        counts.append(_count(self.n_outputs, "output"))
        layers = [("layer", "size", "neurons"), ("inputs", self.n_inputs, "")]
        layers += [(name, ids.size, _id_range(ids)) for name, ids in self.layers]
        width = max(len(row[0]) for row in layers)
        lines = ["Wiring: " + ", ".join(counts)]
        lines += [f"{a:<{width}}  {b:>4}  {c}".rstrip() for a, b, c in layers]
        kinds = self._synapse_kinds()
        width = max(len(kind) for kind, *_ in kinds)
        lines.append(
            f"{'synapses':<{width}}  count  possible  density  excitatory  inhibitory"
        )
        for kind, count, possible, excitatory in kinds:
            lines.append(
                f"{kind:<{width}}  {count:>5}  {possible:>8}  {count / possible:>7.2f}"
                f"  {excitatory:>10}  {count - excitatory:>10}"
            )
        return "\n".join(lines)

    def _synapse_kinds(self) -> list[tuple[str, int, int, int]]:
        """Rows (kind, synapses, possible synapses, excitatory ones), total last."""
        sensory, recurrent = self.adjacency()
        sources = [("sensory", sensory)]
        sources += [(name, recurrent[ids]) for name, ids in self.layers]
        rows = []
        for source, block in sources:
            for target, ids in self.layers:
                part = block[:, ids]
                if part.any():
                    kind = f"{source} -> {target}"
                    excitatory = int((part > 0).sum())
                    rows.append((kind, np.count_nonzero(part), part.size, excitatory))
        positive = int((sensory > 0).sum() + (recurrent > 0).sum())
        possible = sensory.size + recurrent.size
        return [*rows, ("all", self.n_synapses, possible, positive)]

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
        from LNN.wiring.plot import draw_wiring

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
            import networkx
        except ImportError as error:
            raise _missing("networkx", "to_networkx()") from error
        graph = networkx.DiGraph()
        for i in range(self.n_inputs):
            graph.add_node(("input", i), layer="input")
        for j in range(self.n_neurons):
            graph.add_node(("neuron", j), layer=self.neuron_type(j))
        for kind, edges in (("input", self.sensory), ("neuron", self.recurrent)):
            for i, j, sign in zip(*(a.tolist() for a in edges), strict=True):
                graph.add_edge((kind, i), ("neuron", j), polarity=sign)
        return graph

    # ---------------------------------------------------------------- constructors

    @classmethod
    def ncp(
        cls,
        n_inputs: int,
        n_neurons: int,
        n_outputs: int,
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

        Raises
        ------
        InvalidInputError
            If the outputs do not fit or a value is out of range.
        """
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
        from ncps.wirings import AutoNCP

        seed = check_seed(seed, NCP_SEED)
        wiring = cls.from_ncps(AutoNCP(n_neurons, n_outputs, sparsity, seed), n_inputs)
        return wiring.with_layer_recurrence(seed) if layer_recurrence else wiring

    @classmethod
    def full(
        cls,
        n_inputs: int,
        n_neurons: int,
        n_outputs: int | None = None,
        *,
        seed: int | None = None,
    ) -> Wiring:
        """Every input and every neuron reaches every neuron (ncps FullyConnected).

        ``n_outputs`` is ``n_neurons`` and ``seed`` (of the polarities) 1111 if omitted.
        """
        n_neurons, n_outputs = check_sizes(n_neurons, n_outputs)
        from ncps.wirings import FullyConnected

        seed = check_seed(seed, DENSE_SEED)
        return cls.from_ncps(FullyConnected(n_neurons, n_outputs, seed), n_inputs)

    @classmethod
    def random(
        cls,
        n_inputs: int,
        n_neurons: int,
        n_outputs: int | None = None,
        *,
        sparsity: float = DEFAULT_SPARSITY,
        seed: int | None = None,
        layer_recurrence: bool = False,
    ) -> Wiring:
        """A random share ``1 - sparsity`` of all synapses (ncps Random).

        Some neurons may be left without inputs. ``sparsity`` is in [0, 1);
        ``n_outputs`` is ``n_neurons`` and ``seed`` 1111 if omitted. All neurons are one
        layer, so ``layer_recurrence`` leaves only the sensory synapses sparse.
        """
        n_neurons, n_outputs = check_sizes(n_neurons, n_outputs)
        sparsity = check_sparsity(sparsity, "random", low=0.0, high=1.0, closed=False)
        from ncps.wirings import Random

        seed = check_seed(seed, DENSE_SEED)
        random = Random(n_neurons, n_outputs, sparsity, seed)
        wiring = cls.from_ncps(random, n_inputs)
        return wiring.with_layer_recurrence(seed) if layer_recurrence else wiring

    @classmethod
    def from_ncps(cls, wiring: Any, n_inputs: int | None = None) -> Wiring:
        """Copy an ``ncps.wirings`` object, which is never changed.

        Parameters
        ----------
        wiring : ncps.wirings.Wiring
            Built or not. Outputs are all neurons if it has no ``output_dim``.
        n_inputs : int, optional
            Needed if ``wiring`` is not built yet.

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
        if isinstance(layers, Mapping):
            layers = layers.items()
        edges = (edges_of_matrix(sensory), edges_of_matrix(recurrent))
        return cls(n_inputs, n_neurons, n_outputs, *edges, tuple(layers or ()))


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
        With a ``spec`` that is no name, ``n_neurons=None`` and ``n_outputs=None``
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
        wiring = Wiring.from_adjacency(spec, n_inputs=n_inputs, n_outputs=n_outputs)
    else:
        raise InvalidInputError(_unknown_spec(spec))
    wanted = {"n_inputs": n_inputs, "n_neurons": n_neurons, "n_outputs": n_outputs}
    for name, value in wanted.items():
        has = getattr(wiring, name)
        if value is not None and value != has:
            raise InvalidInputError(
                f"The given wiring has {name}={has}, but {name}={value} is asked for. "
                f"Set {name}={has} or give a wiring of that size; got {wiring!r}."
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


def _unknown_spec(spec: object) -> str:
    return (
        "wiring must be 'ncp', 'full' or 'random', a Wiring, an ncps wiring or a "
        f"square matrix of -1, 0, +1; got {spec!r}."
    )


def _missing(package: str, what: str) -> MissingDependencyError:
    return MissingDependencyError(
        f"{what} needs {package}, which is not installed. Run: pip install LNN[plot]"
    )


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def _id_range(ids: NDArray[np.int64]) -> str:
    """Neuron numbers of a layer, as a range where they are one."""
    if ids.size == 1:
        return str(ids[0])
    if ids[-1] - ids[0] == ids.size - 1:
        return f"{ids[0]}-{ids[-1]}"
    return ", ".join(map(str, ids[:6])) + (", ..." if ids.size > 6 else "")
