"""SequenceScaler: scikit-learn's checks, weights, layouts."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, QuantileTransformer, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from LNN import LiquidRegressor
from LNN.data import SequenceScaler
from LNN.exceptions import InvalidInputError

METHODS = ["standard", "minmax", "robust", "none"]


@parametrize_with_checks([SequenceScaler()])
def test__sequence_scaler__sklearn_checks__pass(estimator, check):
    check(estimator)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("method", METHODS)
def test__fit__integer_weights__equal_repetition(rng, method):
    X = rng.normal(size=(50, 3))
    weight = rng.integers(0, 4, 50)
    weighted = SequenceScaler(method).fit(X, sample_weight=weight)
    repeated = SequenceScaler(method).fit(np.repeat(X, weight, axis=0))
    np.testing.assert_allclose(weighted.center_, repeated.center_, atol=1e-14)
    np.testing.assert_allclose(weighted.scale_, repeated.scale_, rtol=1e-13)


@pytest.mark.parametrize("method", METHODS)
def test__fit__row_of_weight_zero__has_no_influence(rng, method):
    X = rng.normal(size=(20, 2))
    weight = np.ones(20)
    weight[3] = 0
    X[3] = 1e9
    scaler = SequenceScaler(method).fit(X, sample_weight=weight)
    without = SequenceScaler(method).fit(np.delete(X, 3, axis=0))
    np.testing.assert_allclose(scaler.scale_, without.scale_, rtol=1e-13)


@pytest.mark.parametrize("method", METHODS)
def test__layouts__same_rows__same_statistics_and_round_trip(rng, method):
    X = rng.normal(3.0, 2.0, size=(6, 5, 2))
    flat = SequenceScaler(method).fit(X.reshape(-1, 2))
    for data in (X, list(X), tuple(X)):
        scaler = SequenceScaler(method).fit(data)
        np.testing.assert_allclose(scaler.scale_, flat.scale_, rtol=1e-12)
        out = scaler.transform(data)
        assert type(out) is type(data)
        np.testing.assert_allclose(np.asarray(out), flat.transform_rows(X), atol=1e-12)
        np.testing.assert_allclose(scaler.inverse_transform(out), X, atol=1e-12)


def test__transform__object_array_and_frames__keep_their_kind(rng):
    X = np.empty(2, dtype=object)
    X[:] = [rng.normal(size=(3, 2)), rng.normal(size=(4, 2))]
    out = SequenceScaler().fit_transform(X)
    assert out.dtype == object
    assert out[1].shape == (4, 2)
    index = pd.date_range("2020", periods=3)
    frame = pd.DataFrame(X[0], index=index, columns=["a", "b"])
    scaled = SequenceScaler().fit_transform([frame, frame])[0]
    assert scaled.index.equals(index)


def test__set_output__pandas__keeps_datetime_index(rng):
    index = pd.date_range("2020", periods=9)
    frame = pd.DataFrame(rng.normal(size=(9, 2)), index=index, columns=["a", "b"])
    out = SequenceScaler().set_output(transform="pandas").fit_transform(frame)
    assert out.index.equals(index)
    assert list(out.columns) == ["a", "b"]


def test__standard__streamed_chunks__equal_sklearn(rng):
    X = rng.normal(1e6, 1e-2, size=(1000, 3))
    weight = rng.uniform(0.1, 2.0, 1000)
    chunks = ((X[k : k + 64], weight[k : k + 64]) for k in range(0, 1000, 64))
    scaler = SequenceScaler().fit_rows(chunks)
    mean = np.average(X, axis=0, weights=weight)
    std = np.sqrt(np.average((X - mean) ** 2, axis=0, weights=weight))
    np.testing.assert_allclose(scaler.center_, mean, rtol=1e-14)
    np.testing.assert_allclose(scaler.scale_, std, rtol=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test__fit_rows__generator_or_callable__same_bits(rng, method):
    X = rng.normal(size=(100, 2)).astype(np.float32)

    def chunks():
        return ((X[k : k + 7], None) for k in range(0, 100, 7))

    once, again = SequenceScaler(method), SequenceScaler(method)
    once.fit_rows(chunks())
    again.fit_rows(chunks)
    assert np.array_equal(once.scale_, again.scale_)
    assert np.array_equal(once.center_, again.center_)


@pytest.mark.parametrize("method", METHODS)
def test__fit__nan_values__are_left_out(rng, method):
    X = rng.normal(size=(30, 2))
    holed = np.vstack([X, [[np.nan, np.nan]]])
    holed = np.vstack([[[np.nan, np.nan]], holed])
    scaler = SequenceScaler(method).fit(holed)
    np.testing.assert_allclose(scaler.scale_, SequenceScaler(method).fit(X).scale_)
    assert np.isnan(scaler.transform(holed)[0]).all()


@pytest.mark.parametrize("method", METHODS)
def test__fit__channel_all_nan_or_constant__scale_one(method):
    X = np.column_stack([np.full(7, 0.1), np.full(7, np.nan), np.arange(7.0)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scaler = SequenceScaler(method).fit(X)
    assert scaler.scale_[0] == 1
    assert scaler.scale_[1] == 1
    assert np.isfinite(scaler.center_).all()


def test__transform__float32__stays_float32_and_accurate(rng):
    X = rng.normal(1e6, 1.0, size=(500, 1)).astype(np.float32)
    out = SequenceScaler().fit_transform(X)
    assert out.dtype == np.float32
    assert abs(out.astype(float).mean()) < 1e-6
    assert SequenceScaler().fit_transform(X.astype(int)).dtype == np.float64


def test__method__transformer__is_cloned_and_fitted(rng):
    X = rng.normal(size=(6, 5, 2))
    inner = StandardScaler()
    out = SequenceScaler(inner).fit_transform(X)
    assert not hasattr(inner, "mean_")
    np.testing.assert_allclose(out, SequenceScaler().fit_transform(X), atol=1e-12)
    weight = rng.integers(0, 3, 6)
    minmax = SequenceScaler(MinMaxScaler()).fit(X, sample_weight=weight)
    expected = X[weight > 0].reshape(-1, 2).min(axis=0)
    np.testing.assert_allclose(minmax.transformer_.data_min_, expected)
    quantile = SequenceScaler(QuantileTransformer(n_quantiles=20)).fit(X)
    np.testing.assert_allclose(
        quantile.inverse_transform(quantile.transform(X)), X, atol=1e-9
    )


@pytest.mark.parametrize("method", ["max", None, StandardScaler, 3])
def test__method__unknown__is_an_error_that_lists_them(method):
    with pytest.raises(InvalidInputError, match="standard.*got"):
        SequenceScaler(method).fit(np.ones((3, 1)))


def test__transform__other_width__is_an_error(rng):
    scaler = SequenceScaler().fit(rng.normal(size=(4, 5, 2)))
    with pytest.raises(ValueError, match="3 features.*expecting 2"):
        scaler.transform(rng.normal(size=(4, 5, 3)))
    with pytest.raises(ValueError, match=r"3 features in X\[1\]"):
        scaler.transform([np.ones((4, 2)), np.ones((4, 3))])


@pytest.mark.parametrize("weight", [[1, 2], [-1, 1, 1], [np.nan, 1, 1], [0, 0, 0]])
def test__fit__bad_weights__are_errors(weight):
    with pytest.raises(InvalidInputError, match="weight"):
        SequenceScaler().fit(np.ones((3, 1)), sample_weight=weight)


def test__fit__frame_then_array__forgets_names(rng):
    frame = pd.DataFrame(rng.normal(size=(5, 2)), columns=["a", "b"])
    scaler = SequenceScaler().fit(frame).fit(rng.normal(size=(4, 5, 3)))
    assert not hasattr(scaler, "feature_names_in_")
    assert scaler.n_features_in_ == 3


# ---------------------------------------------------------------- frames


def timed(rng, n=9):
    index = pd.Timestamp("2024") + pd.to_timedelta(rng.random(n).cumsum(), unit="s")
    return pd.DataFrame(rng.normal(size=(n, 2)), index=index, columns=["a", "b"])


@pytest.mark.parametrize("method", ["standard", StandardScaler()])
def test__transform__frame__stays_a_frame_with_its_index(rng, method):
    frame = timed(rng)
    levels = pd.MultiIndex.from_arrays([[0] * 4 + [1] * 5, frame.index])
    for X in (frame, frame.set_index(levels), frame.set_axis([5, 6], axis=1)):
        scaler = SequenceScaler(method)
        out = scaler.fit_transform(X)
        assert out.index.equals(X.index)
        assert out.columns.equals(X.columns)
        np.testing.assert_array_equal(out, scaler.transform_rows(X.to_numpy()))
        pd.testing.assert_frame_equal(scaler.inverse_transform(out), X)


def test__pipeline__frame__keeps_time_and_recordings(rng):
    frame = timed(rng, 20)
    y = frame["a"].to_numpy()
    settings = {"n_neurons": 8, "window_length": 4, "epochs": 1, "device": "cpu"}
    alone = LiquidRegressor(**settings).fit(frame, y)
    piped = make_pipeline(SequenceScaler(), LiquidRegressor(**settings)).fit(frame, y)
    assert piped[-1].time_unit_ == alone.time_unit_ != 1.0
    assert piped.predict(frame).shape == (20,)


@pytest.mark.parametrize("kind", ["cube", "list", "tuple", "frames"])
def test__set_output__pandas__leaves_sequences_as_they_are(rng, kind):
    X = rng.normal(size=(3, 4, 2))
    frames = [pd.DataFrame(x, columns=["a", "b"]) for x in X]
    data = {"cube": X, "list": list(X), "tuple": tuple(X), "frames": frames}[kind]
    scaler = SequenceScaler().set_output(transform="pandas")
    for out in (scaler.fit_transform(data), scaler.transform(data)):
        assert type(out) is type(data)
        assert type(out[0]) is type(data[0])
        np.testing.assert_allclose(np.stack(out), SequenceScaler().fit_transform(X))
    table = frames[0] if kind == "frames" else X[0]
    assert isinstance(scaler.transform(table), pd.DataFrame)


def test__list_of_frames__other_columns__are_refused(rng):
    frames = [timed(rng), timed(rng)]
    scaler = SequenceScaler().fit(frames)
    assert scaler.feature_names_in_.tolist() == ["a", "b"]
    turned = [frame[["b", "a"]] for frame in frames]
    with pytest.raises(
        InvalidInputError, match=r"\['b', 'a'\].*fitted on \['a', 'b'\]"
    ):
        scaler.transform(turned)
    for method in (scaler.fit, scaler.transform):
        with pytest.raises(InvalidInputError, match=r"X\[1\] to be a frame"):
            method([frames[0], turned[1]])
    scaler.transform([frame.to_numpy() for frame in frames])
    scaler.fit([frame.to_numpy() for frame in frames])
    assert not hasattr(scaler, "feature_names_in_")


@pytest.mark.parametrize("kind", ["rows", "cube", "list"])
def test__masked__values__are_left_out(rng, kind):
    X = np.ma.masked_greater(rng.normal(size=(3, 4, 2)), 1.0)
    X.data[X.mask] = -9999
    data = {"rows": X.reshape(-1, 2), "cube": X, "list": list(X)}[kind]
    scaler = SequenceScaler().fit(data)
    np.testing.assert_allclose(scaler.center_, X.reshape(-1, 2).mean(axis=0))
    np.testing.assert_array_equal(
        np.isnan(np.stack(scaler.transform(data))).any(), True
    )


@pytest.mark.parametrize("as_list", [False, True])
def test__fit__no_numbers__names_the_column(rng, as_list):
    frame = timed(rng)
    for column, words in (
        (frame.index, r"datetime64\[.*in column 'c'.*make it the index"),
        ("warm", r"the text 'warm' in row 0, column 'c'"),
    ):
        X = frame.assign(c=column)
        with pytest.raises(InvalidInputError, match=words):
            SequenceScaler().fit([X] if as_list else X)
    with pytest.raises(InvalidInputError, match="datetime64"):
        SequenceScaler().fit(np.zeros((2, 3, 1), "M8[s]"))
