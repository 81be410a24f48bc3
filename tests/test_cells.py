"""The equations: every cell against the papers' formulas, written out one by one."""

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from torch.func import functional_call

from LNN.cells import CfCCell, LTCCell, MixedMemoryCell, WiredCfCCell
from LNN.cells.cfc import closed_form
from LNN.exceptions import InvalidInputError
from LNN.wiring import Wiring

F64 = torch.float64
MODES = ["default", "no_gate", "pure", "exponential"]
SOLVERS = ["semi-implicit", "explicit", "rk4", "exponential"]
WIRINGS = {
    "ncp": Wiring.ncp(3, 9, 2, seed=1),
    "ncp, layer recurrence": Wiring.ncp(3, 9, 2, seed=1, layer_recurrence=True),
    "random": Wiring.random(3, 6, 2, sparsity=0.6, seed=4),
    "full": Wiring.full(3, 4, 1),
    # A synapse back to an earlier layer, one across a layer, inputs to every layer.
    "own": Wiring.from_adjacency(
        [[0, 0, 0, 1], [1, 0, -1, 0], [0, 1, 1, 0], [-1, 0, 1, 0]],
        [[0, 1, 0, 0], [1, 0, 0, -1], [0, 0, 1, 0]],
        n_outputs=1,
        layers=[("inter", [2, 3]), ("command", [1]), ("motor", [0])],
    ),
}


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def shaken(cell, seed=0):
    """Float64, with every parameter moved off its initial value."""
    generator = rng(seed)
    with torch.no_grad():
        for parameter in cell.double().parameters():
            noise = torch.randn(parameter.shape, dtype=F64, generator=generator)
            parameter.add_(0.1 * noise)
    return cell


def make_cells():
    """One of everything, by name."""
    cells = {}
    for name, wiring in WIRINGS.items():
        cells[f"LTC {name}"] = lambda w=wiring: LTCCell(w, generator=rng())
        for mode in MODES:
            cells[f"CfC {mode} {name}"] = lambda w=wiring, m=mode: WiredCfCCell(
                w, mode=m, generator=rng()
            )
    for solver in SOLVERS[1:]:
        cells[f"LTC {solver}"] = lambda s=solver: LTCCell(
            WIRINGS["ncp"], solver=s, ode_unfolds=2, generator=rng()
        )
    for mode in MODES:
        for layers in (0, 1, 2):
            cells[f"CfC {mode} {layers}"] = lambda m=mode, k=layers: CfCCell(
                3, 5, mode=m, backbone_units=6, backbone_layers=k, generator=rng()
            )
    for name in ("LTC ncp", "CfC default own", "CfC pure 1", "CfC exponential ncp"):
        cells[f"mixed {name}"] = lambda c=cells[name]: MixedMemoryCell(
            c(), generator=rng(1)
        )
    return cells


CELLS = make_cells()


def draw(cell, batch=3, seed=5):
    generator = rng(seed)
    x = torch.randn(batch, cell.input_size, dtype=F64, generator=generator)
    h = torch.randn(batch, cell.state_size, dtype=F64, generator=generator)
    dt = 0.2 + 2 * torch.rand(batch, dtype=F64, generator=generator)
    return x, h, dt


# ---------------------------------------------------------------- LTC, neuron by neuron


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softplus(x):
    return np.log1p(np.exp(x))


def currents(cell, x, v):
    """Return [I_j] and [G_j] of one sample, synapse by synapse."""
    get = {k: p.detach().numpy() for k, p in cell.named_parameters()}
    u = x * get.get("input_weight", 1) + get.get("input_bias", 0)
    current, conductance = [], []
    for j in range(cell.state_size):
        g = softplus(get["gleak"][j])
        total_i, total_g = g * get["vleak"][j], g + cell.epsilon
        for kind, values in (("sensory", u), ("recurrent", v)):
            edges = getattr(cell.wiring, kind)
            for k in range(len(edges.source)):
                if edges.target[k] != j:
                    continue
                sigma, mu = get[f"{kind}.sigma"][k], get[f"{kind}.mu"][k]
                s = sigmoid(sigma * (values[edges.source[k]] - mu))
                w = softplus(get[f"{kind}.w"][k])
                total_i += w * get[f"{kind}.erev"][k] * s
                total_g += w * s
        current.append(total_i)
        conductance.append(total_g)
    return np.array(current), np.array(conductance)


