"""Models with limits that runtimes are compared on."""

import numpy as np

from LNN import LiquidRegressor
from LNN.export.spec import Spec, to_spec
from LNN.safety import BarrierFunction, Bounds, HalfSpaces, RateLimit

RANDOM = np.random.default_rng(3)
X = RANDOM.uniform(-1, 1, size=(160, 2))
WALK = 50 + np.cumsum(RANDOM.normal(size=160))
Y = 50 + 20 * np.roll(X[:, 0], 1) * X[:, 1] + 4 * X[:, 0]
TWO = np.column_stack([Y, 60 - Y / 5])
TIMES = np.cumsum(RANDOM.choice([1.0, 2.0, 5.0], size=160))
SMALL = {"n_neurons": 6, "window_length": 5, "epochs": 2, "random_state": 0}
PAIR = HalfSpaces(
    [[1.0, 1.0], [-1.0, 2.0]],
    [99.0, 60.0],
    A_inputs=0.1 * RANDOM.normal(size=(2, 2, 2)),
    b_inputs=[[3.0, 0.0], [0.0, -4.0]],
)
ONE = HalfSpaces([[1.0]], [51.0], b_inputs=[[6.0, 0.0]])

NEVER = HalfSpaces([[1.0], [-1.0]], [49.0, -50.0])  # at most 49, at least 50

# A point on a line, pushed by y - 50, that has to stay within (-1.2, 1.2), and one in a
# plane whose speeds are 5 (y - (50, 50)), within a circle.
LINE = BarrierFunction.quadratic(
    [[-1, 0], [0, 0]],
    [0, 0],
    1.44,
    [[0, 1], [0, -0.5]],
    [[0], [1]],
    [0, -50],
    order=2,
    gamma=(2.0, 3.0),
)
CIRCLE = BarrierFunction.quadratic(
    -np.eye(2), [0.1, 0], 1.5, [[0.2, 1], [-1, 0]], 5 * np.eye(2), [-250.0, -250.0]
)

CASES = {
    "bounds": ([Bounds(48, 51)], {}),
    "one side": ([Bounds(low=[49.5])], {"window_length": None}),
    "rates": ([Bounds(40, 60), RateLimit(0.4)], {"timestamps": TIMES}),
    "rates carried": ([RateLimit(0.4)], {"timestamps": TIMES, "window_length": None}),
    "half-space": ([Bounds(45, 55), ONE], {}),
    "all": ([RateLimit(0.5), Bounds(40, 60), ONE], {"window_length": None}),
    "two targets": ([Bounds([45, 30], [55, 60]), RateLimit([1, 0.2]), PAIR], {}),
    "quadratic": ([Bounds(30, 70), LINE], {}),
    "two quadratic": (
        [Bounds([30, 30], [70, 70]), CIRCLE],
        {"window_length": None, "on_infeasible": "hold"},
    ),
    "anchor": (
        [HalfSpaces([[1.0]], [0.5], b_inputs=[[1.0, 0.0]]), RateLimit(1.0)],
        {"anchor": 0},
    ),
    "quantiles": ([Bounds(48, 51)], {"loss": "quantile", "quantile": [0.2, 0.8]}),
    "hold": (
        [HalfSpaces([[1.0], [-1.0]], [52.0, -49.0], b_inputs=[[0, 0], [-9, 0]])],
        {"on_infeasible": "hold"},
    ),
    "per step": ([Bounds(45, 55), RateLimit(0.5)], {"cube": True}),
    "sequences": ([Bounds(45, 55), ONE], {"cube": True, "one": True}),
}
# Each kind of limit, of data and of what is done where no answer keeps them.
QUICK = ("one side", "rates carried", "half-space", "two targets", "two quadratic")
QUICK += ("anchor", "quantiles", "hold", "sequences")
CACHE = {}


def fitted(name):
    if name not in CACHE:
        constraints, given = CASES[name]
        settings = {**SMALL, **given}
        how = {"timestamps": settings.pop("timestamps", None)}
        rows, y = X, Y
        if name.startswith("two "):
            y = TWO
        if "anchor" in settings:
            rows, y = np.column_stack([WALK, X[:, 0]])[:-1], WALK[1:]
        if settings.pop("cube", False):
            rows, y = X.reshape(8, 20, 2), Y.reshape(8, 20)
            one = settings.pop("one", False)
            y, settings["return_sequences"] = (y[:, -1], False) if one else (y, True)
        model = LiquidRegressor(**settings, output_constraints=constraints)
        CACHE[name] = model.fit(rows, y, **how), rows, how["timestamps"]
    return CACHE[name]


def right(name):
    model, rows, times = fitted(name)
    answers, safety = model.predict(rows, timestamps=times, return_safety=True)
    gaps = None if times is None else np.diff(times, prepend=np.nan)
    return np.array(answers), np.array(safety.feasible), rows, gaps


def random_spec(seed):
    """Return a small model whose constraints are drawn."""
    random = np.random.default_rng(seed)
    base, n, m = to_spec(fitted("two targets")[0]), 2, int(random.integers(1, 9))
    A = random.normal(size=(m, n))
    b = 60 * A[:, 0] + 48 * A[:, 1] + 3 * random.normal(size=m) + random.choice([-1, 2])
    if seed % 7 == 0 and m > 1:
        A[1], b[1] = 2 * A[0], 2 * b[0]
    if seed % 5 == 0 and m > 1:
        A[1], b[1] = -A[0], -b[0]
    low = np.where(random.random(n) < 0.7, [40, 40] + 5 * random.normal(size=n), np.nan)
    high = np.where(random.random(n) < 0.7, low + 10 * random.random(n), np.nan)
    kinds = ["bounds", "rate_limit", "half_spaces"]
    values = dict(base.values)
    values["constraints"] = {
        "on_infeasible": str(random.choice(["project", "hold"])),
        "limits": [{"kind": kind} for kind in kinds],
    }
    arrays = {k: a for k, a in base.arrays.items() if not k.startswith("constraints.")}
    arrays |= {
        "constraints.0.low": low,
        "constraints.0.high": high,
        "constraints.1.max_rate": np.where(seed % 3, 2.0, np.nan) * np.ones(n),
        "constraints.2.A": A,
        "constraints.2.b": b,
        "constraints.2.b_inputs": random.normal(size=(m, 2)),
    }
    if seed % 3 == 1:
        arrays["constraints.2.b_quadratic"] = random.normal(size=(m, 2, 2))
    return Spec(values, arrays)
