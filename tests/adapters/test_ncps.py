"""Our layers against ncps, the reference library: outputs, states and gradients."""

import pickle
import sys

import ncps.torch as reference
import numpy as np
import pytest
import torch
from ncps.wirings import NCP, AutoNCP, FullyConnected, Random
from ncps.wirings import Wiring as NcpsWiring
from processes import finished
from quick import quick

from LNN.adapters import from_ncps, state_from_ncps, state_to_ncps, to_ncps
from LNN.adapters import ncps as bridge
from LNN.exceptions import InvalidInputError, LNNWarning
from LNN.layers import LTC, CfC
from LNN.wiring import Wiring

TOLERANCE = {torch.float32: (1e-6, 3e-5), torch.float64: (1e-11, 1e-11)}
DTYPES = [torch.float32, torch.float64]
N_INPUTS, BATCH, STEPS = 3, 4, 4

WIRINGS = {
    "auto": lambda: AutoNCP(13, 2, sparsity_level=0.5, seed=7),
    "auto sparse": lambda: AutoNCP(24, 5, sparsity_level=0.9, seed=1),
    "ncp": lambda: NCP(5, 4, 2, 3, 2, 4, 2, seed=3),
    "random": lambda: Random(9, 4, sparsity_level=0.6, random_seed=5),
    "full": lambda: FullyConnected(8, 1, erev_init_seed=2),
    "full, all out": lambda: FullyConnected(6, self_connections=False),
    "one neuron": lambda: FullyConnected(1),
}
KINDS = {
    "LTC": lambda w, **o: reference.LTC(N_INPUTS, w, **o),
    "LTC explicit": lambda w, **o: reference.LTC(
        N_INPUTS,
        w,
        implicit_param_constraints=False,
        input_mapping="linear",
        output_mapping=None,
        ode_unfolds=3,
        epsilon=1e-3,
        **o,
    ),
    "CfC": lambda w, **o: reference.CfC(N_INPUTS, w, mode="default", **o),
    "CfC no_gate": lambda w, **o: reference.CfC(N_INPUTS, w, mode="no_gate", **o),
    "CfC pure": lambda w, **o: reference.CfC(N_INPUTS, w, mode="pure", **o),
}
BACKBONES = {
    "default": {},
    "none": {"backbone_layers": 0, "mode": "no_gate"},
    "three, silu": {
        "backbone_layers": 3,
        "backbone_units": 10,
        "activation": "silu",
        "proj_size": 3,
    },
    "pure, gelu": {"mode": "pure", "activation": "gelu", "backbone_units": 7},
    "pure, none": {"mode": "pure", "backbone_layers": 0},
    "relu": {"activation": "relu", "backbone_layers": 2, "backbone_units": 5},
    "tanh": {"activation": "tanh", "return_sequences": False},
}


@pytest.fixture(autouse=True)
def _seed():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def scatter(module, dtype):
    """Move every trainable value off its initial one, as training would."""
    module.to(dtype)
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.requires_grad:
                parameter.mul_(1 + 0.2 * torch.rand_like(parameter))
                parameter.add_(0.05 * torch.rand_like(parameter))
    return module


@torch.no_grad()
def relative(a, b):
    return float((a - b).norm() / b.norm().clamp_min(1e-30))


def data(module, dtype, mixed, batch=BATCH):
    inputs = torch.randn(batch, STEPS, N_INPUTS, dtype=dtype)
    state = 0.5 * torch.randn(batch, module.state_size, dtype=dtype)
    return inputs, (state, torch.randn_like(state)) if mixed else state


def tensors(state):
    return list(state) if isinstance(state, tuple) else [state]


def mapped_gradients(layer, module):
    """Our gradients, put where ncps has them: {name: (ours, theirs)}."""
    ours = {}
    explicit = (
        isinstance(layer, LTC) and not module.rnn_cell._implicit_param_constraints
    )
    for pair in bridge._pairs(layer, module):
        key = id(pair.theirs)
        if key not in ours:
            ours[key] = (pair.name, torch.zeros_like(pair.theirs), pair.theirs.grad)
        value = pair.ours.grad[pair.our_index]
        if explicit and pair.positive:  # dL/dw = dL/draw / softplus'(raw)
            value = value / torch.sigmoid(pair.ours.detach()[pair.our_index])
        ours[key][1][pair.their_index] = value
    assert len(ours) == sum(p.requires_grad for p in module.parameters())
    return {name: (mine, theirs) for name, mine, theirs in ours.values()}


