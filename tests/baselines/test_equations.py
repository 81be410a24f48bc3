"""Each comparison model is the equations of its paper, written again in numpy."""

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from LNN.baselines import BASELINES, TIMED, RecurrentBaseline, make_baseline
from LNN.batching.missing import MissingRule

F64 = torch.float64
B, T, F, N = 3, 6, 2, 4
TIGHT = {"rtol": 1e-10, "atol": 1e-12}


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def layer(kind, **options):
    """Return a layer with all of its parameters away from where they start."""
    if kind == "Neural-ODE":
        pytest.importorskip("torchdiffeq")
    width = options.pop("input_size", F)
    made = make_baseline(kind, width, N, generator=rng(), **options).double()
    for seed, parameter in enumerate(made.parameters()):
        noise = torch.randn(parameter.shape, dtype=F64, generator=rng(50 + seed))
        parameter.data.add_(0.2 * noise)
    return made


def draw(seed=1):
    x = torch.randn(B, T, F, dtype=F64, generator=rng(seed))
    dt = 2 * torch.rand(B, T, dtype=F64, generator=rng(seed + 1))
    dt[1, 2] = 0.0
    return x, dt


def run(made, x, dt):
    states, _ = made.run(x, None, dt, None)
    return states.detach().numpy()


def weights(made):
    return {name: p.detach().numpy() for name, p in made.named_parameters()}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    e = np.exp(x - x.max())
    return e / e.sum()


# ------------------------------------------------------------------- differential ones


def slopes(made, leak):
    w = weights(made)
    tau = np.exp(w["log_tau"]) if leak else np.inf

    def slope(h, x):
        drive = w["inputs.weight"] @ x + h @ w["recurrent"] + w["inputs.bias"]
        return np.tanh(drive) - h / tau

    return slope


def solved(slope, x, dt):
    states = np.zeros((B, T, N))
    for b in range(B):
        h = np.zeros(N)
        for t in range(T):
            if dt[b, t]:
                ode = solve_ivp(
                    lambda _, h, x=x[b, t]: slope(h, x),
                    (0.0, float(dt[b, t])),
                    h,
                    rtol=1e-11,
                    atol=1e-13,
                )
                h = ode.y[:, -1]
            states[b, t] = h
    return states


def test__CTRNN__six_steps__exact_leak_and_held_tanh():
    made, (x, dt) = layer("CT-RNN"), draw()
    w = weights(made)
    tau = np.exp(w["log_tau"])
    want = np.zeros((B, T, N))
    for b in range(B):
        h = np.zeros(N)
        for t in range(T):
            delta = dt[b, t].item() / 6
            for _ in range(6):
                drive = w["inputs.weight"] @ x[b, t].numpy() + h @ w["recurrent"]
                f = np.tanh(drive + w["inputs.bias"])
                h = np.exp(-delta / tau) * h + tau * (1 - np.exp(-delta / tau)) * f
            want[b, t] = h
    np.testing.assert_allclose(run(made, x, dt), want, **TIGHT)


def test__CTRNN__shorter_gaps__solves_the_differential_equation():
    made, (x, dt) = layer("CT-RNN"), draw()
    errors = []
    for scale in (0.1, 0.05):
        want = solved(slopes(made, leak=True), x.numpy(), scale * dt.numpy())
        errors.append(abs(run(made, x, scale * dt) - want).max())
    # First order: half the step halves the error at least (the gap is halved too).
    assert errors[1] < 0.5 * errors[0] < 1e-3


def test__NeuralODE__gaps__solves_the_differential_equation():
    made, (x, dt) = layer("Neural-ODE"), draw()
    want = solved(slopes(made, leak=False), x.numpy(), dt.numpy())
    got = run(made, x, dt)
    np.testing.assert_allclose(got, want, atol=2e-4)
    errors = [abs(got - want).max()]
    want = solved(slopes(made, leak=False), x.numpy(), dt.numpy() / 2)
    errors.append(abs(run(made, x, dt / 2) - want).max())
    assert errors[1] < errors[0] / 8  # fourth order, at steps of half the length


