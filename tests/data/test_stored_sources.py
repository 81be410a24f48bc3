"""Sources of tables in files that are tables of other libraries."""

from __future__ import annotations

import pandas as pd
import pytest

from LNN import InvalidInputError, LiquidRegressor
from LNN.data import store_table


def of_polars():
    return pytest.importorskip("polars").DataFrame({"a": [1.0, 2.0]})


def of_pyarrow():
    return pytest.importorskip("pyarrow").table({"a": [1.0, 2.0]})


@pytest.mark.parametrize("make", [of_polars, of_pyarrow])
def test__store_table__one_table_in_memory__is_told_what_to_do(make, tmp_path):
    with pytest.raises(InvalidInputError, match="needs no storing: pass it to fit, or"):
        store_table(make(), tmp_path / "to")
    assert store_table([make()], tmp_path / "to").X["a"].tolist() == [1.0, 2.0]


def test__store_table__lazy_frame__is_told_to_write_it(tmp_path):
    with pytest.raises(InvalidInputError, match="lazy frame .* sink_parquet"):
        store_table(of_polars().lazy(), tmp_path / "to")


def test__store_table__parquet_with_columns_alike__is_refused(tmp_path):
    arrow = pytest.importorskip("pyarrow")
    table = arrow.table([[1.0], [2.0]], names=["a", "a"])
    pytest.importorskip("pyarrow.parquet").write_table(table, tmp_path / "x.parquet")
    with pytest.raises(InvalidInputError, match="Columns need names of their own"):
        store_table(tmp_path / "x.parquet", tmp_path / "to")


def test__fit__empty_frame_of_polars__is_refused():
    empty = pytest.importorskip("polars").DataFrame()
    with pytest.raises(InvalidInputError, match="X is an empty frame"):
        LiquidRegressor().fit(empty, [])


def test__fit__columns_alike__are_refused_with_a_way_out():
    frame = pd.DataFrame([[1.0, 2.0]] * 9, columns=["a", "a"])
    with pytest.raises(InvalidInputError, match=r"got 'a' more than once.*duplicated"):
        LiquidRegressor().fit(frame, range(9))


@pytest.mark.parametrize("in_y", [False, True])
def test__fit__whole_number_that_no_float_holds__is_refused(in_y):
    large, small = [10**400] * 9, [1.0] * 9
    frame = pd.DataFrame({"a": small if in_y else large})
    with pytest.raises(InvalidInputError, match="more than 300 digits"):
        LiquidRegressor().fit(frame, large if in_y else small)
