"""Targets of tables in files keep every digit, or are refused by name."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from LNN import InvalidInputError, LiquidClassifier
from LNN.data import store_table, stored_targets

LARGE = 2**60


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    """Turn a few numbers at a time."""
    monkeypatch.setattr(stored_targets, "MOVED", 3)


def stored(tmp_path, *targets):
    """Store blocks with these targets, and return what is read from the files."""
    blocks = [pd.DataFrame({"a": np.arange(len(y)), "y": y}) for y in targets]
    return store_table(blocks, tmp_path / "to", target="y").y


def nullable(*values, dtype="Int64"):
    return pd.array(values, dtype=dtype)


@pytest.mark.parametrize("dtype", ["Int64", "UInt64", "int64[pyarrow]"])
def test__store_table__missing_whole_number__is_missing(dtype, tmp_path):
    if dtype.endswith("[pyarrow]"):
        pytest.importorskip("pyarrow")
    found = stored(tmp_path, nullable(1, None, 3, 4, dtype=dtype))
    np.testing.assert_array_equal(found, [1, np.nan, 3, 4])


def test__store_table__missing_in_a_late_block__widens_those_before(tmp_path):
    whole = np.arange(-4, 4)
    found = stored(tmp_path, whole, nullable(7, None), whole)
    np.testing.assert_array_equal(found, [*whole, 7, np.nan, *whole])


def test__store_table__whole_numbers_beyond_floats__keep_their_digits(tmp_path):
    labels = LARGE + np.arange(6)
    found = stored(tmp_path, labels[:4], labels[4:])
    assert found.dtype == np.int64
    np.testing.assert_array_equal(found, labels)


def test__store_table__large_class_labels__are_learnt_apart(tmp_path):
    labels = LARGE + np.tile([0, 1], 30)
    found = stored(tmp_path, labels)
    model = LiquidClassifier(4, epochs=1, random_state=0)
    model.fit(np.arange(60.0)[:, None], found)
    assert model.classes_.tolist() == [LARGE, LARGE + 1]


@pytest.mark.parametrize(
    ("blocks", "words"),
    [
        ([np.array([1, 2**64 - 5], np.uint64)], r"below 2\*\*63.*709551611 in row 1"),
        ([nullable(None, LARGE + 1)], f"got {LARGE + 1} in row 1 of the target"),
        ([np.arange(5), [0.5], [LARGE + 1]], f"got {LARGE + 1} in row 6"),
        ([[1, 2, 3, 4, LARGE + 1], [0.5]], f"got {LARGE + 1} in row 4"),
        ([[2**63 - 1], [0.5]], f"got {2**63 - 1} in row 0"),
        ([[1j, 2.0]], "Complex data not supported: column 'y'"),
    ],
)
def test__store_table__target_that_would_change__is_refused(blocks, words, tmp_path):
    with pytest.raises(InvalidInputError, match=words):
        stored(tmp_path, *blocks)
    assert not (tmp_path / "to").exists()


def test__store_table__several_targets__share_a_kind(tmp_path):
    frame = pd.DataFrame({"a": [1.0, 2.0], "y": nullable(3, None), "z": [5, 6]})
    found = store_table([frame], tmp_path / "to", target=["y", "z"]).y
    np.testing.assert_array_equal(found, [[3, 5], [np.nan, 6]])
