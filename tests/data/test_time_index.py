"""The index of a frame: what is time in it, and what only looks like it.

Tested elsewhere: recordings by a MultiIndex, shuffled rows (test_readers.py), each kind
of index to predictions (test_time.py).
"""

import numpy as np
import pandas as pd
import pytest

from LNN.data import read_sequences
from LNN.exceptions import InvalidInputError, LNNWarning


def levels_of(*names, n=3):
    """An index with a day for each row and a level of something else."""
    level = {
        "day": pd.date_range("2020", periods=n),
        "date": list(pd.date_range("2020", periods=n).date),
        "period": pd.period_range("2020", periods=n, freq="D"),
        "number": np.arange(n),
        "text": [*"abc"][:n],
    }
    return pd.MultiIndex.from_arrays([level[name] for name in names], names=names)


@pytest.mark.parametrize(
    ("names", "fix"),
    [
        (("day", "number"), r"X\.swaplevel\(\)"),
        (("day", "text"), r"X\.swaplevel\(\)"),
        (("date", "number"), r"X\.swaplevel\(\)"),
        (
            ("text", "period", "number"),
            r"X\.reorder_levels\(\['text', 'number', 'period'\]\)",
        ),
    ],
)
@pytest.mark.parametrize("as_list", [False, True])
def test__frame__time_before_the_last_level__says_how_to_reorder(names, fix, as_list):
    frame = pd.DataFrame(np.zeros((3, 1)), index=levels_of(*names))
    data = [frame] if as_list else frame
    with pytest.raises(InvalidInputError, match=rf"\(recording, \.\.\., time\).*{fix}"):
        read_sequences(data, window_length=2)
    # Said in another way: the index then says nothing.
    if as_list:
        read_sequences(data, window_length=2, timestamps=[[1, 2, 4]])
        return
    read_sequences(data, window_length=2, timestamps=[1, 2, 4], groups=[0, 0, 0])
    read_sequences(data, window_length=1)


@pytest.mark.parametrize("level", ["day", "date", "period", "number"])
def test__frames__last_level__gives_time(level):
    frame = pd.DataFrame(np.zeros((3, 1)), index=levels_of("text", level))
    elapsed = read_sequences([frame, frame], window_length=1).elapsed
    gap = 1 if level == "number" else 86400
    np.testing.assert_array_equal(elapsed, [np.nan, gap, gap] * 2)
    text = frame.set_index(levels_of("day", "text").droplevel(0))
    assert read_sequences([text], window_length=1).elapsed is None


@pytest.mark.parametrize(
    ("labels", "warns"),
    [
        (["2020-01-01", "2020-01-02", "2020-01-04"], True),
        (["2020-01-01 10:00", "2020-01-01 10:01", "2020-01-01 10:05"], True),
        (["31/12/2020", "01/01/2021", "02/01/2021"], True),
        (["a1", "a2", "a3"], False),
        (["2020", "2021", "2023"], False),
        (["1-1", "1-2", "1-3"], False),
        (["2020-01-01", "2020-01-02", "total"], False),
        (["2020-97", "2020-98", "2020-99"], False),
        (["A-2020-01-01", "B-2020-01-01", "C-2020-01-01"], False),
    ],
)
@pytest.mark.parametrize("as_list", [False, True])
def test__frame__dates_as_text__warn_and_ids_do_not(labels, warns, as_list):
    frame = pd.DataFrame(np.zeros((3, 1)), index=labels)
    data, stamps = ([frame], [[1, 2, 4]]) if as_list else (frame, [1, 2, 4])
    if warns:
        with pytest.warns(LNNWarning, match=r"pandas\.to_datetime\([Xx]\.index"):
            sequences = read_sequences(data, window_length=2)
    else:
        sequences = read_sequences(data, window_length=2)
    assert sequences.elapsed is None
    assert read_sequences(data, window_length=2, timestamps=stamps).elapsed is not None


DAYS = pd.date_range("2020", periods=4)
BEFORE = {
    "zone": DAYS[:2].tz_localize("UTC"),
    "duration": DAYS[:2] - DAYS[0],
    "mixed zones": pd.Index([DAYS[0], DAYS[1].tz_localize("UTC")], dtype=object),
}


