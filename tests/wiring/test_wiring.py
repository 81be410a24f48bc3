"""Wirings: values, equality with ncps, errors, drawing."""

import builtins
import copy
import pickle

import numpy as np
import pytest
from ncps.wirings import NCP, AutoNCP, FullyConnected, Random
from ncps.wirings import Wiring as NcpsWiring
from numpy.testing import assert_array_equal

from LNN.exceptions import InvalidInputError, MissingDependencyError
from LNN.wiring import Edges, Layer, Wiring, build_wiring


def circuit(**changes):
    sizes = {
        "inter_neurons": 6,
        "command_neurons": 4,
        "motor_neurons": 2,
        "sensory_fanout": 3,
        "inter_fanout": 2,
        "recurrent_command_synapses": 4,
        "motor_fanin": 2,
    }
    return NCP(**(sizes | changes))


class Unbuildable(FullyConnected):
    def build(self, input_dim):
        raise ValueError("too many synapses")


def built(ncps_wiring, n_inputs):
    own = copy.deepcopy(ncps_wiring)
    own.build(n_inputs)
    return own


def assert_same_matrices(wiring, ncps_wiring):
    sensory, recurrent = wiring.adjacency()
    assert_array_equal(sensory, ncps_wiring.sensory_adjacency_matrix)
    assert_array_equal(recurrent, ncps_wiring.adjacency_matrix)


@pytest.fixture
def figures():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    yield plt
    plt.close("all")


# ------------------------------------------------------------------ equality with ncps


@pytest.mark.parametrize("seed", [None, 0, 7])
@pytest.mark.parametrize("sparsity", [0.1, 0.5, 0.9])
@pytest.mark.parametrize(
    ("n_inputs", "n_neurons", "n_outputs"), [(1, 4, 1), (8, 32, 3)]
)
def test__ncp__same_arguments__equals_ncps(
    n_inputs, n_neurons, n_outputs, sparsity, seed
):
    ours = Wiring.ncp(n_inputs, n_neurons, n_outputs, sparsity=sparsity, seed=seed)
    seeds = {} if seed is None else {"seed": seed}
    theirs = AutoNCP(n_neurons, n_outputs, sparsity_level=sparsity, **seeds)
    assert_same_matrices(ours, built(theirs, n_inputs))


@pytest.mark.parametrize("seed", [None, 5])
@pytest.mark.parametrize(("n_neurons", "n_outputs"), [(1, 1), (6, None), (9, 2)])
def test__full__same_arguments__equals_ncps(n_neurons, n_outputs, seed):
    seeds = {} if seed is None else {"erev_init_seed": seed}
    theirs = built(FullyConnected(n_neurons, n_outputs, **seeds), 3)
    ours = Wiring.full(3, n_neurons, n_outputs, seed=seed)
    assert_same_matrices(ours, theirs)
    assert ours.n_outputs == (n_outputs or n_neurons)


def test__names__any_size_and_seed__equal_ncps():
    random = np.random.default_rng(0)
    for _ in range(60):
        n_neurons, n_inputs = int(random.integers(4, 50)), int(random.integers(1, 20))
        n_outputs = int(random.integers(1, n_neurons - 2))
        sparsity, seed = random.choice([0.1, 0.3, 0.75, 0.9]), int(random.integers(1e9))
        sizes, how = (n_inputs, n_neurons, n_outputs), {"sparsity": sparsity}
        ours = Wiring.ncp(*sizes, **how, seed=seed)
        theirs = AutoNCP(n_neurons, n_outputs, sparsity, seed)
        assert ours == Wiring.from_ncps(theirs, n_inputs)
        ours = Wiring.random(*sizes, **how, seed=seed)
        theirs = Random(n_neurons, n_outputs, sparsity, seed)
        assert ours == Wiring.from_ncps(theirs, n_inputs)


@pytest.mark.parametrize("seed", [None, 5])
@pytest.mark.parametrize("sparsity", [0.0, 0.4, 0.9])
def test__random__same_arguments__equals_ncps(sparsity, seed):
    seeds = {} if seed is None else {"random_seed": seed}
    theirs = built(Random(10, 2, sparsity, **seeds), 4)
    assert_same_matrices(Wiring.random(4, 10, 2, sparsity=sparsity, seed=seed), theirs)


