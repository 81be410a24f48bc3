"""Tricks with sequences that must not change a number."""

import pytest
import torch

from LNN.layers import LTC, CfC
from LNN.models import MODELS
from LNN.network import LiquidNetwork
from LNN.pooling import POOLINGS
from LNN.wiring import Wiring

F64 = torch.float64
N = 6
# torchdiffeq is optional: tests/baselines has the Neural ODE.
KINDS = [kind for kind in MODELS if kind != "Neural-ODE"]
TIGHT = {"rtol": 1e-12, "atol": 1e-13}


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


NCP = Wiring.ncp(3, N, 2)
DENSE_NCP = Wiring.ncp(3, N, 2, layer_recurrence=True)
SPARSE = Wiring.random(3, N, 2, sparsity=0.6, seed=3)
LAYERS = {
    "LTC ncp": lambda: LTC(3, NCP, generator=rng()),
    "LTC full": lambda: LTC(3, N, generator=rng()),
    "LTC exponential": lambda: LTC(
        3, NCP, solver="exponential", ode_unfolds=3, generator=rng()
    ),
    "LTC rk4": lambda: LTC(3, SPARSE, solver="rk4", generator=rng()),
    "LTC mixed": lambda: LTC(3, NCP, mixed_memory=True, generator=rng()),
    "CfC": lambda: CfC(3, N, backbone_units=8, generator=rng()),
    "CfC pure": lambda: CfC(3, N, mode="pure", backbone_layers=0, generator=rng()),
    "CfC ncp": lambda: CfC(3, DENSE_NCP, generator=rng()),
    "CfC strict": lambda: CfC(3, NCP, time_constants=(1, 20), generator=rng()),
    "CfC no_gate random": lambda: CfC(3, SPARSE, mode="no_gate", generator=rng()),
    "CfC pure ncp": lambda: CfC(3, NCP, mode="pure", generator=rng()),
    "CfC exponential": lambda: CfC(3, N, mode="exponential", generator=rng()),
    "CfC exponential ncp": lambda: CfC(
        3, NCP, mode="exponential", time_constants=(1, 20), generator=rng()
    ),
    "CfC mixed ncp": lambda: CfC(
        3, DENSE_NCP, mixed_memory=True, proj_size=4, generator=rng()
    ),
}
NETWORKS = {
    f"{kind} {pooling}": lambda k=kind, p=pooling: LiquidNetwork(
        3,
        N,
        2,
        model_type=k,
        pooling=p,
        n_layers=2,
        mixed_memory=k == "CfC",
        use_time=True,
        generator=rng(),
    )
    for kind in KINDS
    for pooling in POOLINGS
}


@pytest.fixture(params=LAYERS)
def layer(request):
    return LAYERS[request.param]().double()


@pytest.fixture(params=NETWORKS)
def network(request):
    return NETWORKS[request.param]().double()


def draw(batch=5, steps=7, seed=1):
    x = torch.randn(batch, steps, 3, dtype=F64, generator=rng(seed))
    dt = 3 * torch.rand(batch, steps, dtype=F64, generator=rng(seed + 1))
    dt[:, 2] = 0
    return x, dt


def start(layer, batch):
    h = torch.randn(batch, N, dtype=F64, generator=rng(9))
    return (h, h.flip(0)) if layer.mixed_memory else h


def each(state, function):
    if isinstance(state, tuple):
        return tuple(each(part, function) for part in state)
    return function(state)


# ------------------------------------------------------------------------- sequences


@pytest.mark.parametrize("batch", [1, 5, N], ids=["one", "five", "as many as neurons"])
def test__layer__batch__equals_one_by_one(layer, batch):
    x, dt = draw(batch)
    state = start(layer, batch)
    outputs, last = layer(x, state, dt)
    for b in range(batch):
        row = slice(b, b + 1)
        alone, end = layer(x[row], each(state, lambda s, r=row: s[r]), dt[row])
        torch.testing.assert_close(outputs[row], alone, **TIGHT)
        torch.testing.assert_close(each(last, lambda s, r=row: s[r]), end, **TIGHT)


@pytest.mark.parametrize("steps", [1, N], ids=["one step", "as many as neurons"])
def test__layer__batch_of_odd_length__equals_one_by_one(layer, steps):
    x, dt = draw(N, steps=max(steps, 3))
    x, dt = x[:, :steps], dt[:, :steps]
    outputs, _ = layer(x, timespans=dt)
    for b in range(N):
        alone, _ = layer(x[b], timespans=dt[b])
        torch.testing.assert_close(outputs[b], alone, **TIGHT)


def test__layer__padded__equals_alone_and_keeps_the_state(layer):
    x, dt = draw()
    lengths = torch.tensor([7, 1, 4, 0, 6])
    for b, length in enumerate(lengths):
        x[b, length:] = 1e3
        dt[b, length:] = 1e3
    state = start(layer, 5)
    outputs, last = layer(x, state, dt, lengths)
    for b, length in enumerate(lengths.tolist()):
        own = each(state, lambda s, b=b: s[b])
        end = each(last, lambda s, b=b: s[b])
        if not length:
            assert torch.equal(torch.stack(_list(end)), torch.stack(_list(own)))
            continue
        alone, expected = layer(x[b, :length], own, dt[b, :length])
        torch.testing.assert_close(outputs[b, :length], alone, **TIGHT)
        torch.testing.assert_close(end, expected, **TIGHT)
        # What comes after the end repeats the last valid step, bit for bit.
        assert (outputs[b, length:] == outputs[b, length - 1]).all()
    layer.return_sequences = False
    torch.testing.assert_close(layer(x, state, dt, lengths)[0], outputs[:, -1])