def ltc_naive(cell, x, v, dt):
    cm = softplus(cell.cm.detach().numpy())
    h = dt / cell.ode_unfolds

    def slope(v):
        i, g = currents(cell, x, v)
        return (i - g * v) / cm

    for _ in range(cell.ode_unfolds):
        if cell.solver == "semi-implicit":  # cm (v' - v) / h = I(v) - G(v) v'
            i, g = currents(cell, x, v)
            v = (cm * v / h + i) / (cm / h + g)
        elif cell.solver == "exponential":  # exact if I and G stayed what they are
            i, g = currents(cell, x, v)
            v = i / g + np.exp(-h * g / cm) * (v - i / g)
        elif cell.solver == "explicit":
            v = v + h * slope(v)
        else:
            k1 = slope(v)
            k2 = slope(v + h / 2 * k1)
            k3 = slope(v + h / 2 * k2)
            v = v + h / 6 * (k1 + 2 * k2 + 2 * k3 + slope(v + h * k3))
    return v


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("name", WIRINGS)
def test__LTCCell__one_step__equals_the_formula(name, solver):
    cell = shaken(LTCCell(WIRINGS[name], solver=solver, ode_unfolds=3, generator=rng()))
    x, v, dt = draw(cell)
    outputs, state = cell(x, v, dt)
    for b in range(len(x)):
        expected = ltc_naive(cell, x[b].numpy(), v[b].numpy(), float(dt[b]))
        np.testing.assert_allclose(state[b].detach(), expected, rtol=1e-12, atol=1e-13)
    motor = state[:, : cell.output_size]
    torch.testing.assert_close(outputs, motor * cell.output_weight + cell.output_bias)


@pytest.mark.parametrize("mapping", ["linear", None])
def test__LTCCell__other_mappings__equal_the_formula(mapping):
    cell = LTCCell(WIRINGS["ncp"], input_mapping=mapping, output_mapping=mapping)
    cell = shaken(cell)
    x, v, dt = draw(cell, batch=1)
    outputs, state = cell(x, v, dt)
    expected = ltc_naive(cell, x[0].numpy(), v[0].numpy(), float(dt[0]))
    np.testing.assert_allclose(state[0].detach(), expected, rtol=1e-12, atol=1e-13)
    scale = 1 if mapping is None else cell.output_weight
    torch.testing.assert_close(outputs, state[:, : cell.output_size] * scale)
    assert cell.input_bias is cell.output_bias is None


@pytest.mark.parametrize(
    ("solver", "order", "unfolds"),
    [
        ("semi-implicit", 1, 400),
        ("explicit", 1, 400),
        ("rk4", 4, 12),
        ("exponential", 1, 200),
    ],
)
def test__LTCCell__many_unfolds__converges_to_the_ODE(solver, order, unfolds):
    cell = shaken(LTCCell(WIRINGS["ncp"], solver=solver, generator=rng()))
    x, v, _ = draw(cell, batch=1)
    cm = softplus(cell.cm.detach().numpy())

    def slope(_, state):
        current, conductance = currents(cell, x[0].numpy(), state)
        return (current - conductance * state) / cm

    solved = solve_ivp(slope, (0, 1.5), v[0].numpy(), rtol=1e-9, atol=1e-10)
    exact = torch.from_numpy(solved.y[:, -1])
    errors = []
    for cell.ode_unfolds in (unfolds, 2 * unfolds):
        with torch.no_grad():
            errors.append(float((cell(x, v, 1.5)[1][0] - exact).abs().max()))
    assert errors[1] < 2e-3
    assert 0.7 * 2**order < errors[0] / errors[1] < 1.4 * 2**order


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("dtype", [torch.float32, F64], ids=str)
def test__LTCCell__no_time_passes__state_unchanged_bitwise(solver, dtype):
    cell = LTCCell(WIRINGS["ncp"], solver=solver, generator=rng()).to(dtype)
    x, v, _ = (t.to(dtype) for t in draw(cell))
    assert torch.equal(cell(1e3 * x, v, 0.0)[1], v)
    mixed = torch.tensor([0.0, 1.0, 0.0])
    assert torch.equal(cell(x, v, mixed)[1][::2], v[::2])