def compare(
    module, layer, dtype, *, mixed=False, timespans=None, theirs_dt=None, batch=BATCH
):
    """Return the largest relative differences of outputs and of gradients."""
    inputs, start = data(module, dtype, mixed, batch)
    runs = []
    for model, dt in ((module, theirs_dt), (layer, timespans)):
        x = inputs.clone().requires_grad_()
        leaves = [s.clone().requires_grad_() for s in tensors(start)]
        state = tuple(leaves) if mixed else leaves[0]
        if model is layer:
            state = state_from_ncps(layer, state)
        outputs, final = model(x, state, timespans=dt)
        if model is layer:
            final = state_to_ncps(layer, final)
        results = [outputs, *tensors(final)]
        model.zero_grad()
        # Weights that differ per entry, so that no error can cancel in the sum.
        total = sum(
            (r * torch.linspace(0.5, 1.5, r.numel(), dtype=dtype).view_as(r)).sum()
            for r in results
        )
        total.backward()
        runs.append((results, [x.grad, *(leaf.grad for leaf in leaves)]))
    (theirs, their_grads), (ours, our_grads) = runs
    assert [r.shape for r in ours] == [r.shape for r in theirs]
    forward = max(relative(a, b) for a, b in zip(ours, theirs, strict=True))
    backward = [relative(a, b) for a, b in zip(our_grads, their_grads, strict=True)]
    backward += [relative(a, b) for a, b in mapped_gradients(layer, module).values()]
    return forward, max(backward)


def assert_equal_to_ncps(module, layer, dtype, **options):
    forward, backward = compare(module, layer, dtype, **options)
    assert forward <= TOLERANCE[dtype][0]
    assert backward <= TOLERANCE[dtype][1]


# ------------------------------------------------------------------------------ parity


@pytest.mark.parametrize("dtype", quick(DTYPES, torch.float64), ids=str)
@pytest.mark.parametrize("mixed", [False, True], ids=["plain", "mixed"])
@pytest.mark.parametrize(
    "wiring", quick(WIRINGS, "auto", "ncp", "random", "full", "one neuron")
)
@pytest.mark.parametrize("kind", KINDS)
def test__from_ncps__wired__outputs_and_gradients_equal(kind, wiring, mixed, dtype):
    module = scatter(KINDS[kind](WIRINGS[wiring](), mixed_memory=mixed), dtype)
    assert_equal_to_ncps(module, from_ncps(module), dtype, mixed=mixed)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("mixed", [False, True], ids=["plain", "mixed"])
@pytest.mark.parametrize("backbone", BACKBONES)
def test__from_ncps__fully_connected__outputs_and_gradients_equal(
    backbone, mixed, dtype
):
    options = {"mixed_memory": mixed, **BACKBONES[backbone]}
    module = scatter(reference.CfC(N_INPUTS, 8, **options), dtype)
    assert_equal_to_ncps(module, from_ncps(module), dtype, mixed=mixed)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("seed", range(6))
def test__from_ncps__random_sizes_and_seeds__outputs_and_gradients_equal(seed, dtype):
    rng = np.random.default_rng(seed)
    units, outputs = int(rng.integers(9, 30)), int(rng.integers(1, 5))
    sparsity = float(rng.uniform(0.1, 0.9))
    make = [AutoNCP, Random][seed % 2]
    for kind in ("LTC", "CfC"):
        wiring = make(units, outputs, sparsity, seed)
        module = scatter(KINDS[kind](wiring), dtype)
        assert_equal_to_ncps(module, from_ncps(module), dtype)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("wiring", ["auto", "random"])
