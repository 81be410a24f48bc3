"""Tables in files: what fit reads from them is what it would read from memory."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from tiny import TINY

from LNN import InvalidInputError, LiquidClassifier, LiquidRegressor
from LNN.data import block_sources, open_table, store_table, stored_targets, storing

N = 260


@pytest.fixture
def frame():
    """Rows of three meters that take turns, with time, a target and a class."""
    random = np.random.default_rng(0)
    values = random.normal(size=(N, 3)).cumsum(axis=0)
    found = pd.DataFrame(values, columns=["level", "flow", "load"])
    found["time"] = pd.Timestamp("2026-01-01", tz="Europe/Vienna") + pd.to_timedelta(
        random.exponential(size=N).cumsum(), unit="h"
    )
    found["meter"] = np.array(["north", "south", "east"])[np.arange(N) % 3]
    found["state"] = np.where(found["load"] > 0, "high", "low")
    return found


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Make blocks of a few rows, so that all sources give several."""
    monkeypatch.setattr(block_sources, "BLOCK_BYTES", 2000)
    monkeypatch.setattr(storing, "MOVED_BYTES", 300)
    monkeypatch.setattr(stored_targets, "MOVED", 40)


ROLES = {"target": "load", "time": "time", "group": "meter"}
INPUTS = ["level", "flow"]


def as_parquet(frame, folder):
    frame.to_parquet(folder / "all.parquet", row_group_size=70)
    return folder / "all.parquet"


def as_folder(frame, folder):
    for k in range(3):
        part = frame[100 * k : 100 * k + 100]
        part.to_parquet(folder / f"{k}.parquet", row_group_size=70)
    return str(folder)


def as_dataset(frame, folder):
    dataset = pytest.importorskip("pyarrow.dataset")
    return dataset.dataset(as_folder(frame, folder), format="parquet")


def as_chunks(frame, folder):
    return (frame[k : k + 50] for k in range(0, N, 50))


def as_polars(frame, folder):
    polars = pytest.importorskip("polars")
    return [polars.from_pandas(part) for part in as_chunks(frame, folder)]


def as_zarr(frame, folder):
    zarr = pytest.importorskip("zarr", reason="make check-adapters runs this")
    group = zarr.open_group(folder / "all.zarr", mode="w")
    for name in ("level", "flow", "load"):
        group.create_array(name, data=frame[name].to_numpy(), chunks=(64,))
    hours = (frame["time"] - frame["time"].min()) / pd.Timedelta("1h")
    group.create_array("time", data=hours.to_numpy(), chunks=(64,))
    codes = frame["meter"].map({"north": 0, "south": 1, "east": 2}).to_numpy()
    group.create_array("meter", data=codes, chunks=(64,))
    return folder / "all.zarr"


SOURCES = [as_parquet, as_folder, as_dataset, as_chunks, as_polars, as_zarr]


@pytest.mark.parametrize("source", SOURCES)
def test__store_table__any_source__fits_to_the_same_bits(source, frame, tmp_path):
    (tmp_path / "from").mkdir()
    if source not in (as_chunks, as_polars, as_zarr):
        pytest.importorskip("pyarrow")
    given = source(frame, tmp_path / "from")
    table = store_table(given, tmp_path / "to", columns=INPUTS, **ROLES)
    X = frame[INPUTS].astype("float32")
    model = LiquidRegressor(**TINY, window_length=6)
    how = {"timestamps": frame["time"], "groups": frame["meter"]}
    if source is as_zarr:  # which has no datetimes
        hours = (frame["time"] - frame["time"].min()) / pd.Timedelta("1h")
        how["timestamps"] = hours.to_numpy()
    order = np.argsort(pd.factorize(frame["meter"])[0], kind="stable")
    assert table.row.tolist() == order.tolist()
    # The same order in memory: shuffles in training go by row.
    here = {name: column[order] for name, column in how.items()}
    expected = model.fit(X.iloc[order], frame["load"].to_numpy()[order], **here)
    answers = expected.predict(X.iloc[order], **here)
    model = LiquidRegressor(**TINY, window_length=6)
    found = model.fit(table.X, table.y, **table.labels)
    assert found.loss_curve_ == expected.loss_curve_
    assert found.predict(table.X, **table.labels).tolist() == answers.tolist()
    assert found.feature_names_in_.tolist() == INPUTS