# ------------------------------------------------------------------------------ CT-GRU


def gate(w, x, h, half):
    columns = w["gate_recurrent"].shape[1] // 2
    part = slice(half * columns, (half + 1) * columns)
    named = w["gate_inputs.weight"][part] @ x + h @ w["gate_recurrent"][:, part]
    return named + w["gate_inputs.bias"][part]


def event(w, x, found):
    inner = w["event_inputs.weight"] @ x + found @ w["event_recurrent"]
    return np.tanh(inner + w["event_inputs.bias"])


def test__CTGRU__any_gaps__rule_of_mozer_et_al():
    made, (x, dt) = layer("CT-GRU"), draw()
    w, tau = weights(made), 10 ** (np.arange(8) / 2)
    want = np.zeros((B, T, N))
    for b in range(B):
        memory = np.zeros((N, 8))  # as an event finds it
        for t in range(T):
            now = x[b, t].numpy()
            log_r = gate(w, now, memory.sum(1), 0)
            log_s = gate(w, now, memory.sum(1), 1)
            r, s = (
                np.stack([softmax(-((a - np.log(tau)) ** 2)) for a in log_tau])
                for log_tau in (log_r, log_s)
            )
            q = event(w, now, (r * memory).sum(1))
            memory = (1 - s) * memory + s * q[:, None]
            want[b, t] = memory.sum(1)
            if t + 1 < T:  # the paper's fading: until the next event
                memory = memory * np.exp(-dt[b, t + 1].item() / tau)
    np.testing.assert_allclose(run(made, x, dt), want, **TIGHT)


def test__PublishedCTGRU__any_gaps__rule_of_the_repository():
    made, (x, dt) = layer("CT-GRU-published"), draw()
    w, log_tau = weights(made), np.arange(8) * np.log(10) / 2
    with np.errstate(divide="ignore"):
        fade = np.exp(-1 / log_tau)
    assert fade[0] == 0
    want = np.zeros((B, T, N))
    for b in range(B):
        memory = np.zeros((N, 8))
        for t in range(T):
            now = x[b, t].numpy()
            r, s = (
                np.stack([softmax(-((a - log_tau) ** 2)) for a in named])
                # Our columns go scale by scale, one neuron after the other in each.
                for named in (
                    gate(w, now, memory.sum(1), half).reshape(8, N).T for half in (0, 1)
                )
            )
            q = event(w, now, (r * memory).sum(1))
            memory = ((1 - s) * memory + s * q[:, None]) * fade
            want[b, t] = memory.sum(1)
    np.testing.assert_allclose(run(made, x, dt), want, **TIGHT)
    np.testing.assert_array_equal(run(made, x, dt), run(made, x, 7 * dt))


# ------------------------------------------------------------------------------- GRU-D


def gru_d_step(w, h, read, gamma):
    h = gamma * h
    inner = np.split(w["inputs.weight"] @ read + w["inputs.bias"], 3)
    to_z, to_r = np.split(w["gate_recurrent"], 2, axis=1)
    z, r = sigmoid(inner[0] + h @ to_z), sigmoid(inner[1] + h @ to_r)
    new = np.tanh(inner[2] + (r * h) @ w["new_recurrent"])
    return (1 - z) * h + z * new


def test__GRUD__missing_values__equations_of_che_et_al_from_the_raw_data():
    means = np.array([0.3, -0.5])
    made = layer("GRU-D", input_size=3 * F, neutral=torch.tensor(means))
    x, dt = draw()
    x[torch.rand(x.shape, generator=rng(4)) < 0.5] = torch.nan
    assert x[:, 0].isnan().any(), "a channel without a value at the start belongs here"
    rule = MissingRule("mask", torch.tensor(means))
    got = run(made, rule.fill(x, dt), dt)

    w, raw = weights(made), x.numpy()
    seen = ~np.isnan(raw)
    want = np.zeros((B, T, N))
    for b in range(B):
        h, last, delta = np.zeros(N), means.copy(), np.zeros(F)
        for t in range(T):
            if t:  # delta_t = gap, plus delta_{t-1} where nothing was seen at t-1
                delta = dt[b, t].item() + np.where(seen[b, t - 1], 0, delta)
            a = np.maximum(0, w["input_decay.weight"] * delta + w["input_decay.bias"])
            decayed = np.exp(-a) * last + (1 - np.exp(-a)) * means
            last = np.where(seen[b, t], raw[b, t], last)
            read = np.where(seen[b, t], raw[b, t], decayed)
            a = np.maximum(0, w["state_decay.weight"] @ delta + w["state_decay.bias"])
            read = np.concatenate([read, seen[b, t]])
            h = gru_d_step(w, h, read, np.exp(-a))
            want[b, t] = h
    np.testing.assert_allclose(got, want, **TIGHT)


