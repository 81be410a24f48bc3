"""A model in numpy alone answers as the estimator does."""

import sys
from pathlib import Path

import numpy as np
import pytest
from cases import CASES, NO_STEPS, QUICK, fitted
from processes import finished
from quick import quick

import LNN
from LNN.export import numpy_model
from LNN.export.numpy_model import Model


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")

    def model(name):
        path = folder / f"{name}.npz"
        if not path.exists():
            LNN.export.save(fitted(name).estimator, path)
        return Model(path)

    return model


def assert_same(got, expected):
    if isinstance(expected, list):
        assert len(got) == len(expected)
        for one, other in zip(got, expected, strict=True):
            assert_same(one, other)
    elif np.asarray(expected).dtype.kind in "US":
        assert list(np.ravel(got)) == list(np.ravel(expected))
    else:
        scale = max(1.0, np.abs(expected).max())
        assert np.shape(got) == np.shape(expected)
        np.testing.assert_allclose(got, expected, atol=1e-5 * scale, rtol=0)


@pytest.mark.parametrize("name", quick(CASES, *QUICK))
def test_predicts_as_the_estimator_does(stored, name):
    fit = fitted(name)
    got = stored(name).predict(fit.X, fit.gaps(), fit.starts())
    assert_same(got, fit.expected())


@pytest.mark.parametrize("name", quick(CASES, *QUICK))
def test_answers_its_own_test_vectors(stored, name):
    assert stored(name).check() < 1e-5


@pytest.mark.parametrize(
    "name", [c for c in quick(CASES, *QUICK) if c.values[0] not in NO_STEPS]
)
def test_steps_as_it_predicts(stored, name):
    """Row by row, two streams at once: the recordings of the test vectors."""
    model = stored(name)
    inputs, gaps = model.arrays["test.inputs"], model.arrays["test.gaps"]
    expected = model.arrays["test.predictions"]
    model.reset(n=2)
    for begin in (0, 2):  # the second time after a reset
        model.reset()
        pair = slice(begin, begin + 2)
        steps = zip(inputs[pair].swapaxes(0, 1), gaps[pair].T, strict=True)
        answers = np.stack([model.step(x, dt) for x, dt in steps], axis=1)
        answers = answers[:, -expected.shape[1] :]
        if model.spec["task"] == "classification":
            classes = np.array(model.spec["answer"]["classes"])
            assert (answers == classes[expected[pair].astype(int)]).all()
        else:
            assert_same(answers, expected[pair])


@pytest.mark.parametrize("name", ["label", "per step label"])
def test_gives_probabilities(stored, name):
    fit = fitted(name)
    got = stored(name).predict_proba(fit.X, fit.gaps(), fit.starts())
    assert_same(got, fit.estimator.predict_proba(fit.X, **fit.given()))


@pytest.mark.parametrize("name", NO_STEPS)
def test_refuses_steps_of_what_reads_whole_sequences(stored, name):
    with pytest.raises(ValueError, match="whole sequence"):
        stored(name).step(np.zeros(3))


def test_refuses_rows_of_another_width(stored):
    with pytest.raises(ValueError, match=r"shape \(1, 3\)"):
        stored("whole").step(np.zeros(4))
    with pytest.raises(ValueError, match="finite"):
        stored("whole").step([0.0, np.nan, 0.0])
    with pytest.raises(ValueError, match="gaps"):
        stored("whole").predict(np.zeros((2, 3)), [0.0, -1.0])
    with pytest.raises(ValueError, match="irregular time"):
        stored("whole").predict(np.zeros((2, 3)))


def test_starts_are_a_mask_of_rows(stored):
    """Row numbers cut elsewhere. The first row begins one, whatever it says."""
    fit = fitted("whole")
    model, gaps, starts = stored("whole"), fit.gaps(), fit.starts()
    usual = model.predict(fit.X, gaps, starts)
    for same in (list(starts), np.r_[False, starts[1:]]):
        np.testing.assert_array_equal(model.predict(fit.X, gaps, same), usual)
    for wrong in (np.flatnonzero(starts), starts[:-1], starts.astype(int), True):
        with pytest.raises(ValueError, match=rf"starts as {len(fit.X)} bools"):
            model.predict(fit.X, gaps, wrong)
    with pytest.raises(ValueError, match="each sequence is a recording"):
        stored("per step").predict(np.zeros((1, 2, 3)), [[1.0, 1.0]], [True])


@pytest.mark.parametrize("wrong", [3.0, [1.0], [[1.0]] * 4, [1.0] * 5])
def test_gaps_are_one_a_row(stored, wrong):
    with pytest.raises(ValueError, match="Expected 4 gaps, one a row"):
        stored("whole").predict(np.zeros((4, 3)), wrong)


def test_gaps_may_be_durations(stored):
    fit = fitted("whole")
    assert stored("whole").clock["kind"] == "numbers"
    model, gaps = stored("whole"), np.round(fit.gaps(), 3)
    usual = model.predict(fit.X, gaps, fit.starts())
    durations = (1000 * np.nan_to_num(gaps)).round().astype("m8[ms]")
    for wrong in (durations, np.datetime64("2024-01-01") + durations):
        with pytest.raises(ValueError, match="dt in numbers, got"):
            model.predict(fit.X, wrong, fit.starts())
    model.clock = {**model.clock, "kind": "datetimes or durations"}
    several = durations.astype("m8[ns]"), durations.astype(object), list(durations)
    for same in several:
        found = model.predict(fit.X, same, fit.starts())
        np.testing.assert_allclose(found, usual, atol=1e-9)
    model.reset()
    right = [model.step(x, gap) for x, gap in zip(fit.X[:6], gaps, strict=False)]
    for same in several:
        model.reset()
        found = [model.step(x, gap) for x, gap in zip(fit.X[:6], same, strict=False)]
        np.testing.assert_allclose(found, right, atol=1e-9)
    with pytest.raises(ValueError, match="dt in numbers, got datetime64"):
        model.step(fit.X[0], np.datetime64("2024-01-01"))


def test_needs_numpy_alone(stored, tmp_path):
    """Run as a copy where no other package can be imported."""
    fit = fitted("whole")
    LNN.export.save(fit.estimator, tmp_path / "model.npz")
    copy = tmp_path / "numpy_model.py"
    copy.write_text(Path(numpy_model.__file__).read_text())
    code = (
        "import sys; before = set(sys.modules); import numpy_model\n"
        "model = numpy_model.Model('model.npz'); print(model.check())\n"
        "foreign = {'torch', 'pandas', 'sklearn', 'scipy', 'LNN'} & set(sys.modules)\n"
        "assert not foreign, foreign"
    )
    done = finished([sys.executable, "-c", code], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 1e-5