def test__store_table__rows_in_order__are_not_moved(frame, tmp_path):
    table = store_table(
        as_chunks(frame, None), tmp_path, target="load", columns=INPUTS, time="time"
    )
    assert table.row is None
    assert table.groups is None
    np.testing.assert_array_equal(table.X.to_numpy(), frame[INPUTS].astype("float32"))
    np.testing.assert_array_equal(table.y, frame["load"])
    assert (table.timestamps == pd.DatetimeIndex(frame["time"])).all()
    assert str(table.timestamps.tz) == "Europe/Vienna"
    assert len(table) == N


def test__store_table__double_precision__is_exact(frame, tmp_path):
    table = store_table([frame[INPUTS]], tmp_path, dtype="float64")
    np.testing.assert_array_equal(table.X, frame[INPUTS])
    assert table.y is None


def test__store_table__sort_time__orders_each_recording(frame, tmp_path):
    shuffled = frame.sample(frac=1, random_state=0).reset_index(drop=True)
    table = store_table([shuffled], tmp_path, **ROLES, columns=INPUTS, sort_time=True)
    ordered = shuffled.iloc[table.row]
    np.testing.assert_array_equal(table.y, ordered["load"])
    assert table.groups.tolist() == ordered["meter"].tolist()
    for _, part in ordered.groupby("meter"):
        assert part["time"].is_monotonic_increasing


def test__store_table__class_names__are_learnt(frame, tmp_path):
    table = store_table(
        as_chunks(frame, None), tmp_path, target="state", columns=INPUTS
    )
    model = LiquidClassifier(**TINY, window_length=6).fit(table.X, table.y)
    X = frame[INPUTS].astype("float32")
    other = LiquidClassifier(**TINY, window_length=6).fit(X, frame["state"])
    assert model.classes_.tolist() == ["high", "low"]
    assert model.loss_curve_ == other.loss_curve_


def test__store_table__numbers_of_classes__stay_whole(tmp_path):
    blocks = [pd.DataFrame({"a": [0.5, 1.5], "y": [k, k + 1]}) for k in range(3)]
    table = store_table(blocks, tmp_path, target="y")
    assert table.y.dtype == np.int64
    assert table.y.tolist() == [0, 1, 1, 2, 2, 3]


def test__store_table__whole_numbers_with_a_gap__are_floats(tmp_path):
    blocks = [
        pd.DataFrame({"a": [0.5], "y": [1]}),
        pd.DataFrame({"a": [1.0], "y": [np.nan]}),
    ]
    table = store_table(blocks, tmp_path, target="y")
    np.testing.assert_array_equal(table.y, [1.0, np.nan])


def test__store_table__several_targets__are_columns(frame, tmp_path):
    table = store_table([frame], tmp_path, target=["load", "flow"], columns=["level"])
    np.testing.assert_array_equal(table.y, frame[["load", "flow"]])
    assert list(table.X.columns) == ["level"]


def test__store_table__array__columns_by_number(tmp_path):
    data = np.random.default_rng(0).normal(size=(50, 4))
    np.save(tmp_path / "x.npy", data)
    table = store_table(tmp_path / "x.npy", tmp_path / "to", target=3, time=0)
    assert type(table.X) is np.ndarray
    np.testing.assert_array_equal(table.X, data[:, 1:3].astype("float32"))
    np.testing.assert_array_equal(table.y, data[:, 3])
    np.testing.assert_array_equal(table.timestamps, data[:, 0])


def test__store_table__missing_values__stay_missing(frame, tmp_path):
    frame.loc[3:5, "flow"] = np.nan
    frame["flow"] = frame["flow"].astype("Float64")
    table = store_table([frame[INPUTS]], tmp_path)
    assert table.X["flow"].isna().sum() == 3