@pytest.mark.parametrize("kind", BEFORE)
def test__context__another_kind_of_time__is_an_error(kind):
    before = pd.DataFrame({"x": [0.0, 0.0]}, index=BEFORE[kind])
    frame = pd.DataFrame({"x": [0.0, 0.0]}, index=DAYS[2:])
    with pytest.raises(InvalidInputError, match="same kind of time index on context"):
        read_sequences(frame, window_length=2, context=before)
    before, frame = before.reset_index(names="t"), frame.reset_index(names="t")
    with pytest.raises(InvalidInputError, match="the time column (to be|in one)"):
        read_sequences(frame, window_length=2, context=before, time_column="t")


@pytest.mark.parametrize("index", [DAYS[:2].to_period("D"), list(DAYS[:2].date)])
def test__context__dates_of_another_type__join(index):
    before = pd.DataFrame({"x": [0.0, 0.0]}, index=index)
    frame = pd.DataFrame({"x": [0.0, 0.0]}, index=DAYS[2:])
    sequences = read_sequences(frame, window_length=2, context=before)
    np.testing.assert_array_equal(sequences.elapsed[1:], 86400)


@pytest.mark.parametrize(
    ("index", "warns"),
    [
        ([0.0, 1.0, 2.5, 3.0], True),
        ([0.1, 0.2, 0.3, 0.4], False),
        ([0.0, 0.0, 0.0, 0.0], False),
        ([0.0, 2.0, np.nan, 5.0], False),
        ([0, 1, 5, 6], False),
        ([0, 2, 5, 25], True),
        ([0, 2, 4, 6], False),
        (pd.Index([0, 2, 5, 25], dtype="UInt32"), True),
        ([*map(float, range(20)), *map(float, range(25, 45))], False),
    ],
)
@pytest.mark.parametrize("as_list", [False, True])
def test__frame__uneven_numbers__warn_that_they_are_no_time(index, warns, as_list):
    frame = pd.DataFrame(np.zeros((len(index), 1)), index=index)
    data = [frame.iloc[:1], frame] if as_list else frame
    stamps = r"\[x\.index for x in X\]" if as_list else r"X\.index"
    if warns:
        with pytest.warns(LNNWarning, match=f"unequal gaps.*timestamps={stamps}"):
            sequences = read_sequences(data, window_length=2)
        given = [part.index for part in data] if as_list else frame.index
        read_sequences(data, window_length=2, timestamps=given)
        if not as_list:
            read_sequences(data, window_length=1)
    else:
        sequences = read_sequences(data, window_length=2)
    assert sequences.elapsed is None


def test__frame__uneven_floats__are_looked_at_inside_recordings():
    frame = pd.DataFrame(np.zeros((4, 1)), index=[0.0, 7.0, 1.0, 8.0])
    read_sequences(frame, window_length=2, groups=[0, 1, 0, 1])
    frame.index = [0.0, 7.0, 1.0, 9.0]
    with pytest.warns(LNNWarning, match="unequal gaps"):
        read_sequences(frame, window_length=2, groups=[0, 1, 0, 1])


# ------------------------------------------------------- numbers that name recordings

SITE, PATIENT = np.repeat(["A", "B"], 20), np.repeat(np.arange(4), 10)


def frame_of(*levels):
    index = pd.MultiIndex.from_arrays(levels) if len(levels) > 1 else levels[0]
    return pd.DataFrame(np.zeros((40, 1)), index=index)


@pytest.mark.parametrize("kind", [int, float])
def test__plain_index__numbers_that_repeat__warn_of_lost_recordings(kind):
    frame = frame_of(PATIENT.astype(kind))
    with pytest.warns(LNNWarning, match="one recording.*pass groups=X.index"):
        read_sequences(frame, window_length=2)
    read_sequences(frame, window_length=2, groups=frame.index)
    read_sequences(frame.iloc[:10], window_length=2)  # one recording it is
    read_sequences([part for _, part in frame.groupby(level=0)], window_length=2)