@pytest.mark.parametrize("n_neurons", range(4, 41, 4))
def test__ncp__every_size_that_fits__builds_and_connects_all(n_neurons):
    for n_outputs in {1, 2, n_neurons // 2, n_neurons - 3} - {0}:
        if n_outputs > n_neurons - 3:
            continue
        for sparsity in (0.1, 0.5, 0.9, 1.0):
            wiring = Wiring.ncp(2, n_neurons, n_outputs, sparsity=sparsity)
            sensory, recurrent = wiring.adjacency()
            fan_in = np.abs(np.vstack([sensory, recurrent])).sum(axis=0)
            assert fan_in.all()


@pytest.mark.parametrize(
    "make",
    [
        lambda: AutoNCP(16, 2, seed=3),
        circuit,
        lambda: FullyConnected(5),
        lambda: Random(8, 2, 0.5),
    ],
)
def test__from_ncps__used_twice__equal_wirings_and_object_unchanged(make):
    theirs = make()
    before = theirs.adjacency_matrix.copy()
    first, second = Wiring.from_ncps(theirs, 3), Wiring.from_ncps(theirs, n_inputs=3)
    assert first == second
    assert not theirs.is_built()
    assert theirs.sensory_adjacency_matrix is None
    assert_array_equal(theirs.adjacency_matrix, before)
    # The generator was not advanced either: building it now gives what we have.
    theirs.build(3)
    assert_same_matrices(first, theirs)


def test__from_ncps__built_object__copied_as_it_is():
    theirs = built(AutoNCP(12, 1), 3)
    before = copy.deepcopy(theirs)
    ours = Wiring.from_ncps(theirs)
    assert_same_matrices(ours, before)
    assert_same_matrices(ours, theirs)
    theirs.add_synapse(0, 0, 1)
    assert ours == Wiring.from_ncps(before)


def test__from_ncps__ncp__layers_in_order_of_evaluation_and_ncps_numbers():
    wiring = Wiring.from_ncps(circuit(), 3)
    assert [layer.name for layer in wiring.layers] == ["inter", "command", "motor"]
    assert [layer.neurons.tolist() for layer in wiring.layers] == [
        [6, 7, 8, 9, 10, 11],
        [2, 3, 4, 5],
        [0, 1],
    ]
    assert_array_equal(wiring.layer_of, [2, 2, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0])
    types = [wiring.neuron_type(j) for j in range(12)]
    assert types == [circuit().get_type_of_neuron(j) for j in range(12)]


def test__from_ncps__no_output_dim__all_neurons_are_outputs():
    theirs = NcpsWiring(3)
    theirs.set_input_dim(2)
    theirs.add_sensory_synapse(0, 1, -1)
    wiring = Wiring.from_ncps(theirs)
    assert wiring.n_outputs == 3
    assert theirs.output_dim is None
    assert build_wiring(theirs, 2, 3, 1).n_outputs == 1


def test__from_ncps__motor_neurons_elsewhere__raises():
    class Backwards(FullyConnected):
        def get_type_of_neuron(self, neuron_id):
            return "motor" if neuron_id >= self.units - self.output_dim else "inter"

    with pytest.raises(InvalidInputError, match=r"neurons 0 to 0.*got \[3\]"):
        Wiring.from_ncps(Backwards(4, 1), 2)


def test__from_ncps__two_inter_layers__numbered_names():
    class Deep(FullyConnected):
        num_layers = 3

        def get_neurons_of_layer(self, layer_id):
            return [[3, 4], [1, 2], [0]][layer_id]

    wiring = Wiring.from_ncps(Deep(5, 1), 2)
    assert [layer.name for layer in wiring.layers] == ["inter 1", "inter 2", "motor"]


@pytest.mark.parametrize(
    ("make", "n_inputs", "message"),
    [
        (circuit, None, "not built.*Pass n_inputs"),
        (lambda: built(circuit(), 4), 3, "built for 4 inputs.*have 3"),
        (lambda: Unbuildable(4, 1), 3, "cannot build this Unbuildable.*too many"),
        (lambda: Random(4, 1, 0.9), 1, "No input reaches.*Lower the sparsity"),
    ],
)  # fmt: skip
def test__from_ncps__cannot_be_built__says_why(make, n_inputs, message):
    with pytest.raises(InvalidInputError, match=message):
        Wiring.from_ncps(make(), n_inputs)


# --------------------------------------------------------------------------- as a value


def test__wiring__attribute_or_array_assigned__raises():
    wiring = Wiring.ncp(3, 12, 1)
    with pytest.raises(AttributeError):
        wiring.n_inputs = 4
    arrays = [*wiring.sensory, *wiring.recurrent]
    arrays += [layer.neurons for layer in wiring.layers]
    for array in arrays:
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test__wiring__callers_arrays_changed__unaffected():
    polarity = np.array([1, 1])
    edges = ([0, 0], [0, 1], polarity)
    wiring = Wiring(1, 2, 1, edges, ([0], [0], [1]))
    polarity[:] = -1
    assert_array_equal(wiring.sensory.polarity, [1, 1])


@pytest.mark.parametrize("make", [copy.copy, copy.deepcopy])
def test__wiring__copied__same_object(make):
    wiring = Wiring.full(2, 3)
    assert make(wiring) is wiring


def test__wiring__pickled__equal_hash_and_still_read_only():
    wiring = Wiring.ncp(3, 12, 2)
    again = pickle.loads(pickle.dumps(wiring))
    assert again == wiring
    assert hash(again) == hash(wiring)
    assert again.layers[0].name == "inter"
    assert not again.recurrent.target.flags.writeable
    assert isinstance(again.sensory, Edges)
    assert isinstance(again.layers[0], Layer)


def test__wiring__one_polarity_differs__not_equal():
    base = Wiring.from_adjacency([[0, 1], [0, 0]], n_inputs=1)
    other = Wiring.from_adjacency([[0, -1], [0, 0]], n_inputs=1)
    assert base != other
    assert len({base, other, Wiring.from_adjacency([[0, 1], [0, 0]], n_inputs=1)}) == 2
    assert base != "ncp"


def test__wiring__sklearn_clone__equal():
    clone = pytest.importorskip("sklearn.base").clone
    wiring = Wiring.full(2, 3)
    assert clone(wiring, safe=False) == wiring


def test__edges__any_order_given__sorted_by_target_then_source():
    recurrent = ([2, 0, 1, 0], [0, 1, 0, 0], [1, -1, 1, -1])
    wiring = Wiring(1, 3, 1, ([0], [2], [1]), recurrent)
    assert_array_equal(wiring.recurrent.target, [0, 0, 0, 1])
    assert_array_equal(wiring.recurrent.source, [0, 1, 2, 0])
    assert_array_equal(wiring.recurrent.polarity, [-1, 1, 1, -1])
    dtypes = [array.dtype for array in wiring.recurrent]
    assert dtypes == [np.int64, np.int64, np.int8]


def test__counts__ncp__agree_with_matrices():
    wiring = Wiring.ncp(5, 20, 2)
    sensory, recurrent = wiring.adjacency()
    assert wiring.n_sensory_synapses == np.abs(sensory).sum()
    assert wiring.n_recurrent_synapses == np.abs(recurrent).sum()
    assert wiring.n_synapses == wiring.n_sensory_synapses + wiring.n_recurrent_synapses


# ----------------------------------------------------------------------- own adjacency


def test__from_adjacency__matrices__come_back():
    rng = np.random.default_rng(0)
    recurrent, sensory = rng.integers(-1, 2, (6, 6)), rng.integers(-1, 2, (3, 6))
    wiring = Wiring.from_adjacency(recurrent, sensory, n_outputs=2)
    assert_array_equal(wiring.adjacency()[0], sensory)
    assert_array_equal(wiring.adjacency()[1], recurrent)
    assert (wiring.n_inputs, wiring.n_neurons, wiring.n_outputs) == (3, 6, 2)
    assert [layer.name for layer in wiring.layers] == ["neurons"]
    assert [wiring.neuron_type(j) for j in (1, 2)] == ["motor", "neurons"]


def test__from_adjacency__no_sensory__every_input_excites_every_neuron():
    wiring = Wiring.from_adjacency(np.eye(3), n_inputs=2)
    assert_array_equal(wiring.adjacency()[0], np.ones((2, 3)))
    assert wiring.n_outputs == 3


def test__from_adjacency__layers_as_mapping__in_that_order():
    layers = {"first": [1, 2], "last": [0]}
    wiring = Wiring.from_adjacency(np.zeros((3, 3)), n_inputs=1, layers=layers)
    assert [layer.name for layer in wiring.layers] == ["first", "last"]


@pytest.mark.parametrize(
    ("recurrent", "options", "message"),
    [
        (np.zeros((2, 3)), {"n_inputs": 1}, r"square.*\(2, 3\)"),
        (np.zeros(3), {"n_inputs": 1}, "2-D matrix"),
        ([[0, 1], [0]], {"n_inputs": 1}, "matrix"),
        ([[0, 0.5], [2, 0]], {"n_inputs": 1}, r"\[0.5, 2.0\].*np.sign"),
        ([[0, np.nan], [0, 0]], {"n_inputs": 1}, "nan"),
        ([[0, 1], [0, 0]], {}, "neither sensory nor n_inputs"),
        (np.eye(2), {"sensory": np.ones((2, 3))}, r"\(2, 2\), got \(2, 3\)"),
        (np.eye(2), {"sensory": np.ones((3, 2)), "n_inputs": 2}, r"got \(3, 2\)"),
        (np.eye(2), {"n_inputs": 1, "n_outputs": 3}, "n_outputs=3 for n_neurons=2"),
        (np.eye(2), {"n_inputs": 1, "layers": [("a", [0])]}, r"missing \[1\]"),
        (
            np.eye(2),
            {"n_inputs": 1, "layers": [("a", [0, 1]), ("b", [1])]},
            r"twice \[",
        ),
        (np.eye(2), {"n_inputs": 1, "layers": [("a", [0, 1]), ("b", [])]}, "no layer"),
        (np.eye(2), {"n_inputs": 1, "layers": [("a", [0]), ("a", [1])]}, "different"),
        (np.eye(2), {"n_inputs": 1, "layers": [("a", [0, 5])]}, "from 0 to 1"),
    ],
)
def test__from_adjacency__bad_input__says_what_is_wrong(recurrent, options, message):
    with pytest.raises(InvalidInputError, match=message):
        Wiring.from_adjacency(recurrent, **options)


@pytest.mark.parametrize(
    ("sensory", "message"),
    [
        (([0, 0], [1, 1], [1, -1]), "0 -> 1 is there twice"),
        (([2], [0], [1]), "sensory source must be integers from 0 to 1"),
        (([0], [3], [1]), "sensory target must be integers from 0 to 2"),
        (([0.5], [0], [1]), "dtype float64"),
        (([0], [0], [0]), r"polarity must be \+1 or -1"),
        (([0], [0, 1], [1, 1]), "of one length"),
        (([0], [0]), "three arrays"),
    ],
)
def test__wiring__bad_edges__says_which(sensory, message):
    with pytest.raises(InvalidInputError, match=message):
        Wiring(2, 3, 1, sensory, ([0], [0], [1]))


# --------------------------------------------------------------------------- recurrence


@pytest.mark.parametrize(("size", "count"), [((32, 1), 632), ((128, 16), 8664)])
def test__with_layer_recurrence__ncp__known_counts(size, count):
    strict = Wiring.ncp(4, *size)
    wired = Wiring.ncp(4, *size, layer_recurrence=True)
    assert wired.n_recurrent_synapses == count
    assert wired == strict.with_layer_recurrence()
    assert wired.sensory.source.size == strict.sensory.source.size


def test__with_layer_recurrence__existing_synapses__kept_and_all_pairs_added():
    strict = Wiring.ncp(4, 20, 2)
    wired = strict.with_layer_recurrence(seed=1)
    before, after = strict.adjacency()[1], wired.adjacency()[1]
    assert_array_equal(after[before != 0], before[before != 0])
    same = strict.layer_of[:, None] == strict.layer_of
    assert_array_equal(after != 0, (before != 0) | same)
    assert wired == strict.with_layer_recurrence(seed=1)
    assert wired != strict.with_layer_recurrence(seed=2)
    assert wired == wired.with_layer_recurrence(seed=2)


def brute_force_reach(wiring):
    """Perturb one source at a time of a linear net without cancellation."""
    sensory, recurrent = (np.abs(m).astype(float) for m in wiring.adjacency())
    n_in, n = sensory.shape
    reach = np.zeros((n_in + n, n), dtype=bool)
    for i in range(n_in + n):
        source = np.zeros(n_in + n)
        source[i] = 1.0
        values = source[n_in:].copy()
        new = np.zeros(n)
        for _, ids in wiring.layers:
            for j in ids:
                drive = source[:n_in] @ sensory[:, j] + values @ recurrent[:, j]
                new[j] = drive + source[n_in + j]
            values[ids] = new[ids]
        reach[i] = new > 0
    return reach


@pytest.mark.parametrize(
    "wiring",
    [
        Wiring.ncp(3, 14, 2),
        Wiring.ncp(3, 14, 2, layer_recurrence=True),
        Wiring.random(3, 9, 2, sparsity=0.8),
        Wiring.from_adjacency(
            np.random.default_rng(1).integers(-1, 1, (7, 7)),
            sensory=np.random.default_rng(2).integers(0, 2, (2, 7)),
            layers=[("a", [5, 6]), ("b", [2, 3, 4]), ("c", [0]), ("d", [1])],
        ),
    ],
    ids=["strict", "layer_recurrence", "random", "four layers"],
)
def test__reachable_in_one_step__any_wiring__equals_perturbation(wiring):
    reach = wiring.reachable_in_one_step()
    assert reach.dtype == bool
    # Within one layer the values must be the old ones, so neurons of one layer
    # are evaluated before any of them is updated, as in the cell.
    assert_array_equal(reach, brute_force_reach(wiring))


# --------------------------------------------------------------------------- by request


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("ncp", Wiring.ncp(3, 12, 2)),
        ("full", Wiring.full(3, 12, 2)),
        ("random", Wiring.random(3, 12, 2)),
        (Wiring.full(3, 12, 2), Wiring.full(3, 12, 2)),
        (circuit(), Wiring.from_ncps(circuit(), 3)),
        (np.eye(12), Wiring.from_adjacency(np.eye(12), n_inputs=3, n_outputs=2)),
    ],
    ids=["ncp", "full", "random", "Wiring", "ncps", "matrix"],
)
def test__build_wiring__each_kind__as_the_constructor(spec, expected):
    assert build_wiring(spec, 3, 12, 2) == expected
    recurrent = build_wiring(spec, 3, 12, 2, layer_recurrence=True, seed=4)
    inside = expected.layer_of[:, None] == expected.layer_of
    assert (recurrent.adjacency()[1] != 0)[inside].all()