def test__store_table__folders_of_keys__are_a_column(frame, tmp_path):
    pytest.importorskip("pyarrow")
    frame["time"] = frame["time"].astype("int64")
    source = tmp_path / "from"
    frame[[*INPUTS, "time", "meter"]].to_parquet(source, partition_cols=["meter"])
    table = store_table(source, tmp_path / "to", group="meter", time="time")
    assert set(table.groups) == {"north", "south", "east"}
    assert list(table.X.columns) == INPUTS


def test__stored_table__inputs__are_maps_of_a_file(frame, tmp_path):
    table = store_table([frame], tmp_path, **ROLES, columns=INPUTS)
    held = table.X.to_numpy()
    while held.base is not None and not isinstance(held, np.memmap):
        held = held.base
    assert isinstance(held, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        table.X.to_numpy()[0, 0] = 1


def test__stored_table__slice__is_of_the_same_rows(frame, tmp_path):
    table = store_table([frame], tmp_path, **ROLES, columns=INPUTS)
    part = table[20:50]
    assert len(part) == 30
    np.testing.assert_array_equal(part.y, table.y[20:50])
    assert part.groups.tolist() == table.groups.tolist()[20:50]
    assert part.labels["timestamps"].equals(table.timestamps[20:50])
    with pytest.raises(InvalidInputError, match="slice of rows"):
        table[3]


def test__open_table__stored_before__is_the_same(frame, tmp_path):
    table = store_table([frame], tmp_path, **ROLES, columns=INPUTS)
    again = open_table(tmp_path)
    pd.testing.assert_frame_equal(again.X, table.X)
    np.testing.assert_array_equal(again.y, table.y)
    assert repr(again) == f"StoredTable(260 rows, 2 inputs, {tmp_path})"


def text(frame):
    return frame.assign(flow="much")


def huge(frame):
    return frame.assign(flow=1e39)


def nameless(frame):
    return frame.assign(meter=frame["meter"].where(frame.index > 3))


def in_utc(frame):
    return frame.assign(time=frame["time"].dt.tz_convert("UTC"))


BAD = {
    "unknown target": (None, {"target": "power"}, "not among"),
    "unknown input": (None, {"columns": ["height"]}, "not among"),
    "text": (text, {}, "got the text 'much' in row 0, column 'flow'"),
    "times as inputs": (None, {"columns": None, "time": None}, "in column 'time'"),
    "too large": (huge, {}, "float32 can hold, got 1e.39 in row 0, column 'flow'"),
    "no recording": (nameless, {}, "missing one in row 0"),
    "dtype": (None, {"dtype": "float16"}, "dtype must be one of"),
    "sorted by nothing": (None, {"time": None, "sort_time": True}, "Expected time="),
    "no input": (None, {"columns": []}, "at least one label, got .*None takes"),
    "input as text": (None, {"columns": "level"}, "list of at least one label"),
    "input twice": (None, {"columns": ["level", "level"]}, "Name each column once"),
    "input in a list": (None, {"columns": [["level"]]}, "list of at least one label"),
    "no target": (None, {"target": []}, "None stores rows without targets"),
    "times in a list": (None, {"time": ["time"]}, "time as the label of one column"),
    "several of text": (None, {"target": ["load", "state"]}, "numbers in the targets"),
}


@pytest.mark.parametrize("case", BAD)
def test__store_table__bad_input__is_refused_and_leaves_nothing(case, frame, tmp_path):
    change, options, words = BAD[case]
    given = frame if change is None else change(frame)
    roles = ROLES | {"columns": INPUTS} | options
    with pytest.raises(InvalidInputError, match=words):
        store_table([given], tmp_path / "to", **roles)
    assert not (tmp_path / "to").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (in_utc, "one time zone"),
        (lambda f: f.assign(load="much"), "Expected y of one type"),
        (lambda f: f.drop(columns="flow"), "not among"),
    ],
)
def test__store_table__later_block_of_another_kind__is_refused(
    change, words, frame, tmp_path
):
    with pytest.raises(InvalidInputError, match=words):
        store_table([frame, change(frame)], tmp_path, **ROLES, columns=INPUTS)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (pd.DataFrame({"a": [1.0]}), "A table in memory"),
        (3, "got int"),
        ("nothing.parquet", "does not exist"),
        (np.zeros((3, 4, 2)), "Expected a 2-D array"),
        ([], "empty table"),
        ([np.zeros(3)], "Expected frames or 2-D arrays"),
        ([pd.DataFrame([[1, 2]], columns=["a", "a"])], "names of their own"),
        ([pd.DataFrame({"a": [1, 10**400]})], "300 digits in row 1, column 'a'"),
        ([pd.DataFrame({"a": [1j, 2]})], "Complex data not supported: column 'a'"),
    ],
)
def test__store_table__source_of_another_kind__is_refused(source, words, tmp_path):
    with pytest.raises(InvalidInputError, match=words):
        store_table(source, tmp_path / "to")


