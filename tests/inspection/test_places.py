"""Rows, steps and columns are found by the names that X gives them."""

import numpy as np
import pandas as pd
import pytest

from LNN import LiquidRegressor
from LNN.exceptions import InvalidInputError
from LNN.inspection.places import Places, listed

QUICK = {"epochs": 1, "random_state": 0, "window_length": 4}


def frame(index=None, n=20):
    values = np.random.default_rng(0).normal(size=(n, 2))
    return pd.DataFrame(values, index, columns=["heat", "flow"])


def places_of(X, row=0, timestamps=None, y=None, **parameters):
    model = LiquidRegressor(4, **{**QUICK, **parameters})
    y = np.zeros(len(X)) if y is None else y
    model.fit(X, np.arange(len(X)) * 0.1, timestamps=timestamps)
    sequences = model.model_.read(X, timestamps=timestamps)
    return Places(model.model_, X, sequences, row, timestamps)


def test__frame__by_label_or_number():
    times = pd.date_range("2026-03-01", periods=20, freq="h")
    places = places_of(frame(times))
    assert places.number(times[3]) == 3
    assert places.number("2026-03-01 03:00") == 3
    assert places.number(-1) == 19
    assert places.label(3) == times[3]
    assert places.column("flow") == 1


def test__numbered_index__is_read_as_labels():
    places = places_of(frame(np.arange(100, 120)))
    assert places.number(103) == 3
    with pytest.raises(InvalidInputError, match="such as 100 or 119"):
        places.number(3)


def test__array__by_number():
    places = places_of(frame().to_numpy())
    assert (places.number(3), places.number(-1), places.label(3)) == (3, 19, 3)
    assert places.names == [0, 1]
    with pytest.raises(InvalidInputError, match="row from 0 to 19, got 20"):
        places.number(20)
    with pytest.raises(InvalidInputError, match="row from 0 to 19, got True"):
        places.number(True)


def test__labels_of_several_rows__are_refused():
    places = places_of(frame(np.arange(20) // 2))
    with pytest.raises(InvalidInputError, match="several have"):
        places.number(1)


def test__timestamps_and_time_column__are_labels():
    stamps = np.arange(20) * 5.0
    places = places_of(frame(), timestamps=stamps)
    assert (places.number(15.0), places.label(3)) == (3, 15.0)
    X = frame().assign(t=stamps)
    places = places_of(X, time_column="t")
    assert places.number(15.0) == 3
    with pytest.raises(InvalidInputError, match=r"input \('heat', 'flow'\), got 't'"):
        places.column("t")


@pytest.mark.parametrize("kind", ["rows", "array", "cube", "frames"])
def test__edited__only_there_and_in_a_copy(kind):
    whole = [frame(), frame() + 1]
    X = {
        "rows": whole[0].astype({"flow": int}),
        "array": whole[0].to_numpy(dtype=np.float32),
        "cube": np.stack([x.to_numpy() for x in whole]),
        "frames": whole,
    }[kind]
    row = 0 if kind in ("rows", "array") else 1
    places = places_of(X, row)
    changed = places.edited({(2, 1): 9.5})
    pairs = zip(X, changed, strict=True) if row else [(X, changed)]
    for k, (before, after) in enumerate(pairs):
        before, after = np.asarray(before, dtype=float), np.asarray(after)
        assert after.dtype == float
        expected = before.copy()
        if k == row:
            expected[2, 1] = 9.5
        np.testing.assert_array_equal(after, expected)


def test__listed__is_english():
    assert listed(["a"]) == "a"
    assert listed(["a", "b"]) == "a and b"
    assert listed(["a", "b", "c"]) == "a, b and c"