@pytest.mark.parametrize("solver", ["semi-implicit", "exponential"])
@pytest.mark.parametrize("name", WIRINGS)
def test__LTCCell__wild_inputs_and_times__state_stays_in_its_bounds(name, solver):
    cell = shaken(LTCCell(WIRINGS[name], solver=solver, generator=rng()))
    with torch.no_grad():
        for synapses in (cell.sensory, cell.recurrent):
            synapses.erev.mul_(3)
        n, generator = cell.state_size, rng(3)
        high, low = cell.vleak.clamp_min(0), cell.vleak.clamp_max(0)
        for synapses in (cell.sensory, cell.recurrent):
            target = synapses.index.target
            high = high.scatter_reduce(0, target, synapses.erev, "amax")
            low = low.scatter_reduce(0, target, synapses.erev, "amin")
        v = 5 * torch.randn(200, n, dtype=F64, generator=generator)
        high, low = torch.maximum(high, v), torch.minimum(low, v)
        for _ in range(20):
            x = 1e3 * torch.randn(200, 3, dtype=F64, generator=generator)
            dt = 10 ** (7 * torch.rand(200, dtype=F64, generator=generator) - 3)
            v = cell(x, v, dt)[1]
            assert (v <= high + 1e-12).all()
            assert (v >= low - 1e-12).all()


def test__LTCCell__one_exponential_unfold__is_as_near_the_ODE_as_six_others():
    cell = LTCCell(WIRINGS["ncp"], time_constants=(1.0, 16.0), generator=rng()).double()
    x, _, _ = draw(cell, batch=200)
    ends = {}
    with torch.no_grad():
        v = torch.zeros(200, cell.state_size, dtype=F64)
        for seed in range(5):  # states as they are in use
            v = cell(draw(cell, batch=200, seed=seed)[0], v)[1]
        for solver, unfolds in (("rk4", 100), ("semi-implicit", 6), ("exponential", 1)):
            cell.solver, cell.ode_unfolds = solver, unfolds
            ends[solver] = cell(x, v, 1.0)[1]
    error = {name: (end - ends["rk4"]).norm() for name, end in ends.items()}
    assert error["exponential"] < 1.5 * error["semi-implicit"]


def test__LTCCell__time_constants__start_in_their_range():
    cell = LTCCell(WIRINGS["ncp"], time_constants=(2.0, 50.0), generator=rng())
    half = torch.nn.functional.softplus(cell.gleak)
    for synapses in (cell.sensory, cell.recurrent):
        w = torch.nn.functional.softplus(synapses.w)
        half = half.index_add(0, synapses.index.target, w / 2)
    tau = torch.nn.functional.softplus(cell.cm) / half
    assert (tau > 1.999).all()
    assert (tau < 50.01).all()


# ---------------------------------------------------------------- CfC, neuron by neuron