def _list(state):
    return list(state) if isinstance(state, tuple) else [state]


def test__layer__padding_in_a_gradient__no_trace(layer):
    x, dt = draw()
    x.requires_grad_()
    lengths = torch.tensor([7, 1, 4, 2, 6])
    layer(x, None, dt, lengths)[0].square().sum().backward()
    for b, length in enumerate(lengths):
        assert not x.grad[b, length:].any()
        assert x.grad[b, :length].any()


@pytest.mark.parametrize("cut", [1, 3, 6])
def test__layer__chunks_with_state__equal_the_whole(layer, cut):
    x, dt = draw()
    whole, last = layer(x, start(layer, 5), dt)
    first, state = layer(x[:, :cut], start(layer, 5), dt[:, :cut])
    second, end = layer(x[:, cut:], state, dt[:, cut:])
    torch.testing.assert_close(torch.cat([first, second], 1), whole, **TIGHT)
    torch.testing.assert_close(end, last, **TIGHT)


def test__layer__step_by_step_through_the_cell__equals_the_whole(layer):
    x, dt = draw()
    layer.projection = None
    whole, _ = layer(x, start(layer, 5), dt)
    state = start(layer, 5)
    state = torch.cat(state, dim=1) if layer.mixed_memory else state
    for t in range(x.shape[1]):
        outputs, state = layer.cell(x[:, t], state, dt[:, t])
        torch.testing.assert_close(outputs, whole[:, t], **TIGHT)


def test__layer__unbatched__equals_batched(layer):
    x, dt = draw()
    state = start(layer, 5)
    outputs, last = layer(x, state, dt)
    alone, end = layer(x[2], each(state, lambda s: s[2]), dt[2])
    assert alone.shape == outputs.shape[1:]
    torch.testing.assert_close(alone, outputs[2], **TIGHT)
    torch.testing.assert_close(end, each(last, lambda s: s[2]), **TIGHT)


def test__layer__number_as_time__equals_a_matrix_of_it(layer):
    x, dt = draw()
    outputs, _ = layer(x, None, torch.full_like(dt, 0.4))
    assert torch.equal(layer(x, None, 0.4)[0], outputs)
    assert torch.equal(layer(x)[0], layer(x, None, torch.ones_like(dt))[0])


def test__layer__future_changed__past_has_the_same_bits(layer):
    x, dt = draw()
    before, _ = layer(x, None, dt)
    for t in (1, 4):
        y, gaps = x.clone(), dt.clone()
        y[:, t:] = torch.randn(5, 7 - t, 3, dtype=F64, generator=rng(8))
        gaps[:, t:] += 1
        after, _ = layer(y, None, gaps)
        assert torch.equal(after[:, :t], before[:, :t])
        assert not torch.equal(after[:, t], before[:, t])


def test__layer__one_sample_changed__others_have_the_same_bits(layer):
    x, dt = draw()
    before, _ = layer(x, None, dt)
    x[2] += 1
    after, _ = layer(x, None, dt)
    others = [0, 1, 3, 4]
    assert torch.equal(after[others], before[others])
    assert not torch.equal(after[2], before[2])


def test__layer__twice__same_bits(layer):
    x, dt = draw()
    assert torch.equal(layer(x, None, dt)[0], layer(x, None, dt)[0])


# --------------------------------------------------------------------------- networks


def test__network__batch__equals_one_by_one(network):
    x, dt = draw(N)
    outputs = network(x, dt)
    assert outputs.shape == (N, 2)
    for b in range(N):
        alone = network(x[b : b + 1], dt[b : b + 1])
        torch.testing.assert_close(outputs[b : b + 1], alone, **TIGHT)


def test__network__padded__equals_alone(network):
    x, dt = draw()
    lengths = torch.tensor([7, 1, 4, 2, 6])
    for b, length in enumerate(lengths):
        x[b, length:] = 1e3
    outputs = network(x, timespans=dt, lengths=lengths)
    for b, length in enumerate(lengths.tolist()):
        alone = network(x[b : b + 1, :length], timespans=dt[b : b + 1, :length])
        torch.testing.assert_close(outputs[b : b + 1], alone, **TIGHT)


@pytest.mark.parametrize("kind", KINDS)
def test__network__chunks_with_state__equal_the_whole(kind):
    network = LiquidNetwork(
        3, N, 2, model_type=kind, n_layers=2, return_sequences=True, generator=rng()
    ).double()
    x, dt = draw()
    whole, last = network(x, dt, return_state=True)
    parts, state = [], None
    for t in range(x.shape[1]):
        step = slice(t, t + 1)
        y, state = network(x[:, step], dt[:, step], state=state, return_state=True)
        parts.append(y)
    torch.testing.assert_close(torch.cat(parts, 1), whole, **TIGHT)
    torch.testing.assert_close(state, last, **TIGHT)


@pytest.mark.parametrize("kind", KINDS)
def test__network__future_changed__past_has_the_same_bits(kind):
    network = LiquidNetwork(
        3, N, 2, model_type=kind, n_layers=2, return_sequences=True, generator=rng()
    ).double()
    x, dt = draw()
    before = network(x, dt)
    x[:, 4:] = 0
    dt[:, 4:] += 1
    after = network(x, dt)
    assert torch.equal(after[:, :4], before[:, :4])
    assert not torch.equal(after[:, 4], before[:, 4])
