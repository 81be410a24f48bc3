"""Models as files without pickle: `LNN.export.save` and `LNN.load`."""

import pickle
import warnings
from pathlib import Path

import numpy as np
import pytest
from cases import fitted
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import LNN
from LNN import LiquidClassifier, LiquidNeuralNetwork, LiquidRegressor
from LNN.exceptions import InvalidModelFileError
from LNN.export import save
from LNN.export.container import read

DATA = Path(__file__).parent.parent / "data" / "models"
SOME = (
    "CfC full default",
    "LTC memory",
    "LSTM gates",
    "two layers",
    "per step label",
    "mask whole",
    "label",
    "quantiles vector",
    "minmax",
    "anchor whole",
    "own scale patch",
    "walk pool",
    "float64",
)


def assert_equal(one, other):
    if isinstance(one, list):
        one, other = np.concatenate(one), np.concatenate(other)
    np.testing.assert_array_equal(one, other)


def data(seed=0, n=60):
    random = np.random.default_rng(seed)
    X = random.normal(size=(n, 3))
    return X, X.sum(axis=1)


@pytest.mark.quick_cases(
    *(f"{name}-.npz" for name in SOME), *(f"{name}-.safetensors" for name in SOME[:3])
)
@pytest.mark.parametrize("ending", [".npz", ".safetensors"])
@pytest.mark.parametrize("name", SOME)
def test_a_loaded_model_is_the_one_that_was_saved(name, ending, tmp_path):
    fit, path = fitted(name), tmp_path / f"model{ending}"
    save(fit.estimator, path)
    again = LNN.load(path)
    assert type(again) is type(fit.estimator)
    assert repr(again.get_params()) == repr(fit.estimator.get_params())
    assert_equal(again.predict(fit.X, **fit.given()), fit.expected())
    unpickled = pickle.loads(pickle.dumps(again))
    assert_equal(unpickled.predict(fit.X, **fit.given()), fit.expected())
    assert repr(again) == repr(fit.estimator)
    assert again.loss_curve_ == fit.estimator.loss_curve_
    save(again, tmp_path / f"twice{ending}")
    assert clone(again).get_params() is not None


@pytest.mark.parametrize("name", ["whole LTC", "label", "mask window"])
def test_a_loaded_model_streams(name, tmp_path):
    fit, path = fitted(name), tmp_path / "model.npz"
    save(fit.estimator, path)
    streams = fit.estimator.stream(), LNN.load(path).stream()
    gaps = np.nan_to_num(fit.gaps(), nan=1.0)
    for row, dt in zip(fit.X[:10], gaps, strict=False):
        one, other = (stream.step(row, dt=float(dt)) for stream in streams)
        assert one == other


def test_a_loaded_model_goes_on_from_the_end_of_training(tmp_path):
    X, y = data()
    model = LiquidRegressor(8, window_length=None, epochs=1, random_state=0)
    save(model.fit(X[:40], y[:40]), tmp_path / "model.npz")
    again = LNN.load(tmp_path / "model.npz")
    expected = model.predict(X[40:], context="fit")
    assert_equal(again.predict(X[40:], context="fit"), expected)


def test_training_goes_on_without_moments(tmp_path):
    X, y = data()
    model = LiquidRegressor(
        8, window_length=4, epochs=2, random_state=0, warm_start=True
    ).fit(X, y)
    assert model.model_.record.moments is not None
    save(model, tmp_path / "model.npz")
    again = LNN.load(tmp_path / "model.npz")
    assert again.model_.record.moments is None
    again.fit(X, y)
    # It goes on from these weights: a fit from new ones starts where the first did.
    assert again.loss_curve_[0] < model.loss_curve_[0]


@pytest.mark.parametrize(
    "classes",
    [[3, 7], [False, True], ["ä", "b c"], [1.0, 2.0], np.array(["a", "b"], "O")],
)
def test_class_labels_stay_what_they_are(classes, tmp_path):
    X, y = data()
    labels = np.array(classes)[(y > 0).astype(int)]
    model = LiquidClassifier(8, window_length=4, epochs=1, random_state=0)
    save(model.fit(X, labels), tmp_path / "model.safetensors")
    again = LNN.load(tmp_path / "model.safetensors")
    assert again.classes_.dtype == model.classes_.dtype
    assert_equal(again.predict(X), model.predict(X))