def test__from_ncps__time_per_step__outputs_and_gradients_equal(kind, wiring, dtype):
    module = scatter(KINDS[kind](WIRINGS[wiring]()), dtype)
    layer = from_ncps(module)
    # The shape with which ncps has one number per step, whatever the batch.
    dt = 0.1 + 2 * torch.rand(1, STEPS, dtype=dtype)
    options = {"theirs_dt": dt, "timespans": dt.expand(BATCH, -1)}
    assert_equal_to_ncps(module, layer, dtype, **options)
    options = {"theirs_dt": dt, "timespans": dt, "batch": 1}
    assert_equal_to_ncps(module, layer, dtype, **options)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize(
    "make",
    [
        lambda: reference.LTC(N_INPUTS, AutoNCP(13, 2)),
        lambda: reference.LTC(N_INPUTS, 7),
        lambda: reference.CfC(N_INPUTS, 7),
        lambda: reference.CfC(N_INPUTS, 7, mode="pure"),
        lambda: reference.CfC(N_INPUTS, 7, mode="no_gate"),
        lambda: reference.CfC(N_INPUTS, FullyConnected(7)),
    ],
    ids=["LTC ncp", "LTC", "CfC", "CfC pure", "CfC no_gate", "CfC one layer"],
)
def test__from_ncps__time_per_sample_and_step__outputs_and_gradients_equal(make, dtype):
    module = scatter(make(), dtype)
    dt = 0.1 + 2 * torch.rand(BATCH, STEPS, dtype=dtype)
    theirs = dt[..., None].expand(-1, -1, module.state_size)
    layer = from_ncps(module)
    assert_equal_to_ncps(module, layer, dtype, theirs_dt=theirs, timespans=dt)


@pytest.mark.parametrize("kind", ["LTC", "CfC"])
def test__from_ncps__without_state_or_sequences__outputs_equal(kind):
    module = KINDS[kind](AutoNCP(13, 2), return_sequences=False)
    inputs = torch.randn(BATCH, STEPS, N_INPUTS)
    ours, theirs = from_ncps(module)(inputs)[0], module(inputs)[0]
    assert ours.shape == theirs.shape == (BATCH, 2)
    assert relative(ours, theirs) <= 1e-6


def test__from_ncps__wired_with_projection__outputs_and_gradients_equal():
    module = reference.CfC(N_INPUTS, AutoNCP(13, 4), proj_size=5)
    assert_equal_to_ncps(module, from_ncps(module), torch.float32)


# -------------------------------------------------------------- properties of the copy


@pytest.mark.parametrize("kind", KINDS)
def test__from_ncps__any__keeps_dtype_mode_and_global_generator(kind):
    module = KINDS[kind](AutoNCP(13, 2)).double().eval()
    before = torch.get_rng_state()
    values = {name: value.clone() for name, value in module.state_dict().items()}
    layer = from_ncps(module)
    assert torch.equal(before, torch.get_rng_state())
    assert not layer.training
    assert {p.dtype for p in layer.parameters()} == {torch.float64}
    assert all(torch.equal(values[k], v) for k, v in module.state_dict().items())


def test__from_ncps__copy_trained__module_unchanged():
    module = reference.CfC(N_INPUTS, 8)
    before = module.rnn_cell.ff1.weight.clone()
    layer = from_ncps(module)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.zero_()
    assert torch.equal(module.rnn_cell.ff1.weight, before)


def test__from_ncps__wired_CfC__wiring_lists_every_edge_ncps_uses():
    module = reference.CfC(N_INPUTS, AutoNCP(13, 2))
    layer = from_ncps(module)
    reach = torch.from_numpy(layer.wiring.reachable_in_one_step())
    inputs = torch.randn(N_INPUTS)
    state = torch.randn(13)

    def step(x, h):
        h = state_to_ncps(layer, h[None])
        return state_from_ncps(layer, module(x[None, None], h)[1])[0]

    by_input, by_state = torch.autograd.functional.jacobian(step, (inputs, state))
    found = torch.cat([by_input, by_state], dim=1).t() != 0
    assert torch.equal(found, reach)


