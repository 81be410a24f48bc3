"""LiquidNetwork: encoder, stacked layers, pooling and read-outs; the baselines."""

import copy
import pickle

import pytest
import torch
from torch import nn

from LNN import models
from LNN.baselines import TIMED, RecurrentBaseline
from LNN.cells.dropout import Dropout, set_dropout_generator
from LNN.exceptions import InvalidInputError
from LNN.layers import LTC, CfC
from LNN.network import LiquidNetwork, MotorReadout
from LNN.pooling import POOLINGS, pooled_size
from LNN.wiring import Wiring

LIQUID = models.names(liquid=True)
KINDS = [*LIQUID, "LSTM", "GRU", *(kind for kind in TIMED if kind != "Neural-ODE")]


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def x():
    return torch.randn(5, 6, 3, generator=rng(1))


def network(kind="CfC", seed=0, **options):
    return LiquidNetwork(3, 8, 2, model_type=kind, generator=rng(seed), **options)


@pytest.fixture
def float64_by_default():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


OPTIONS = [
    {},
    {"time_constants": (1.0, 9.0)},
    {"wiring": "full", "gaps": (0.5, 0.1, 9.0)},
    {"mixed_memory": True},
    {"mode": "pure"},
    {"mode": "exponential"},
    {"pooling": "attention"},
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test__weights__any_default_dtype__are_those_of_the_seed(
    kind, options, float64_by_default
):
    found = network(kind, **options).state_dict()
    torch.set_default_dtype(torch.float32)
    for name, expected in network(kind, **options).state_dict().items():
        if expected.is_floating_point():
            assert found[name].dtype == torch.float64
            expected = expected.double()
        torch.testing.assert_close(found[name], expected, rtol=1e-6, atol=1e-6)


# ----------------------------------------------------------------------------- running


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_layers", [1, 2, 3])
def test__network__forward__shapes(kind, n_layers, x):
    model = network(kind, n_layers=n_layers)
    assert model(x).shape == (5, 2)
    outputs, state = model(x, torch.rand(5, 6), return_state=True)
    assert outputs.shape == (5, 2)
    assert len(state) == n_layers
    steps = network(kind, n_layers=n_layers, return_sequences=True)
    assert steps(x).shape == (5, 6, 2)


@pytest.mark.parametrize("kind", KINDS)
def test__network__backward__learns(kind, x):
    model = network(kind, n_layers=2)
    target = x.mean(dim=(1, 2), keepdim=False)[:, None].expand(-1, 2)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = (model(x, 0.5) - target).square().mean()
        loss.backward()
        assert all(p.grad is not None for p in model.parameters() if p.requires_grad)
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize("kind", LIQUID)
def test__network__stacked__second_layer_reads_all_neurons_of_the_first(kind, x):
    model = network(kind, n_layers=2, return_sequences=True)
    dt = torch.rand(5, 6)
    states, _ = model.layers[0].states(x, None, dt)
    states, _ = model.layers[1].states(states, None, dt)
    assert torch.equal(model(x, dt), model.readout(states))
    assert model.layers[1].input_size == 8
    assert model.wiring is model.layers[1].wiring


def test__network__stacked__first_layer_is_that_of_a_single_one():
    for kind in LIQUID:
        one, two = network(kind), network(kind, n_layers=2)
        assert one.layers[0].wiring == two.layers[0].wiring
        assert two.layers[0].wiring != two.layers[1].wiring


class Eyes(nn.Module):
    """A small convolutional encoder: images (B * T, 1, 8, 8) to features."""

    def __init__(self, n_features):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 4, kernel_size=3, stride=2),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(36, n_features),
        )

    def forward(self, images):
        return self.layers(images)


@pytest.mark.parametrize("kind", KINDS)
def test__network__images_through_an_encoder__gradients_reach_it(kind):
    model = network(kind, encoder=Eyes(3), n_layers=2)
    images = torch.randn(4, 5, 1, 8, 8, generator=rng(2))
    dt = torch.rand(4, 5)
    outputs = model(images, dt)
    assert outputs.shape == (4, 2)
    outputs.square().sum().backward()
    assert all(p.grad.any() for p in model.encoder.parameters())
    for b in range(4):
        alone = model(images[b : b + 1], dt[b : b + 1])
        torch.testing.assert_close(alone, outputs[b : b + 1], rtol=1e-4, atol=1e-5)


# ---------------------------------------------------------------- pooling and read-out


