"""`context=` of a table whose rows say to which recording they belong."""

import numpy as np
import pandas as pd
import pytest

from LNN.data import read_sequences
from LNN.exceptions import InvalidInputError

CUT = 6


@pytest.fixture
def table():
    """Two recordings of ten rows, at unequal times."""
    rng = np.random.default_rng(0)
    seconds = np.tile(np.cumsum(rng.integers(1, 9, 10)), 2)
    index = pd.MultiIndex.from_arrays(
        [
            np.repeat(["a", "b"], 10),
            pd.Timestamp("2024") + pd.to_timedelta(seconds, "s"),
        ]
    )
    return pd.DataFrame(rng.normal(size=(20, 2)), columns=["u", "v"], index=index)


def laid_out(table, carrier):
    """Return the table with its recordings in another carrier, and what reads it."""
    if carrier == "group_column":
        return table.reset_index(level=0, names="who"), {"group_column": "who"}
    if carrier == "numbers":
        time = table.index.get_level_values(1)
        numbers = (time - time[0]).total_seconds()
        return table.set_axis([table.index.get_level_values(0), numbers]), {}
    if carrier == "objects":
        column = table.reset_index(level=0, names="who").to_numpy()
        return column, {"group_column": 0}
    return table, {}


@pytest.mark.parametrize(
    "carrier", ["MultiIndex", "numbers", "group_column", "objects"]
)
def test__context__same_recording__same_as_concatenation(table, carrier):
    X, how = laid_out(table, carrier)
    whole = read_sequences(X[10:], window_length=4, **how)
    warm = read_sequences(
        X[10 + CUT :], window_length=4, context=X[10 : 10 + CUT], **how
    )
    expected = whole.subset(whole.row_of_sample >= CUT)
    assert (warm.time_kind is None) == (carrier == "objects")
    for left, right in ((warm.elapsed, whole.elapsed), (warm.start, expected.start)):
        np.testing.assert_array_equal(left, right)
    np.testing.assert_array_equal(warm.length, expected.length)
    np.testing.assert_array_equal(
        warm.rows.block(0, 10).astype(float), table.to_numpy()[10:]
    )


@pytest.mark.parametrize("carrier", ["MultiIndex", "numbers", "group_column"])
def test__context__other_recording__is_refused_with_the_way_out(table, carrier):
    X, how = laid_out(table, carrier)
    with pytest.raises(InvalidInputError, match="one recording, got rows of 2"):
        read_sequences(X[10 + CUT :], window_length=4, context=X[:CUT], **how)
    with pytest.raises(InvalidInputError, match=r"rows of 2.*\[len\(context\):\]"):
        read_sequences(X[5:], window_length=4, context=X[:5], **how)


def test__context__multi_index__is_checked_as_a_plain_one(table):
    one = table.loc[["b"]]
    with pytest.raises(InvalidInputError, match="row of 2024.* in both"):
        read_sequences(one[CUT:], window_length=4, context=one[: CUT + 1])
    with pytest.raises(InvalidInputError, match="context to end before X begins"):
        read_sequences(one[:CUT], window_length=4, context=one[CUT:])
    with pytest.raises(InvalidInputError, match=r"index of 2 levels .* got 1\."):
        read_sequences(one[CUT:], window_length=4, context=one.loc["b"][:CUT])
    with pytest.raises(InvalidInputError, match=r"index of 2 levels .* got 0\."):
        read_sequences(one[CUT:], window_length=4, context=one[:CUT].to_numpy())
    cold = read_sequences(one[CUT:], window_length=4, context=one[:0])
    assert cold.length.tolist() == [1, 2, 3, 4]


def test__context__with_groups__says_to_leave_them_out(table):
    X = table.to_numpy()
    with pytest.raises(InvalidInputError, match="Leave groups out"):
        read_sequences(X[5:8], window_length=4, context=X[:5], groups=np.zeros(3))
