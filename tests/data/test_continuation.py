"""`Continuation`: rows that go on are read as rows with a context are."""

import numpy as np
import pandas as pd
import pytest

from LNN.data import read_sequences
from LNN.data.continuation import Continuation
from LNN.data.recording_ends import RecordingEnds

N, CUT = 20, 12
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, 3))
TIMES = RNG.uniform(0.5, 3, N).cumsum()


@pytest.mark.parametrize("window", [2, 5, 30])
@pytest.mark.parametrize("anchor", [None, [2, 0]])
@pytest.mark.parametrize("timed", [False, True])
def test__ahead_of__one_recording__as_with_its_last_rows(window, anchor, timed):
    how = {"window_length": window, "anchor": anchor}
    kept = min(window - (anchor is None), CUT)

    def read(rows, first=CUT, **more):
        when = {"timestamps": TIMES[first : rows.stop]} if timed else {}
        return read_sequences(X[rows], **when, **more, **how)

    known = Continuation.of(read(slice(0, CUT), 0), window)
    assert known.rows.tolist() == X[CUT - kept : CUT].tolist()
    found = known.ahead_of(read(slice(CUT, N)), window, "X")
    want = read(slice(CUT, N), CUT - kept, context=X[CUT - kept : CUT])
    for name in ("recording", "start", "length", "first_target", "row_of_sample"):
        np.testing.assert_array_equal(getattr(found, name), getattr(want, name))
    # All but the first row that was kept, which no window reads where there are more.
    whole = found.rows.block(0, len(found.rows))
    np.testing.assert_array_equal(whole, want.rows.block(0, len(want.rows)))
    if timed:
        np.testing.assert_array_equal(found.elapsed[1:], want.elapsed[1:])
    if anchor is not None:
        one, other = found.anchors_of_targets(False), want.anchors_of_targets(False)
        np.testing.assert_array_equal(one, other)
    assert found.place(len(found.rows) - 1) == f"row {N - CUT - 1}"
    assert found.place(0) == "a row of the training data"


def test__ahead_of__recordings_between_each_other__only_the_known_get_rows():
    codes = np.array([0, 1, 0, 1, 0, 0, 0, 1, 0, 1, 0, 0, 2, 1, 2, 1, 1, 2, 0, 2])
    names = np.array(["a", "b", "c"])[codes]
    before = read_sequences(X[:CUT], window_length=4, groups=names[:CUT])
    known = Continuation.of(before, 4)
    assert known.labels == [("a",), ("b",)]
    rows = read_sequences(X[CUT:], window_length=4, groups=names[CUT:])
    found = known.ahead_of(rows, 4, "X")
    for row, start, length in zip(
        found.row_of_sample, found.start, found.length, strict=True
    ):
        own = np.flatnonzero(codes[: CUT + row + 1] == codes[CUT + row])[-4:]
        np.testing.assert_array_equal(found.rows.block(start, start + length), X[own])


@pytest.mark.parametrize(
    ("labels", "want"),
    [
        (np.array([3, 3, 4, 4]), [(3,), (4,)]),
        (np.array([[3], [3], [4], [4]]), [(3,), (4,)]),
        (["x", "x", "y", "y"], [("x",), ("y",)]),
        (pd.Series([True, True, False, False]), [(True,), (False,)]),
        (pd.Categorical(["x", "x", "y", "y"]), [("x",), ("y",)]),
        (pd.Series([1, 1, "a", "a"], dtype=object), [(1,), ("a",)]),
        (np.array([1.5, 1.5, 2, 2], dtype=np.float32), [(1.5,), (2.0,)]),
    ],
)
def test__recording_ends__labels_of_any_kind__are_plain(labels, want):
    sequences = read_sequences(X[:4], window_length=2, groups=labels)
    found = sequences.ends()
    assert found.labels == want
    assert [type(x[0]) for x in found.labels] == [type(x[0]) for x in want]


@pytest.mark.parametrize(
    "stamps",
    [
        [[1], [2], [3], [5]],
        np.array([1, 2, 3, 5], dtype=np.uint64),
        pd.Series([1, 2, 3, 5], dtype="Int64"),
        pd.to_timedelta([1, 2, 3, 5], "s"),
        list(pd.to_timedelta([1, 2, 3, 5], "s")),
        pd.Series(pd.to_datetime([1, 2, 3, 5], unit="s", utc=True), dtype=object),
    ],
)
def test__recording_ends__time_of_any_kind__is_that_of_first_and_last_rows(stamps):
    is_first = np.array([True, False, True, False])
    order = np.array([0, 3, 1, 2])
    found = RecordingEnds.of(None, stamps, is_first, order)
    lasted = found.last - found.first
    if lasted.dtype.kind == "m":
        lasted = lasted / np.timedelta64(1, "s")
    assert lasted.tolist() == [4, 1]
    assert found.zoned == isinstance(stamps, pd.Series) * (
        found.first.dtype.kind == "M"
    )