def closed_form_naive(mode, maps, h, dt, a, w_tau):
    if mode == "exponential":
        goal, tau = np.tanh(maps[0]), 1 / softplus(maps[1])
        return goal + np.exp(-dt / tau) * (h - goal)
    if mode == "pure":
        (f,) = maps
        return -a * np.exp(-dt * (abs(w_tau) + abs(f))) * f + a
    f1, f2, t_a, t_b = np.tanh(maps[0]), np.tanh(maps[1]), maps[2], maps[3]
    s = sigmoid(t_a * dt + t_b)
    return f1 * (1 - s) + f2 * s if mode == "default" else f1 + s * f2


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", WIRINGS)
def test__WiredCfCCell__one_step__equals_the_formula(name, mode):
    wiring = WIRINGS[name]
    cell = shaken(WiredCfCCell(wiring, mode=mode, generator=rng()))
    get = {k: p.detach().numpy() for k, p in cell.named_parameters()}
    x, h, dt = draw(cell)
    outputs, state = cell(x, h, dt)
    layer_of = wiring.layer_of
    for b in range(len(x)):
        new = {}
        for layer in wiring.layers:
            for j in layer.neurons.tolist():
                maps = []
                for m in cell.maps:
                    z = get[f"{m}_bias"][j]
                    index = getattr(cell, f"{m}_sensory_index")
                    for k in range(len(index)):
                        if int(index.target[k]) == j:
                            z += get[f"{m}_sensory"][k] * x[b, index.source[k]].item()
                    index = getattr(cell, f"{m}_recurrent_index")
                    for k in range(len(index)):
                        i = int(index.source[k])
                        if int(index.target[k]) == j:
                            early = layer_of[i] < layer_of[j]
                            value = new[i] if early else h[b, i].item()
                            z += get[f"{m}_recurrent"][k] * value
                    maps.append(z)
                pure = (get["A"][j], get["w_tau"][j]) if mode == "pure" else (0, 0)
                own = h[b, j].item()
                new[j] = closed_form_naive(mode, maps, own, float(dt[b]), *pure)
        expected = [new[j] for j in range(wiring.n_neurons)]
        np.testing.assert_allclose(state[b].detach(), expected, rtol=1e-12, atol=1e-13)
    assert torch.equal(outputs, state[:, : wiring.n_outputs])


