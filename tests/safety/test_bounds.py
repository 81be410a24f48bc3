from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F

from LNN import LiquidClassifier, LiquidNetwork, LiquidRegressor
from LNN.exceptions import InvalidInputError
from LNN.safety import contraction_bound, output_bounds, state_bounds
from LNN.safety.cell_bounds import invariant, step, time_constants
from LNN.safety.intervals import Interval, point

BOUNDED = {
    "LTC semi-implicit": {"model_type": "LTC"},
    "LTC exponential": {"model_type": "LTC", "solver": "exponential"},
    "LTC mixed": {"model_type": "LTC", "mixed_memory": True},
    "CfC default": {"model_type": "CfC"},
    "CfC full": {"model_type": "CfC", "wiring": "full"},
    "CfC exponential": {"model_type": "CfC", "mode": "exponential"},
    "CfC full exponential": {
        "model_type": "CfC",
        "mode": "exponential",
        "wiring": "full",
    },
    "CfC no_gate": {"model_type": "CfC", "mode": "no_gate"},
    "CfC full pure": {"model_type": "CfC", "mode": "pure", "wiring": "full"},
    "CfC mixed": {"model_type": "CfC", "mixed_memory": True},
    "LSTM": {"model_type": "LSTM"},
    "GRU": {"model_type": "GRU"},
}
UNBOUNDED = {
    "CfC pure": {"model_type": "CfC", "mode": "pure"},
    "CfC full pure relu": {
        "model_type": "CfC",
        "mode": "pure",
        "wiring": "full",
        "backbone_activation": "relu",
    },
    "LTC explicit": {"model_type": "LTC", "solver": "explicit"},
    "LTC rk4": {"model_type": "LTC", "solver": "rk4"},
}
STEPPED = [name for name in BOUNDED if name not in ("LSTM", "GRU")]


def network(options, seed=0, *, disturbed=True, n_layers=1, **more):
    """Make a network whose weights went far from where they started."""
    generator = torch.Generator().manual_seed(seed)
    made = LiquidNetwork(
        3, 12, 2, n_layers=n_layers, generator=generator, **options, **more
    )
    if disturbed:
        with torch.no_grad():
            for parameter in made.parameters():
                noise = torch.randn(parameter.shape, generator=generator)
                parameter.add_(1.5 * noise)
    return made.eval().requires_grad_(False)


def wild(n, steps, generator):
    """Draw inputs of every size, and elapsed times over seven decades."""
    size = 10.0 ** (4 * torch.rand(n, 1, 1, generator=generator) - 2)
    x = size * torch.randn(n, steps, 3, generator=generator)
    dt = 10.0 ** (7 * torch.rand(n, steps, generator=generator) - 4)
    return x, dt


def check_never_left(options, n_sequences, seed):
    made = network(options, seed)
    eps = torch.finfo(torch.float32).eps
    for backend in ("auto", "torch"):
        layer = made.layers[0]
        layer.backend = backend
        found, _ = invariant(getattr(layer, "cell", layer), eps)
        x, dt = wild(n_sequences, 10, torch.Generator().manual_seed(seed))
        states, _ = made.states(x, dt)
        states = states.double().numpy()
        assert (states >= found.low).all()
        assert (states <= found.high).all()
    return states, found


@pytest.mark.parametrize("name", BOUNDED)
def test__invariant__wild_inputs_and_steps__is_never_left(name):
    states, found = check_never_left(BOUNDED[name], 1000, seed=0)
    # It is no wider than it has to be by more than states come near to.
    reached = np.abs(states).max() / np.abs([found.low, found.high]).max()
    assert reached > (0.2 if "mixed" in name or "pure" in name else 0.6)


@pytest.mark.slow
@pytest.mark.parametrize("name", BOUNDED)
def test__invariant__a_million_inputs__is_never_left(name):
    for seed in range(10):
        check_never_left(BOUNDED[name], 10_000, seed)


@pytest.mark.parametrize("name", UNBOUNDED)
def test__invariant__unbounded_cells__have_no_ends(name):
    made = network(UNBOUNDED[name], disturbed=False)
    found, reason = invariant(made.layers[0].cell, 1e-7)
    assert np.isinf(found.low).all()
    assert "no bound" in reason
    x, dt = wild(300, 20, torch.Generator().manual_seed(0))
    assert made.states(x, dt)[0].nan_to_num(nan=torch.inf).abs().max() > 50


