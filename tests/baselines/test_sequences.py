"""What every comparison model must do with sequences, as a liquid layer does."""

import copy
import pickle
import sys

import pytest
import torch

from LNN.baselines import TIMED, make_baseline
from LNN.exceptions import InvalidInputError, MissingDependencyError

F64 = torch.float64
B, T, F, N = 5, 7, 3, 6
TIGHT = {"rtol": 1e-12, "atol": 1e-13}
KINDS = [*TIMED, "GRU-D masked"]
ODES = ["CT-RNN", "Neural-ODE"]


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def layer(kind, seed=0):
    if kind == "Neural-ODE":
        pytest.importorskip("torchdiffeq")
    if kind == "GRU-D masked":
        neutral = torch.tensor([0.3, 0.0, -1.0])
        return make_baseline("GRU-D", 3 * F, N, neutral=neutral, generator=rng(seed))
    return make_baseline(kind, F, N, time_constants=(1.0, 9.0), generator=rng(seed))


def draw(made, batch=B, steps=T, seed=1):
    x = torch.randn(batch, steps, made.input_size, dtype=F64, generator=rng(seed))
    if made.input_size == 3 * F:  # held values, masks, log ages
        x[..., F : 2 * F] = (x[..., F : 2 * F] > 0).double()
        x[..., 2 * F :] = x[..., 2 * F :].abs() * (1 - x[..., F : 2 * F])
    dt = 3 * torch.rand(batch, steps, dtype=F64, generator=rng(seed + 1))
    dt[:, 2:3] = 0
    return x, dt


@pytest.fixture(params=KINDS)
def made(request):
    return layer(request.param).double()


def start(made, batch=B):
    return torch.rand(batch, made.state_size, dtype=F64, generator=rng(9))


def test__run__shapes__as_a_liquid_layer(made):
    x, dt = draw(made)
    states, final = made.run(x, None, dt, None)
    assert states.shape == (B, T, N)
    assert final.shape == (B, made.state_size)
    last, same = made.run(x, None, dt, None, all_steps=False)
    assert torch.equal(last, states[:, -1])
    assert torch.equal(final, same)
    assert torch.equal(made.unflatten_state(final), final)
    assert made.backend_for(torch.device("cpu"), F64) == "torch"


@pytest.mark.parametrize("batch", [1, B, N])
def test__batch__any_size__equals_one_by_one(made, batch):
    x, dt = draw(made, batch)
    state = start(made, batch)
    states, final = made.run(x, state, dt, None)
    for b in range(batch):
        row = slice(b, b + 1)
        alone, end = made.run(x[row], state[row], dt[row], None)
        torch.testing.assert_close(states[row], alone, **TIGHT)
        torch.testing.assert_close(final[row], end, **TIGHT)


@pytest.mark.parametrize("all_steps", [True, False])
def test__padded__any_padding__equals_alone_and_keeps_the_state(made, all_steps):
    x, dt = draw(made)
    state, lengths = start(made), torch.tensor([7, 1, 4, 2, 6])
    for b, length in enumerate(lengths.tolist()):
        x[b, length:] = torch.nan
    states, final = made.run(x, state, dt, lengths, all_steps)
    for b, length in enumerate(lengths.tolist()):
        row = slice(b, b + 1)
        alone, end = made.run(
            x[row, :length], state[row], dt[row, :length], None, all_steps
        )
        if all_steps:
            torch.testing.assert_close(states[row, :length], alone, **TIGHT)
            held = states[b, length - 1].expand(T - length, N)
            assert torch.equal(states[b, length:], held)
        else:
            torch.testing.assert_close(states[row], alone, **TIGHT)
        torch.testing.assert_close(final[row], end, **TIGHT)
    states.sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in made.parameters())


@pytest.mark.parametrize("size", [1, 3])
def test__chunks__state_carried__equal_the_whole(made, size):
    x, dt = draw(made)
    whole, last = made.run(x, None, dt, None)
    parts, state = [], None
    for t in range(0, T, size):
        chunk = slice(t, t + size)
        part, state = made.run(x[:, chunk], state, dt[:, chunk], None)
        parts.append(part)
    torch.testing.assert_close(torch.cat(parts, 1), whole, **TIGHT)
    torch.testing.assert_close(state, last, **TIGHT)


def test__future__changed__past_has_the_same_bits(made):
    x, dt = draw(made)
    before, _ = made.run(x, None, dt, None)
    x[:, 4:], dt[:, 4:] = 0.5, dt[:, 4:] + 1
    after, _ = made.run(x, None, dt, None)
    assert torch.equal(after[:, :4], before[:, :4])
    assert not torch.equal(after[:, 4], before[:, 4])