ACTIVATIONS = {
    "lecun_tanh": lambda z: 1.7159 * np.tanh(0.666 * z),
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "silu": lambda z: z * sigmoid(z),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("layers", [0, 1, 3])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test__CfCCell__one_step__equals_the_formula(activation, layers, mode):
    cell = CfCCell(
        3,
        4,
        mode=mode,
        backbone_units=6,
        backbone_layers=layers,
        backbone_activation=activation,
        generator=rng(),
    )
    cell = shaken(cell)
    get = {k: p.detach().numpy() for k, p in cell.named_parameters()}
    x, h, dt = draw(cell)
    z = np.concatenate([x, h], axis=1)
    for k in range(layers):
        z = z @ get[f"backbone.{k}.weight"].T + get[f"backbone.{k}.bias"]
        z = ACTIVATIONS[activation](z)
    maps = [z @ get[f"{m}.weight"].T + get[f"{m}.bias"] for m in cell.maps]
    pure = (get["A"], get["w_tau"]) if mode == "pure" else (0, 0)
    expected = closed_form_naive(mode, maps, h.numpy(), dt.numpy()[:, None], *pure)
    outputs, state = cell(x, h, dt)
    np.testing.assert_allclose(state.detach(), expected, rtol=1e-12, atol=1e-13)
    assert outputs is state


def test__CfCCell__backbone_dropout__only_while_training():
    cell = CfCCell(3, 4, backbone_dropout=0.5, generator=rng())
    x = torch.randn(5, 3, generator=rng())
    cell.dropout.generator = rng()
    assert not torch.equal(cell(x)[0], cell(x)[0])
    cell.eval()
    assert torch.equal(cell(x)[0], cell(x)[0])


def test__WiredCfCCell__time_constants__neurons_start_as_integrators():
    taus = []
    for seed in range(20):
        cell = WiredCfCCell(
            WIRINGS["ncp"], time_constants=(2.0, 50.0), generator=rng(seed)
        )
        taus.append(1 + torch.exp(-cell.time_b_bias))
    tau = torch.cat(taus)
    assert (tau > 1.999).all()
    assert (tau < 50.01).all()
    # Log-uniform: as many below as above the geometric mean.
    assert 0.35 < float((tau < 10).double().mean()) < 0.65


# ----------------------------------------------------------------------- mixed memory


# ------------------------------------------------------------- CfC, mode "exponential"


def exponential_cells():
    """A wired cell and a full one, parameters far off their initial values."""
    wired = WiredCfCCell(WIRINGS["ncp"], mode="exponential", generator=rng())
    full = CfCCell(3, 12, mode="exponential", generator=rng())
    for cell in (wired, full):
        for parameter in shaken(cell).parameters():
            parameter.data.mul_(5)
    return {"wired": wired, "full": full}


@pytest.mark.parametrize("name", ["wired", "full"])
def test__exponential__any_time__states_stay_within_one(name):
    cell = exponential_cells()[name]
    x, h, _ = draw(cell, batch=50)
    state = h.clamp(-1, 1)
    for dt in (1e-3, 1.0, 50.0, 1e6, 1e30):
        state = cell(100 * x, state, dt)[1]
        assert state.abs().max() <= 1


@pytest.mark.parametrize("name", ["wired", "full"])
@pytest.mark.parametrize("dtype", [torch.float32, F64], ids=str)
def test__exponential__no_time_passes__state_unchanged_bitwise(name, dtype):
    cell = exponential_cells()[name].to(dtype)
    x, h, _ = (t.to(dtype) for t in draw(cell, batch=50))
    assert torch.equal(cell(x, h, 0.0)[1], h)


def test__exponential__maps_held__two_steps_are_one_of_both_times():
    cell = CfCCell(3, 8, mode="exponential", generator=rng()).double()
    cell.ff1.weight.data[:, 3:] = 0  # then the state decides neither goal nor speed
    cell.time_a.weight.data[:, 3:] = 0
    x, h, _ = draw(cell)
    twice = cell(x, cell(x, h, 0.4)[1], 1.1)[1]
    torch.testing.assert_close(twice, cell(x, h, 1.5)[1], rtol=1e-14, atol=1e-15)


def test__exponential__unit_time__is_a_minimal_gated_unit():
    cell = CfCCell(3, 8, mode="exponential", generator=rng()).double()
    x, h, _ = draw(cell)
    z = torch.cat([x, h], -1)
    gate, goal = torch.sigmoid(cell.time_a(z)), torch.tanh(cell.ff1(z))
    torch.testing.assert_close(cell(x, h)[1], (1 - gate) * h + gate * goal)


@pytest.mark.parametrize("shortest", [0.01, 1.0])
def test__exponential__time_constants__start_log_uniform_in_their_range(shortest):
    options = {"mode": "exponential", "time_constants": (shortest, 50.0)}
    # Many small cells: the maps of one of 4000 neurons take long to make.
    wiring, generator = Wiring.ncp(3, 40, 2), rng()
    wired = [WiredCfCCell(wiring, **options, generator=generator) for _ in range(100)]
    full = CfCCell(3, 4000, **options, generator=rng())
    for bias in (torch.cat([c.time_a_bias for c in wired]), full.time_a.bias):
        tau = 1 / torch.nn.functional.softplus(bias.detach().double())
        assert 0.999 * shortest < tau.min() < 1.1 * shortest
        assert 45 < tau.max() < 50.1
        middle = np.sqrt(50 * shortest)
        assert tau.median().item() == pytest.approx(middle, rel=0.15)


def test__exponential__gaps_to_watch__are_time_constants():
    cell = CfCCell(
        3, 40, mode="exponential", gaps=(0.5, 0.2, 9.0), time_constants=(100.0, 200.0)
    )
    tau = 1 / torch.nn.functional.softplus(cell.time_a.bias.detach())
    assert ((tau > 0.19) & (tau < 9.1)).sum() == 20
    assert ((tau > 99) & (tau < 201)).sum() == 20


def test__MixedMemoryCell__one_step__equals_an_LSTM_cell_and_the_liquid_cell():
    inner = shaken(WiredCfCCell(WIRINGS["own"], generator=rng()))
    cell = shaken(MixedMemoryCell(inner, generator=rng()), seed=2)
    n = inner.state_size
    lstm = torch.nn.LSTMCell(3, n, dtype=F64)
    # Ours: candidate, write, keep, read. torch: write, keep, candidate, read.
    order = [1, 2, 0, 3]
    with torch.no_grad():
        weight = cell.input_map.weight.view(4, n, 3)[order]
        bias = cell.input_map.bias.view(4, n)[order].clone()
        bias[1] += 1
        lstm.weight_ih.copy_(weight.reshape(4 * n, 3))
        lstm.weight_hh.copy_(cell.recurrent_weight.view(4, n, n)[order].reshape(-1, n))
        lstm.bias_ih.copy_(bias.reshape(-1))
        lstm.bias_hh.zero_()
    x, state, dt = draw(cell)
    h, c = lstm(x, tuple(state.chunk(2, dim=1)))
    outputs, expected = inner(x, h, dt)
    got, new = cell(x, state, dt)
    torch.testing.assert_close(new, torch.cat([expected, c], dim=1))
    torch.testing.assert_close(got, outputs)


# -------------------------------------------------------------------------- gradients


@pytest.mark.parametrize(
    "name",
    [n for n in CELLS if "full" not in n and "random" not in n and "layer" not in n],
)
def test__Cell__gradcheck__inputs_state_time_and_parameters(name):
    cell = shaken(CELLS[name]())
    x, h, dt = (t.requires_grad_() for t in draw(cell, batch=2))
    names, values = zip(*cell.named_parameters(), strict=True)

    def step(x, h, dt, *values):
        parameters = dict(zip(names, values, strict=True))
        return functional_call(cell, parameters, (x, h, dt))

    assert torch.autograd.gradcheck(step, (x, h, dt, *values), fast_mode=len(names) > 4)


# ---------------------------------------------------------------- who depends on whom


def jacobian(function, *arguments):
    """Return which of all arguments (rows) each result depends on, as bool."""
    parts = torch.autograd.functional.jacobian(function, arguments)
    return torch.cat(parts, dim=1).t() != 0


@pytest.mark.parametrize("solver", ["semi-implicit", "explicit", "exponential"])
@pytest.mark.parametrize("name", WIRINGS)
def test__LTCCell__direct_derivative__non_zero_exactly_on_edges(name, solver):
    wiring = WIRINGS[name]
    cell = LTCCell(wiring, ode_unfolds=1, solver=solver, generator=rng())
    x, h, _ = draw(shaken(cell), batch=1)

    def step(x, h):
        return cell(x[None], h[None])[1][0]

    sensory, recurrent = (m != 0 for m in wiring.adjacency())
    allowed = np.vstack([sensory, recurrent | np.eye(wiring.n_neurons, dtype=bool)])
    np.testing.assert_array_equal(jacobian(step, x[0], h[0]), allowed)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", WIRINGS)
def test__WiredCfCCell__derivative_of_one_layer__non_zero_exactly_on_edges(name, mode):
    wiring = WIRINGS[name]
    cell = shaken(WiredCfCCell(wiring, mode=mode, generator=rng()))
    x, h, _ = draw(cell, batch=1)
    weights, (asymptote, rate) = cell.constants()
    sensory, recurrent = (m != 0 for m in wiring.adjacency())
    edges = np.vstack([sensory, recurrent | np.eye(wiring.n_neurons, dtype=bool)])
    done = 0
    for layer, (a, b), weight in zip(wiring.layers, cell.slices, weights, strict=True):
        width = weight.shape[1]
        window, start = slice(done, done + width), (a, b)

        def one_layer(x, h, window=window, start=start, weight=weight):
            z = cell.drive(x)[window] + cell.enter(h) @ weight
            pure = ()
            if mode == "pure":
                pure = (asymptote[slice(*start)], rate[slice(*start)])
            maps = z.chunk(len(cell.maps))
            own = cell.enter(h)[slice(*start)]
            return closed_form(mode, maps, own, torch.tensor(0.7, dtype=F64), *pure)

        found = jacobian(one_layer, x[0], h[0])
        np.testing.assert_array_equal(found, edges[:, layer.neurons])
        done += width


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", WIRINGS)
def test__WiredCfCCell__whole_step__depends_exactly_on_what_is_reachable(name, mode):
    wiring = WIRINGS[name]
    cell = shaken(WiredCfCCell(wiring, mode=mode, generator=rng()))
    x, h, _ = draw(cell, batch=1)

    def step(x, h):
        return cell(x[None], h[None], 0.7)[1][0]

    found = jacobian(step, x[0], h[0])
    np.testing.assert_array_equal(found, wiring.reachable_in_one_step())


@pytest.mark.parametrize("name", WIRINGS)
def test__LTCCell__whole_step__depends_on_nothing_beyond_its_unfolds(name):
    wiring = WIRINGS[name]
    cell = shaken(LTCCell(wiring, ode_unfolds=2, generator=rng()))
    x, h, _ = draw(cell, batch=1)

    def step(x, h):
        return cell(x[None], h[None])[1][0]

    sensory, recurrent = (m != 0 for m in wiring.adjacency())
    own = recurrent | np.eye(wiring.n_neurons, dtype=bool)
    allowed = np.vstack([sensory | sensory @ own, own @ own])
    np.testing.assert_array_equal(jacobian(step, x[0], h[0]), allowed)


# ------------------------------------------------------------------------- parameters


@pytest.mark.parametrize("name", WIRINGS)
def test__LTCCell__parameters__four_a_synapse_and_three_a_neuron(name):
    wiring = WIRINGS[name]
    cell = LTCCell(wiring)
    n_parameters = sum(p.numel() for p in cell.parameters())
    mappings = 2 * wiring.n_inputs + 2 * wiring.n_outputs
    assert n_parameters == 4 * wiring.n_synapses + 3 * wiring.n_neurons + mappings


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", WIRINGS)
def test__WiredCfCCell__parameters__one_a_map_and_synapse(name, mode):
    wiring = WIRINGS[name]
    cell = WiredCfCCell(wiring, mode=mode)
    n_parameters = sum(p.numel() for p in cell.parameters())
    _, recurrent = wiring.adjacency()
    own = int((np.diag(recurrent) == 0).sum())  # every neuron reads its own state
    a_map = wiring.n_synapses + own + wiring.n_neurons
    pure = 2 * wiring.n_neurons if mode == "pure" else 0
    assert n_parameters == len(cell.maps) * a_map + pure


@pytest.mark.parametrize("name", CELLS)
def test__Cell__structure__is_in_buffers_only(name):
    cell = CELLS[name]()
    assert all(p.is_floating_point() and p.requires_grad for p in cell.parameters())
    assert not any(b.is_floating_point() for b in cell.buffers())


@pytest.mark.parametrize("mode", ["default", "no_gate"])
def test__CfCCell__gaps_to_watch__time_does_nothing_before_it_is_learnt(mode):
    cell = CfCCell(3, 8, mode=mode, gaps=(1.0, 0.5, 20.0))
    x, h = torch.randn(4, 3), torch.randn(4, 8)
    short, long = cell(x, h, dt=0.7)[1], cell(x, h, dt=9.0)[1]
    torch.testing.assert_close(short, long)
    (short.sum() - 2 * long.sum()).backward()
    # ... but both futures of the gates that time moves can be learnt.
    assert cell.ff2.weight.grad.abs().sum(1).min() > 0


def test__CfCCell__share_of_gaps_to_watch__other_gates_as_without():
    def cell(gaps):
        return CfCCell(3, 8, gaps=gaps, generator=torch.Generator().manual_seed(0))

    plain, watching = cell(None), cell((0.25, 1.0, 10.0))
    same = (plain.time_a.bias == watching.time_a.bias).sum()
    assert same == 6
    assert torch.equal(plain.ff1.weight, watching.ff1.weight)
    none = cell((0.0, 1.0, 10.0)).state_dict()
    assert all(torch.equal(none[k], v) for k, v in plain.state_dict().items())


# ------------------------------------------------------------------ arguments of a step


@pytest.mark.parametrize("name", CELLS)
def test__Cell__time_as_number_vector_or_column__same(name):
    cell = CELLS[name]().double()
    x, h, _ = draw(cell)
    expected = cell(x, h, torch.full((3, 1), 0.5, dtype=F64))[1]
    assert torch.equal(cell(x, h, 0.5)[1], expected)
    assert torch.equal(cell(x, h, torch.full((3,), 0.5))[1], expected)
    assert torch.equal(cell(x, h)[1], cell(x, h, 1.0)[1])
    zeros = torch.zeros_like(h)
    assert torch.equal(cell(x)[1], cell(x, zeros)[1])


@pytest.mark.parametrize(
    ("value", "kind"),
    [(-0.5, "negative"), (np.nan, "not a finite"), (np.inf, "not a finite")],
)
@pytest.mark.parametrize("name", ["LTC ncp", "CfC default 1", "CfC pure own"])
def test__Cell__impossible_time__refused_naming_sample_and_value(name, value, kind):
    cell = CELLS[name]()
    dt = torch.tensor([1.0, 0.0, value])
    with pytest.raises(InvalidInputError, match=rf"timespans\[2, 0\] is .*{kind}"):
        cell(torch.zeros(3, 3), None, dt)


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize(("rows", "more"), [(3, 1), (1, 0), (6, 0), (None, 0)])
def test__Cell__state_of_another_shape__refused(name, rows, more):
    cell = CELLS[name]().double()
    x, _, dt = draw(cell)
    width = cell.state_size + more
    state = torch.zeros(width if rows is None else (rows, width), dtype=F64)
    with pytest.raises(InvalidInputError, match=rf"= \(3, {cell.state_size}\), got"):
        cell(x, state, dt)


def test__Cell__sequence_given__refused_naming_the_layers():
    with pytest.raises(InvalidInputError, match=r"\(batch, 3\), got \(2, 7, 3\).*LNN"):
        CfCCell(3, 4)(torch.zeros(2, 7, 3))


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: LTCCell(WIRINGS["ncp"], solver="euler"), "solver must be one of"),
        (lambda: LTCCell(WIRINGS["ncp"], input_mapping="mlp"), "input_mapping must"),
        (lambda: LTCCell(WIRINGS["ncp"], output_mapping=1), "output_mapping must"),
        (lambda: WiredCfCCell(WIRINGS["ncp"], mode="gate"), "mode must be one of"),
        (lambda: CfCCell(3, 4, mode="gate"), "mode must be one of"),
        (
            lambda: CfCCell(3, 4, gaps=(2, 1, 9)),
            r"share from 0 to 1 .* got \(2, 1, 9\)",
        ),
        (lambda: CfCCell(3, 4, gaps=(0.5, 0, 9)), "0 < shortest <= longest"),
        (lambda: CfCCell(3, 4, backbone_activation="x"), "backbone_activation must"),
    ],
)
def test__Cell__unknown_option__refused_naming_those_allowed(make, match):
    with pytest.raises(InvalidInputError, match=match):
        make()