@pytest.mark.parametrize("kind", KINDS)
def test__network__pooling__is_what_it_says(kind, x):
    states = network(kind).states(x)[0]
    last, mean = network(kind), network(kind, pooling="mean")
    torch.testing.assert_close(last(x), last.readout(states[:, -1]))
    torch.testing.assert_close(mean(x), mean.readout(states.mean(1)))
    largest = network(kind, pooling="max")
    torch.testing.assert_close(largest(x), largest.readout(states.amax(1)))
    three = network(kind, pooling="last+mean+max")
    side_by_side = torch.cat([states[:, -1], states.mean(1), states.amax(1)], -1)
    torch.testing.assert_close(three(x), three.readout(side_by_side))
    attention = network(kind, pooling="attention")
    weight = torch.softmax(attention.attention(states), dim=1)
    pooled = (weight * states).sum(1)
    torch.testing.assert_close(attention(x), attention.readout(pooled))


def test__network__motor_readout__three_of_each_neuron__is_refused():
    with pytest.raises(InvalidInputError, match='or pooling="last", "mean" or "max"'):
        network(readout="motor", pooling="last+mean+max")


def test__network__motor_readout__reads_the_motor_neurons(x):
    for kind in LIQUID:
        model = network(kind, readout="motor", return_sequences=True)
        assert isinstance(model.readout, MotorReadout)
        assert model.wiring.n_outputs == 2
        with torch.no_grad():
            model.readout.weight.copy_(torch.tensor([2.0, -1.0]))
            model.readout.bias.copy_(torch.tensor([0.5, 0.0]))
        states, _ = model.states(x)
        expected = torch.stack([2 * states[..., 0] + 0.5, -states[..., 1]], dim=-1)
        torch.testing.assert_close(model(x), expected)


def test__network__dense_readout_dropout__from_its_own_generator(x):
    model = network(dropout=0.5, backbone_dropout=None)
    set_dropout_generator(model, rng(4))
    before = torch.get_rng_state()
    first = model(x)
    assert not torch.equal(model(x), first)
    set_dropout_generator(model, rng(4))
    assert torch.equal(model(x), first)
    assert torch.equal(before, torch.get_rng_state())
    model.eval()
    assert torch.equal(model(x), model(x))


def test__Dropout__training__keeps_the_mean_and_pickles_without_generator():
    dropout = Dropout(0.25)
    dropout.generator = rng()
    ones = torch.ones(200, 200)
    dropped = dropout(ones)
    assert abs(float(dropped.mean()) - 1) < 0.02
    assert abs(float((dropped == 0).float().mean()) - 0.25) < 0.02
    assert pickle.loads(pickle.dumps(dropout)).generator is None
    assert copy.deepcopy(dropout).generator is None
    assert dropout.generator is not None


# ----------------------------------------------------------------------- what is built


@pytest.mark.parametrize("kind", LIQUID)
@pytest.mark.parametrize("wiring", ["ncp", "full", "random"])
def test__network__named_wiring__has_the_sizes(kind, wiring, x):
    model = network(kind, wiring=wiring)
    assert (model.wiring.n_inputs, model.wiring.n_neurons) == (3, 8)
    assert model(x).shape == (5, 2)


def test__network__layer_recurrence__for_CfC_only_by_default():
    strict = Wiring.ncp(3, 8, 2)
    assert network("LTC").wiring == strict
    assert network("CfC").wiring == strict.with_layer_recurrence()
    assert network("CfC", layer_recurrence=False).wiring == strict
    assert network("LTC", layer_recurrence=True).wiring == (
        strict.with_layer_recurrence()
    )


def test__network__options__reach_the_cells():
    ltc = network("LTC", solver="rk4", ode_unfolds=3, mixed_memory=True).layers[0]
    assert isinstance(ltc, LTC)
    assert (ltc.cell.cell.solver, ltc.cell.cell.ode_unfolds) == ("rk4", 3)
    cfc = network("CfC", wiring="full", mode="pure", backbone_units=5).layers[0]
    assert isinstance(cfc, CfC)
    assert (cfc.cell.mode, cfc.cell.backbone[0].out_features) == ("pure", 5)


def test__network__wiring_of_ones_own__is_used(x):
    own = Wiring.ncp(3, 8, 3, seed=4)
    model = network("LTC", wiring=own)
    assert model.wiring == own
    assert model(x).shape == (5, 2)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"kind": "RNN"}, "model_type must be one of"),
        ({"readout": "linear"}, "readout must be one of"),
        ({"pooling": "median"}, "pooling must be one of"),
        ({"pooling": "mean", "return_sequences": True}, "one per step"),
        ({"backbone_units": 4}, "backbone_units=4"),
        ({"wiring": "star"}, "wiring must be"),
    ],
)
def test__network__bad_argument__refused_by_name(options, match):
    with pytest.raises(InvalidInputError, match=match):
        network(**options)


