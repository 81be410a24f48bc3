"""Models with limits as C: the answers and flags of LNN."""

import numpy as np
import pytest
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
from processes import finished
from quick import quick

from LNN import LiquidRegressor
from LNN.exceptions import InvalidInputError
from LNN.export import CModel, to_c
from LNN.export.c.compiled import find_compiler
from LNN.export.c.project import to_c_project
from LNN.export.c.rounding import numpy_model
from LNN.export.constraint_specs import inward
from LNN.safety import Bounds, HalfSpaces

pytestmark = NARROW_LIMITS

STRICT = ("-O1", "-std=c99", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function")


@pytest.mark.parametrize("name", quick(CASES, *QUICK))
def test__c__of_a_model_with_limits__gives_the_answers_and_flags_of_lnn(name, tmp_path):
    answers, feasible, rows, _ = right(name)
    to_c(fitted(name)[0], tmp_path / "model.c")
    model = CModel(tmp_path / "model.c", options=STRICT)
    found = model.predict(rows, timestamps=fitted(name)[2])
    np.testing.assert_allclose(found, answers, atol=2e-3, rtol=2e-5)
    good = model.feasible
    if name == "sequences":
        good = good.reshape(len(rows), -1)[:, -1]
    assert (good == feasible.ravel()).mean() > 0.98
    if name == "sequences":
        return
    part, wanted = (rows[0], answers[0]) if rows.ndim == 3 else (rows, answers)
    model.reset()
    if name not in ("rates", "rates carried"):
        steps = [model.step(x) for x in part]
        np.testing.assert_allclose(steps, wanted, atol=2e-3, rtol=2e-5)


# Numbers that float32 does not hold, and one that both sides share.
@pytest.mark.parametrize("ends", [(-0.01, 0.03), (0.03, 0.03)])
def test__c__bounds__are_kept_to_the_last_bit(ends, tmp_path):
    model = LiquidRegressor(**SMALL).fit(X, Y)
    middle = np.median(model.predict(X))
    ends = [middle + end for end in ends]
    model.set_params(output_constraints=[Bounds(*ends)])
    to_c(model, tmp_path / "model.c")
    compiled = CModel(tmp_path / "model.c")
    found = compiled.predict(X).astype(np.float64)
    assert compiled.feasible.all()
    if ends[0] == ends[1]:
        assert (found == np.float32(ends[0])).all()
        return
    least, most = inward(*map(np.array, ends))
    assert ends[0] <= least == found.min()
    assert ends[1] >= most == found.max()


@pytest.mark.quick_cases("two targets-float32", "hold-int8", "two quadratic-float32")
@pytest.mark.parametrize("dtype", ["float32", "int8"])
@pytest.mark.parametrize("name", ["two targets", "hold", "rates", "two quadratic"])
def test__self_test__of_a_model_with_limits__passes(name, dtype, tmp_path):
    to_c_project(fitted(name)[0], tmp_path, dtype)
    sources = sorted(
        path.name for path in tmp_path.glob("*.c") if "main" not in path.name
    )
    chosen = [s for s in sources if s in ("model.c", "self_test.c")]
    command = [find_compiler(), *STRICT, *chosen, "-o", "test", "-lm"]
    finished(command, cwd=tmp_path, check=True)
    done = finished(["./test"], cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert "PASS" in done.stdout


def compare(seeds, tmp_path, n_rows):
    """Return the largest differences of answers, and how many are feasible."""
    off, same, good = [], [], []
    for seed in seeds:
        spec, path = random_spec(seed), tmp_path / f"m{seed}.c"
        runtime = numpy_model(spec)
        answers = runtime.predict(X[:n_rows])
        to_c(spec, path, self_test=False)
        model = CModel(path)
        off.append(np.abs(model.predict(X[:n_rows]) - answers).max(axis=1))
        same.append(runtime.limits.feasible == model.feasible)
        good.append(model.feasible)
    # What just touches a limit may be feasible to one, and "hold" carries that on.
    assert np.mean(np.concatenate(same)) > 0.99
    assert np.mean(np.concatenate(off) < 1e-3) > 0.99
    return np.mean(np.concatenate(good))


def test__c__random_limits__agree_with_numpy(tmp_path):
    compare(range(3), tmp_path, 40)


@pytest.mark.slow
def test__c__many_random_limits__agree_with_numpy(tmp_path):
    share = compare(range(6, 14), tmp_path, 150)  # 1,200 problems
    assert 0.2 < share < 0.95


def test__c__what_it_cannot_do__is_refused_by_name(tmp_path):
    raising = LiquidRegressor(
        **SMALL, output_constraints=[NEVER], on_infeasible="raise"
    ).fit(X, Y)
    with pytest.raises(InvalidInputError, match="C has no exceptions"):
        to_c(raising, tmp_path / "model.c")
    many = HalfSpaces(np.ones((17, 1)), np.arange(60.0, 77.0))
    model = LiquidRegressor(**SMALL, output_constraints=[many]).fit(X, Y)
    with pytest.raises(InvalidInputError, match="at most 16 rows and 8 targets"):
        to_c(model, tmp_path / "model.c")
    assert not list(tmp_path.iterdir())


def test__c__of_a_model_without_limits__has_nothing_of_them(tmp_path):
    to_c(LiquidRegressor(**SMALL).fit(X, Y), tmp_path / "model.c")
    text = (tmp_path / "model.c").read_text() + (tmp_path / "model.h").read_text()
    assert "feasible" not in text
