"""The index of frames in files: time and recordings as `fit` reads them, or refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tiny import TINY

from LNN import InvalidInputError, LiquidRegressor
from LNN.data import store_table

N = 60
HOURS = pd.date_range("2026-01-01", periods=N, freq="h", tz="Europe/Vienna")
RECORDINGS = np.repeat(["u", "v"], N // 2)


@pytest.fixture
def frame():
    values = np.random.default_rng(0).normal(size=(N, 2))
    return pd.DataFrame(values, columns=["a", "y"])


def two_levels(frame, names=("g", "time")):
    index = pd.MultiIndex.from_arrays([RECORDINGS, HOURS], names=names)
    return frame.set_axis(index)


def test__store_table__time_index__is_the_time(frame, tmp_path):
    given = frame.set_axis(HOURS)
    table = store_table([given[:25], given[25:]], tmp_path / "to", target="y")
    assert table.timestamps.equals(HOURS)
    assert str(table.timestamps.tz) == "Europe/Vienna"
    assert table.groups is None


def test__store_table__two_levels__fit_as_from_memory(frame, tmp_path):
    # Of one precision: what a file holds.
    given = two_levels(frame.astype({"a": "float32"}))
    uneven = given.iloc[np.sort(np.random.default_rng(1).permutation(N)[: N - 9])]
    table = store_table([uneven[:25], uneven[25:]], tmp_path / "to", target="y")
    assert table.groups.tolist() == uneven.index.get_level_values(0).tolist()
    memory = LiquidRegressor(**TINY).fit(uneven[["a"]], uneven["y"])
    files = LiquidRegressor(**TINY).fit(table.X, table.y, **table.labels)
    np.testing.assert_array_equal(
        memory.predict(uneven[["a"]]), files.predict(table.X, **table.labels)
    )


def test__store_table__levels_asked_for__are_columns(frame, tmp_path):
    given = two_levels(frame)
    named = store_table([given], tmp_path / "named", target="y", time="time", group="g")
    plain = store_table([given], tmp_path / "plain", target="y")
    assert list(named.X.columns) == list(plain.X.columns) == ["a"]
    assert named.timestamps.equals(plain.timestamps)
    assert named.groups.equals(plain.groups)


def test__store_table__sort_time_of_an_index__orders_rows(frame, tmp_path):
    given = frame.set_axis(HOURS)[::-1]
    table = store_table([given], tmp_path / "to", target="y", sort_time=True)
    assert table.timestamps.is_monotonic_increasing
    np.testing.assert_array_equal(table.y, frame["y"])


@pytest.mark.parametrize("index", [range(N), np.arange(N)[::-1] * 2])
def test__store_table__row_numbers__are_ignored(index, frame, tmp_path):
    table = store_table([frame.set_axis(index)], tmp_path / "to", target="y")
    assert table.labels == {"timestamps": None, "groups": None}


def test__store_table__row_numbers_in_parquet__are_not_inputs(frame, tmp_path):
    pytest.importorskip("pyarrow")
    frame.set_axis(np.arange(N)[::-1]).to_parquet(tmp_path / "of.parquet")
    table = store_table(tmp_path / "of.parquet", tmp_path / "to", target="y")
    assert list(table.X.columns) == ["a"]


def test__store_table__nameless_index_in_parquet__is_read_as_in_frames(frame, tmp_path):
    pytest.importorskip("pyarrow")
    two_levels(frame, (None, None)).to_parquet(tmp_path / "of.parquet")
    table = store_table(
        tmp_path / "of.parquet", tmp_path / "to", target="y", columns=["a"]
    )
    assert table.timestamps.equals(HOURS)
    assert table.groups.tolist() == [*RECORDINGS]
    named = {"time": "__index_level_1__", "group": "__index_level_0__"}
    again = store_table(tmp_path / "of.parquet", tmp_path / "two", target="y", **named)
    assert again.timestamps.equals(HOURS)
    assert list(again.X.columns) == ["a"]


REFUSED = {
    "named numbers": (pd.Index(np.arange(N), name="second"), "pass time='second'"),
    "floats": (pd.Index(np.arange(N) / 3), "rename_axis.'row'. and time='row'"),
    "text": (pd.Index(RECORDINGS, name="unit"), "pass group='unit'"),
    "three levels": (
        pd.MultiIndex.from_arrays([RECORDINGS, RECORDINGS, HOURS], names=list("abt")),
        "one level of recordings .* got .'a', 'b'.",
    ),
    "time first": (
        pd.MultiIndex.from_arrays([HOURS, RECORDINGS], names=["t", "g"]),
        "Put the time last",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test__store_table__index_of_another_kind__is_refused(case, frame, tmp_path):
    index, words = REFUSED[case]
    with pytest.raises(InvalidInputError, match=words):
        store_table([frame.set_axis(index)], tmp_path / "to", target="y")


def test__store_table__index_in_some_blocks_only__is_refused(frame, tmp_path):
    with pytest.raises(
        InvalidInputError, match="in every frame, got int64 from row 60"
    ):
        store_table([frame.set_axis(HOURS), frame], tmp_path / "to", target="y")


def test__store_table__time_column_without_its_name__is_told_the_argument(
    frame, tmp_path
):
    with pytest.raises(
        InvalidInputError, match="pass time='when' or make it the index"
    ):
        store_table([frame.assign(when=HOURS)], tmp_path / "to", target="y")