def test__build_wiring__options__passed_on():
    ours = build_wiring("ncp", 3, 16, 2, sparsity=0.8, seed=9, layer_recurrence=True)
    assert ours == Wiring.ncp(3, 16, 2, sparsity=0.8, seed=9, layer_recurrence=True)
    random = build_wiring("random", 3, 16, 2, sparsity=0.0, seed=9)
    assert random == Wiring.random(3, 16, 2, sparsity=0.0, seed=9)
    # Zero is a value and not "default".
    assert random.n_recurrent_synapses == 256


def test__build_wiring__sizes_left_open__taken_from_the_object():
    assert build_wiring(AutoNCP(16, 3), 4, None, None).n_outputs == 3
    assert build_wiring(np.eye(4), 2, None, None).n_outputs == 4


@pytest.mark.parametrize(
    ("spec", "sizes", "message"),
    [
        ("NCP", (3, 12, 1), "'ncp', 'full' or 'random'.*got 'NCP'"),
        (7, (3, 12, 1), "got 7"),
        (None, (3, 12, 1), "got None"),
        (Wiring.full(3, 12, 1), (4, 12, 1), "=3, but n_inputs=4.*with n_inputs=4"),
        (AutoNCP(16, 1), (4, 12, 1), "n_neurons=16, but n_neurons=12"),
        (AutoNCP(16, 1), (4, 16, 2), "n_outputs=1, but n_outputs=2"),
        (np.eye(4), (4, 5, 1), "n_neurons=4, but n_neurons=5"),
        ("ncp", (3, 8, 6), "Use n_neurons=9 or more or at most 5 output"),
        ("ncp", (3, 3, 1), "Use n_neurons=4 or more .the smallest"),
        ("full", (3, 3, 4), "Use n_neurons=4 or more, or at most 3 output"),
        ("random", (3, 3, 4), "Use n_neurons=4 or more, or at most 3 output"),
        ("full", (0, 3, 1), "n_inputs must be an integer of at least 1, got 0"),
        ("ncp", (3, 12.0, 1), "n_neurons must be an integer of at least 1, got 12.0"),
        ("ncp", (3, 12, 0), "n_outputs must be an integer of at least 1, got 0"),
        ("full", (3, True, 1), "n_neurons must be an integer"),
    ],
)  # fmt: skip
def test__build_wiring__bad_request__says_what_got_do(spec, sizes, message):
    with pytest.raises(InvalidInputError, match=message):
        build_wiring(spec, *sizes)


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("ncp", {"sparsity": 0.05}, "from 0.1 to 1.0, got 0.05"),
        ("ncp", {"sparsity": 1.1}, "got 1.1"),
        ("ncp", {"sparsity": "high"}, "got 'high'"),
        ("random", {"sparsity": 1.0}, "from 0.0 to below 1.0"),
        ("random", {"sparsity": -0.1}, "got -0.1"),
        ("random", {"sparsity": np.nan}, "got nan"),
        ("ncp", {"seed": -1}, "seed must be None or an integer"),
        ("full", {"seed": 1.5}, "got 1.5"),
    ],
)
def test__build_wiring__bad_option__says_what_got_do(kind, options, message):
    with pytest.raises(InvalidInputError, match=message):
        build_wiring(kind, 3, 12, 1, **options)


