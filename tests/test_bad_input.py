"""Bad input: each says what was expected, what came and what to do; nothing changes."""

import copy
import warnings
from functools import partial

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from tiny import TINY

from LNN import LiquidClassifier, LiquidNeuralNetwork, LiquidRegressor
from LNN.exceptions import (
    InvalidInputError,
    LNNError,
    LNNWarning,
    NonFiniteLossError,
)

Regressor = partial(LiquidRegressor, **TINY, window_length=4)
Classifier = partial(LiquidClassifier, **TINY, window_length=4)
N = 30


def good(kind="rows"):
    X = np.random.default_rng(0).normal(size=(N, 5, 2))
    return X if kind == "cube" else X[:, 0].copy()


def frozen(value):
    """A comparable picture of a value that may hold arrays and tensors."""
    if isinstance(value, dict):
        return {key: frozen(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [frozen(v) for v in value]
    if hasattr(value, "state_dict"):
        return frozen(dict(value.state_dict()))
    if hasattr(value, "numpy") or isinstance(value, np.ndarray | pd.DataFrame):
        return np.asarray(value).tolist().__repr__()
    if hasattr(value, "__dict__") and not isinstance(value, type):
        return frozen(vars(value))
    return repr(value)


def assert_refused(call, model, words, *data):
    """Every word is in the message, and neither the data nor the model changed."""
    before = frozen(vars(model)), frozen(copy.deepcopy(data))
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the words are below)
        call()
    message = str(caught.value)
    for word in words:
        assert word in message, message
    assert frozen(vars(model)) == before[0]
    assert frozen(data) == before[1]


BOTH_STATES = pytest.mark.parametrize("fitted", [False, True], ids=["new", "fitted"])
LAYOUTS = pytest.mark.parametrize("layout", ["rows", "cube", "list"])


def model_and_data(fitted, layout, kind=Regressor):
    X = good("rows" if layout == "rows" else "cube")
    y = X[..., 0] if layout == "rows" else X[:, 0, 0]
    model = kind()
    if kind is Classifier:
        y = np.where(y > 0, "up", "down")
    if fitted:
        model.fit(X, y)
    return model, X, y


def in_layout(X, layout):
    return list(X) if layout == "list" else X


# ------------------------------------------------------- 1 and 2: NaN and infinity


@BOTH_STATES
@LAYOUTS
@pytest.mark.parametrize(
    ("value", "word"), [(np.nan, "NaN"), (np.inf, "infinity"), (-np.inf, "infinity")]
)
def test__x__nan_or_infinity__names_the_place(fitted, layout, value, word):
    model, X, y = model_and_data(fitted, layout)
    X = X.copy()
    X[(7, 1) if layout == "rows" else (7, 3, 1)] = value
    place = "row 7, column 1" if layout == "rows" else "time step 3 of sample 7"
    X = in_layout(X, layout)
    words = [f"X contains {word}", "Expected finite", place, "column 1", "missing="]
    assert_refused(lambda: model.fit(X, y), model, words, X, y)
    if fitted:
        assert_refused(lambda: model.predict(X), model, words, X)
        assert_refused(lambda: model.partial_fit(X, y), model, words, X, y)


def test__x__nan_in_a_frame__names_the_column():
    frame = pd.DataFrame(good(), columns=["a", "b"])
    frame.loc[3, "b"] = np.nan
    with pytest.raises(InvalidInputError, match=r"row 3, column 1 \('b'\)"):
        Regressor().fit(frame, np.ones(N))


@BOTH_STATES
def test__y__nan_from_shift__says_it_is_the_last_row(fitted):
    model, X, _ = model_and_data(fitted, "rows")
    y = pd.Series(X[:, 0]).shift(-1)
    words = ["y contains NaN", f"row {N - 1}", "sample_weight=0", "s.shift(-1)"]
    assert_refused(lambda: model.fit(X, y), model, words, X)


@BOTH_STATES
@pytest.mark.parametrize("per_step", [False, True])
def test__y__infinity__is_refused(fitted, per_step):
    model, X, y = model_and_data(fitted, "cube")
    y = X[:, :, :1].copy() if per_step else y.copy()
    y.flat[3] = np.inf
    assert_refused(lambda: model.fit(X, y), model, ["y contains infinity"], X, y)


def test__y__infinity_in_one_row__names_it():
    model, X, y = model_and_data(False, "rows")
    y = y.copy()
    y[3] = -np.inf
    assert_refused(lambda: model.fit(X, y), model, ["y contains infinity", "row 3"], X)


def test__score__unknown_truth__names_the_row():
    model, X, y = model_and_data(True, "rows")
    y = y.copy()
    y[[3, 5]] = np.nan
    words = ["y contains NaN", "row 3", "2 in all", "sample_weight=0"]
    assert_refused(lambda: model.score(X, y), model, words, X)
    weights = np.ones(len(y))
    weights[3] = 0
    with pytest.raises(InvalidInputError, match="row 5, 1 in all"):
        model.score(X, y, sample_weight=weights)


@BOTH_STATES
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda X: None, ["Expected X", "None"]),
        (lambda X: X[:, 0], ["2D array, got 1D", "Reshape"]),
        (lambda X: pd.Series(X[:, 0]), ["2D array, got 1D", "X.to_frame()"]),
        (lambda X: X[:, :0], ["0 feature(s)", "at least one column"]),
        (lambda X: pd.DataFrame(X).iloc[:, :0], ["0 feature(s)"]),
        (lambda X: X + 1j, ["Complex data", "real and imaginary parts"]),
    ],
    ids=["None", "vector", "Series", "no columns", "frame without", "complex"],
)
def test__x__no_table_of_numbers__says_what_it_is(fitted, change, words):
    model, X, y = model_and_data(fitted, "rows")
    odd = change(X)
    assert_refused(lambda: model.fit(odd, y), model, words)
    if fitted:
        assert_refused(lambda: model.predict(odd), model, words)


