"""Models with limits in ONNX: the answers and flags of LNN."""

import numpy as np
import pytest
from constraint_cases import CASES, SMALL, X, Y, fitted, random_spec, right
from narrow_limits import NARROW_LIMITS

from LNN import LiquidRegressor
from LNN.exceptions import InvalidInputError
from LNN.export import to_onnx, to_spec
from LNN.export.c.rounding import numpy_model
from LNN.safety import Bounds, RateLimit

pytestmark = NARROW_LIMITS

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

SLOW = pytest.mark.slow


def runner(path):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session, [own.name for own in session.get_outputs()]


def zero_state(path, n):
    shapes = {own.name: own for own in onnx.load(path).graph.input}
    size = shapes["state"].type.tensor_type.shape.dim[1].dim_value
    return np.zeros((n, size), np.float32)


def run(session, **feeds):
    runtime, names = session
    given = {k: v.astype("i8" if k == "lengths" else "f4") for k, v in feeds.items()}
    return dict(zip(names, runtime.run(None, given), strict=True))


def feeds_of(name):
    """Return rows (B, T, F), gaps (B, T), answers and flags."""
    answers, feasible, rows, gaps = right(name)
    if rows.ndim == 2:
        answers, feasible, rows = answers[None], feasible[None], rows[None]
    dt = np.full(rows.shape[:2], np.nan) if gaps is None else gaps[None]
    return rows, dt, answers, feasible


@pytest.mark.parametrize("name", CASES)
def test__onnx__of_a_model_with_limits__gives_the_answers_and_flags_of_lnn(
    name, tmp_path
):
    path = to_onnx(fitted(name)[0], tmp_path / "model.onnx")
    session, (rows, dt, answers, feasible) = runner(path), feeds_of(name)
    extra = {}
    if name in ("per step", "sequences"):
        extra["lengths"] = np.full(len(rows), rows.shape[1])
    start = zero_state(path, len(rows))
    found = run(session, rows=rows, dt=dt, state=start, **extra)
    np.testing.assert_allclose(found["prediction"], answers, rtol=1e-5, atol=1e-5)
    assert (found["feasible"] == feasible).all()
    if name == "sequences":
        return
    # In two calls: the last answer is part of the state.
    half = [slice(0, 7), slice(7, None)]
    state, parts = start, []
    for part in half:
        if extra:
            extra["lengths"] = np.full(len(rows), len(range(rows.shape[1])[part]))
        own = run(session, rows=rows[:, part], dt=dt[:, part], state=state, **extra)
        state = own["next_state"]
        parts.append(own["prediction"])
    parts = np.concatenate(parts, axis=1)
    np.testing.assert_allclose(parts, answers, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["one side", "rates carried", "all", "two quadratic"])
def test__onnx__one_row__gives_the_same(name, tmp_path):
    spec = to_spec(fitted(name)[0])
    if spec.values["clock"]["max_step"] is not None:  # one step is all that it takes
        spec.values["clock"]["max_step"] = None
    path = to_onnx(spec, tmp_path / "one.onnx", sequence=False)
    assert "Scan" not in {node.op_type for node in onnx.load(path).graph.node}
    session, (rows, dt, answers, feasible) = runner(path), feeds_of(name)
    state = zero_state(path, 1)
    for t in range(30):
        found = run(session, rows=rows[:, t], dt=dt[:, t], state=state)
        state = found["next_state"]
        np.testing.assert_allclose(
            found["prediction"], answers[:, t], rtol=1e-5, atol=1e-5
        )
        assert found["feasible"] == feasible[:, t]