def test__GRUD__without_masks__decays_the_state_alone():
    made, (x, dt) = layer("GRU-D"), draw()
    w = weights(made)
    want = np.zeros((B, T, N))
    for b in range(B):
        h = np.zeros(N)
        for t in range(T):
            rate = w["state_decay.weight"][:, 0] * dt[b, t].item()
            gamma = np.exp(-np.maximum(0, rate + w["state_decay.bias"]))
            h = gru_d_step(w, h, x[b, t].numpy(), gamma)
            want[b, t] = h
    np.testing.assert_allclose(run(made, x, dt), want, **TIGHT)


# --------------------------------------------------------------------------- RNN-decay


def test__RNNDecay__any_gaps__decay_then_torchs_gru():
    made, (x, dt) = layer("RNN-decay"), draw()
    cell = torch.nn.GRUCell(F, N, dtype=F64)
    with torch.no_grad():
        cell.weight_ih.copy_(made.inputs.weight)
        cell.bias_ih.copy_(made.inputs.bias)
        cell.weight_hh.copy_(made.recurrent.t())
        cell.bias_hh.zero_()[2 * N :] = made.recurrent_bias
    rate, offset = made.decay.weight.item(), made.decay.bias.item()
    h, want = torch.zeros(B, N, dtype=F64), []
    for t in range(T):
        decay = np.exp(-np.maximum(0, rate * dt[:, t : t + 1].numpy() + offset))
        h = cell(x[:, t], h * torch.from_numpy(decay))
        want.append(h.detach().numpy())
    np.testing.assert_allclose(run(made, x, dt), np.stack(want, 1), **TIGHT)


# --------------------------------------------------------------------------- gradients


@pytest.mark.quick_cases("CT-RNN", "GRU-D")
@pytest.mark.parametrize("kind", [*TIMED, "GRU-D masked"])
def test__gradients__tiny_sizes__equal_finite_differences(kind):
    options = {}
    if kind == "GRU-D masked":
        kind, options = "GRU-D", {"input_size": 3, "neutral": torch.tensor([0.3])}
    made = layer(kind, **{"input_size": 2, **options})
    names = [name for name, _ in made.named_parameters()]
    x = torch.rand(2, 3, made.input_size, dtype=F64, generator=rng(2))
    if made.input_size == 3:
        x[..., 1] = (x[..., 1] > 0.5).double()  # a mask
    dt = 0.1 + torch.rand(2, 3, dtype=F64, generator=rng(3))
    start = torch.rand(2, made.state_size, dtype=F64, generator=rng(4))

    def outputs(x, dt, start, *parameters):
        given = dict(zip(names, parameters, strict=True))
        lengths = torch.tensor([3, 2])
        return torch.func.functional_call(made, given, (x, start, dt, lengths))

    made.forward = made.run  # functional_call calls the module itself
    leaves = [v.requires_grad_() for v in (x, dt, start)]
    assert torch.autograd.gradcheck(outputs, (*leaves, *made.parameters()))


# ------------------------------------------------------------------------------ choice


def test__make_baseline__every_name__a_model_of_these_sizes():
    assert ("LSTM", "GRU", *TIMED) == BASELINES
    for kind in BASELINES:
        made = layer(kind)
        assert isinstance(made, TIMED.get(kind, RecurrentBaseline))
        assert (made.input_size, made.n_neurons) == (F, N)