def test__build_wiring__global_generator__untouched():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    for kind in ("ncp", "full", "random"):
        build_wiring(kind, 3, 12, 1, layer_recurrence=True)
    assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


# ------------------------------------------------------------------------- presentation


def test__repr__layers_and_single_layer__short():
    assert repr(Wiring.ncp(1, 12, 1)).startswith(
        "Wiring(1 input, 12 neurons [7 inter, 4 command, 1 motor], 1 output, "
    )
    text = repr(Wiring.full(2, 3, 1))
    assert text == "Wiring(2 inputs, 3 neurons, 1 output, 15 synapses)"


def test__summary__ncp__counts_by_kind_add_up():
    wiring = Wiring.ncp(8, 32, 2, layer_recurrence=True)
    lines = wiring.summary().splitlines()
    rows = [line.rsplit(maxsplit=5) for line in lines if "->" in line]
    assert [row[0] for row in rows] == [
        "sensory -> inter",
        "inter -> inter",
        "inter -> command",
        "command -> command",
        "command -> motor",
        "motor -> motor",
    ]
    assert sum(int(row[1]) for row in rows) == wiring.n_synapses
    assert all(int(row[1]) == int(row[4]) + int(row[5]) for row in rows)
    assert lines[-1].split()[1] == str(wiring.n_synapses)


