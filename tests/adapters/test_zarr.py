"""Tables from Zarr, as groups of columns and as one array."""

import numpy as np
import pytest

pytest.importorskip("zarr", reason="make check-adapters runs these tests")

import zarr

from LNN import InvalidInputError
from LNN.data import block_sources, store_table

VALUES = np.random.default_rng(0).normal(size=(200, 3))


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(block_sources, "BLOCK_BYTES", 2000)


def test__store_table__group_of_columns__is_read_by_name(tmp_path):
    group = zarr.open_group(tmp_path / "all.zarr", mode="w")
    for name, column in zip(("level", "flow", "load"), VALUES.T, strict=True):
        group.create_array(name, data=column, chunks=(64,))
    group.create_array("unit", data=np.arange(200) % 3, chunks=(64,))
    for source in (group, tmp_path / "all.zarr", str(tmp_path / "all.zarr")):
        folder = tmp_path / f"to{type(source).__name__}"
        table = store_table(source, folder, target="load", group="unit")
        assert list(table.X.columns) == ["flow", "level"]
        assert table.row[:4].tolist() == [0, 3, 6, 9]
        np.testing.assert_array_equal(table.y, VALUES[table.row, 2])
        level = VALUES[table.row, 0].astype("float32")
        np.testing.assert_array_equal(table.X["level"], level)


def test__store_table__array__columns_by_number(tmp_path):
    array = zarr.create_array(tmp_path / "one.zarr", data=VALUES, chunks=(64, 3))
    table = store_table(array, tmp_path / "to", target=2)
    np.testing.assert_array_equal(table.X, VALUES[:, :2].astype("float32"))
    np.testing.assert_array_equal(table.y, VALUES[:, 2])


def test__store_table__group_of_other_things__is_refused(tmp_path):
    group = zarr.open_group(tmp_path / "all.zarr", mode="w")
    group.create_array("level", data=VALUES[:, 0])
    group.create_array("all", data=VALUES)
    with pytest.raises(InvalidInputError, match="group of columns"):
        store_table(group, tmp_path / "to")
    with pytest.raises(InvalidInputError, match="not among"):
        store_table(group, tmp_path / "to", columns=["flow"])