@pytest.mark.parametrize("name", STEPPED)
@pytest.mark.parametrize("seed", [0, 1])
def test__step__states_and_inputs_of_intervals__stay_in_what_it_returns(name, seed):
    made = network(BOUNDED[name], seed)
    cell = made.layers[0].cell
    random = np.random.default_rng(seed)
    eps = torch.finfo(torch.float32).eps
    double = network(BOUNDED[name], seed).double().layers[0].cell
    for width in (1e-3, 0.1, 1.0):
        x = random.normal(size=3)
        at = 0.5 * random.normal(size=cell.state_size)
        dt = 10 ** random.uniform(-3, 2)
        low, high = np.array(dt), np.array(dt * (1 + width))
        found = step(
            double,
            Interval(x - width, x + width),
            Interval(at - width, at + width),
            Interval(low, high),
            eps,
        )
        n = 2000
        signs = random.uniform(-1, 1, (n, 3 + cell.state_size + 1))
        # Half of them at the corners.
        signs[::2] = np.sign(signs[::2])
        inputs = torch.tensor(x + width * signs[:, :3], dtype=torch.float32)
        states = torch.tensor(at + width * signs[:, 3:-1], dtype=torch.float32)
        spans = torch.tensor(dt * (1 + width * (signs[:, -1] + 1) / 2)).float()
        _, new = cell(inputs, states, spans)
        assert (new.numpy() >= found.low - 1e-6 * width).all()
        assert (new.numpy() <= found.high + 1e-6 * width).all()
        if width == 1e-3:  # and it is not much wider than what was seen
            seen = np.ptp(new.numpy(), axis=0)
            wide = (found.high - found.low)[seen > 1e-5] / seen[seen > 1e-5]
            assert not len(wide) or np.median(wide) < 20


@pytest.mark.parametrize("name", STEPPED)
def test__step__points__is_the_cell_itself(name):
    made = network(BOUNDED[name], disturbed=False).double()
    cell = made.layers[0].cell
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1, 3, generator=generator, dtype=torch.float64)
    state = 0.3 * torch.randn(1, cell.state_size, generator=generator).double()
    _, new = cell(x, state, 0.7)
    at = [point(value[0].numpy()) for value in (x, state)]
    found = step(cell, *at, point(np.array(0.7)), 2.0**-52)
    np.testing.assert_allclose(found.low, new[0].numpy(), atol=1e-10)
    np.testing.assert_allclose(found.high, new[0].numpy(), atol=1e-10)


def test__step__pure__carries_a_box():
    for name in ("CfC pure", "CfC full pure relu"):
        cell = network(UNBOUNDED[name], disturbed=False).double().layers[0].cell
        ends = [np.full(3, -1.0), np.full(3, 1.0)]
        start = point(np.zeros(cell.state_size))
        found = step(cell, Interval(*ends), start, point(np.array(1.0)), 1e-7)
        assert np.isfinite([found.low, found.high]).all()
        x = 2 * torch.rand(500, 3, dtype=torch.float64) - 1
        _, new = cell(x)
        assert (new.numpy() >= found.low).all()
        assert (new.numpy() <= found.high).all()


def test__activations__that_turn__hold_their_least_value():
    from LNN.safety.cell_bounds import _activated

    for name in ("silu", "gelu", "relu", "tanh", "lecun_tanh"):
        for low, high in [(-3.0, 2.0), (-5.0, -2.0), (-1.0, -0.1), (0.5, 1.0)]:
            found = _activated(name, Interval(np.array([low]), np.array([high])), 1e-7)
            x = torch.linspace(low, high, 10_001, dtype=torch.float64)
            from LNN.cells.cfc import ACTIVATIONS

            y = ACTIVATIONS[name](x)
            assert found.low[0] <= y.min() <= found.low[0] + 1e-4
            assert found.high[0] - 1e-4 <= y.max() <= found.high[0]


def test__time_constants__of_ltc__are_within_their_range():
    cell = network(BOUNDED["LTC semi-implicit"]).layers[0].cell
    found = time_constants(cell)
    x, state = 100 * torch.randn(5000, 3), torch.randn(5000, 12)
    with torch.no_grad():
        drive = cell.drive(x)
        capacity, synapses = cell.constants()
        both = drive + cell.recurrent.currents(state, synapses)
        tau = (capacity / both.chunk(2, dim=-1)[1]).numpy()
    assert (tau >= found.low * (1 - 1e-5)).all()
    assert (tau <= found.high * (1 + 1e-5)).all()
    # All synapses shut leave the leak alone.
    np.testing.assert_allclose(
        found.high, (F.softplus(cell.cm) / F.softplus(cell.gleak)).numpy(), rtol=1e-5
    )
    assert time_constants(network(BOUNDED["CfC default"]).layers[0].cell) is None


# ------------------------------------------------------------------ fitted estimators


def rows(n=300, seed=0):
    random = np.random.default_rng(seed)
    t = np.arange(n)
    X = np.column_stack([np.sin(0.1 * t), 5 + 2 * random.normal(size=n), 0.1 * t % 1])
    y = 100 + 30 * X[:, 0] * X[:, 2] + X[:, 1]
    return X, y