def test__store_table__other_file__is_refused(tmp_path):
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InvalidInputError, match="Read it in chunks"):
        store_table(tmp_path / "x.csv", tmp_path / "to")


def test__store_table__folder_that_holds_something__is_refused(frame, tmp_path):
    (tmp_path / "mine.txt").write_text("keep me")
    with pytest.raises(InvalidInputError, match="new or empty folder"):
        store_table([frame[INPUTS]], tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "keep me"


def damaged(told, **change):
    return json.dumps({**told, **change})


def array(told, name="X", **change):
    arrays = told["arrays"]
    changed = arrays | {name: arrays.get(name, {}) | change}
    return damaged(told, arrays=changed)


DAMAGED = {
    "cut off": lambda told: json.dumps(told)[:40],
    "empty": lambda told: "",
    "a list": lambda told: "[]",
    "no arrays": lambda told: damaged(told, arrays=None),
    "no inputs": lambda told: damaged(told, arrays={}),
    "objects": lambda told: array(told, dtype="|O"),
    "no dtype": lambda told: array(told, dtype="much"),
    "no shape": lambda told: array(told, shape="much"),
    "below 0": lambda told: array(told, shape=[-10, -2]),
    "one axis": lambda told: array(told, shape=[20]),
    "elsewhere": lambda told: array(told, "../X", dtype="<f4", shape=[10, 2]),
    "other rows": lambda told: array(told, "y", shape=[5]),
    "names": lambda told: damaged(told, names=["level"]),
    "groups": lambda told: damaged(told, groups=["north"]),
    "zone": lambda told: damaged(told, zone="Mars"),
}


@pytest.mark.parametrize("what", DAMAGED)
def test__open_table__damaged_description__is_refused(what, frame, tmp_path):
    store_table([frame[:10]], tmp_path, **ROLES, columns=INPUTS)
    file = tmp_path / "table.json"
    file.write_text(DAMAGED[what](json.loads(file.read_text())))
    with pytest.raises(InvalidInputError, match=r"table.json as store_table wrote it"):
        open_table(tmp_path)


def test__open_table__bytes_that_are_no_text__is_refused(frame, tmp_path):
    store_table([frame[:10]], tmp_path, **ROLES, columns=INPUTS)
    (tmp_path / "table.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidInputError, match="damaged one"):
        open_table(tmp_path)


def test__store_table__columns_as_an_index__are_a_list(frame, tmp_path):
    table = store_table([frame], tmp_path, **ROLES, columns=frame.columns[:2])
    assert list(table.X) == INPUTS


def test__open_table__incomplete__is_refused(frame, tmp_path):
    with pytest.raises(InvalidInputError, match="Store the table first"):
        open_table(tmp_path)
    store_table([frame[INPUTS]], tmp_path)
    with (tmp_path / "X.bin").open("r+b") as file:
        file.truncate(100)
    with pytest.raises(InvalidInputError, match="not complete"):
        open_table(tmp_path)