def test__from_ncps__pure_wired_CfC__wiring_is_the_mask():
    wiring = AutoNCP(13, 2)
    layer = from_ncps(reference.CfC(N_INPUTS, wiring, mode="pure"))
    strict = Wiring.from_ncps(wiring)
    assert layer.wiring.n_sensory_synapses == strict.n_sensory_synapses
    full = strict.with_layer_recurrence()
    assert layer.wiring.n_recurrent_synapses == full.n_recurrent_synapses


def test__from_ncps__LTC__wiring_is_that_of_ncps():
    for make in WIRINGS.values():
        wiring = make()
        layer = from_ncps(reference.LTC(N_INPUTS, wiring))
        assert layer.wiring == Wiring.from_ncps(wiring)


@pytest.mark.parametrize("kind", ["LTC", "CfC"])
def test__from_ncps__wiring_used_twice__first_module_keeps_its_edges(kind):
    wiring = AutoNCP(16, 2)
    module = KINDS[kind](wiring)
    reference.CfC(N_INPUTS, wiring)  # adds synapses to the same object
    assert_equal_to_ncps(module, from_ncps(module), torch.float32)


def test__state_from_ncps__round_trip__same():
    for kind in KINDS:
        module = KINDS[kind](AutoNCP(13, 2))
        layer = from_ncps(module)
        state = torch.randn(4, 13)
        there = state_to_ncps(layer, state)
        assert torch.equal(state_from_ncps(layer, there), state)
        assert torch.equal(there, state) == kind.startswith("LTC")


@pytest.mark.slow
def test__import__compat__does_not_import_ncps():
    code = "import sys, LNN.adapters; sys.exit('ncps' in sys.modules)"
    assert finished([sys.executable, "-c", code]).returncode == 0


# --------------------------------------------------------------------- refused by name


def test__from_ncps__other_module__refused():
    with pytest.raises(InvalidInputError, match=r"ncps\.torch\.LTC.*got LSTM"):
        from_ncps(torch.nn.LSTM(3, 4))


def test__from_ncps__time_first__refused():
    with pytest.raises(InvalidInputError, match="batch_first=False"):
        from_ncps(reference.CfC(3, 8, batch_first=False))


@pytest.mark.parametrize("name", ["w", "sensory_w", "cm", "gleak"])
def test__from_ncps__negative_without_softplus__refused_by_name(name):
    module = KINDS["LTC explicit"](FullyConnected(5))
    parameter = getattr(module.rnn_cell, name)
    with torch.no_grad():
        parameter.view(-1)[2] = -0.25
    with pytest.raises(InvalidInputError, match=rf"^{name} of .* is -0\.25"):
        from_ncps(module)


def test__from_ncps__negative_on_a_dead_entry__not_read():
    module = KINDS["LTC explicit"](AutoNCP(13, 2))
    dead = module.rnn_cell.sparsity_mask == 0
    with torch.no_grad():
        module.rnn_cell.w[dead] = -1.0
        module.rnn_cell.w[~dead] += 0.1
    assert_equal_to_ncps(module, from_ncps(module), torch.float32)


@pytest.mark.parametrize("kind", ["LTC", "CfC"])
def test__from_ncps__trained_mask__refused(kind):
    module = KINDS[kind](AutoNCP(13, 2))
    cell = module.rnn_cell if kind == "LTC" else module.rnn_cell.layer_1
    with torch.no_grad():
        cell.sparsity_mask[0, 0] = 0.3
    with pytest.raises(InvalidInputError, match="sparsity_mask .* other than 0 and 1"):
        from_ncps(module)


def test__from_ncps__weights_assigned__refused_by_name():
    a, b = (KINDS["LTC"](FullyConnected(5)) for _ in range(2))
    b.load_state_dict(a.state_dict(), assign=True)
    with pytest.raises(InvalidInputError, match="assign=True"):
        from_ncps(b)


def test__from_ncps__projection_that_ncps_cannot_run__refused():
    module = reference.CfC(3, FullyConnected(8, 1), proj_size=10)
    with pytest.raises(InvalidInputError, match="reads 1 outputs, but all 8 neurons"):
        from_ncps(module)


