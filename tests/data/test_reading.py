"""read_sequences: windows, recordings, context, layouts, and what is refused."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest

from LNN.data import layout_of, read_sequences
from LNN.exceptions import InvalidInputError, LNNWarning


def naive_windows(X, owner, window, stride):
    """Window of each target row, row by row, by the definition."""
    out = {}
    for label in dict.fromkeys(owner.tolist()):
        rows = np.flatnonzero(owner == label)
        for k, row in enumerate(rows):
            if (len(rows) - 1 - k) % stride == 0:
                out[int(row)] = X[rows[max(0, k - window + 1) : k + 1]]
    return out


def gathered(sequences, samples):
    """Values, gaps and lengths of these samples, 0 to the right of each span."""
    positions, _ = sequences.spans(samples)
    valid = np.arange(positions.shape[1]) < sequences.length[samples][:, None]
    rows = sequences.rows.take(positions.ravel()).reshape(*positions.shape, -1)
    values = np.where(valid[:, :, None], rows, rows.dtype.type(0))
    gaps = None
    if sequences.elapsed is not None:
        gaps = np.where(valid, sequences.elapsed[positions], 0.0)
    return values, gaps, sequences.length[samples]


def windows_of(sequences):
    values, _, lengths = gathered(sequences, np.arange(len(sequences)))
    for number, length in enumerate(lengths):
        assert (values[number, length:] == 0).all()
    rows = sequences.row_of_sample.tolist()
    return {row: values[k, : lengths[k]] for k, row in enumerate(rows)}


def assert_same(left, right):
    """The two sets hold the same bits."""
    everything = np.arange(len(left))
    for a, b in zip(
        gathered(left, everything), gathered(right, everything), strict=True
    ):
        assert (a is None) == (b is None)
        if a is not None:
            np.testing.assert_array_equal(a, b)
    for field in ("recording", "start", "length", "first_target", "row_of_sample"):
        np.testing.assert_array_equal(getattr(left, field), getattr(right, field))


@pytest.fixture
def rng():
    return np.random.default_rng(0)


# ---------------------------------------------------------------- windows


@pytest.mark.parametrize("seed", range(12))
def test__windows__random_groups_and_strides__equal_naive_loop(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 60))
    X = rng.normal(size=(n, 2))
    owner = rng.integers(0, rng.integers(1, 6), n)
    window, stride = int(rng.integers(1, 9)), int(rng.integers(1, 7))
    sequences = read_sequences(X, window_length=window, stride=stride, groups=owner)
    expected = naive_windows(X, owner, window, stride)
    got = windows_of(sequences)
    assert list(got) == sorted(expected)
    for row, values in expected.items():
        np.testing.assert_array_equal(got[row], values)
    np.testing.assert_array_equal(sequences.first_target, sequences.length - 1)
    assert sequences.layout == "rows"


def test__windows__no_groups__one_per_row_short_at_the_start(rng):
    X = rng.normal(size=(7, 3))
    sequences = read_sequences(X, window_length=4)
    assert sequences.length.tolist() == [1, 2, 3, 4, 4, 4, 4]
    assert sequences.row_of_sample.tolist() == list(range(7))
    assert sequences.elapsed is None
    assert sequences.groups is None
    assert sequences.max_length == 4


def test__groups__interleaved__same_windows_as_sorted(rng):
    X = rng.normal(size=(8, 1))
    owner = np.array(["b", "a"] * 4)
    time = np.array([0, 5, 1, 6, 3, 7, 4, 9])
    mixed = read_sequences(X, window_length=3, groups=owner, timestamps=time)
    assert mixed.row_of_sample.tolist() == list(range(8))
    assert (np.diff(mixed.recording) >= 0).all()
    expected = [np.nan, 1, 2, 1, np.nan, 1, 1, 2]
    np.testing.assert_array_equal(mixed.elapsed, expected)
    assert mixed.groups.tolist() == [0, 1] * 4


@pytest.mark.parametrize(
    "labels",
    [
        ["x", 1, "x", 1],
        [(1, 2), (1, 3), (1, 2), (1, 3)],
        pd.to_datetime(["2020", "2021", "2020", "2021"]),
        pd.Series(["x", "y", "x", "y"], dtype="category"),
    ],
)
def test__groups__any_hashable__two_recordings(labels):
    X = np.arange(4.0)[:, None]
    sequences = read_sequences(X, window_length=2, groups=labels)
    assert sequences.recording.tolist() == [0, 0, 1, 1]
    assert sequences.rows.take(np.arange(4)).ravel().tolist() == [0, 2, 1, 3]


def test__groups__number_and_its_text__stay_apart():
    X = np.zeros((2, 1))
    assert read_sequences(X, window_length=2, groups=[1, "1"]).recording[1] == 1


@pytest.mark.parametrize("kind", ["rows", "cube", "ragged"])
@pytest.mark.parametrize("dtype", [np.float16, np.int8, bool, np.uint16, np.float32])
def test__dtypes__small_numbers__are_kept(kind, dtype):
    X = np.ones((3, 4, 2), dtype=dtype)
    data = {"rows": X[0], "cube": X, "ragged": list(X)}[kind]
    sequences = read_sequences(data, window_length=2)
    assert sequences.layout == kind
    assert gathered(sequences, np.arange(2))[0].dtype == dtype


def test__memmap__read_only__same_as_array_and_not_loaded(rng, tmp_path):
    X = rng.normal(size=(30, 3))
    disk = np.memmap(tmp_path / "x", dtype=float, mode="w+", shape=X.shape)
    disk[:] = X
    disk.flush()
    disk = np.memmap(tmp_path / "x", dtype=float, mode="r", shape=X.shape)
    left = read_sequences(disk, window_length=5)
    assert_same(left, read_sequences(X, window_length=5))
    assert np.shares_memory(left.rows.array, disk)


@pytest.mark.parametrize("kind", ["rows", "cube", "ragged"])
def test__n_jobs__any__same_bits(rng, kind):
    if kind == "rows":
        X, stamps = rng.normal(size=(400_000, 4)), np.cumsum(rng.random(400_000))
    else:
        X, stamps = rng.normal(size=(20, 9, 2)), np.cumsum(rng.random((20, 9)), axis=1)
        X = X if kind == "cube" else list(X)
    sets = [
        read_sequences(X, window_length=3, stride=7, timestamps=stamps, n_jobs=n)
        for n in (None, 2, 3)
    ]
    assert_same(sets[0], sets[1])
    assert_same(sets[0], sets[2])


@pytest.mark.parametrize("n_jobs", [None, 2])
def test__finite_check__several_bad_chunks__names_the_first(n_jobs):
    X = np.zeros((1_200_000, 2))
    X[900_000, 0] = np.inf
    X[700_001, 1] = np.nan
    with pytest.raises(InvalidInputError, match="row 700001, column 1"):
        read_sequences(X, window_length=3, n_jobs=n_jobs)


@pytest.mark.parametrize("order", ["C", "F"])
def test__memory__large_table__no_copy(order):
    X = np.zeros((200_000, 8), order=order)
    frame = pd.DataFrame(X, copy=False)
    read_sequences(frame.iloc[:10], window_length=2)
    for data in (X, frame):
        tracemalloc.start()
        sequences = read_sequences(data, window_length=32)
        gathered(sequences, np.arange(64))
        held, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        # Five integers per row, not the 64 bytes of its values.
        assert held < 45 * len(X)
        assert peak < 64 * len(X)
        assert np.shares_memory(sequences.rows.block(0, 5), X)


def test__memory__column_of_times__no_copy():
    X = np.zeros((200_000, 8))
    X[:, 0] = np.arange(len(X))
    tracemalloc.start()
    sequences = read_sequences(X, window_length=32, time_column=0, anchor=3)
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert np.shares_memory(sequences.rows.base.base.array, X)
    assert held < 60 * len(X)
    assert peak < 100 * len(X)


# ---------------------------------------------------------------- columns, anchors


@pytest.mark.parametrize("as_frame", [True, False])
def test__columns__time_and_group__are_no_inputs(rng, as_frame):
    X = np.column_stack([rng.normal(size=6), [0, 0, 1, 2, 2, 4], [7, 8, 7, 7, 8, 8]])
    names = {"time_column": 1, "group_column": -1}
    plain = X
    if as_frame:
        X = pd.DataFrame(X, columns=["a", "t", "g"])
        names = {"time_column": "t", "group_column": "g"}
    sequences = read_sequences(X, window_length=3, **names)
    explicit = read_sequences(
        plain[:, :1], window_length=3, timestamps=plain[:, 1], groups=plain[:, 2]
    )
    assert_same(sequences, explicit)
    assert sequences.n_features == 1
    assert sequences.n_features_in == 3
    assert (sequences.feature_names_in is not None) == as_frame
    if as_frame:
        assert list(sequences.feature_names_in) == ["a", "t", "g"]


def test__columns__datetimes_and_strings_in_a_frame__are_taken_as_they_are():
    frame = pd.DataFrame(
        {
            "when": pd.date_range("2020", periods=4, freq="h", tz="Europe/Vienna"),
            "who": ["a", "a", "b", "b"],
            "x": np.arange(4.0),
        }
    )
    sequences = read_sequences(
        frame, window_length=2, time_column="when", group_column="who"
    )
    np.testing.assert_array_equal(sequences.elapsed, [np.nan, 3600, np.nan, 3600])
    lists = read_sequences(
        [frame.iloc[:2], frame.iloc[2:]],
        window_length=2,
        time_column="when",
        group_column="who",
    )
    np.testing.assert_array_equal(lists.elapsed, sequences.elapsed)
    assert lists.groups.tolist() == [0, 1]


@pytest.mark.parametrize("kind", ["cube", "ragged"])
def test__columns__of_sequences__are_on_the_last_axis(rng, kind):
    X = rng.normal(size=(3, 4, 3))
    X[:, :, 1] = np.cumsum(rng.random((3, 4)), axis=1)
    X[:, :, 2] = np.array([5, 6, 5])[:, None]
    data = X if kind == "cube" else list(X)
    sequences = read_sequences(data, window_length=1, time_column=1, group_column=2)
    explicit = read_sequences(
        X[:, :, :1], window_length=1, timestamps=X[:, :, 1], groups=[5, 6, 5]
    )
    assert_same(sequences, explicit)
    assert sequences.groups.tolist() == explicit.groups.tolist() == [0, 1, 0]
    X[1, 2, 2] = 9
    with pytest.raises(InvalidInputError, match="group_column of sample 1"):
        read_sequences(data, window_length=1, group_column=2)


@pytest.mark.parametrize("dtype", [float, np.float32, np.uint8])
def test__anchor__columns__enter_as_changes(dtype):
    X = np.array([[9, 1, 5], [7, 1, 6], [8, 1, 9], [2, 1, 4]], dtype=dtype)
    sequences = read_sequences(
        X, window_length=2, anchor=[2, 0], group_column=1, groups=None
    )
    values = sequences.rows.take(np.arange(4))
    assert values.tolist() == [[0, 0], [-2, 1], [1, 3], [-6, -5]]
    assert sequences.anchors(np.array([3, 0])).tolist() == [[4, 2], [5, 9]]


def test__anchor__recordings__first_change_is_zero(rng):
    X = rng.normal(size=(3, 4, 2))
    sequences = read_sequences(X, window_length=1, anchor=1, per_step=True)
    values = gathered(sequences, np.arange(3))[0]
    np.testing.assert_array_equal(values[:, 0, 1], 0)
    np.testing.assert_array_equal(values[:, 1:, 1], np.diff(X[:, :, 1], axis=1))
    np.testing.assert_array_equal(values[:, :, 0], X[:, :, 0])
    present = sequences.anchor_rows.take(np.arange(12)).reshape(3, 4)
    np.testing.assert_array_equal(present, X[:, :, 1])


# ---------------------------------------------------------------- context


@pytest.mark.parametrize("n_context", [0, 1, 5, 40])
@pytest.mark.parametrize("timed", [False, True])
def test__context__rows_before__same_as_concatenation(rng, n_context, timed):
    X = rng.normal(size=(n_context + 17, 2))
    stamps = np.cumsum(rng.random(len(X))) if timed else None
    whole = read_sequences(X, window_length=6, stride=3, timestamps=stamps)
    warm = read_sequences(
        X[n_context:],
        window_length=6,
        stride=3,
        timestamps=stamps,
        context=X[:n_context],
    )
    expected = whole.subset(whole.row_of_sample >= n_context)
    everything = np.arange(len(warm))
    for a, b in zip(
        gathered(warm, everything), gathered(expected, everything), strict=True
    ):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(
        warm.row_of_sample, expected.row_of_sample - n_context
    )


def test__context__frames_with_time__join(rng):
    index = pd.date_range("2020", periods=10, freq="D")
    frame = pd.DataFrame(rng.normal(size=(10, 2)), index=index, columns=["a", "b"])
    warm = read_sequences(frame[6:], window_length=3, context=frame[:6])
    assert gathered(warm, np.array([0]))[1].tolist() == [[86400.0] * 3]
    with pytest.raises(InvalidInputError, match="context to end before X begins"):
        read_sequences(frame[:4], window_length=3, context=frame[4:])
    with pytest.raises(InvalidInputError, match="without"):
        read_sequences(frame[6:], window_length=3, context=frame[:6].to_numpy())
    with pytest.raises(InvalidInputError, match="context with the columns"):
        read_sequences(frame[6:], window_length=3, context=frame[["b", "a"]][:6])
    column = frame.reset_index(names="when")
    again = read_sequences(
        column[6:], window_length=3, context=column[:6], time_column="when"
    )
    assert_same(warm, again)


def test__context__last_row_again_in_x__is_refused(rng):
    """`X.loc[:t]` and `X.loc[t:]` both hold the row t."""
    index = pd.date_range("2024", periods=6)
    X = pd.DataFrame(rng.normal(size=(6, 2)), index=index)
    later, earlier = X.loc[index[3] :], X.loc[: index[3]]
    with pytest.raises(InvalidInputError, match=r"2024-01-04.*X\.index < t"):
        read_sequences(later, window_length=3, context=earlier)
    # Another row of the same moment is legal, and so is what the caller vouches for.
    other = pd.concat([earlier.iloc[:-1], earlier.iloc[-1:] + 1.0])
    read_sequences(later, window_length=3, context=other)
    stamps = [*range(4), *range(3, 6)]
    read_sequences(later, window_length=3, context=earlier, timestamps=stamps)


def test__context__misused__is_an_error(rng):
    X = rng.normal(size=(5, 2))
    with pytest.raises(InvalidInputError, match="one recording"):
        read_sequences(X, window_length=2, context=X, groups=np.zeros(5))
    with pytest.raises(InvalidInputError, match=r"one recording, got rows of 5\."):
        read_sequences(X, window_length=2, context=X, group_column=0)
    with pytest.raises(InvalidInputError, match=r"context of shape \(n_rows, 2\)"):
        read_sequences(X, window_length=2, context=X[:, :1])
    with pytest.raises(InvalidInputError, match="only with 2-D"):
        read_sequences(X[None], window_length=2, context=X)
    with pytest.raises(InvalidInputError, match=r"\(10,\), the context's first"):
        read_sequences(X, window_length=2, context=X, timestamps=np.arange(5))
    X[1, 1] = np.nan
    with pytest.raises(InvalidInputError, match="Input context contains NaN"):
        read_sequences(X[2:], window_length=2, context=X[:2])


# ---------------------------------------------------------------- frames


def test__frame__datetime_index__gives_seconds_unless_said_otherwise(rng):
    index = pd.to_datetime(["2020-01-01", "2020-01-01", "2020-01-01"])
    index += pd.to_timedelta([0, 60, 60], unit="s")
    frame = pd.DataFrame(rng.normal(size=(3, 1)), index=index)
    by_index = read_sequences(frame, window_length=2)
    np.testing.assert_array_equal(by_index.elapsed, [np.nan, 60, 0])
    explicit = read_sequences(frame, window_length=2, timestamps=[1, 2, 4])
    np.testing.assert_array_equal(explicit.elapsed, [np.nan, 1, 2])
    frame["t"] = [0, 7, 8]
    frame.columns = ["x", "t"]
    column = read_sequences(frame, window_length=2, time_column="t")
    np.testing.assert_array_equal(column.elapsed, [np.nan, 7, 1])


def test__frame__multi_index__gives_recordings_and_time(rng):
    index = pd.MultiIndex.from_tuples(
        [("a", 1, 0.0), ("b", 1, 3.0), ("a", 1, 2.0), ("a", 2, 1.0), ("b", 1, 3.5)]
    )
    frame = pd.DataFrame(rng.normal(size=(5, 1)), index=index)
    sequences = read_sequences(frame, window_length=3)
    assert sequences.groups.tolist() == [0, 1, 0, 2, 1]
    np.testing.assert_array_equal(sequences.elapsed, [np.nan, 2, np.nan, 0.5, np.nan])
    text = frame.set_index(pd.MultiIndex.from_tuples([(*"ax",)] * 3 + [(*"ay",)] * 2))
    sequences = read_sequences(text, window_length=3)
    assert sequences.elapsed is None
    assert sequences.groups.tolist() == [0, 0, 0, 1, 1]


def test__frame__window_of_one__time_is_ignored(rng):
    index = pd.date_range("2020", periods=4)[::-1]
    frame = pd.DataFrame(rng.normal(size=(4, 1)), index=index, columns=["x"])
    assert read_sequences(frame, window_length=1).elapsed is None
    shuffled = frame.reset_index(drop=True).iloc[[2, 0, 1, 3]]
    assert read_sequences(shuffled, window_length=1).elapsed is None
    frame["t"] = [3, 2, 1, 0]
    assert read_sequences(frame, window_length=1, time_column="t").n_features == 1


def test__frame__shuffled_integer_index__warns(rng):
    frame = pd.DataFrame(rng.normal(size=(6, 1)))
    shuffled = frame.iloc[[0, 3, 1, 4, 2, 5]]
    with pytest.warns(LNNWarning, match=r"shuffled.*row 2 \(to 1\)"):
        read_sequences(shuffled, window_length=2)
    read_sequences(shuffled, window_length=2, groups=[0, 1, 0, 1, 0, 1])
    with pytest.warns(LNNWarning, match="row 5"):
        read_sequences(
            frame.iloc[[0, 3, 1, 4, 2, 3]], window_length=2, groups=[0, 1] * 3
        )
    read_sequences(shuffled, window_length=2, timestamps=np.arange(6))
    read_sequences(frame[3:], window_length=2, context=frame[:3])
    with pytest.warns(LNNWarning, match="row 2"):
        read_sequences(shuffled, window_length=2, context=frame)


@pytest.mark.parametrize("how", ["index", "column", "timestamps"])
def test__time_going_back__error_names_row_times_and_cause(how):
    frame = pd.DataFrame(
        {"x": np.zeros(5)}, index=pd.date_range("2020-01-01", periods=5)
    ).iloc[[0, 1, 4, 2, 3]]
    arguments = {}
    if how == "column":
        frame = frame.reset_index(names="when")
        arguments = {"time_column": "when"}
    elif how == "timestamps":
        arguments = {"timestamps": list(frame.index)}
        frame = frame.to_numpy()
    with pytest.raises(InvalidInputError) as info:
        read_sequences(frame, window_length=3, **arguments)
    text = str(info.value)
    for part in (
        "row 3 is at 2020-01-03",
        "(row 2) at 2020-01-05",
        "train_test_split(shuffle=True)",
        "shuffle=False",
        "TimeSeriesSplit",
        "groups",
    ):
        assert part in text


# ---------------------------------------------------------------- sequences


@pytest.mark.parametrize("per_step", [False, True])
def test__cube__any_strides__equals_list(rng, per_step):
    X = rng.normal(size=(5, 2, 7)).transpose(0, 2, 1)
    cube = read_sequences(X, window_length=1, per_step=per_step)
    ragged = read_sequences(list(X), window_length=1, per_step=per_step)
    assert_same(cube, ragged)
    np.testing.assert_array_equal(gathered(cube, np.arange(5))[0], X)
    assert cube.first_target.tolist() == [0 if per_step else 6] * 5
    assert np.shares_memory(cube.rows.array, X)
    contiguous = read_sequences(X.copy(), window_length=1, per_step=per_step)
    assert_same(cube, contiguous)


def test__ragged__list_tuple_object_array_frames__are_equal(rng):
    items = [rng.normal(size=(t, 2)) for t in (3, 1, 5)]
    boxed = np.empty(3, dtype=object)
    boxed[:] = items
    base = read_sequences(items, window_length=1)
    values, gaps, lengths = gathered(base, np.array([2, 1, 0]))
    assert gaps is None
    assert lengths.tolist() == [5, 1, 3]
    np.testing.assert_array_equal(values[2, :3], items[0])
    np.testing.assert_array_equal(values[1, 1:], 0)
    frames = [pd.DataFrame(item, columns=["a", "b"]) for item in items]
    nested = [item.tolist() for item in items]
    for other in (tuple(items), boxed, frames, nested):
        assert_same(base, read_sequences(other, window_length=1))
    assert list(read_sequences(frames, window_length=1).feature_names_in) == ["a", "b"]


@pytest.mark.parametrize("kind", ["array", "list", "index", "datetime"])
def test__timestamps__of_sequences__gaps_stay_inside(kind):
    X = np.zeros((2, 3, 1))
    stamps = np.array([[5, 6, 8], [0, 0, 4]])
    arguments = {"timestamps": stamps}
    if kind == "list":
        arguments = {"timestamps": [row.tolist() for row in stamps]}
    elif kind == "datetime":
        arguments = {"timestamps": stamps.astype("datetime64[s]")}
    elif kind == "index":
        dates = pd.to_datetime(stamps.ravel(), unit="s").to_numpy().reshape(2, 3)
        arguments = {}
        X = [pd.DataFrame(x, index=d) for x, d in zip(X, dates, strict=True)]
    sequences = read_sequences(X, window_length=1, **arguments)
    gaps = gathered(sequences, np.arange(2))[1]
    np.testing.assert_array_equal(gaps, [[np.nan, 1, 2], [np.nan, 0, 4]])


@pytest.mark.parametrize(
    ("X", "expected"),
    [
        (np.zeros((2, 3)), "rows"),
        (np.zeros(3), "rows"),
        ([[1, 2], [3, 4]], "rows"),
        ([np.zeros(2), np.zeros(2)], "ragged"),
        ([pd.Series([1, 2]), pd.Series([1, 2])], "ragged"),
        (list(pd.DataFrame({"a": [1]}).groupby("a")), "ragged"),
        ([np.zeros(2), np.zeros(3)], "ragged"),
        ([], "rows"),
        (pd.DataFrame({"a": [1]}), "rows"),
        (np.zeros((2, 3, 1)), "cube"),
        (np.zeros((2, 3), dtype=object), "rows"),
        ([np.zeros((2, 2)), np.zeros((2, 2))], "ragged"),
        ([[[1], [2]], [[3]]], "ragged"),
        ((pd.DataFrame({"a": [1]}),), "ragged"),
    ],
)
def test__layout_of__what_users_have__is_told_apart(X, expected):
    assert layout_of(X) == expected


# ---------------------------------------------------------------- errors


ROWS = np.zeros((4, 2))
ERRORS = {
    "both times": (ROWS, {"timestamps": np.arange(4), "time_column": 0}, "got both"),
    "both groups": (ROWS, {"groups": np.arange(4), "group_column": 0}, "got both"),
    "window": (ROWS, {"window_length": 0}, "window_length to be an int of 1"),
    "window bool": (ROWS, {"window_length": True}, "window_length to be an int"),
    "stride": (ROWS, {"stride": 1.5}, "stride to be an int of 1 or more, got 1.5"),
    "independent": (
        ROWS,
        {"window_length": 1, "timestamps": np.arange(4)},
        "rows are independent",
    ),
    "independent anchor": (ROWS, {"window_length": 1, "anchor": 0}, "independent"),
    "no column": (ROWS, {"time_column": 2}, "got 2 and an array with 2 columns"),
    "name": (ROWS, {"time_column": "t"}, "set_output"),
    "same column": (ROWS, {"time_column": 0, "group_column": 0}, "two columns"),
    "no inputs": (ROWS, {"time_column": 0, "group_column": 1}, "at least one input"),
    "anchor is time": (ROWS, {"time_column": 0, "anchor": 0}, "anchor to be an input"),
    "no anchor": (ROWS, {"anchor": []}, "at least one column"),
    "stamps": (ROWS, {"timestamps": np.arange(3)}, r"shape \(4,\).*got shape \(3,\)"),
    "groups length": (ROWS, {"groups": [1, 2]}, "Expected 4 groups.*got 2"),
    "groups shape": (ROWS, {"groups": np.zeros((4, 2))}, "got shape"),
    "groups nan": (ROWS, {"groups": [1, np.nan, 1, 1]}, "missing one for row 1"),
    "4-D": (np.zeros((1, 2, 2, 2)), {}, "got shape"),
    "no steps": (np.zeros((2, 0, 2)), {}, "at least one time step"),
    "empty": ([np.zeros((2, 1)), np.zeros((0, 1))], {}, r"X\[1\], got an empty"),
    "1-D": ([np.zeros(3), np.zeros(2)], {}, "reshape"),
    "1-D of one length": ([np.zeros(3)] * 4, {}, r"reshape.*numpy\.stack\(X\)"),
    "series": ([pd.Series([1, 2])] * 4, {}, r"to_frame.*pandas\.DataFrame\(X\)"),
    "pairs": (list(pd.DataFrame({"a": [1, 2]}).groupby("a")), {}, "Keep the frames"),
    "text": (
        pd.DataFrame({"a": [1, 2], "b": [1, "x"]}),
        {},
        "'x' in row 1, column 'b'",
    ),
    "category": (
        pd.DataFrame({"a": pd.Categorical(["u", "v"])}),
        {},
        "text 'u' in row",
    ),
    "text in a list": (
        [np.array([[1], ["x"]], object)],
        {},
        r"X\[0\], got .*'x'.*row 1",
    ),
    "text in a cube": (
        np.full((1, 2, 1), "x"),
        {},
        "time step 0 of sample 0, column 0",
    ),
    "stamps as objects": (
        np.array([[1, pd.Timestamp("2024")]], dtype=object),
        {},
        "time_column=1",
    ),
    "datetime cube": (
        np.zeros((1, 2, 1), "M8[s]"),
        {},
        r"datetime64\[s\].*timestamps=",
    ),
    "datetime rows": (np.zeros((2, 1), "M8[s]"), {}, r"datetime64\[s\].*timestamps="),
    "groups number": (ROWS, {"groups": 1}, r"shape \(4,\), one label per row, got 1"),
    "groups name": (ROWS, {"groups": "id"}, "got 'id'.*group_column="),
    "time columns": (ROWS, {"time_column": ["a"]}, "one column for time_column"),
    "group columns": (ROWS, {"group_column": ["a", "b"]}, "ngroup"),
    "padding": (np.full((1, 2, 1), np.nan), {}, "a list of the sequences without it"),
    "1-D among 2-D": ([np.zeros((3, 1)), np.zeros(2)], {}, "reshape"),
    "3-D in list": ([np.zeros((3, 1, 1))], {}, r"X\[0\] of shape"),
    "widths": ([np.zeros((3, 1)), np.zeros((2, 2))], {}, r"got 1 in X\[0\].*X\[1\]"),
    "channels": ([np.zeros((3, 9)), np.zeros((3, 8))], {}, r"\(channels, time\)"),
    "frames": (
        [pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [1]})],
        {},
        r"X\[1\] to be a frame",
    ),
    "index": (
        [
            pd.DataFrame({"a": [1]}, index=pd.to_datetime(["2020"])),
            pd.DataFrame({"a": [1]}),
        ],
        {},
        r"none on X\[1\]",
    ),
    "cube stamps": (np.zeros((2, 3, 1)), {"timestamps": np.arange(6)}, "2 sequences"),
    "list stamps": (
        np.zeros((2, 3, 1)),
        {"timestamps": [[1, 2, 3], [1, 2]]},
        "for sample 1",
    ),
    "cube groups": (np.zeros((2, 3, 1)), {"groups": [1]}, "Expected 2 groups"),
    "cube back": (
        np.zeros((2, 3, 1)),
        {"timestamps": [[1, 2, 3], [1, 0, 2]]},
        "time step 1 of sample 1 is at 0",
    ),
    "datetime column": (
        pd.DataFrame({"a": [1.0], "when": pd.to_datetime(["2020"])}),
        {},
        "time_column='when'",
    ),
    "twice": (
        pd.DataFrame([[1, 2]], columns=["a", "a"]),
        {"time_column": "a"},
        "several of that name",
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test__bad_input__any__says_what_is_wrong(case):
    X, arguments, message = ERRORS[case]
    with pytest.raises(InvalidInputError, match=message):
        read_sequences(X, **{"window_length": 2, **arguments})


@pytest.mark.parametrize(
    ("bad", "start"),
    [(np.nan, "Input X contains NaN."), (-np.inf, "Input X contains infinity or a")],
)
def test__not_finite__each_layout__starts_like_sklearn_and_names_the_place(bad, start):
    X = np.zeros((3, 4, 2))
    X[1, 2, 1] = bad
    frame = pd.DataFrame(X[1], columns=["a", "b"])
    for data, place in (
        (X[1], "row 2, column 1"),
        (frame, "row 2, column 1 ('b')"),
        (X, "time step 2 of sample 1, column 1"),
        (list(X), "time step 2 of sample 1, column 1"),
    ):
        with pytest.raises(InvalidInputError) as info:
            read_sequences(data, window_length=2)
        assert str(info.value).startswith(start)
        assert place in str(info.value)


def test__infinite__where_missing_values_are_read__no_parameter_is_proposed():
    X = np.array([[0.0], [np.inf], [np.nan], [1.0]])
    with pytest.raises(InvalidInputError, match="replace it by NaN\\.$"):
        read_sequences(X, window_length=2, allow_missing=True)


def test__masked__any_layout__counts_as_missing():
    X = np.ma.masked_equal([[1, 2], [-9999, 4]], -9999)
    for data, where in (
        (X, "row 1, column 0"),
        (X[None], "time step 1 of sample 0"),
        ([X], "time step 1 of sample 0"),
        (X.astype(float), "row 1, column 0"),
    ):
        with pytest.raises(InvalidInputError, match=f"nan first in {where}"):
            read_sequences(data, window_length=2)
        rows = read_sequences(data, window_length=2, allow_missing=True).rows
        np.testing.assert_array_equal(rows.take(np.arange(2)), [[1, 2], [np.nan, 4]])
    whole = np.ma.masked_equal(np.array([[1], [2]], dtype=np.int16), -9999)
    assert read_sequences(whole, window_length=2).rows.dtype == np.int16


def test__masked__time_stamps__are_refused():
    stamps = np.ma.masked_equal([0, -9999], -9999)
    for given in (stamps, stamps.astype("M8[s]")):
        with pytest.raises(InvalidInputError, match="row 1"):
            read_sequences(ROWS[:2], window_length=2, timestamps=given)


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (np.zeros(3), ValueError, "Expected 2D array, got 1D array"),
        (np.zeros((0, 3)), ValueError, "0 sample"),
        (np.zeros((3, 0)), ValueError, "0 feature"),
        (np.zeros((3, 2), dtype=complex), ValueError, "Complex data not supported"),
        (np.array([[{}, 1]], dtype=object), TypeError, "argument must be"),
        (np.array([["a", "b"]]), ValueError, "the text 'a' in row 0, column 0"),
        ([], ValueError, "at least one sample in X, got an empty list"),
    ],
)
def test__bad_arrays__two_dimensions__get_sklearns_messages(X, error, message):
    with pytest.raises(error, match=message):
        read_sequences(X, window_length=2)