def test__x__too_large_for_float32__is_refused_in_predict():
    model, X, _ = model_and_data(True, "rows")
    X = X.copy()
    X[5, 1] = 1e300
    words = ["float32 can hold", "1e+300", 'dtype="float64"']
    assert_refused(lambda: model.predict(X), model, words, X)


def test__y__missing_class__names_the_row():
    y = np.array(["a", "b"] * (N // 2), dtype=object)
    y[4] = None
    with pytest.raises(InvalidInputError, match="first in row 4.*sample_weight=0"):
        Classifier().fit(good(), y)


@pytest.mark.parametrize("kind", [Regressor, Classifier])
def test__y__missing_in_sequences__are_dropped_whole(kind):
    y = np.array([0.0, 1.0] * (N // 2))
    y[4] = np.nan
    with pytest.raises(InvalidInputError, match="row 4.*Drop these samples from X"):
        kind().fit(good("cube"), y)


@pytest.mark.parametrize("kind", [Regressor, Classifier])
@pytest.mark.parametrize("labels", [[0, 1, -9999], ["a", "b", "?"]])
def test__y__masked__counts_as_missing(kind, labels):
    y = np.ma.masked_array(np.tile(labels, N // 3), np.arange(N) == 2)
    if kind is Regressor and y.dtype.kind == "U":
        pytest.skip("text is no target of a regression, masked or not")
    with pytest.raises(InvalidInputError, match="y contains NaN, first in row 2"):
        kind().fit(good(), y)


def test__y__masked_steps__are_not_trained_on():
    X, settings = good("cube"), {"return_sequences": True}
    y = np.ma.masked_array(X[:, :, 0].copy(), X[:, :, 1] > 0)
    model = Regressor(**settings).fit(X, y)
    same = Regressor(**settings).fit(X, y.filled(np.nan))
    np.testing.assert_array_equal(model.predict(X), same.predict(X))


# --------------------------------------------------------------- 3: wrong width


@LAYOUTS
def test__x__wrong_width__says_both_widths(layout):
    model, X, _ = model_and_data(True, layout)
    X = in_layout(np.concatenate([X, X], axis=-1), layout)
    words = ["X has 4 features", "expecting 2 features"]
    assert_refused(lambda: model.predict(X), model, words, X)
    assert_refused(lambda: model.partial_fit(X, np.ones(N)), model, words, X)


def test__x__other_columns__are_refused():
    frame = pd.DataFrame(good(), columns=["a", "b"])
    model = Regressor().fit(frame, frame["a"])
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame[["b", "a"]])


# --------------------------------------------------------------- 4: wrong shape of y


@BOTH_STATES
@LAYOUTS
@pytest.mark.parametrize("shape", [(N - 1,), (N, 2, 2, 2), ()])
def test__y__wrong_shape__is_refused(fitted, layout, shape):
    model, X, _ = model_and_data(fitted, layout)
    X, y = in_layout(X, layout), np.zeros(shape)
    assert_refused(lambda: model.fit(X, y), model, [], X, y)


@pytest.mark.parametrize("kind", [Regressor, Classifier])
def test__y__list_with_one_wrong_length__names_it(kind):
    X = list(good("cube"))
    y = [np.arange(5) % 2 for _ in X]
    y[4] = y[4][:3]
    with pytest.raises(InvalidInputError, match=r"y\[4\] must have shape \(5,\)"):
        kind().fit(X, y)


def test__y__one_number__is_refused():
    with pytest.raises(InvalidInputError, match="one target per sample.*3.0.*as long"):
        Regressor().fit(good(), 3.0)


def test__y__per_step_for_rows__is_refused():
    with pytest.raises(InvalidInputError, match="Targets per step need sequences"):
        Regressor().fit(good(), np.zeros((N, 5, 1)))


def test__y__several_labels__are_refused():
    with pytest.raises(ValueError, match="1d array|multilabel|shape"):
        Classifier().fit(good(), np.random.default_rng(0).integers(0, 2, (N, 3)))


def test__y__numbers_for_a_classifier__are_refused():
    with pytest.raises(ValueError, match="Unknown label type.*classifier"):
        Classifier().fit(good(), good()[:, 0])


def test__y__none__is_refused():
    with pytest.raises(ValueError, match="requires y to be passed"):
        Regressor().fit(good(), None)


@BOTH_STATES
def test__y__no_target_at_any_step__is_refused(fitted):
    model, X, _ = model_and_data(fitted, "cube")
    y = np.full((N, 5, 1), np.nan)
    assert_refused(lambda: model.fit(X, y), model, ["No step of y", "all are NaN"], X)


@pytest.mark.parametrize("per_step", [False, True])
@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.array(["up", "down"]), "the text 'up'.*LiquidClassifier"),
        (np.array(["up", 1.0], dtype=object), "the text 'up'.*LiquidClassifier"),
        (np.array(["2024", "2025"], dtype="M8[D]"), r"datetime64\[D\].*unit of your"),
        (np.array([1, 2], dtype="m8[h]"), r"timedelta64\[h\].*unit of your"),
        (np.array([pd.Timestamp("2024")] * 2, object), "2024-01-01.*unit of your"),
    ],
    ids=["text", "objects", "datetimes", "durations", "stamps"],
)
def test__y__no_numbers_for_a_regressor__is_refused(values, words, per_step):
    X = good("cube" if per_step else "rows")
    y = np.resize(values, (N, 5) if per_step else N)
    settings = {"return_sequences": True} if per_step else {}
    with pytest.raises(InvalidInputError, match=f"Expected numbers in y, .*{words}"):
        Regressor(**settings).fit(X, y)


def test__y__frame_of_datetimes__is_refused():
    y = pd.Series(pd.date_range("2024", periods=N, tz="UTC"))
    for given in (y, y.to_frame()):
        with pytest.raises(InvalidInputError, match="numbers in y, got datetimes"):
            Regressor().fit(good(), given)


@pytest.mark.parametrize("kind", [Regressor, Classifier])
@pytest.mark.parametrize("by", ["index", "groups"])
def test__y__one_target_per_recording__says_how(kind, by):
    """Rows of three patients and three labels: a list of recordings takes these."""
    owner = np.repeat([0, 1, 2], N // 3)
    index = pd.MultiIndex.from_arrays([owner, np.tile(np.arange(N // 3), 3)])
    X = pd.DataFrame(good(), index=index)
    y = [0.0, 1.0, 0.0]
    data = X if by == "index" else X.to_numpy()
    groups = None if by == "index" else owner
    with pytest.raises(InvalidInputError, match=r"for _, frame in X\.groupby"):
        kind().fit(data, y, groups=groups)
    kind().fit([frame for _, frame in X.groupby(level=0)], y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        kind().fit(X, y[:2])


def test__y__unknown_label__is_shown_as_the_caller_wrote_it():
    X = good("cube")
    model = Classifier().fit(X, ["p", "n"] * (N // 2))
    with pytest.raises(InvalidInputError, match=r"label 'q',.* classes \['n', 'p'\]"):
        model.partial_fit(X, ["q", "n"] * (N // 2))


# --------------------------------------------------------------- 5: empty


@BOTH_STATES
@pytest.mark.parametrize(
    "X",
    [
        np.empty((0, 2)),
        np.empty((5, 0)),
        np.empty((0, 5, 2)),
        np.empty((3, 0, 2)),
        [np.zeros((3, 2)), np.zeros((0, 2))],
        [],
    ],
    ids=["no rows", "no columns", "no sequences", "no steps", "empty one", "no list"],
)
def test__x__empty__says_what_is_missing(fitted, X):
    model, _, _ = model_and_data(fitted, "rows")
    y = np.zeros(len(X))
    assert_refused(lambda: model.fit(X, y), model, [], X)
    with pytest.raises(
        ValueError, match=r"(?i)0 sample|0 feature|empty|at least one|array=\[\]"
    ):
        model.fit(X, y)
    if fitted:
        assert_refused(lambda: model.predict(X), model, [], X)


# --------------------------------------------------------------- 6: one class


@BOTH_STATES
@LAYOUTS
def test__y__one_class__is_refused(fitted, layout):
    model, X, y = model_and_data(fitted, layout, Classifier)
    X, y = in_layout(X, layout), np.full(N, "same")
    words = [
        "at least 2 classes",
        "one class only",
        "'same'",
        "how the data were split",
    ]
    assert_refused(lambda: model.fit(X, y), model, words, X, y)


# --------------------------------------------------------------- 7: object dtype


@BOTH_STATES
@LAYOUTS
def test__x__words__are_refused(fitted, layout):
    model, X, y = model_and_data(fitted, layout)
    X = X.astype(object)
    X.flat[3] = "warm"
    X = in_layout(X, layout)
    assert_refused(lambda: model.fit(X, y), model, ["warm"], X, y)
    if fitted:
        assert_refused(lambda: model.predict(X), model, ["warm"], X)


def test__x__numbers_as_objects__work():
    X = good()
    model = Regressor().fit(X.astype(object), X[:, 0])
    np.testing.assert_array_equal(model.predict(X.astype(object)), model.predict(X))


def test__x__datetime_column__points_at_time_column():
    frame = pd.DataFrame(good(), columns=["a", "b"])
    frame["when"] = pd.date_range("2024", periods=N)
    with pytest.raises(InvalidInputError, match="time_column='when'"):
        Regressor().fit(frame, frame["a"])
    model = Regressor(time_column="when").fit(frame, frame["a"])
    assert model.time_unit_ == 86400


# --------------------------------------------------------------- 8: time going back


@BOTH_STATES
@pytest.mark.parametrize("source", ["timestamps", "index", "column"])
def test__time__going_back__names_the_row(fitted, source):
    time = np.arange(N) * 60
    time[11] = time[9]
    X, extra = good(), {}
    model = Regressor(time_column=2) if source == "column" else Regressor()
    if fitted:
        fine = np.column_stack([X, np.arange(N)]) if source == "column" else X
        model.fit(fine, X[:, 0])
    if source == "timestamps":
        extra = {"timestamps": time}
    elif source == "index":
        X = pd.DataFrame(X, index=pd.to_datetime(time, unit="s"))
    else:
        X = np.column_stack([X, time])
    words = ["time order", "row 11", "row 10", "shuffle=False", "sort the rows"]
    y = np.ones(N)
    assert_refused(lambda: model.fit(X, y, **extra), model, words, X)
    if fitted:
        assert_refused(lambda: model.predict(X, **extra), model, words, X)


def test__time__shuffled_split__is_refused_and_says_so():
    frame = pd.DataFrame(good(), index=pd.date_range("2024", periods=N, freq="h"))
    train, _, y, _ = train_test_split(frame, frame[0], random_state=0)
    with pytest.raises(InvalidInputError, match=r"train_test_split\(shuffle=True\)"):
        Regressor().fit(train, y)


def test__rows__shuffled_integer_index__warn():
    frame = pd.DataFrame(good())
    train, _, y, _ = train_test_split(frame, frame[0], random_state=0)
    with pytest.warns(LNNWarning, match="shuffle"):
        Regressor().fit(train, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Regressor(window_length=1).fit(train, y)  # independent rows: nothing wrong


@pytest.mark.parametrize(
    "stamps", [np.full(N, np.nan), ["monday"] * N, np.arange(N - 1)]
)
def test__time__unusable_stamps__are_refused(stamps):
    model, X = Regressor(), good()
    assert_refused(
        lambda: model.fit(X, np.ones(N), timestamps=stamps), model, ["Expected"], X
    )


def minutes(layout="rows"):
    """Irregular time stamps in seconds since 1970."""
    shape = (N, 5) if layout == "cube" else N
    gaps = np.random.default_rng(1).choice([60.0, 120.0, 300.0], shape)
    return 1.7e9 + np.cumsum(gaps, axis=-1)


def test__time__too_coarse__is_refused_by_all_as_by_fit():
    X, time = good(), minutes()
    model = Regressor().fit(X, X[:, 0], timestamps=time)
    coarse = time.astype(np.float32)
    for call in (Regressor().fit, model.partial_fit, model.score):
        with pytest.raises(InvalidInputError, match="rounded to 128.*as float64"):
            call(X, X[:, 0], timestamps=coarse)
    with pytest.raises(InvalidInputError, match="rounded to 128.*as float64"):
        model.predict(X, timestamps=coarse)
    # There is nothing to lose in one row, and little in long gaps.
    model.predict(X[:1], timestamps=coarse[:1])
    model.predict(X, timestamps=(1.7e9 + np.arange(N) * 3000).astype(np.float32))


def test__time__gap_that_float32_cannot_hold__names_the_row():
    X, time = good(), minutes()
    model = Regressor().fit(X, X[:, 0], timestamps=time)
    time[28:] = 1e45
    for given, place in (
        ({}, "row 28"),
        ({"groups": np.arange(N) % 2}, "row 28"),
        ({"context": X[:20]}, "row 8 of X"),
        ({"context": X[:29]}, "row 28 of context"),
    ):
        rows = X[len(given.get("context", ())) :]
        with pytest.raises(InvalidInputError, match=f"float32.* before {place}"):
            model.predict(rows, timestamps=time, **given)
    with pytest.raises(InvalidInputError, match="float32.* before row 28"):
        Regressor().fit(X, X[:, 0], timestamps=time)
    X, time = good("cube"), minutes("cube")
    model.fit(X, X[:, 0, 0], timestamps=time)
    time[3, 4] = 1e45
    with pytest.raises(InvalidInputError, match="before time step 4 of sample 3"):
        model.predict(X, timestamps=time)


def test__predict__without_time_after_irregular_time__is_refused():
    X, time = good(), np.cumsum(np.random.default_rng(0).choice([1.0, 4.0], N))
    model = Regressor().fit(X, X[:, 0], timestamps=time)
    words = ["fitted on irregular time stamps", "without any", "Pass timestamps="]
    assert_refused(lambda: model.predict(X), model, words, X)
    assert_refused(lambda: model.score(X, X[:, 0]), model, words, X)


TIMES_AFTER_NONE = {
    "irregular": np.cumsum(np.random.default_rng(0).choice([1.0, 4.0], N)),
    "equal": np.arange(N),
    "dates": np.datetime64("2026-01-01T00", "m") + 15 * np.arange(N),
}


@pytest.mark.parametrize("window_length", [4, None])
@pytest.mark.parametrize("times", TIMES_AFTER_NONE)
def test__predict__timestamps_after_none__are_refused(times, window_length):
    # Not even equal ones: nobody knows whether they are the steps of training.
    X, time = good(), TIMES_AFTER_NONE[times]
    model = Regressor(window_length=window_length).fit(X, X[:, 0])
    words = ["fitted without time stamps", "Leave timestamps out", "or fit with time"]
    for call in (
        lambda: model.predict(X, timestamps=time),
        lambda: model.score(X, X[:, 0], timestamps=time),
        lambda: model.partial_fit(X, X[:, 0], timestamps=time),
        lambda: model.predict(X[9:], context=X[:9], timestamps=time),
        lambda: model.predict(X[9:], context="fit", timestamps=time[9:]),
        lambda: model.predict(X[:1], timestamps=time[:1]),
    ):
        assert_refused(call, model, words, X)


def test__fit__timestamps_val_without_timestamps__are_refused():
    X, time = good(), np.arange(N)
    model = Regressor()
    with pytest.raises(InvalidInputError, match="Leave timestamps_val out"):
        model.fit(X, X[:, 0], X_val=X, y_val=X[:, 0], timestamps_val=time)


def test__predict__frame_with_times_after_none__equal_ones_alone_are_taken():
    X = good()
    model = Regressor().fit(X, X[:, 0])
    equal = pd.DataFrame(X, index=pd.date_range("2026-01-01", periods=N, freq="h"))
    np.testing.assert_array_equal(model.predict(equal), model.predict(X))
    words = ["fitted without time stamps", "irregular ones", "Fit with time stamps"]
    other = equal.set_axis(pd.to_datetime(TIMES_AFTER_NONE["irregular"], unit="h"))
    assert_refused(lambda: model.predict(other), model, words, X)


# --------------------------------------------------------------- 9: too many outputs


@pytest.mark.parametrize("readout", ["motor", "dense"])
def test__outputs__too_many_for_the_neurons__says_how_many_would_do(readout):
    X = good("cube")
    y = np.tile(X[:, 0, :1], (1, 12))
    model = LiquidRegressor(**TINY, readout=readout)
    if readout == "dense":
        assert model.fit(X, y).predict(X).shape == (N, 12)
        return
    with pytest.raises(ValueError, match="1[0-9]") as caught:
        model.fit(X, y)
    assert "n_neurons" in str(caught.value)
    assert isinstance(caught.value, LNNError)


# --------------------------------------------------------------- 10: parameters


@BOTH_STATES
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n_neurons", 0),
        ("n_neurons", 2.5),
        ("model_type", "cfc"),
        ("mode", "fast"),
        ("wiring", "star"),
        ("sparsity", 1.5),
        ("readout", "linear"),
        ("solver", "euler"),
        ("window_length", 0),
        ("stride", -1),
        ("pooling", "median"),
        ("return_sequences", "yes"),
        ("epochs", 0),
        ("batch_size", None),
        ("learning_rate", 0),
        ("learning_rate", float("nan")),
        ("optimizer", "lbfgs"),
        ("lr_schedule", "linear"),
        ("clip_value", -1.0),
        ("clip_by", "size"),
        ("early_stopping", "yes"),
        ("validation_fraction", 1.0),
        ("loss", "mse"),
        ("quantile", [0.1, 1.0]),
        ("scale", "log"),
        ("scale_target", 1),
        ("dtype", "float16"),
        ("n_jobs", 0),
        ("verbose", "loud"),
        ("callback", 3),
        ("warm_start", None),
        ("random_state", "seed"),
    ],
)
def test__parameter__unknown_value__names_it_and_what_is_allowed(fitted, name, value):
    model, X, y = model_and_data(fitted, "rows")
    model.set_params(**{name: value})
    words = [name.replace("random_state", "seed"), repr(value)]
    assert_refused(lambda: model.fit(X, y), model, words, X, y)


def test__parameter__unknown_name__is_pythons_error():
    with pytest.raises(TypeError, match="hidden_size"):
        LiquidRegressor(hidden_size=3)


def test__parameter__task__is_checked():
    with pytest.raises(InvalidInputError, match="'regression', 'classification'"):
        LiquidNeuralNetwork(task="auto").fit(good(), np.ones(N))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"time_column": "when"}, "time_column in X"),
        ({"group_column": 9}, "group_column in X"),
        ({"time_column": 1, "group_column": 1}, "Expected two columns"),
        ({"anchor": [0, 1]}, "anchor names 2 columns for 1"),
        ({"anchor": 7}, "anchor"),
        ({"class_weight": "equal"}, "class_weight"),
    ],
)
def test__parameter__that_does_not_fit_the_data__says_why(settings, words):
    kind = Classifier if "class_weight" in settings else Regressor
    y = np.arange(N) % 2
    with pytest.raises(InvalidInputError, match=words):
        kind(**settings).fit(good(), y)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"quantile": [0.1, 0.9]}, "loss="),
        ({"quantile": 0.9, "loss": "huber"}, "loss="),
        ({"class_weight": "balanced"}, "no classes"),
        ({"ode_unfolds": 3}, "LTC"),
        ({"solver": "rk4"}, "LTC"),
        ({"sparsity": 0.2, "wiring": np.eye(8)}, "the wiring says"),
    ],
    ids=str,
)
def test__parameter__without_effect__is_refused(settings, words):
    model = LiquidNeuralNetwork(**TINY, window_length=4, **settings)
    with pytest.raises(InvalidInputError, match=f"has no effect here: .*{words}"):
        model.fit(good(), good()[:, 0])


def test__parameter__that_has_an_effect__is_not_refused():
    X, y = good(), good()[:, 0]
    Regressor(loss="quantile", quantile=0.5).fit(X, y)
    Regressor(model_type="LTC", ode_unfolds=3, epochs=1).fit(X, y)
    Regressor(wiring=np.eye(8), layer_recurrence=True, wiring_seed=3).fit(X, y)
    Regressor(model_type="LSTM", wiring_seed=3).fit(X, y)  # as in a search over models


def test__predict__rows_in_a_list__are_rows():
    X, y = good(), good()[:, 0]
    model = Regressor().fit(X, y)
    np.testing.assert_array_equal(model.predict([X[0]]), model.predict(X[:1]))
    np.testing.assert_array_equal(model.predict(list(X[:5])), model.predict(X[:5]))


def test__wiring__as_a_frame__is_a_matrix():
    X, y = good(), good()[:, 0]
    matrix = np.tri(8)
    frame = Regressor(wiring=pd.DataFrame(matrix), random_state=0).fit(X, y)
    array = Regressor(wiring=matrix, random_state=0).fit(X, y)
    np.testing.assert_array_equal(frame.predict(X), array.predict(X))
    with pytest.raises(InvalidInputError, match="wiring"):
        Regressor(wiring=sparse.eye_array(8)).fit(X, y)


def test__partial_fit__that_failed__does_not_move_the_random_source():
    X, y = good(), good()[:, 0]
    model = Regressor(random_state=0).partial_fit(X, y)
    other = copy.deepcopy(model)
    with pytest.raises(NonFiniteLossError):
        model.partial_fit(X, y * 1e300)
    model.partial_fit(X, y)
    other.partial_fit(X, y)
    np.testing.assert_array_equal(model.predict(X), other.predict(X))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("model_type", np.str_("GRU")),
        ("scale", np.str_("minmax")),
        ("lr_schedule", np.str_("plateau")),
        ("wiring", np.str_("full")),
        ("scale_target", np.False_),
        ("early_stopping", np.False_),
        ("epochs", np.int64(1)),
    ],
)
def test__parameter__numpy_scalar__is_that_of_python(name, value):
    X, y = good(), good()[:, 0]
    given, X_val = {name: value}, {"X_val": X, "y_val": y}
    model = Regressor(n_iter_no_change=1).set_params(**given).fit(X, y, **X_val)
    plain = Regressor(n_iter_no_change=1).set_params(**{name: value.item()})
    np.testing.assert_array_equal(model.predict(X), plain.fit(X, y, **X_val).predict(X))


def test__parameter__quantiles_as_an_array__are_those_of_the_list():
    X, y = good(), good()[:, 0]
    levels = np.array([0.1, 0.9])
    model = Regressor(loss="quantile", quantile=levels).fit(X, y)
    assert model.predict(X).shape == (N, 2)
    model.set_params(warm_start=True, quantile=levels.tolist()).fit(X, y)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("scale_target", 1),
        ("warm_start", np.int64(1)),
        ("n_neurons", np.True_),
        ("return_sequences", 0),
        ("quantile", np.array([[0.1, 0.9]])),
        ("quantile", np.array([])),
        ("class_weight", np.ones(2)),
    ],
)
def test__parameter__of_another_kind__is_refused(name, value):
    kind = Classifier if name == "class_weight" else Regressor
    with pytest.raises(InvalidInputError, match=f"The '{name}' parameter"):
        kind().set_params(**{name: value}).fit(good(), np.arange(N) % 2)


def test__scale__class_for_an_object__names_the_parameter():
    words = "'scale' parameter .* transformer .an object, not its class.*StandardScaler"
    with pytest.raises(InvalidInputError, match=words):
        Regressor(scale=StandardScaler).fit(good(), good()[:, 0])


def test__partial_fit__one_class_first__names_classes():
    with pytest.raises(InvalidInputError, match="one class only.*classes="):
        Classifier().partial_fit(good(), np.zeros(N))


def test__fit__both_time_stamps_and_time_column__is_refused():
    X = np.column_stack([good(), np.arange(N)])
    with pytest.raises(InvalidInputError, match="Drop one of them"):
        Regressor(time_column=2).fit(X, np.ones(N), timestamps=np.arange(N))


def test__predict__context_with_sequences__is_refused():
    model, X, _ = model_and_data(True, "cube")
    with pytest.raises(InvalidInputError, match="context only with 2-D"):
        model.predict(X, context=X[0])
