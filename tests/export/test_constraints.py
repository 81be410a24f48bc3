"""Models with limits in files and runtimes: the answers of LNN, and its flags."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from constraint_cases import CASES, ONE, QUICK, SMALL, X, Y, fitted, right
from narrow_limits import NARROW_LIMITS
from processes import finished
from quick import quick

import LNN
from LNN import LiquidRegressor
from LNN.constraints import numpy_limits
from LNN.exceptions import InvalidInputError, InvalidModelFileError
from LNN.export import container, numpy_model, save
from LNN.export.__main__ import main
from LNN.export.c.rounding import numpy_model as in_numpy
from LNN.export.constraint_specs import inward
from LNN.export.spec import to_spec
from LNN.safety import DiscreteBarrier, HalfSpaces, RateLimit

pytestmark = NARROW_LIMITS

# ------------------------------------------------------------------------------- numpy


@pytest.mark.parametrize("name", quick(CASES, *QUICK))
def test__numpy__predict_and_steps__are_the_answers_of_lnn(name):
    answers, feasible, rows, gaps = right(name)
    model = in_numpy(to_spec(fitted(name)[0]))
    found = model.predict(rows, dt=gaps)
    np.testing.assert_allclose(found, answers, atol=2e-4)
    assert (model.limits.feasible == feasible.ravel()).mean() > 0.99
    assert (feasible.all() and name not in ("all", "hold")) or 0 < feasible.mean() < 1
    if name == "sequences":
        return
    cube = rows.ndim == 3
    parts, wanted = (rows, answers) if cube else ([rows], [answers])
    gap = [None] * len(rows[0] if cube else rows) if gaps is None else gaps
    for own, goal in zip(parts, wanted, strict=True):
        model.reset()
        steps = [model.step(x, dt) for x, dt in zip(own, gap, strict=True)]
        np.testing.assert_allclose(steps, goal, atol=2e-4)


def test__numpy__many_streams__each_has_its_own_answer_before():
    model = in_numpy(to_spec(fitted("rates")[0]))
    parts, gaps = X.reshape(4, 40, 2), np.full((4, 40), 2.0)
    model.reset(4)
    found = np.array([model.step(parts[:, t], gaps[:, t]) for t in range(40)]).T
    for own, rows in zip(found, parts, strict=True):
        np.testing.assert_allclose(own, model.predict(rows, dt=gaps[0]), atol=1e-9)
    model.reset(streams=[1])
    again = model.step(parts[:, 0], gaps[:, 0])
    assert again[1] == pytest.approx(found[1, 0], abs=1e-9)
    assert (np.abs(again - found[:, -1]) <= 0.8 + 1e-9)[[0, 2, 3]].all()


def test__numpy__answers__are_the_callers_to_keep_and_to_change():
    targets = np.column_stack([Y, -Y])
    model = LiquidRegressor(**SMALL, output_constraints=[RateLimit(0.1)])
    model.fit(X, targets)
    right, changed = in_numpy(to_spec(model)), in_numpy(to_spec(model))
    kept = [right.step(x) for x in X[:8]]
    for x, expected in zip(X[:8], kept, strict=True):
        answer = changed.step(x)
        np.testing.assert_array_equal(answer, expected)
        answer *= 1000
    right.reset()
    assert np.isfinite(kept).all()


def test__numpy__raise__raises():
    model = LiquidRegressor(
        **SMALL, output_constraints=CASES["hold"][0], on_infeasible="raise"
    ).fit(X, Y)
    with pytest.raises(ArithmeticError, match="some answer satisfies"):
        in_numpy(to_spec(model)).predict(X)


def test__numpy__copied_files__run_without_lnn(tmp_path):
    file, folder = tmp_path / "model.npz", tmp_path / "there"
    save(fitted("two targets")[0], file)
    assert main([str(file), str(folder), "--to", "numpy"]) == 0
    names = {"model.npz", "numpy_model.py", "numpy_limits.py"}
    assert {path.name for path in folder.iterdir()} == names
    code = (
        "import sys; from numpy_model import Model; m = Model('model.npz');"
        f"print(m.predict({X[:5].tolist()}).tolist());"
        "assert not any(n.startswith(('LNN', 'torch')) for n in sys.modules)"
    )
    done = finished([sys.executable, "-c", code], cwd=folder, check=True)
    found = json.loads(done.stdout)
    answers = fitted("two targets")[0].predict(X[:5], return_safety=True)[0]
    np.testing.assert_allclose(found, answers, atol=2e-4)


def test__spec__with_limits__is_of_a_version_that_older_runtimes_refuse():
    limited = to_spec(fitted("bounds")[0])
    free = to_spec(LiquidRegressor(**SMALL).fit(X, Y))
    assert (limited.values["version"], free.values["version"]) == (2, 1)
    assert free.values["constraints"] is None
    assert limited.arrays["test.feasible"].all()


def test__spec__with_quadratic_limits__is_of_a_version_of_its_own():
    spec = to_spec(fitted("quadratic")[0])
    assert spec.values["version"] == 3
    assert spec.arrays["constraints.1.b_quadratic"].shape == (1, 2, 2)
    flat = to_spec(fitted("half-space")[0])
    assert flat.values["version"] == 2
    assert not any(name.endswith("b_quadratic") for name in flat.arrays)


# ------------------------------------------------------------------------------- files


@pytest.mark.parametrize("ending", ["npz", "safetensors"])
@pytest.mark.parametrize(
    "name", ["two targets", "hold", "one side", "quadratic", "two quadratic"]
)
def test__load__of_a_model_with_limits__answers_the_same(name, ending, tmp_path):
    model, rows, _ = fitted(name)
    save(model, tmp_path / f"model.{ending}")
    again = LNN.load(tmp_path / f"model.{ending}")
    assert again.output_constraints == model.output_constraints
    assert again.on_infeasible == model.on_infeasible
    (mine, told), (theirs, known) = (
        one.predict(rows, return_safety=True) for one in (again, model)
    )
    np.testing.assert_array_equal(mine, theirs)
    np.testing.assert_array_equal(told.feasible, known.feasible)


def test__save__constraints_that_were_set_since__are_those_of_the_file(tmp_path):
    model = LiquidRegressor(**SMALL).fit(X, Y).set_params(output_constraints=[ONE])
    save(model, tmp_path / "model.npz")
    right = model.predict(X)
    assert (LNN.load(tmp_path / "model.npz").predict(X) == right).all()
    runtime = numpy_model.Model(tmp_path / "model.npz")
    np.testing.assert_allclose(runtime.predict(X), right, atol=2e-4)


def test__spec__rows_without_an_end__are_left_out(tmp_path):
    slopes = [[6.0, 0.0], [0.0, 1.0]]
    limits = [HalfSpaces([[1.0], [2.0]], [51.0, np.inf], b_inputs=slopes)]
    model = LiquidRegressor(**SMALL, output_constraints=limits).fit(X, Y)
    spec = to_spec(model)
    assert spec.arrays["constraints.0.b"].tolist() == [51.0]
    np.testing.assert_allclose(in_numpy(spec).predict(X), model.predict(X), atol=2e-4)
    model.set_params(output_constraints=[HalfSpaces([[1.0]], [np.inf])])
    save(model, tmp_path / "model.npz")
    runtime = numpy_model.Model(tmp_path / "model.npz")
    np.testing.assert_allclose(runtime.predict(X), model.predict(X), atol=2e-4)
    assert runtime.limits.feasible.all()


def test__inward__is_the_nearest_float32_within():
    low = np.array([0.1, 0.5, np.nan, -1e300, 0.3])
    high = np.array([0.3, 0.5, 0.7, 1e300, 0.3])
    least, most = inward(low, high)
    assert np.isnan(least[2])
    assert least[3] == -1e300
    assert most[3] == 1e300
    assert least[1] == most[1] == 0.5
    assert least[4] == most[4] == np.float32(0.3)
    assert (least[0] >= 0.1) & (most[0] <= 0.3) & (most[2] <= 0.7)
    assert least[0] - 0.1 < 1e-8
    assert 0.3 - most[0] < 3e-8
    assert least[0] == np.float32(least[0])


def test__functions__are_refused_by_name(tmp_path):
    barrier = DiscreteBarrier(lambda z: 60 - z[:, 0], lambda z, u: z + u)
    half = HalfSpaces(lambda context: np.ones((1, 1)), [50.0])
    for constraint, name in ((barrier, "DiscreteBarrier"), (half, "HalfSpaces")):
        model = fitted("bounds")[0]
        other = LiquidRegressor(**SMALL, output_constraints=[constraint])
        other.model_ = model.model_
        with pytest.raises(InvalidInputError, match=f"{name} with functions"):
            to_spec(other)
        with pytest.raises(InvalidInputError, match="functions of Python"):
            save(other, tmp_path / "model.npz")
    assert not list(tmp_path.iterdir())


def change(path, edit):
    """Change the JSON and the arrays of a stored model."""
    arrays = dict(container.read(path))
    told = json.loads(arrays["model"].tobytes())
    edit(told, arrays)
    arrays["model"] = np.frombuffer(json.dumps(told).encode(), np.uint8)
    container.write(path, arrays)


def _constraints(told):
    return told["state"]["output_constraints"], (
        told["state"]["model_"]["parameters"]["output_constraints"]
    )


def _set(name, value):
    def edit(told, arrays):
        arrays["evil"] = np.asarray(value)
        for own in _constraints(told):
            own[0][name] = {"$array": "evil"}

    return edit


def _many(told, arrays):
    for own in _constraints(told):
        own.extend(own * 100)


def _kind(value):
    def edit(told, arrays):
        for own in _constraints(told):
            own[0]["kind"] = value

    return edit


def _field(told, arrays):
    for own in _constraints(told):
        own[0]["__class__"] = "os.system"


@pytest.mark.parametrize(
    "edit",
    [
        _set("low", [1.0, 2.0, 3.0, 4.0]),
        _set("low", [np.nan, 1.0]),
        _set("low", [100.0, 100.0]),
        _set("low", np.ones((2, 2, 2))),
        _set("low", np.ones(2**21)),
        _set("low", np.array([1, 2])),
        _many,
        _kind("sphere"),
        _kind(["bounds"]),
        _field,
    ],
)
def test__load__hostile_constraints__are_refused(edit, tmp_path):
    path = tmp_path / "model.npz"
    save(fitted("two targets")[0], path)
    change(path, edit)
    with pytest.raises(InvalidModelFileError):
        LNN.load(path)


@pytest.mark.parametrize(
    "value",
    [
        np.ones((1, 3, 3)),
        np.ones((2, 2, 2)),
        np.ones((2, 2)),
        np.full((1, 2, 2), np.nan),
        np.ones((1, 2, 2), np.float32),
        np.ones((1, 1025, 1025)),
    ],
)
def test__load__hostile_quadratic_parts__are_refused(value, tmp_path):
    def edit(told, arrays):
        arrays["evil"] = value
        for own in _constraints(told):
            own[1]["b_quadratic"] = {"$array": "evil"}

    path = tmp_path / "model.npz"
    save(fitted("quadratic")[0], path)
    change(path, edit)
    with pytest.raises(InvalidModelFileError):
        LNN.load(path)


def test__load__of_a_file_without_the_field_of_quadratic_parts__works(tmp_path):
    path = tmp_path / "model.npz"
    save(fitted("half-space")[0], path)
    fields = {"kind", "A", "b", "A_inputs", "b_inputs"}  # those of older versions

    def look(told, arrays):
        assert all(set(own[1]) == fields for own in _constraints(told))

    change(path, look)
    assert LNN.load(path).output_constraints[1] == ONE


def test__files__that_are_copied__are_those_that_were_tested():
    text = Path(numpy_model.__file__).read_text()
    assert '"numpy_limits"' in text
    assert "import LNN" not in Path(numpy_limits.__file__).read_text()