@pytest.mark.parametrize("units", [9, Wiring.ncp(3, 12, 2)], ids=["full", "wired"])
def test__to_ncps__exponential__is_refused_by_name(units):
    with pytest.raises(InvalidInputError, match='mode="exponential" is not in ncps'):
        to_ncps(CfC(3, units, mode="exponential"))


class BackwardLayers(NcpsWiring):
    """Two layers of which the last is not the first neurons."""

    def __init__(self):
        super().__init__(4)
        self.set_output_dim(2)

    def build(self, input_dim):
        super().build(input_dim)
        for j in range(2):
            self.add_sensory_synapse(0, j, 1)
            self.add_synapse(j, j + 2, -1)

    num_layers = 2

    def get_neurons_of_layer(self, layer_id):
        return [2 * layer_id, 2 * layer_id + 1]

    def get_type_of_neuron(self, neuron_id):
        return ["first", "last"][neuron_id // 2]


def test__from_ncps__last_layer_not_the_first_neurons__refused():
    with pytest.raises(InvalidInputError, match="must be neurons 0 to 1"):
        from_ncps(reference.CfC(3, BackwardLayers()))


@pytest.mark.parametrize("layers", [1, 2])
def test__backbone_dropout__either_way__warns(layers):
    ours = CfC(3, 8, backbone_layers=layers, backbone_dropout=0.25)
    with pytest.warns(LNNWarning, match="drops after every .* but the first") as caught:
        theirs = to_ncps(ours)
    assert caught[0].filename == __file__
    if layers == 1:  # ncps makes no dropout then, so there is nothing to read back
        assert from_ncps(theirs).cell.dropout.p == 0
        return
    with pytest.warns(LNNWarning, match="but the first") as caught:
        back = from_ncps(theirs)
    assert back.cell.dropout.p == 0.25
    assert caught[0].filename == __file__
    inputs = torch.randn(2, 3, 3)
    ours.eval()
    theirs.eval()
    assert relative(ours(inputs)[0], theirs(inputs)[0]) < 1e-6


# ----------------------------------------------------------------------------- to_ncps


OURS = {
    "LTC ncp": lambda: LTC(3, Wiring.ncp(3, 12, 2)),
    "LTC own wiring": lambda: LTC(
        3, Wiring.from_adjacency([[1, -1], [0, 1]], [[1, 0], [0, 0], [-1, 1]])
    ),
    "LTC linear": lambda: LTC(
        3,
        Wiring.ncp(3, 12, 2, layer_recurrence=True),
        input_mapping=None,
        output_mapping="linear",
        ode_unfolds=2,
        epsilon=1e-4,
        time_constants=(1, 30),
    ),
    "LTC int, mixed": lambda: LTC(3, 5, mixed_memory=True),
    "CfC": lambda: CfC(3, 9, proj_size=2, backbone_activation="relu"),
    "CfC no backbone": lambda: CfC(3, 9, backbone_layers=0, mode="pure"),
    "CfC three": lambda: CfC(3, 9, backbone_layers=3, mixed_memory=True),
    "CfC full wiring": lambda: CfC(3, Wiring.full(3, 9), mode="no_gate"),
    "CfC pure wiring": lambda: CfC(
        3, Wiring.ncp(3, 12, 2, layer_recurrence=True), mode="pure", proj_size=4
    ),
    "CfC pure mixed": lambda: CfC(
        3,
        Wiring.ncp(3, 12, 2, layer_recurrence=True),
        mode="pure",
        mixed_memory=True,
    ),
}


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", OURS)
def test__to_ncps__any__outputs_and_gradients_equal(name, dtype):
    layer = OURS[name]().to(dtype)
    before = torch.get_rng_state()
    module = to_ncps(layer)
    assert torch.equal(before, torch.get_rng_state())
    assert_equal_to_ncps(module, layer, dtype, mixed=layer.mixed_memory)


@pytest.mark.parametrize("name", OURS)
def test__to_ncps__and_back__same_weights_and_wiring(name):
    layer = OURS[name]().eval()
    back = from_ncps(to_ncps(layer))
    assert back.wiring == layer.wiring or isinstance(layer.cell, type(CfC(1, 1).cell))
    assert not back.training
    mine = layer.state_dict()
    for key, value in back.state_dict().items():
        assert torch.equal(value, mine[key]), key


@pytest.mark.parametrize("wiring", WIRINGS)
@pytest.mark.parametrize("kind", KINDS)
def test__from_ncps__and_back__same_module(kind, wiring):
    module = scatter(KINDS[kind](WIRINGS[wiring](), mixed_memory=True), torch.float32)
    back = to_ncps(from_ncps(module))
    inputs, state = data(module, torch.float32, True)
    for a, b in zip(module(inputs, state), back(inputs, state), strict=True):
        for x, y in zip(tensors(a), tensors(b), strict=True):
            # Not the same bits for "LTC explicit": through a softplus and back.
            assert relative(x, y) < 1e-6


def test__to_ncps__converted__pickles_and_does_not_grow():
    module = to_ncps(CfC(3, Wiring.ncp(3, 12, 2, layer_recurrence=True), mode="pure"))
    copy = pickle.loads(pickle.dumps(module))
    inputs = torch.randn(2, 4, 3)
    assert torch.equal(copy(inputs)[0], module(inputs)[0])
    before = module.wiring.synapse_count
    reference.CfC(3, module.wiring)
    assert module.wiring.synapse_count == before
    assert module.wiring.get_type_of_neuron(0) == "motor"


def wiring_with(recurrent=(), sensory=(), n_outputs=1):
    """Three layers of one neuron each, numbered 2 -> 1 -> 0, and more edges."""
    matrix = np.eye(3, dtype=int)
    matrix[2, 1] = matrix[1, 0] = 1
    inputs = np.array([[0, 0, 1]])
    for edge in recurrent:
        matrix[edge] = 1
    for edge in sensory:
        inputs[edge] = 1
    layers = [("inter", [2]), ("command", [1]), ("motor", [0])]
    return Wiring.from_adjacency(matrix, inputs, n_outputs=n_outputs, layers=layers)


@pytest.mark.parametrize(
    ("wiring", "mode", "match"),
    [
        (Wiring.ncp(3, 12, 2, layer_recurrence=True), "default", "strict mask"),
        (Wiring.random(3, 9, layer_recurrence=True), "no_gate", "strict mask"),
        (Wiring.ncp(3, 12, 2), "pure", "recurs densely inside each layer"),
        (wiring_with(sensory=[(0, 1)]), "pure", "input 0 to neuron 1 .* first layer"),
        (wiring_with([(2, 0)]), "pure", "neuron 2 to neuron 0 .* the one before"),
        (wiring_with([(0, 2)]), "pure", "neuron 0 to neuron 2 .* the one before"),
        (wiring_with(n_outputs=2), "pure", "outputs of a wired CfC are its last layer"),
        (Wiring.full(3, 8, 1), "default", "outputs of a wired CfC are its last layer"),
    ],
    ids=[
        "strict ncp",
        "strict random",
        "sparse recurrence",
        "deep input",
        "across a layer",
        "backwards",
        "two outputs",
        "fewer outputs than neurons",
    ],
)
def test__to_ncps__wiring_that_ncps_cannot_hold__refused_by_name(wiring, mode, match):
    with pytest.raises(InvalidInputError, match=match):
        to_ncps(CfC(wiring.n_inputs, wiring, mode=mode))


@pytest.mark.parametrize(
    ("layer", "match"),
    [
        (lambda: LTC(3, 5, solver="rk4"), 'solver="rk4"'),
        (lambda: LTC(3, 5, solver="explicit"), 'solver="explicit"'),
        (lambda: LTC(3, 5, proj_size=4), "proj_size=4"),
        (lambda: torch.nn.GRU(3, 5), "got GRU"),
    ],
    ids=["rk4", "explicit", "projection", "other"],
)
def test__to_ncps__layer_that_ncps_cannot_hold__refused_by_name(layer, match):
    with pytest.raises(InvalidInputError, match=match):
        to_ncps(layer())
