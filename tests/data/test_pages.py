"""Pages of memory maps: which map an array lies in, and where."""

import numpy as np
import pytest

from LNN.data import ArrayRows, pages


@pytest.fixture
def held(tmp_path):
    """20,000 rows of a file, which begin behind a header."""
    values = np.random.default_rng(0).normal(size=(20_000, 3))
    np.save(tmp_path / "x.npy", values)
    return np.load(tmp_path / "x.npy", mmap_mode="r"), values


def test__map_of__array_in_memory__is_none():
    assert pages.map_of(np.zeros((5, 2))) is None
    assert pages.map_of(np.zeros((5, 2))[1:]) is None


def test__map_of__view_of_a_map__says_where_it_begins(held):
    mapped, values = held
    for view in (mapped, np.asarray(mapped), np.asarray(mapped)[100:]):
        found, begin = pages.map_of(view)
        there = np.frombuffer(found, np.float64, 3, begin)
        assert there.tolist() == view[0].tolist()


def test__block__rows_of_a_map__announces_what_it_returns(held, monkeypatch):
    mapped, values = held
    told = []
    monkeypatch.setattr("LNN.data.row_store.expect_to_read", told.append)
    block = ArrayRows(mapped[50:]).block(1000, 1010)
    assert told[0] is block
    assert block.tolist() == values[1050:1060].tolist()


def test__expectations__any_part__change_no_value(held):
    mapped, values = held
    pages.expect_scattered_reads(mapped)
    rows = ArrayRows(mapped)
    for start, stop in [(0, 20_000), (7, 8), (19_999, 20_000), (5, 5), (100, 9_000)]:
        assert (rows.block(start, stop) == values[start:stop]).all()
    for nothing in (np.zeros(3), mapped[:, 1], mapped[::2]):
        pages.expect_to_read(nothing)
    pages.expect_scattered_reads(np.zeros(3))