@pytest.mark.parametrize("kind", KINDS)
def test__network__impossible_time__refused_naming_sample_and_step(kind, x):
    spans = torch.ones(5, 6)
    spans[3, 1] = -2
    with pytest.raises(InvalidInputError, match=r"timespans\[3, 1\] is -2"):
        network(kind)(x, spans)


# ------------------------------------------------------------------- weights and seeds


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("pooling", ["last", "last+mean+max", "attention"])
def test__network__state_dict__round_trip(kind, pooling, x):
    options = {"pooling": pooling, "n_layers": 2, "mixed_memory": True}
    a, b = network(kind, 0, **options), network(kind, 1, **options)
    assert not torch.equal(a(x), b(x))
    b.load_state_dict(a.state_dict())
    assert torch.equal(a(x), b(x))
    c = pickle.loads(pickle.dumps(a))
    assert torch.equal(copy.deepcopy(a)(x), c(x))
    assert torch.equal(a(x), c(x))


@pytest.mark.parametrize("kind", KINDS)
def test__network__generator__same_weights_and_global_state_untouched(kind):
    before = torch.get_rng_state()
    options = {"n_layers": 2, "pooling": "attention", "mixed_memory": True}
    a, b, c = (network(kind, seed, **options) for seed in (3, 3, 4))
    assert torch.equal(before, torch.get_rng_state())
    same = zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    assert all(torch.equal(p, q) for p, q in same)
    other = zip(a.parameters(), c.parameters(), strict=True)
    assert sum(not torch.equal(p, q) for p, q in other) >= 4


@pytest.mark.parametrize("kind", KINDS)
def test__network__float64__runs(kind, x):
    model = network(kind).double()
    assert model(x.double(), torch.rand(5, 6)).dtype == torch.float64


def test__network__mixed_memory__state_is_a_pair_per_layer(x):
    model = network(mixed_memory=True, n_layers=2)
    _, state = model(x, return_state=True)
    assert all(len(pair) == 2 and pair[0].shape == (5, 8) for pair in state)


# --------------------------------------------------------------------------- baselines


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test__RecurrentBaseline__same_weights__equals_torch(kind, x):
    ours = RecurrentBaseline(kind, 3, 8, generator=rng())
    torchs = getattr(nn, kind)(3, 8, batch_first=True)
    torchs.load_state_dict(ours.rnn.state_dict())
    expected, last = torchs(x)
    states, end = ours.run(x, None, torch.ones(x.shape[:2]), None)
    torch.testing.assert_close(states, expected)
    torch.testing.assert_close(end, last)


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test__RecurrentBaseline__use_time__reads_the_elapsed_time(kind, x):
    blind, seeing = network(kind), network(kind, use_time=True)
    dt = torch.rand(5, 6)
    assert torch.equal(blind(x, dt), blind(x))
    assert not torch.equal(seeing(x, dt), seeing(x))
    assert torch.equal(seeing(x), seeing(x, 1.0))


@pytest.mark.parametrize("kind", LIQUID)
@pytest.mark.parametrize("pooling", POOLINGS)
def test__network__empty_sequence_in_a_batch__keeps_its_start(kind, pooling, x):
    model = network(kind, pooling=pooling)
    lengths = torch.tensor([6, 0, 3, 1, 2])
    outputs = model(x, lengths=lengths)
    start = torch.zeros(pooled_size(pooling, 8))
    torch.testing.assert_close(outputs[1], model.readout(start))
    outputs.sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters())


@pytest.mark.parametrize("kind", KINDS)
def test__network__meta_device__emptied_and_loaded__same_outputs(kind, x):
    options = {"n_layers": 2, "pooling": "attention", "time_constants": (1.0, 9.0)}
    a = network(kind, **options)
    with torch.device("meta"):
        b = LiquidNetwork(3, 8, 2, model_type=kind, **options)
    assert all(p.is_meta for p in b.parameters())
    b.to_empty(device="cpu").load_state_dict(a.state_dict())
    assert torch.equal(a(x), b(x))


def test__encoder__padding__has_no_influence_not_even_as_nan(x):
    model = network("CfC", encoder=nn.Linear(3, 3))
    lengths = torch.tensor([6, 4, 3, 2, 1])
    spoilt, spans = x.clone(), torch.rand(5, 6)
    spoilt[1, 4:], spans[1, 4:] = torch.nan, torch.nan
    outputs = model(spoilt, spans, lengths=lengths)
    spans[1, 4:] = 0.5
    torch.testing.assert_close(outputs, model(x, spans, lengths=lengths))
    outputs.square().sum().backward()
    assert all(
        p.grad is None or torch.isfinite(p.grad).all() for p in model.parameters()
    )
