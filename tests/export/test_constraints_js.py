"""Models with limits in JavaScript: the answers and flags of LNN."""

import json

import numpy as np
import pytest
from answers import plain
from constraint_cases import (
    CASES,
    NEVER,
    QUICK,
    SMALL,
    X,
    Y,
    fitted,
    random_spec,
    right,
)
from narrow_limits import NARROW_LIMITS
from programs import HERE, needs_node, node
from quick import quick

from LNN import LiquidRegressor
from LNN.export import to_js, to_spec
from LNN.export.c.rounding import numpy_model

pytestmark = [NARROW_LIMITS, needs_node]
RUN = HERE / "run_limited.mjs"


def ask(spec, folder, X, dt=None, script=RUN):
    """Return what a model answers in node, and which answers are feasible."""
    to_js(spec, folder)
    (folder / "given.json").write_text(json.dumps(plain({"X": X, "dt": dt})))
    return json.loads(node(script, folder))


@pytest.mark.parametrize("name", quick(CASES, *QUICK))
def test__js__of_a_model_with_limits__gives_the_answers_and_flags_of_lnn(
    name, tmp_path
):
    answers, feasible, rows, gaps = right(name)
    found = ask(to_spec(fitted(name)[0]), tmp_path, rows, gaps)
    np.testing.assert_allclose(found["predict"], answers, atol=2e-4)
    assert (np.array(found["feasible"]) == feasible.ravel()).mean() > 0.99
    if name != "sequences":
        wanted = answers if rows.ndim == 3 else [answers]
        np.testing.assert_allclose(found["steps"], wanted, atol=2e-4)
        np.testing.assert_allclose(found["peeks"], found["steps"], atol=1e-12)
        assert np.ravel(found["step_feasible"]).tolist() == found["feasible"]


@pytest.mark.quick_cases("two targets", "hold", "sequences")
@pytest.mark.parametrize(
    "name", ["two targets", "hold", "sequences", "quantiles", "two quadratic"]
)
def test__test_js__of_a_model_with_limits__passes(name, tmp_path):
    to_js(fitted(name)[0], tmp_path)
    assert "passed" in node(tmp_path / "test.js")


def test__js__raise__raises(tmp_path):
    model = LiquidRegressor(
        **SMALL, output_constraints=[NEVER], on_infeasible="raise"
    ).fit(X, Y)
    found = ask(to_spec(model), tmp_path, X[:3])
    assert "some answer satisfies" in found["predict"]
    assert "passed" in node(tmp_path / "test.js")


def agree(seeds, tmp_path, n_rows):
    """Compare answers; return which share of them is feasible."""
    same, good = [], []
    for seed in seeds:
        spec, folder = random_spec(seed), tmp_path / str(seed)
        runtime = numpy_model(spec)
        answers = runtime.predict(X[:n_rows])
        found = ask(spec, folder, X[:n_rows])
        # Where no point satisfies all, breaking a row has a price of 10^8.
        np.testing.assert_allclose(found["predict"], answers, atol=1e-4)
        same.append(runtime.limits.feasible == found["feasible"])
        good.append(found["feasible"])
    assert np.mean(same) > 0.999
    return np.mean(good)


def test__js__random_limits__agree_with_numpy(tmp_path):
    agree(range(3), tmp_path, 60)


@pytest.mark.slow
def test__js__many_random_limits__agree_with_numpy(tmp_path):
    assert 0.2 < agree(range(3, 11), tmp_path, 150) < 0.9  # 1,200 problems
