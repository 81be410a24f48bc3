"""LSTM and GRU with gates to the power of the elapsed time."""

import pickle

import numpy as np
import pytest
import torch

from LNN import LiquidNetwork, LiquidRegressor
from LNN.baselines import RecurrentBaseline
from LNN.baselines.time_gates import OPEN
from LNN.exceptions import InvalidInputError, LNNWarning

F64 = torch.float64
B, T, F, N = 4, 6, 3, 5
TIGHT = {"rtol": 1e-12, "atol": 1e-13}


@pytest.fixture(params=["LSTM", "GRU"])
def kind(request):
    return request.param


def layer(kind, seed=0, **options):
    generator = torch.Generator().manual_seed(seed)
    options = {"time_gates": True, **options}
    return RecurrentBaseline(kind, F, N, generator=generator, **options).double()


def draw(batch=B, steps=T, seed=1):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(batch, steps, F, dtype=F64, generator=generator)
    return x, 3 * torch.rand(batch, steps, dtype=F64, generator=generator)


def parts(state):
    return state if isinstance(state, tuple) else (state,)


def held_gates(kind, **options):
    """Return a layer whose gates the state does not move."""
    made = layer(kind, **options)
    with torch.no_grad():
        made.rnn.weight_hh_l0.zero_()
    return made


@pytest.mark.parametrize("use_time", [False, True])
@pytest.mark.parametrize("lengths", [None, torch.tensor([6, 1, 3, 5])])
def test__unit_gaps__every_bit__is_that_of_torch(kind, lengths, use_time):
    x, _ = draw()
    gated = layer(kind, use_time=use_time)
    plain = layer(kind, use_time=use_time, time_gates=False)
    plain.load_state_dict(gated.state_dict())  # there are no weights of its own
    ones = torch.ones(B, T, dtype=F64)
    states, final = gated.run(x, None, ones, lengths)
    same, end = plain.run(x, None, ones, lengths)
    assert torch.equal(states, same)
    for mine, theirs in zip(parts(final), parts(end), strict=True):
        assert torch.equal(mine, theirs)


def test__loop__gaps_of_nearly_one__equals_torch_s_own_layer(kind):
    x, _ = draw()
    made = layer(kind)
    one = torch.ones(B, T, dtype=F64)
    states, final = made.run(x, None, one + 1e-15, None)
    same, end = made.run(x, None, one, None)
    torch.testing.assert_close(states, same, **TIGHT)
    for mine, theirs in zip(parts(final), parts(end), strict=True):
        torch.testing.assert_close(mine, theirs, **TIGHT)


@pytest.mark.parametrize(("once", "steps"), [(2.0, 2), (3.0, 3), (1.0, 4)])
def test__one_gap__gates_and_input_held__equals_its_parts(kind, once, steps):
    x, _ = draw(steps=1)
    made = held_gates(kind)
    _, state = made.run(draw(seed=5)[0], None, 0.3 + torch.rand(B, T, dtype=F64), None)
    _, whole = made.run(x, state, torch.full((B, 1), once, dtype=F64), None)
    spans = torch.full((B, steps), once / steps, dtype=F64)
    _, walked = made.run(x.expand(B, steps, F), state, spans, None)
    for one, many in zip(parts(whole), parts(walked), strict=True):
        torch.testing.assert_close(one, many, **TIGHT)


def test__gap_of_zero__memory__stays(kind):
    x, _ = draw(steps=1)
    made = layer(kind)
    _, state = made.run(*draw(seed=5)[:1], None, torch.ones(B, T, dtype=F64), None)
    _, after = made.run(x, state, torch.zeros(B, 1, dtype=F64), None)
    torch.testing.assert_close(parts(after)[-1], parts(state)[-1], **TIGHT)


@pytest.mark.parametrize("bias", [-1000.0, -40.0, OPEN, 100.0, 1000.0])
@pytest.mark.parametrize("dtype", [torch.float32, F64])
def test__gate_that_is_shut_or_open__states_and_gradients__are_finite(
    kind, bias, dtype
):
    x, dt = draw()
    dt[0] = 0.0
    dt[1] = 1e4
    made = layer(kind).to(dtype)
    with torch.no_grad():
        made.rnn.bias_ih_l0[N : 2 * N] = bias
    states, final = made.run(x.to(dtype), None, dt.to(dtype), None)
    sum(part.square().sum() for part in (states, *parts(final))).backward()
    assert torch.isfinite(states).all()
    assert all(torch.isfinite(p.grad).all() for p in made.parameters())


def test__LSTM__gate_that_is_open__adds_dt_times_what_it_writes():
    made = held_gates("LSTM")
    with torch.no_grad():
        made.rnn.bias_ih_l0[N : 2 * N] = 60.0
    x, _ = draw(steps=1)
    dt = torch.tensor([[0.5], [1.5], [2.0], [7.0]], dtype=F64)
    _, (_, after) = made.run(x, None, dt, None)
    _, (_, once) = made.run(x, None, torch.ones(B, 1, dtype=F64), None)
    torch.testing.assert_close(after[0], once[0] * dt, **TIGHT)