def test__neuron_type__out_of_range__raises():
    with pytest.raises(InvalidInputError, match="0 to 2, got -1"):
        Wiring.full(1, 3).neuron_type(-1)


def test__to_networkx__ncp__every_synapse_is_an_edge():
    pytest.importorskip("networkx")
    wiring = Wiring.ncp(3, 12, 2)
    graph = wiring.to_networkx()
    sensory, recurrent = wiring.adjacency()
    assert graph.number_of_nodes() == 15
    assert graph.number_of_edges() == wiring.n_synapses
    for (kind, i), (_, j), sign in graph.edges(data="polarity"):
        assert sign == (sensory if kind == "input" else recurrent)[i, j]
    assert graph.nodes["neuron", 0]["layer"] == "motor"
    assert graph.nodes["input", 2]["layer"] == "input"


@pytest.mark.parametrize(
    "wiring",
    [
        Wiring.ncp(8, 32, 2, layer_recurrence=True),
        Wiring.ncp(1, 4, 1),
        Wiring.full(3, 12, 2),
        Wiring.full(1, 1),
        Wiring.random(3, 12, 2, sparsity=0.8),
        Wiring.from_adjacency(
            np.zeros((2, 2)), n_inputs=1, layers={"a": [1], "b": [0]}
        ),
    ],
    ids=["dense ncp", "tiny ncp", "full", "one neuron", "random", "no recurrence"],
)
def test__plot__any_wiring__one_line_per_synapse_in_few_artists(figures, wiring):
    from matplotlib.collections import LineCollection

    ax = wiring.plot()
    ax.figure.canvas.draw()
    lines = [c for c in ax.collections if isinstance(c, LineCollection)]
    assert len(lines) == 2
    assert sum(len(c.get_segments()) for c in lines) == wiring.n_synapses
    for collection, edges in zip(
        lines, (wiring.sensory, wiring.recurrent), strict=True
    ):
        # Blue is excitatory, red inhibitory.
        colours = collection.get_colors()
        assert_array_equal(colours[:, 2] > colours[:, 0], edges.polarity > 0)
    nodes = [c for c in ax.collections if c not in lines]
    assert [len(c.get_offsets()) for c in nodes] == [wiring.n_inputs, wiring.n_neurons]