@pytest.mark.parametrize("how", ["project", "hold"])
def test__onnx__boxes_that_contradict_each_other__are_flagged(how, tmp_path):
    limits = [Bounds(49, 51), RateLimit(0.3), Bounds(high=[48.5])]
    model = LiquidRegressor(
        **SMALL, output_constraints=limits[::-1] if how == "hold" else limits
    ).set_params(on_infeasible=how)
    model.fit(X, Y)
    answers, safety = model.predict(X, return_safety=True)
    path = to_onnx(model, tmp_path / "model.onnx")
    found = run(
        runner(path),
        rows=X[None],
        dt=np.full((1, len(X)), np.nan),
        state=zero_state(path, 1),
    )
    assert not safety.feasible.any()
    assert not found["feasible"].any()
    np.testing.assert_allclose(found["prediction"][0], answers, atol=1e-3)


def test__onnx__random_boxes__agree_with_lnn(tmp_path):
    """1,200 problems: each is a row with a box and an answer before."""
    random = np.random.default_rng(0)
    rows = random.uniform(-1, 1, size=(240, 2))
    model = LiquidRegressor(**SMALL).fit(X, np.column_stack([Y, 60 - Y / 5]))
    for _ in range(5):
        low = np.array([45.0, 44.0]) + 5 * random.random(2)
        limits = [Bounds(low, low + 8 * random.random(2)), RateLimit(random.random(2))]
        random.shuffle(limits)
        model.set_params(output_constraints=limits)
        answers, safety = model.predict(rows, return_safety=True)
        path = to_onnx(model, tmp_path / "model.onnx")
        found = run(
            runner(path),
            rows=rows[None],
            dt=np.full((1, len(rows)), np.nan),
            state=zero_state(path, 1),
        )
        np.testing.assert_allclose(found["prediction"][0], answers, atol=1e-3)
        assert (found["feasible"][0] == safety.feasible).all()


@pytest.mark.parametrize("seeds", [range(2), pytest.param(range(2, 12), marks=SLOW)])
def test__onnx__random_limits__agree_with_numpy(seeds, tmp_path):
    good = []
    for seed in seeds:
        spec, path = random_spec(seed), tmp_path / f"{seed}.onnx"
        runtime = numpy_model(spec)
        answers = runtime.predict(X)
        session = runner(to_onnx(spec, path))
        gaps = np.full((1, len(X)), np.nan)
        found = run(session, rows=X[None], dt=gaps, state=zero_state(path, 1))
        # Where no point satisfies all, breaking a row has a price of 10^8.
        np.testing.assert_allclose(found["prediction"][0], answers, atol=1e-4)
        same = found["feasible"][0] == runtime.limits.feasible
        assert same.mean() > 0.99  # what just touches a limit may be feasible to one
        good.append(found["feasible"])
    assert 0.1 < np.mean(good) < 0.95


def test__onnx__a_row_of_nan__is_not_feasible(tmp_path):
    path = to_onnx(fitted("sequences")[0], tmp_path / "model.onnx")
    session, (rows, dt, _, feasible) = runner(path), feeds_of("sequences")
    rows = rows.copy()
    rows[0, -1, 0] = np.nan
    lengths = np.full(len(rows), rows.shape[1])
    state = zero_state(path, len(rows))
    found = run(session, rows=rows, dt=dt, state=state, lengths=lengths)
    assert feasible.all()
    assert found["feasible"].tolist() == [False] + [True] * (len(rows) - 1)


def test__onnx__raise__is_refused_by_name(tmp_path):
    model = LiquidRegressor(
        **SMALL, output_constraints=[Bounds(0, 99)], on_infeasible="raise"
    ).fit(X, Y)
    with pytest.raises(InvalidInputError, match="no exceptions"):
        to_onnx(model, tmp_path / "model.onnx")


def test__onnx__bounds__are_kept_to_the_last_bit(tmp_path):
    limits = [Bounds(49.7, 50.1)]  # which float32 does not hold
    model = LiquidRegressor(**SMALL, output_constraints=limits).fit(X, Y)
    path = to_onnx(model, tmp_path / "model.onnx")
    dt, state = np.full((1, len(X)), np.nan), zero_state(path, 1)
    found = run(runner(path), rows=X[None], dt=dt, state=state)
    answers = next(iter(found.values())).astype(np.float64)
    assert answers.min() >= 49.7
    assert answers.max() <= 50.1