@pytest.mark.parametrize("kind", ODES)
def test__zero_gap__differential_equation__leaves_the_state(kind):
    made = layer(kind).double()
    x, dt = draw(made)
    state = start(made)
    states, final = made.run(x, state, 0 * dt, None)
    assert torch.equal(final, state)
    assert torch.equal(states, states[:, :1].expand(-1, T, -1))


@pytest.mark.parametrize("gap", [1e3, 1e7])
def test__long_gaps__any_model__stays_finite(made, gap):
    made = made.float()  # where overflow comes first
    x, dt = (v.float() for v in draw(made))
    dt[:, 1], dt[:, 4] = gap, gap
    states, _ = made.run(x, None, dt, None)
    states.square().mean().backward()
    assert torch.isfinite(states).all()
    assert all(torch.isfinite(p.grad).all() for p in made.parameters())
    bound = 8  # a neuron's memories, each within 1
    if isinstance(made, TIMED["Neural-ODE"]):
        bound = dt.sum(1).max()  # grows as time does, no faster
    assert states.abs().max() <= bound * (1 + 1e-5)


@pytest.mark.parametrize("kind", [k for k in KINDS if k != "CT-GRU-published"])
def test__elapsed_time__changed__changes_the_states(kind):
    made = layer(kind).double()
    x, dt = draw(made)
    states, _ = made.run(x, None, dt, None)
    longer = dt.clone()
    longer[2, 3] += 0.5
    other, _ = made.run(x, None, longer, None)
    assert not torch.equal(states[2, 3], other[2, 3])
    assert torch.equal(states[[0, 1, 3, 4]], other[[0, 1, 3, 4]])


@pytest.mark.parametrize("kind", KINDS)
def test__generator__same_seed__same_weights_and_global_state_untouched(kind):
    before = torch.get_rng_state()
    a, b, c = (layer(kind, seed) for seed in (3, 3, 4))
    assert torch.equal(before, torch.get_rng_state())
    pairs = zip(a.parameters(), b.parameters(), strict=True)
    assert all(torch.equal(p, q) for p, q in pairs)
    drawn = [p for p in a.parameters() if p.ndim > 1]
    others = [p for p in c.parameters() if p.ndim > 1]
    assert not any(torch.equal(p, q) for p, q in zip(drawn, others, strict=True))


def test__copies__deepcopied_or_pickled__same_states(made):
    x, dt = draw(made)
    want, _ = made.run(x, None, dt, None)
    for other in (copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        states, _ = other.run(x, None, dt, None)
        assert torch.equal(states, want)


def test__lengths__zero__says_to_leave_it_out(made):
    x, dt = draw(made)
    with pytest.raises(InvalidInputError, match="length 0. Leave it out"):
        made.run(x, None, dt, torch.tensor([7, 0, 4, 2, 6]))


def test__shapes__wrong__say_what_was_expected(made):
    x, dt = draw(made)
    with pytest.raises(InvalidInputError, match=rf"time, {made.input_size}\)"):
        made.run(x[..., 1:], None, dt, None)
    with pytest.raises(InvalidInputError, match="at least one step"):
        made.run(x[:, :0], None, dt[:, :0], None)
    with pytest.raises(InvalidInputError, match=rf"\({B}, {made.state_size}\), got"):
        made.run(x, start(made)[:1], dt, None)


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test__recurrent__state_of_another_shape__is_refused(kind):
    made, x = layer(kind), torch.zeros(B, T, F)
    good = made.unflatten_state(torch.zeros(B, made.state_size))
    made.run(x, good, None, None)
    flat = torch.zeros(B, made.state_size)
    fewer = made.unflatten_state(torch.zeros(B - 1, made.state_size))
    for wrong in (flat, fewer, (flat, flat), (torch.zeros(1, B, N),)):
        with pytest.raises(InvalidInputError, match="The state"):
            made.run(x, wrong, None, None)
    with pytest.raises(InvalidInputError, match=rf"time, {F}\)"):
        made.run(x[..., 1:], None, None, None)


def test__GRUD__means_of_other_channels__are_refused():
    with pytest.raises(InvalidInputError, match="reads 6 inputs"):
        make_baseline("GRU-D", 9, N, neutral=torch.zeros(2))


def test__NeuralODE__without_torchdiffeq__names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchdiffeq", None)
    with pytest.raises(MissingDependencyError, match=r"LNN\[experiments\]"):
        make_baseline("Neural-ODE", F, N)