def fitted(options, **more):
    X, y = rows()
    how = {"n_neurons": 8, "window_length": 6, "epochs": 2, "random_state": 0}
    return LiquidRegressor(**(how | options | more)).fit(X, y)


HEADS = [
    {},
    {"n_layers": 2},
    {"pooling": "mean"},
    {"pooling": "last+mean+max", "n_layers": 2},
    {"pooling": "attention"},
    {"readout": "motor"},
    {"window_length": 1},
]


@pytest.mark.parametrize("head", HEADS, ids=str)
@pytest.mark.parametrize("name", ["CfC default", "LTC semi-implicit", "CfC mixed"])
def test__output_bounds__answers__lie_inside(name, head):
    lnn = fitted(BOUNDED[name], **head)
    found = output_bounds(lnn)
    assert found.proved
    random = np.random.default_rng(1)
    X = rows()[0] * 10.0 ** random.uniform(-3, 3, size=(300, 1))
    answers = lnn.predict(X)
    assert found.low <= answers.min()
    assert answers.max() <= found.high

    low, high = np.array([-1.0, 4.0, 0.0]), np.array([1.0, 6.0, 0.5])
    inside = output_bounds(lnn, (low, high))
    assert found.low <= inside.low <= inside.high <= found.high
    X = random.uniform(low, high, size=(3000, 3))
    X[::2] = np.where(random.random((1500, 3)) < 0.5, low, high)
    X[500:1000] = np.repeat(X[500:1000:10], 10, axis=0)  # corners that stay
    answers = lnn.predict(X)
    assert inside.low <= answers.min()
    assert answers.max() <= inside.high


def test__output_bounds__smaller_box__is_tighter_down_to_the_answer():
    lnn = fitted({}, scale_target=True)
    X = rows()[0][:1]
    widths = []
    for size in (10.0, 1.0, 0.1, 1e-3, 0.0):
        found = output_bounds(lnn, (X[0] - size, X[0] + size))
        widths.append(found.high - found.low)
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] < 0.2 * widths[0]
    constant = lnn.predict(np.repeat(X, 40, axis=0))
    assert found.low <= constant.min()
    assert constant.max() <= found.high


def test__output_bounds__several_targets_and_quantiles__have_the_answers_shape():
    X, y = rows()
    both = LiquidRegressor(8, window_length=4, epochs=2, random_state=0)
    found = output_bounds(both.fit(X, np.column_stack([y, -y])))
    assert found.low.shape == (2,)
    levels = LiquidRegressor(
        8, window_length=4, epochs=2, loss="quantile", quantile=[0.1, 0.9]
    ).fit(X, y)
    found = output_bounds(levels)
    answers = levels.predict(X)
    assert np.shape(found.low) == answers.shape[1:]
    assert (answers >= found.low).all()
    assert (answers <= found.high).all()


def test__output_bounds__classifier__bounds_probabilities():
    X, y = rows()
    label = np.digitize(y, np.quantile(y, [0.3, 0.6]))
    lnn = LiquidClassifier(8, window_length=5, epochs=3, random_state=0).fit(X, label)
    for found in (output_bounds(lnn), output_bounds(lnn, (X.min(0), X.max(0)))):
        probabilities = lnn.predict_proba(X)
        assert found.low.shape == (3,)
        assert (probabilities >= found.low).all()
        assert (probabilities <= found.high).all()
        assert (found.low >= 0).all()
        assert (found.high <= 1).all()


def test__output_bounds__sequences_of_any_length__lie_inside():
    random = np.random.default_rng(0)
    X = [random.normal(size=(n, 2)) for n in random.integers(3, 30, 40)]
    y = np.array([x[:, 0].mean() for x in X])
    lnn = LiquidRegressor(8, epochs=2, random_state=0).fit(X, y)
    found = output_bounds(lnn, (-2, 2))
    longer = [random.uniform(-2, 2, (n, 2)) for n in (1, 2, 400, 900)]
    answers = lnn.predict([*longer, np.full((300, 2), 2.0), np.full((300, 2), -2.0)])
    assert found.low <= answers.min()
    assert answers.max() <= found.high


@pytest.mark.filterwarnings("ignore::LNN.LNNWarning")
def test__output_bounds__irregular_time__holds_for_the_gaps_that_are_named():
    X, y = rows()
    random = np.random.default_rng(2)
    t = np.cumsum(random.exponential(2.0, len(X)))
    lnn = LiquidRegressor(8, window_length=6, epochs=2, random_state=0)
    lnn = lnn.fit(X, y, timestamps=t)
    box = (X.min(0), X.max(0))
    anything, short = output_bounds(lnn, box), output_bounds(lnn, box, gaps=(1.5, 2.5))
    assert anything.low <= short.low <= short.high <= anything.high
    for found, gaps in (
        (anything, 10.0 ** random.uniform(-4, 3, 300)),
        (short, random.uniform(1.5, 2.5, 300)),
    ):
        answers = lnn.predict(X, timestamps=np.cumsum(gaps))
        assert found.low <= answers.min()
        assert answers.max() <= found.high


