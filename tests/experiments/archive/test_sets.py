from __future__ import annotations

import numpy as np
import pytest

from LNN.datasets.errors import DatasetCorruptedError, DatasetNotFoundError
from LNN.experiments.archive.sets import (
    EQUAL,
    FOLDER,
    LEARNT,
    RAGGED,
    SETS,
    SHIFTED,
    fold_of,
    nested_part,
    part_of,
)


def test__part_of__ragged_set__is_cut_where_padding_begins():
    X, y = part_of("Ragged", "test")
    assert [len(x) for x in X[:4]] == [10, 16, 16, 10]
    assert X[0].shape == (10, 1)
    assert np.isfinite(np.concatenate(X)).all()
    assert y[:4].tolist() == [1, 2, 1, 2]


def test__part_of__missing_set__says_where_it_is_looked_for(tiny_archive):
    with pytest.raises(DatasetNotFoundError, match="Nowhere_TRAIN.tsv") as caught:
        part_of("Nowhere", "train")
    assert str(tiny_archive / FOLDER) in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"no archive at all"])
def test__part_of__damaged_file__is_named(tiny_archive, content):
    path = tiny_archive / FOLDER / "Equal.npz"
    path.write_bytes(content)
    with pytest.raises(DatasetCorruptedError, match=r"Equal\.npz"):
        part_of("Equal", "train")


def test__part_of__file_without_the_part__is_named(tiny_archive):
    np.savez(tiny_archive / FOLDER / "Equal.npz", train=np.zeros((2, 3)))
    with pytest.raises(DatasetCorruptedError, match="test"):
        part_of("Equal", "test")


def test__fold_of__all_folds__hold_out_each_training_sequence_once():
    X, _ = part_of("Equal", "train")
    held_out = []
    for fold in range(5):
        seen, y, new, truth = fold_of("Equal", fold, 5)
        assert len(seen) == len(y)
        assert len(new) == len(truth)
        assert len(seen) + len(new) == len(X)
        held_out += [x.tobytes() for x in new]
    assert sorted(held_out) == sorted(x.tobytes() for x in X)
    again = fold_of("Equal", 5, 5)[2]
    assert [x.tobytes() for x in again] != held_out[: len(again)]


def test__nested_part__larger_shares__hold_the_smaller_ones_and_all_classes():
    y = np.repeat([0, 1, 2], [40, 20, 5])
    parts = [
        set(nested_part(y, share, np.random.default_rng(1)).tolist())
        for share in (0.05, 0.1, 0.25, 0.5, 1.0)
    ]
    assert [len(part) for part in parts] == [4, 7, 16, 32, 65]
    for small, large in zip(parts, parts[1:], strict=False):
        assert small < large
    assert set(y[list(parts[0])]) == {0, 1, 2}


@pytest.mark.slow
@pytest.mark.parametrize("name", [*EQUAL, *RAGGED])
def test__sets__of_the_archive__have_the_length_that_is_written_down(
    name, data_home, monkeypatch
):
    monkeypatch.setenv("LNN_DATA_HOME", str(data_home))
    X, y = part_of(name, "train")
    lengths = [len(x) for x in X]
    assert round(np.mean(lengths)) == SETS[name]
    assert (min(lengths) == max(lengths)) == (name in EQUAL)
    assert np.isfinite(np.concatenate(X)).all()
    rarest = np.unique(y, return_counts=True)[1].min()
    assert rarest >= 5 or name not in {*SHIFTED, *LEARNT}
    rule = name in EQUAL and SETS[name] <= 150 and len(y) >= 100 and rarest >= 5
    assert rule == (name in LEARNT)