@pytest.mark.parametrize("use_time", [False, True])
def test__gradients__of_inputs_gaps_states_and_weights__are_right(kind, use_time):
    made = layer(kind, use_time=use_time)
    x, dt = draw(batch=2, steps=3)
    state = torch.randn(2, made.state_size, dtype=F64)
    names, weights = zip(*made.named_parameters(), strict=True)

    def run(x, dt, state, *weights):
        start = made.unflatten_state(state)
        given = dict(zip(names, weights, strict=True))
        call = torch.func.functional_call
        states, final = call(
            _Run(made), {f"made.{k}": v for k, v in given.items()}, (x, start, dt)
        )
        return states, *parts(final)

    free = [t.detach().clone().requires_grad_() for t in (x, dt, state, *weights)]
    assert torch.autograd.gradcheck(run, free)


class _Run(torch.nn.Module):
    def __init__(self, made):
        super().__init__()
        self.made = made

    def forward(self, x, state, dt):
        return self.made.run(x, state, dt, None)


def test__padded__any_padding__equals_alone(kind):
    x, dt = draw()
    made, lengths = layer(kind), torch.tensor([6, 1, 3, 5])
    for b, length in enumerate(lengths.tolist()):
        x[b, length:] = torch.nan
        dt[b, length:] = 1.0
    states, final = made.run(x, None, dt, lengths)
    for b, length in enumerate(lengths.tolist()):
        row, own = slice(b, b + 1), slice(0, length)
        alone, end = made.run(x[row, own], None, dt[row, own], None)
        torch.testing.assert_close(states[row, own], alone, **TIGHT)
        for mine, theirs in zip(parts(final), parts(end), strict=True):
            torch.testing.assert_close(mine[:, row], theirs, **TIGHT)
    states.sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in made.parameters())


def test__state__of_another_shape__is_refused(kind):
    x, dt = draw()
    with pytest.raises(InvalidInputError, match="state"):
        layer(kind).run(x, torch.zeros(B, 3), dt, None)


# ------------------------------------------------------------------------ estimators


def sequences(n=30, steps=8):
    random = np.random.default_rng(0)
    X = random.normal(size=(n, steps, 2))
    t = random.exponential(size=(n, steps)).cumsum(axis=1)
    return X, t, X[:, -3:, 0].sum(axis=1)


def model(kind, **options):
    how = {"n_neurons": 5, "epochs": 3, "random_state": 0, "device": "cpu"}
    return LiquidRegressor(model_type=kind, time_gates=True, **how, **options)


def test__estimator__irregular_time__pickle_and_summary_hold_the_gates(kind):
    X, t, y = sequences()
    fitted = model(kind).fit(X, y, timestamps=t)
    made = fitted.network_.layers[0]
    assert made.time_gates
    assert made.use_time
    want = fitted.predict(X, timestamps=t)
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict(X, timestamps=t), want)
    plain = model(kind).set_params(time_gates=False).fit(X, y, timestamps=t)
    assert plain.n_parameters_ == fitted.n_parameters_
    assert not np.allclose(plain.predict(X, timestamps=t), want)
    assert "gates to the power of dt" in str(fitted.summary())
    assert "gates to the power" not in str(plain.summary())


def test__estimator__regular_time__same_bits_until_a_gap_is_longer(kind):
    X, _, y = sequences()
    t = np.tile(np.arange(X.shape[1]), (len(X), 1))
    gated = model(kind, max_step=None).fit(X, y, timestamps=t)
    plain = model(kind, max_step=None).set_params(time_gates=False)
    plain.fit(X, y, timestamps=t)
    same = [each.predict(X, timestamps=t) for each in (gated, plain)]
    np.testing.assert_array_equal(*same)
    with pytest.warns(LNNWarning, match="fitted on equal gaps"):
        longer = [each.predict(X, timestamps=2 * t) for each in (gated, plain)]
    np.testing.assert_array_equal(longer[1], same[1])
    assert not np.allclose(longer[0], same[0])


@pytest.mark.parametrize("mode", ["carry", "window"])
def test__stream__irregular_time__equals_predict(kind, mode):
    random = np.random.default_rng(0)
    X = random.normal(size=(60, 2))
    t = random.exponential(size=60).cumsum()
    window = None if mode == "carry" else 6
    fitted = model(kind, window_length=window).fit(X, X[:, 0], timestamps=t)
    want = fitted.predict(X[:20], timestamps=t[:20])
    stream = fitted.stream(mode=mode)
    gaps = [None, *np.diff(t[:20])]
    got = [stream.step(x, dt=gap) for x, gap in zip(X[:20], gaps, strict=True)]
    np.testing.assert_allclose(np.array(got), want, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("other", ["CfC", "LTC", "GRU-D", "CT-RNN"])
def test__other_model__time_gates__have_no_effect(other):
    X, _, y = sequences()
    words = "only LSTM and GRU have gates that can be raised"
    with pytest.raises(InvalidInputError, match=words):
        model(other).fit(X, y)


def test__network__gaps_that_differ__run_with_lengths_and_a_state(kind):
    network = LiquidNetwork(F, N, 2, model_type=kind, time_gates=True).double()
    x, dt = draw()
    whole = network(x, timespans=dt, lengths=torch.full((B,), T))
    _, state = network(x[:, :3], timespans=dt[:, :3], return_state=True)
    torch.testing.assert_close(
        network(x[:, 3:], timespans=dt[:, 3:], state=state), whole, **TIGHT
    )
