"""A model in ONNX answers as the estimator does."""

import functools
import itertools
import json
import sys

import numpy as np
import pytest
from answers import SOME, assert_same
from cases import CASES, NO_STEPS, fitted

import LNN
from LNN.exceptions import InvalidInputError, MissingDependencyError
from LNN.export.__main__ import main
from LNN.export.numpy_model import Model

onnx = pytest.importorskip("onnx")
ALL = [
    pytest.param(name, marks=() if name in SOME else pytest.mark.slow) for name in CASES
]


def reference(path):
    """Return the runtime that onnx itself has for tests."""
    # That of 1.17 does not see constants from inside of Scan.
    pytest.importorskip("onnx", minversion="1.23")
    from onnx.reference import ReferenceEvaluator

    return ReferenceEvaluator(str(path))


def session(path):
    """Return onnxruntime for a file; without it, what onnx has."""
    try:
        import onnxruntime
    except ImportError:
        return reference(path)
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("onnx")

    @functools.cache
    def write(name, sequence=True):
        path = folder / f"{name} {sequence}.onnx"
        LNN.export.to_onnx(fitted(name).estimator, path, sequence)
        return path

    return write


def state_of(path, batch):
    """Return the zeros with which recordings begin."""
    known = {value.name: value for value in onnx.load(path).graph.input}
    if "state" not in known:
        return {}
    size = known["state"].type.tensor_type.shape.dim[1].dim_value
    return {"state": np.zeros((batch, size), np.float32)}


def run(path, feeds, runner=None):
    """Return outputs by name."""
    runner = session(path) if runner is None else runner
    names = [value.name for value in onnx.load(path).graph.output]
    feeds = {k: v.astype("i8" if k == "lengths" else "f4") for k, v in feeds.items()}
    return dict(zip(names, runner.run(None, feeds), strict=True))


def batch(fit):
    """Return rows (B, T, F), gaps and lengths of all recordings, padded."""
    X, gaps = fit.X, fit.gaps()
    if isinstance(X, np.ndarray) and X.ndim == 2:
        cuts = [] if fit.starts() is None else np.flatnonzero(fit.starts())[1:]
        X = np.split(X, cuts)
        gaps = None if gaps is None else np.split(gaps, cuts)
    lengths = np.array([len(x) for x in X])
    rows = np.full((len(X), max(lengths), X[0].shape[1]), np.nan)
    dt = np.full(rows.shape[:2], np.nan)
    for k, x in enumerate(X):
        rows[k, : len(x)] = x
        if gaps is not None:
            dt[k, : len(x)] = gaps[k]
    return rows, dt, lengths


def answers(path, fit, runner=None):
    rows, dt, lengths = batch(fit)
    feeds = {"rows": rows, "dt": dt, **state_of(path, len(rows))}
    if fit.estimator.model_.layout.kind != "rows":
        feeds["lengths"] = lengths
    return run(path, feeds, runner)


def laid_out(found, fit, lengths):
    """Lay answers out as the estimator does."""
    if isinstance(fit.X, np.ndarray) and fit.X.ndim == 2:
        return np.concatenate([own[:n] for own, n in zip(found, lengths, strict=True)])
    return found


@pytest.mark.parametrize("name", ALL)
def test_predicts_as_the_estimator_does(files, name):
    fit, lengths = fitted(name), batch(fitted(name))[2]
    found = answers(files(name), fit)
    wanted = "label" if "label" in found else "prediction"
    assert_same(laid_out(found[wanted], fit, lengths), fit.expected())


@pytest.mark.parametrize("name", ["label", "per step label"])
def test_gives_probabilities(files, name):
    fit, lengths = fitted(name), batch(fitted(name))[2]
    found = answers(files(name), fit)["probabilities"]
    expected = fit.estimator.predict_proba(fit.X, **fit.given())
    assert_same(laid_out(found, fit, lengths), expected)


@pytest.mark.parametrize("name", ALL)
def test_goes_on_from_its_state(files, name):
    """In pieces of all lengths, answers are those to the whole."""
    path, fit = files(name), fitted(name)
    spec = LNN.export.to_spec(fit.estimator)
    feeds = state_of(path, 16)
    if name in ("own scale", "own scale patch"):
        assert not feeds  # it needs the whole sequence at once
        return
    rows, dt = spec.arrays["test.inputs"], spec.arrays["test.gaps"]
    found, runner, cuts = [], session(path), [0, 1, 3, 8, rows.shape[1]]
    for begin, end in itertools.pairwise(cuts):
        feeds |= {"rows": rows[:, begin:end], "dt": dt[:, begin:end]}
        if spec.values["reading"]["kind"] == "sequences":
            feeds["lengths"] = np.full(16, end - begin)
        told = run(path, feeds, runner)
        feeds["state"] = told["next_state"]
        found.append(told["label" if "label" in told else "prediction"])
    expected = predictions(spec)
    if expected.shape[1] == 1 and rows.shape[1] > 1:  # one answer a sequence
        found = found[-1][:, None]
    else:
        found = np.concatenate(found, axis=1)
    assert_same(found, expected)


