"""SequenceSet: spans, weights, gaps; and the tables below it."""

import pickle

import numpy as np
import pytest

from LNN.data import (
    ArrayRows,
    BlockRows,
    CubeRows,
    ReorderedRows,
    SelectedRows,
    StackedRows,
    read_sequences,
)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def sequences(rng):
    n = 40
    return read_sequences(
        rng.normal(size=(n, 2)),
        window_length=5,
        stride=2,
        groups=rng.integers(0, 3, n),
        timestamps=np.cumsum(rng.random(n)),
    )


def test__rows__every_table__takes_the_same_rows(rng):
    X = rng.normal(size=(4, 3, 2))
    flat = X.reshape(-1, 2)
    turned = np.asfortranarray(X)
    order = rng.permutation(12)
    inverse = np.argsort(order)
    tables = [
        ArrayRows(flat),
        ArrayRows(np.asfortranarray(flat)),
        CubeRows(X),
        CubeRows(turned),
        BlockRows(list(X)),
        BlockRows([flat[:0], flat[:5], flat[5:5], flat[5:]]),
        StackedRows([ArrayRows(flat[:7]), ArrayRows(flat[7:])]),
        ReorderedRows(ArrayRows(flat[order]), inverse),
        SelectedRows(ArrayRows(flat[:, ::-1]), [1, 0]),
    ]
    for table in tables:
        for positions in (rng.integers(0, 12, 30), np.arange(12), np.arange(0)):
            np.testing.assert_array_equal(table.take(positions), flat[positions])
        np.testing.assert_array_equal(table.block(3, 9), flat[3:9])
        assert (table.n_rows, table.n_features) == (12, 2)
        assert table.take(np.arange(2)).flags.writeable


def test__block_rows__many_mixed_types__common_type():
    blocks = [np.zeros((1, 1), np.float32)] * 100 + [np.zeros((1, 1), np.int64)]
    assert BlockRows(blocks).take(np.array([0, 100])).dtype == np.float64


def test__spans__batch__equals_samples_alone(sequences):
    batch = np.array([3, 0, 11, 3])
    positions, lengths = sequences.spans(batch)
    assert positions.shape == (4, lengths.max())
    for k, sample in enumerate(batch):
        length = sequences.length[sample]
        assert lengths[k] == length
        alone, padding = sequences.spans(np.array([sample]))
        assert padding is None
        np.testing.assert_array_equal(positions[k, :length], alone[0])
        # Padding repeats the last row.
        assert (positions[k, length:] == alone[0, -1]).all()


def test__subset__samples__share_rows(sequences):
    part = sequences.subset(np.array([4, 2]))
    assert len(part) == 2
    assert part.rows is sequences.rows
    for mine, whole in zip(
        part.spans(np.arange(2)), sequences.spans(np.array([4, 2])), strict=True
    ):
        np.testing.assert_array_equal(mine, whole)
    assert part.groups.tolist() == sequences.groups[[4, 2]].tolist()
    mask = np.arange(len(sequences)) > 3
    assert len(sequences.subset(mask)) == len(sequences) - 4


def test__row_weights__any__equal_counting(sequences, rng):
    weight = rng.uniform(0, 1, len(sequences))
    weight[rng.random(len(sequences)) < 0.5] = 0
    expected = np.zeros(sequences.rows.n_rows)
    for k in range(len(sequences)):
        begin = sequences.start[k]
        expected[begin : begin + sequences.length[k]] += weight[k]
    got = sequences.row_weights(weight)
    np.testing.assert_allclose(got, expected, atol=1e-13)
    np.testing.assert_array_equal(got == 0, expected == 0)
    ones = sequences.row_weights()
    np.testing.assert_array_equal(ones, sequences.row_weights(np.ones(len(sequences))))


def test__row_weights__weight_of_two__equals_sample_twice(sequences):
    weight = np.ones(len(sequences))
    weight[5] = 2
    weight[6] = 0
    samples = np.repeat(np.arange(len(sequences)), weight.astype(int))
    np.testing.assert_array_equal(
        sequences.row_weights(weight), sequences.subset(samples).row_weights()
    )


def test__covered_gaps__samples__once_per_row_without_nan(sequences):
    samples = np.array([2, 3, 3])
    positions, _ = sequences.spans(samples)
    covered = np.unique(positions)  # padding repeats rows that are covered
    expected = sequences.elapsed[covered]
    np.testing.assert_array_equal(
        sequences.covered_gaps(samples), expected[~np.isnan(expected)]
    )
    assert not np.isnan(sequences.covered_gaps()).any()


def test__iter_rows__chunks__cover_everything(sequences):
    chunks = list(sequences.iter_rows(7))
    assert [part.start for part, _ in chunks] == list(range(0, 40, 7))
    np.testing.assert_array_equal(
        np.concatenate([values for _, values in chunks]),
        sequences.rows.take(np.arange(40)),
    )


def test__pickle__round_trip__same_batch(sequences):
    again = pickle.loads(pickle.dumps(sequences))
    batch = np.arange(3)
    np.testing.assert_array_equal(again.spans(batch)[0], sequences.spans(batch)[0])
    positions = np.arange(sequences.rows.n_rows)
    np.testing.assert_array_equal(
        again.rows.take(positions), sequences.rows.take(positions)
    )


def test__anchors__read_without__says_so(sequences):
    with pytest.raises(AttributeError, match="anchor="):
        sequences.anchors(np.arange(2))