@pytest.mark.filterwarnings("ignore::LNN.LNNWarning")
def test__output_bounds__a_long_gap_that_is_walked_in_steps__lies_inside():
    X, y = rows()
    dates = pd.date_range("2026-01-01", periods=len(X), freq="h")
    lnn = LiquidRegressor(8, window_length=4, epochs=2, random_state=0)
    lnn = lnn.fit(pd.DataFrame(X, index=dates), y)
    found = output_bounds(lnn, (X.min(0), X.max(0)), gaps=(3600, 100 * 3600))
    gaps = np.random.default_rng(3).uniform(1, 100, len(X))
    later = pd.Timestamp("2027-01-01") + pd.to_timedelta(np.cumsum(gaps), unit="h")
    answers = lnn.predict(pd.DataFrame(X, index=later))
    assert found.low <= answers.min()
    assert answers.max() <= found.high


@pytest.mark.filterwarnings("ignore::LNN.LNNWarning")
def test__output_bounds__anchor__needs_the_box_and_adds_it():
    X, y = rows()
    lnn = LiquidRegressor(8, window_length=4, anchor=1, epochs=2, random_state=0)
    lnn = lnn.fit(X, y)
    with pytest.raises(InvalidInputError, match="anchor="):
        output_bounds(lnn)
    low, high = X.min(0), X.max(0)
    found = output_bounds(lnn, (low, high))
    answers = lnn.predict(np.random.default_rng(0).uniform(low, high, (500, 3)))
    assert found.low <= answers.min()
    assert answers.max() <= found.high


def test__output_bounds__without_a_proof__are_infinite_and_say_so():
    lnn = fitted({"mode": "pure"})
    found = output_bounds(lnn)
    assert not found.proved
    assert (found.low, found.high) == (-np.inf, np.inf)
    assert not state_bounds(lnn).proved
    # Within a box and a window there is one.
    X = rows()[0]
    found = output_bounds(lnn, (X.min(0), X.max(0)))
    assert found.proved
    answers = lnn.predict(X)
    assert found.low <= answers.min()
    assert answers.max() <= found.high


@pytest.mark.parametrize(
    ("options", "message"),
    [({"missing": "hold"}, "missing="), ({"patch": 2}, "patch=2")],
)
def test__output_bounds__inputs_that_are_read_otherwise__are_refused(options, message):
    lnn = fitted(options)
    assert output_bounds(lnn).proved
    with pytest.raises(InvalidInputError, match=message):
        output_bounds(lnn, (0, 1))


@pytest.mark.parametrize(
    ("box", "message"),
    [
        ((1, 0), "low <= high"),
        ((0, np.inf), "finite"),
        (([0, 0], 1), "3 numbers"),
        (3, "as \\(low, high\\)"),
    ],
)
def test__output_bounds__no_box__is_refused(box, message):
    with pytest.raises(InvalidInputError, match=message):
        output_bounds(fitted({}), box)


def test__bounds__network_changed_by_hand__is_refused():
    lnn = fitted({})
    lnn.network_.layers[0].cell.register_forward_hook(lambda *given: None)
    with pytest.raises(InvalidInputError):
        state_bounds(lnn)


def test__state_bounds__time_constants__are_in_the_users_unit():
    X, y = rows()
    lnn = LiquidRegressor(6, model_type="LTC", window_length=4, epochs=2)
    lnn = lnn.fit(X, y, timestamps=60.0 * np.arange(len(X)))
    (layer,) = state_bounds(lnn).layers
    own = time_constants(lnn.network_.layers[0].cell)
    np.testing.assert_allclose(layer.tau_low, 60 * own.low)
    assert (layer.tau_low <= layer.tau_high).all()
    assert layer.low.shape == (6,)


GAPS = [1, "x", (1,), (1, 2, 3), ("a", "b"), (None, 1), (np.nan, 1), (-1, 2), (2, 1)]


@pytest.mark.parametrize("gaps", GAPS)
@pytest.mark.parametrize("box", [None, (-1, 1)])
def test__bounds__gaps_that_are_none__are_refused(gaps, box):
    lnn = LiquidRegressor(4, window_length=4, epochs=1, random_state=0)
    X = np.sin(0.2 * np.arange(50))[:, None]
    lnn.fit(X, X[:, 0])
    for function in (output_bounds, contraction_bound):
        with pytest.raises(InvalidInputError, match="gaps as two numbers >= 0"):
            function(lnn, box, gaps=gaps)