def test_frames_and_dates_are_known_again(tmp_path):
    pandas = pytest.importorskip("pandas")
    X, y = data()
    index = pandas.date_range("2024-01-01", periods=len(X), freq="h", tz="UTC")
    frame = pandas.DataFrame(X, index=index, columns=["a", "b", "c"])
    model = LiquidRegressor(8, window_length=4, epochs=1, random_state=0)
    save(model.fit(frame[:40], y[:40]), tmp_path / "model.npz")
    again = LNN.load(tmp_path / "model.npz")
    assert list(again.feature_names_in_) == ["a", "b", "c"]
    expected = model.predict(frame[40:], context="fit")
    assert_equal(again.predict(frame[40:], context="fit"), expected)
    with pytest.raises(ValueError, match="feature names"):
        again.predict(frame[["b", "a", "c"]])


@pytest.mark.parametrize("kind", ["GRU-D", "CT-RNN"])
def test_models_that_python_alone_runs_are_stored_too(kind, tmp_path):
    X, y = data()
    model = LiquidRegressor(8, model_type=kind, window_length=4, epochs=1)
    save(model.fit(X, y), tmp_path / "model.npz")
    assert_equal(LNN.load(tmp_path / "model.npz").predict(X), model.predict(X))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"scale": StandardScaler()}, "scale"),
        ({"callback": print}, "callback"),
        ({"wiring": LNN.Wiring.ncp(3, 8, 1)}, "wiring"),
    ],
)
def test_objects_of_the_caller_are_refused_by_name(change, told, tmp_path):
    X, y = data()
    if told == "callback":
        change = {"callback": lambda *_: None}
    model = LiquidRegressor(8, window_length=4, epochs=1, **change).fit(X, y)
    with pytest.raises(InvalidModelFileError, match=rf"as {told}: .*pickle\.dump"):
        save(model, tmp_path / "model.npz")
    assert not (tmp_path / "model.npz").exists()


def test_no_file_is_written_that_would_be_refused(tmp_path):
    X, y = data()
    model = LiquidRegressor(8, window_length=4, epochs=1).fit(X, y)
    model.set_params(n_jobs=5000)
    with pytest.raises(InvalidModelFileError, match="n_jobs of at most"):
        save(model, tmp_path / "model.npz")


def test_what_is_no_fitted_estimator_is_refused(tmp_path):
    X, y = data()
    path = tmp_path / "model.npz"

    class Mine(LiquidRegressor):
        pass

    model = LiquidRegressor(8, window_length=4, epochs=1).fit(X, y)
    pipeline = make_pipeline(StandardScaler(), model)
    for other in (pipeline, model.model_, Mine()):
        with pytest.raises(InvalidModelFileError, match="Expected one of"):
            save(other, path)
    with pytest.raises(InvalidModelFileError, match="Call fit"):
        save(LiquidNeuralNetwork(), path)
    with pytest.raises(InvalidModelFileError, match=r"\.safetensors"):
        save(model, tmp_path / "model.pkl")


@pytest.mark.parametrize("path", sorted(DATA.glob("*.[ns]*[zs]")), ids=lambda p: p.name)
def test_files_of_the_past_load(path):
    """Kept for ever: tests/data/models/README.md."""
    told = np.load(DATA / "answers" / f"{path.stem}.npz")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*This .* was pickled by LNN")
        model = LNN.load(path)
    predicted = model.predict(told["X"], timestamps=told["timestamps"])
    if predicted.dtype.kind == "f":
        np.testing.assert_allclose(predicted, told["predicted"], rtol=1e-4, atol=1e-5)
    else:
        assert (predicted == told["predicted"]).all()


def test_there_are_files_of_the_past():
    assert len(list(DATA.glob("*.npz"))) == 1
    assert len(list(DATA.glob("*.safetensors"))) == 1


def test_safetensors_reads_our_files(tmp_path):
    numpy_reader = pytest.importorskip("safetensors.numpy")
    path = tmp_path / "model.safetensors"
    save(fitted("whole").estimator, path)
    theirs, ours = numpy_reader.load_file(path), read(path)
    assert set(theirs) == set(ours)
    assert all(np.array_equal(theirs[n], ours[n]) for n in ours)
    numpy_reader.save_file(theirs, path)
    assert LNN.load(path) is not None


@pytest.mark.parametrize("name", ["model.npz", "model.safetensors"])
def test__save__into_a_folder_that_is_not_there__says_how_to_make_it(name, tmp_path):
    X = np.sin(0.3 * np.arange(40))[:, None]
    lnn = LNN.LiquidRegressor(4, window_length=3, epochs=1).fit(X, X[:, 0])
    with pytest.raises(InvalidModelFileError, match="mkdir"):
        LNN.export.save(lnn, tmp_path / "no" / name)
