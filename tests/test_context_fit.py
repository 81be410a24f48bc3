"""`context="fit"`: predictions that go on from the end of the training data."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from LNN import LiquidClassifier, LiquidRegressor
from LNN.data import continuation
from LNN.estimators import fit_context
from LNN.exceptions import InvalidInputError, LNNWarning

N, CUT = 90, 60
BEFORE, AFTER = slice(CUT), slice(CUT, N)
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, 2)).cumsum(axis=0) / 5
Y = np.roll(X[:, 0], -1)
TIMES = RNG.uniform(0.5, 3, N).cumsum()
DATES = pd.Timestamp("2024-05-01") + pd.to_timedelta(TIMES, "s")
NAMES = np.array(list("abc"))[RNG.integers(3, size=N)]
HOLED = X.copy()
HOLED[::7, 0] = HOLED[3::5, 1] = HOLED[50:60, 1] = np.nan
CELLS = ["CfC", "LTC", "LSTM"]
WINDOWS = [8, 70, None]  # 70: more than there are rows before
STAMPS = {
    "none": None,
    "numbers": TIMES,
    "whole numbers": np.arange(N),
    "dates": DATES,
    "zone": DATES.tz_localize("Asia/Tokyo"),
    "durations": DATES - DATES[0],
    "list": list(DATES),
    "series": pd.Series(DATES).astype(object),
}


def model(window_length, kind=LiquidRegressor, **options):
    how = {"epochs": 2, "random_state": 0, "dtype": "float64", **options}
    return kind(6, window_length=window_length, **how)


def fitted(window_length, X=X, **options):
    return model(window_length, **options).fit(X[BEFORE], Y[BEFORE])


def close(found, want, window_length):
    """Assert equal bits for windows; a state is carried over, not computed again."""
    if window_length is None:
        np.testing.assert_allclose(found, want, rtol=0, atol=1e-9)
    else:
        np.testing.assert_array_equal(found, want)


# ------------------------------------------------- the same as the rows given by hand


@pytest.mark.parametrize("window_length", WINDOWS)
@pytest.mark.parametrize("cell", CELLS)
def test__predict__context_fit__equals_the_rows_by_hand(cell, window_length):
    lnn = fitted(window_length, model_type=cell, n_layers=2)
    want = lnn.predict(X[AFTER], context=X[BEFORE])
    close(lnn.predict(X[AFTER], context="fit"), want, window_length)
    # A long run has blocks of other sizes, and so another order of sums.
    np.testing.assert_allclose(want, lnn.predict(X)[AFTER], rtol=1e-9)
    assert (lnn.predict(X[AFTER], context=X[:0]) != want).any()


def test__predict__float32__equals_the_rows_by_hand():
    narrow = X.astype(np.float32)
    lnn = model(8, dtype="float32").fit(narrow[BEFORE], Y[BEFORE])
    want = lnn.predict(narrow[AFTER], context=narrow[BEFORE])
    np.testing.assert_array_equal(lnn.predict(narrow[AFTER], context="fit"), want)


@pytest.mark.parametrize("window_length", WINDOWS)
@pytest.mark.parametrize("stamps", STAMPS)
def test__predict__time_stamps__the_first_gap_is_from_the_last_row_of_fit(
    stamps, window_length
):
    when, lnn = STAMPS[stamps], model(window_length, model_type="LTC", max_step=1.2)

    def how(rows):
        return {} if when is None else {"timestamps": when[rows]}

    lnn.fit(X[BEFORE], Y[BEFORE], **how(BEFORE))
    want = lnn.predict(X[AFTER], context=X[BEFORE], **how(slice(N)))
    close(lnn.predict(X[AFTER], context="fit", **how(AFTER)), want, window_length)


@pytest.mark.parametrize("window_length", WINDOWS)
@pytest.mark.parametrize("missing", ["hold", "mask"])
@pytest.mark.parametrize("timed", [False, True])
def test__predict__missing_values__are_held_over_the_end(missing, timed, window_length):
    when = {"timestamps": TIMES} if timed else {}

    def how(rows):
        return {name: column[rows] for name, column in when.items()}

    lnn = model(window_length, missing=missing)
    lnn.fit(HOLED[BEFORE], Y[BEFORE], **how(BEFORE))
    new = HOLED[AFTER].copy()
    new[:3, 1] = np.nan  # on top of those that training ended with
    want = lnn.predict(new, context=HOLED[BEFORE], **how(slice(N)))
    close(lnn.predict(new, context="fit", **how(AFTER)), want, window_length)


def test__predict__channel_that_a_recording_never_showed__is_as_old_as_it():
    groups, table = np.repeat([0, 1, 0, 1, 2], [30, 30, 10, 10, 10]), X.copy()
    table[30:60, 1] = table[70:75, 1] = table[80:85, 0] = np.nan
    lnn = model(None, missing="mask")
    lnn.fit(table[BEFORE], Y[BEFORE], groups=groups[BEFORE])
    want = lnn.predict(table, groups=groups)[AFTER]
    found = lnn.predict(table[AFTER], groups=groups[AFTER], context="fit")
    np.testing.assert_allclose(found, want, rtol=0, atol=1e-9)


@pytest.mark.parametrize("window_length", WINDOWS)
def test__predict__anchor__changes_from_the_last_row_of_fit(window_length):
    lnn = fitted(window_length, anchor=0)
    want = lnn.predict(X[AFTER], context=X[BEFORE])
    close(lnn.predict(X[AFTER], context="fit"), want, window_length)


@pytest.mark.parametrize("window_length", WINDOWS)
@pytest.mark.parametrize("anchor", [None, 0])
@pytest.mark.parametrize("timed", [False, True])
def test__predict__recordings__go_on_each_from_its_own(window_length, anchor, timed):
    groups = NAMES.copy()
    groups[70:80] = "new"
    when = {"timestamps": TIMES} if timed else {}

    def how(rows):
        return {"groups": groups[rows]} | {k: v[rows] for k, v in when.items()}

    lnn = model(window_length, anchor=anchor).fit(X[BEFORE], Y[BEFORE], **how(BEFORE))
    want = lnn.predict(X, **how(slice(N)))[AFTER]
    found = lnn.predict(X[AFTER], context="fit", **how(AFTER))
    np.testing.assert_allclose(found, want, rtol=0, atol=1e-9)


@pytest.mark.parametrize("carrier", ["MultiIndex", "two levels", "column", "objects"])
@pytest.mark.parametrize("window_length", [8, None])
def test__predict__names_and_time_in_the_table__are_found_there(carrier, window_length):
    frame, how = pd.DataFrame(X, columns=["u", "v"]), {}
    if carrier == "MultiIndex":
        frame.index = pd.MultiIndex.from_arrays([NAMES, DATES])
    elif carrier == "two levels":
        frame.index = pd.MultiIndex.from_arrays([NAMES, np.arange(N) % 2, TIMES])
    else:
        frame = frame.assign(who=NAMES, t=DATES)
        how = {"group_column": "who", "time_column": "t"}
        if carrier == "objects":
            frame, how = frame.to_numpy(), {"group_column": 2, "time_column": 3}
    lnn = model(window_length, **how).fit(frame[BEFORE], Y[BEFORE])
    want = lnn.predict(frame)[AFTER]
    found = lnn.predict(frame[AFTER], context="fit")
    np.testing.assert_allclose(found, want, rtol=0, atol=1e-9)


def test__predict__validation_part__belongs_to_what_came_before():
    lnn = fitted(8, early_stopping=True, validation_fraction=0.3, stride=3, n_jobs=2)
    want = lnn.predict(X[AFTER], context=X[BEFORE])
    np.testing.assert_array_equal(lnn.predict(X[AFTER], context="fit"), want)


def test__classifier__all_methods__go_on():
    lnn = model(8, LiquidClassifier).fit(X[BEFORE], Y[BEFORE] > 0)
    for method in (lnn.predict, lnn.predict_proba, lnn.predict_log_proba):
        want = method(X[AFTER], context=X[BEFORE])
        np.testing.assert_array_equal(method(X[AFTER], context="fit"), want)
    labels = Y[AFTER] > 0
    want = lnn.score(X[AFTER], labels, context=X[BEFORE])
    assert lnn.score(X[AFTER], labels, context="fit") == want
    found = lnn.model_.predict(X[AFTER], context="fit")
    np.testing.assert_array_equal(found, lnn.predict(X[AFTER], context="fit"))


def test__pipeline__needs_no_scaled_context():
    pipe = make_pipeline(StandardScaler(), model(8)).fit(X[BEFORE], Y[BEFORE])
    found = pipe.predict(X[AFTER], context="fit")
    np.testing.assert_allclose(found, pipe.predict(X)[AFTER], rtol=0, atol=1e-12)


def test__rows_that_are_independent__have_nothing_to_go_on_from():
    lnn = fitted(1)
    found = lnn.predict(X[AFTER], context="fit")
    np.testing.assert_array_equal(found, lnn.predict(X[AFTER]))
    assert lnn.model_.continuation is None


# ------------------------------------------------------------- training that goes on


@pytest.mark.parametrize("window_length", [8, None])
def test__partial_fit__the_end_is_that_of_the_last_call(window_length):
    lnn = fitted(window_length).partial_fit(X[CUT:80], Y[CUT:80])
    want = lnn.predict(X[80:], context=X[CUT:80])
    close(lnn.predict(X[80:], context="fit"), want, window_length)


@pytest.mark.parametrize("window_length", [8, None])
def test__partial_fit__recordings_it_lacks__stay(window_length):
    lnn, groups = model(window_length), np.repeat([3, 4, 3, 4, 5], [30, 30, 5, 20, 5])
    lnn.fit(X[BEFORE], Y[BEFORE], groups=groups[BEFORE])
    lnn.partial_fit(X[65:75], Y[65:75], groups=groups[65:75])
    assert lnn.model_.continuation.labels == [(3,), (4,)]
    new = np.array([3, 3, 4, 4])
    found = lnn.predict(X[80:84], groups=new, context="fit")
    if window_length is not None:
        want = lnn.predict(X[80:82], context=X[:30])
        np.testing.assert_array_equal(found[:2], want)
    want = lnn.predict(X[82:84], context=X[65:75])
    np.testing.assert_allclose(found[2:], want, rtol=0, atol=1e-9)


def test__partial_fit__other_recordings__time_goes_on_in_all():
    how = {"groups": np.repeat(["a", "b", "a", "b"], [40, 20, 10, 20])}
    how["timestamps"] = STAMPS["zone"]
    parts = [
        {k: v[rows] for k, v in how.items()} for rows in (slice(40), slice(40, 60))
    ]
    lnn = model(8).partial_fit(X[:40], Y[:40], **parts[0])
    lnn.partial_fit(X[40:60], Y[40:60], **parts[1])
    want = lnn.predict(X, **how)[AFTER]
    found = lnn.predict(
        X[AFTER], context="fit", **{k: v[AFTER] for k, v in how.items()}
    )
    np.testing.assert_allclose(found, want, rtol=0, atol=1e-12)


def test__fit__again__forgets_the_ends_before():
    lnn = model(8, warm_start=True)
    lnn.fit(X[BEFORE], Y[BEFORE], groups=NAMES[BEFORE])
    lnn.fit(X[AFTER], Y[AFTER], groups=["z"] * (N - CUT))
    assert lnn.model_.continuation.labels == [("z",)]


@pytest.mark.parametrize("window_length", [8, None])
@pytest.mark.parametrize("way", ["pickle", "copy", "deepcopy"])
def test__copies__go_on_alike(window_length, way):
    lnn = model(window_length, anchor=0, missing="mask")
    how = {"groups": NAMES, "timestamps": STAMPS["zone"]}
    lnn.fit(X[BEFORE], Y[BEFORE], **{k: v[BEFORE] for k, v in how.items()})
    copies = {
        "pickle": lambda lnn: pickle.loads(pickle.dumps(lnn)),
        "copy": copy.copy,
        "deepcopy": copy.deepcopy,
    }
    later = {k: v[AFTER] for k, v in how.items()}
    want = lnn.predict(X[AFTER], context="fit", **later)
    found = copies[way](lnn).predict(X[AFTER], context="fit", **later)
    np.testing.assert_array_equal(found, want)


def test__fit__long_recording__is_gone_through_in_blocks(monkeypatch):
    want = fitted(None, model_type="LTC").model_.continuation.states.layers
    monkeypatch.setattr(fit_context, "MAX_STEPS", 7)
    found = fitted(None, model_type="LTC").model_.continuation.states.layers
    np.testing.assert_allclose(found, want, rtol=0, atol=1e-12)


def test__pickle__whole_recordings__holds_no_row():
    lnn = fitted(None)
    assert lnn.model_.continuation.rows.size == 0
    kept = fitted(None, anchor=0).model_.continuation
    assert kept.rows.tolist() == [[X[CUT - 1, 0], 0.0]]  # what its change starts from


# ------------------------------------------------------------------ what is refused


def test__without_context__drops_the_rows_and_refuses_them():
    lnn = fitted(8)
    lnn.model_ = lnn.model_.without_context()
    assert lnn.model_.to_plain()["continuation"]["rows"].size == 0
    with pytest.raises(InvalidInputError, match=r"were dropped by without_context\(\)"):
        pickle.loads(pickle.dumps(lnn)).predict(X[AFTER], context="fit")


def test__sequences__are_complete():
    cube = X.reshape(30, 3, 2)
    lnn = model(8).fit(cube, Y[:30])
    with pytest.raises(InvalidInputError, match="sequences .* each of which is comple"):
        lnn.predict(cube, context="fit")


def test__other_words__are_refused():
    with pytest.raises(InvalidInputError, match="as rows or \"fit\", got 'train'"):
        fitted(8).predict(X[AFTER], context="train")


@pytest.mark.parametrize("window_length", [8, None])
def test__ends_that_are_large__are_not_kept(window_length, monkeypatch):
    monkeypatch.setattr(continuation, "MAX_BYTES", 10)
    lnn = fitted(window_length)
    with pytest.raises(InvalidInputError, match="has none: .* would take 0 MB"):
        lnn.predict(X[AFTER], context="fit")


def test__names_of_other_kinds__are_not_kept():
    days = DATES.floor("D").to_series().array
    lnn = model(8).fit(X[BEFORE], Y[BEFORE], groups=days[BEFORE])
    with pytest.raises(InvalidInputError, match="names of type Timestamp"):
        lnn.predict(X[AFTER], groups=days[AFTER], context="fit")


def test__training_that_is_not_over__has_no_end():
    refused = []

    def callback(epoch):
        with pytest.raises(InvalidInputError, match="its training is not over"):
            lnn.predict(X[AFTER], context="fit")
        refused.append(epoch)

    lnn = fitted(8)
    lnn.set_params(warm_start=True, callback=callback).fit(X[BEFORE], Y[BEFORE])
    assert len(refused) == 2
    lnn.predict(X[AFTER], context="fit")


@pytest.mark.parametrize("window_length", [8, None])
@pytest.mark.parametrize("stamps", ["numbers", "dates", "zone", "durations"])
def test__time_that_goes_back__is_refused(stamps, window_length):
    when = STAMPS[stamps]
    lnn = model(window_length)
    lnn.fit(X[BEFORE], Y[BEFORE], timestamps=when[BEFORE])
    with pytest.raises(InvalidInputError, match="begin after the rows of fit"):
        lnn.predict(X[50:], timestamps=when[50:], context="fit")


def test__time_that_goes_back__names_the_recording():
    lnn = model(8).fit(
        X[BEFORE], Y[BEFORE], groups=NAMES[BEFORE], timestamps=TIMES[:60]
    )
    with pytest.raises(InvalidInputError, match="in recording '[abc]'"):
        lnn.predict(X[50:], timestamps=TIMES[50:], groups=NAMES[50:], context="fit")


def test__last_row_of_fit_again__is_refused():
    frame = pd.DataFrame(X, DATES, ["u", "v"])
    lnn = model(8).fit(frame[BEFORE], Y[BEFORE])
    with pytest.raises(InvalidInputError, match=r"in both\. X.loc\[t:\]"):
        lnn.predict(frame[CUT - 1 :], context="fit")
    # Two events at one time are two rows.
    other = frame[AFTER].set_axis(DATES[CUT - 1 : N - 1])
    want = lnn.predict(other, context=frame[BEFORE])
    np.testing.assert_array_equal(lnn.predict(other, context="fit"), want)


@pytest.mark.parametrize("first", [0, 30, 56])
def test__rows_of_fit_without_time__are_doubted(first):
    lnn = fitted(8)
    with pytest.warns(LNNWarning, match=r"rows \d+ to \d+ of X are the same ones"):
        lnn.predict(X[first:], context="fit")


def test__rows_that_repeat__are_not_doubted():
    lnn = model(8).fit(np.ones((60, 2)), Y[BEFORE])
    lnn.predict(np.ones((30, 2)), context="fit")


def test__time_of_another_kind__is_refused():
    lnn = model(8).fit(X[BEFORE], Y[BEFORE], timestamps=DATES[BEFORE])
    later = {"context": "fit", "timestamps": (DATES - DATES[0])[AFTER]}
    with pytest.raises(InvalidInputError, match="datetimes without .* got durations"):
        lnn.predict(X[AFTER], **later)
    later["timestamps"] = STAMPS["zone"][AFTER]
    with pytest.raises(InvalidInputError, match="without a time zone .* with a time z"):
        lnn.predict(X[AFTER], **later)
    later["timestamps"] = TIMES[AFTER]
    with pytest.raises(InvalidInputError, match="their units differ"):
        lnn.predict(X[AFTER], **later)


def test__recordings_without_names__are_refused():
    several = model(8).fit(X[BEFORE], Y[BEFORE], groups=NAMES[BEFORE])
    with pytest.raises(InvalidInputError, match="3 recordings by its name.*groups="):
        several.predict(X[AFTER], context="fit")
    with pytest.raises(InvalidInputError, match="of one recording .* got 3"):
        fitted(8).predict(X[AFTER], groups=NAMES[AFTER], context="fit")


def test__one_recording__needs_no_name():
    named = model(8).fit(X[BEFORE], Y[BEFORE], groups=["a"] * CUT)
    want = named.predict(X[AFTER], context=X[BEFORE])
    np.testing.assert_array_equal(named.predict(X[AFTER], context="fit"), want)
    groups = ["b"] * (N - CUT)
    found = fitted(8).predict(X[AFTER], groups=groups, context="fit")
    np.testing.assert_array_equal(found, want)


def test__no_name_that_fit_knew__is_told():
    lnn = model(8).fit(X[BEFORE], Y[BEFORE], groups=np.arange(60) // 30)
    groups = (np.arange(30) // 15).astype(str)
    with pytest.warns(LNNWarning, match="'0', '1', the training data 0, 1"):
        found = lnn.predict(X[AFTER], groups=groups, context="fit")
    np.testing.assert_array_equal(found, lnn.predict(X[AFTER], groups=groups))


def test__not_finite__names_the_row_of_x():
    lnn = fitted(8, model_type="LSTM", scale="none")
    lnn.network_.readout[-1].bias.data[:] = np.nan
    with pytest.raises(ValueError, match=r"first for row 0\."):
        lnn.predict(X[AFTER], context="fit")