def test__plot__ax_and_names__used(figures):
    _, ax = figures.subplots()
    names = ["temperature", "humidity"]
    wiring = Wiring.ncp(2, 8, 1)
    assert wiring.plot(ax, input_names=names, output_names=["rain"]) is ax
    texts = {text.get_text() for text in ax.texts}
    assert {*names, "rain", "2 inputs", "1 motor"} <= texts
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert legend == [
        "input", "inter", "command", "motor", "excitatory (+)", "inhibitory (-)",
    ]  # fmt: skip


def test__plot__wrong_number_of_names__raises(figures):
    with pytest.raises(InvalidInputError, match="input_names needs 2 names, got 1"):
        Wiring.full(2, 3).plot(input_names=["a"])
    assert not figures.get_fignums()


@pytest.mark.parametrize(
    ("package", "method"), [("matplotlib", "plot"), ("networkx", "to_networkx")]
)
def test__optional_package__missing__names_the_extra(monkeypatch, package, method):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.split(".")[0] == package:
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingDependencyError, match=r"pip install LNN\[plot\]"):
        getattr(Wiring.full(1, 2), method)()


@pytest.mark.parametrize("module", ["LNN.wiring", "LNN.wiring.wiring"])
def test__Wiring__pickled_under_either_module__loads(module):
    named = f"c{module}\nWiring\n.".encode()
    assert pickle.loads(named) is Wiring


@pytest.mark.parametrize("seed", [None, 7])
@pytest.mark.parametrize("sizes", [(1, 1, 1), (2, 3, 1), (5, 7, 7), (9, 33, 2)])
def test__full__drawn_at_once__equals_ncps_drawn_one_by_one(sizes, seed):
    n_inputs, n_neurons, n_outputs = sizes
    theirs = FullyConnected(n_neurons, n_outputs, 1111 if seed is None else seed)
    ours = Wiring.full(n_inputs, n_neurons, n_outputs, seed=seed)
    assert ours == Wiring.from_ncps(theirs, n_inputs)