def predictions(spec):
    """Return the answers to the test vectors (16, S, ...)."""
    expected, classes = (
        spec.arrays["test.predictions"],
        spec.values["answer"]["classes"],
    )
    return expected if classes is None else np.array(classes)[expected.astype(int)]


def takes_one_step(name):
    values = LNN.export.to_spec(fitted(name).estimator).values
    return (
        values["reading"]["window_length"] is None
        and values["clock"]["max_step"] is None
        and name not in NO_STEPS
    )


@pytest.mark.parametrize("name", ALL)
def test_takes_one_step(files, name):
    """The graph of one row, without Scan and loop, stream by stream."""
    if not takes_one_step(name):
        with pytest.raises(InvalidInputError, match="sequence=True"):
            files(name, False)
        return
    path, spec = files(name, False), LNN.export.to_spec(fitted(name).estimator)
    assert not {"Scan", "Loop"} & {node.op_type for node in onnx.load(path).graph.node}
    rows, dt = spec.arrays["test.inputs"], spec.arrays["test.gaps"]
    state, found, runner = state_of(path, 16), [], session(path)
    for t in range(rows.shape[1]):
        told = run(path, {"rows": rows[:, t], "dt": dt[:, t], **state}, runner)
        state = {"state": told["next_state"]}
        found.append(told["label" if "label" in told else "prediction"])
    expected = predictions(spec)
    assert_same(np.stack(found, axis=1)[:, -expected.shape[1] :], expected)


@pytest.mark.parametrize("name", ["mask whole", "LTC semi-implicit", "walk patch"])
def test_needs_no_onnxruntime(files, name):
    """What onnx itself has gives the same answers."""
    fit, path = fitted(name), files(name)
    found = answers(path, fit, reference(path))
    got = laid_out(found["prediction"], fit, batch(fit)[2])
    assert_same(got, fit.expected())


def test_command_writes_a_graph(tmp_path, capsys):
    path = tmp_path / "m.npz"
    LNN.export.save(fitted("label").estimator, path)
    assert main([str(path), "--to", "onnx", str(tmp_path)]) == 0
    assert "model.onnx" in capsys.readouterr().out
    fit = fitted("label")
    found = answers(tmp_path / "model.onnx", fit)["label"]
    assert list(laid_out(found, fit, batch(fit)[2])) == list(fit.expected())


def test_tells_nothing_of_this_machine(files):
    """Other ways to write ONNX store the paths and lines of source code."""
    assert b".py" not in files("whole").read_bytes()


def test_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingDependencyError, match=r"LNN\[onnx\]"):
        LNN.export.to_onnx(fitted("whole").estimator, tmp_path / "model.onnx")


def test_gates_that_are_nearly_open(tmp_path):
    """Forget gates of 12: 1 - F is 6e-6, which float32 has no digits for beside 1."""
    spec = LNN.export.to_spec(fitted("LSTM gates").estimator)
    n = spec.values["layers"][0]["n_neurons"]
    spec.arrays["layers.0.input_bias"][n : 2 * n] += 12.0
    named = {f"spec.{name}": array for name, array in spec.arrays.items()}
    text = np.frombuffer(json.dumps(spec.values).encode(), np.uint8)
    np.savez(tmp_path / "model.npz", spec=text, **named)
    path = LNN.export.to_onnx(spec, tmp_path / "model.onnx")
    fit = fitted("LSTM gates")
    expected = Model(tmp_path / "model.npz").predict(fit.X, fit.gaps(), fit.starts())
    found = laid_out(answers(path, fit)["prediction"], fit, batch(fit)[2])
    assert_same(found, expected)


@pytest.mark.parametrize(
    "name", ["anchor cube", pytest.param("mask cube", marks=pytest.mark.slow)]
)
def test_sequences_without_rows_in_a_call_wait(files, name):
    spec = LNN.export.to_spec(fitted(name).estimator)
    rows, dt = spec.arrays["test.inputs"][:2], spec.arrays["test.gaps"][:2]
    n, path, feeds = rows.shape[1], files(name), state_of(files(name), 2)
    for begin, lengths in ((0, [4, 4]), (4, [0, n - 4]), (4, [n - 4, 0])):
        some = slice(begin, begin + max(lengths))
        feeds |= {"rows": rows[:, some], "dt": dt[:, some]}
        told = run(path, {**feeds, "lengths": np.array(lengths)})
        feeds["state"] = told["next_state"]
        found = told["prediction"]
        if begin and lengths[1]:
            second = found[1]
    assert_same(np.array([found[0], second])[:, None], predictions(spec)[:2])


def test_columns_that_float32_cannot_tell_apart_are_refused(tmp_path):
    wave = np.sin(0.3 * np.arange(200))
    lnn = LNN.LiquidRegressor(4, window_length=4, epochs=1, random_state=0)
    with pytest.raises(InvalidInputError, match=r"float32.*1e\+07"):
        LNN.export.to_onnx(lnn.fit(wave[:, None] + 1e7, wave), tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())
