"""What holds recordings but is no list of them, and arrays padded with NaN."""

import numpy as np
import pandas as pd
import pytest

from LNN import LiquidRegressor, SequenceScaler
from LNN.data import read_sequences
from LNN.exceptions import InvalidInputError, LNNWarning

FRAMES = [pd.DataFrame({"a": np.arange(n, dtype=float)}) for n in (3, 5, 4)]
TABLE = pd.concat(FRAMES, keys=list("xyz"), names=["who"]).reset_index(level=0)
CONTAINERS = {
    "dict": (lambda: dict(zip("xyz", FRAMES, strict=True)), r"list\(X.values\(\)\)"),
    "groupby": (lambda: TABLE.groupby("who"), r"\[frame for _, frame in X\]"),
    "generator": (lambda: (frame for frame in FRAMES), r"Pass list\(X\)"),
    "map": (lambda: map(np.asarray, FRAMES), r"Pass list\(X\)"),
    "values": (lambda: dict(enumerate(FRAMES)).values(), r"Pass list\(X\)"),
}


@pytest.mark.parametrize("container", CONTAINERS)
def test__container__no_list__says_how_to_make_one(container):
    make, words = CONTAINERS[container]
    words = f"list of recordings, got .*{words}"
    with pytest.raises(InvalidInputError, match=words) as error:
        LiquidRegressor(4, epochs=1).fit(make(), [1.0, 2.0, 3.0])
    assert len(str(error.value)) < 300  # not the data
    with pytest.raises(InvalidInputError, match=words):
        SequenceScaler().fit(make())


def test__container__of_x_val__is_called_so():
    held_out = {"X_val": dict(enumerate(FRAMES)), "y_val": [1.0, 2.0, 3.0]}
    with pytest.raises(InvalidInputError, match=r"X_val .*list\(X_val.values\(\)\)"):
        LiquidRegressor(4, epochs=1).fit(FRAMES, [1.0, 2.0, 3.0], **held_out)


def padded(lengths, n_features=2, gaps=0.0):
    """Return sequences with NaN after their ends, and gaps at random."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(len(lengths), max(lengths), n_features))
    X[rng.random(X.shape) < gaps] = np.nan
    for x, length in zip(X, lengths, strict=True):
        x[length:] = np.nan
    return X


def read(X, **options):
    return read_sequences(X, window_length=3, allow_missing=True, **options)


@pytest.mark.parametrize("gaps", [0.0, 0.2])
@pytest.mark.parametrize("longest", [9, 12])
def test__padding__gaps_allowed__warns(gaps, longest):
    X = padded([9] * 8 + [4] * 2 + [longest], gaps=gaps)[:10, :longest]
    with pytest.warns(LNNWarning, match="[23] of 10 sequences of X end .* pass a list"):
        read(X)
    with pytest.warns(LNNWarning, match="sequences of X end"):
        LiquidRegressor(4, epochs=1, missing="mask").fit(X, np.arange(10.0))
    time = np.tile(np.arange(X.shape[1]), (10, 1))
    timed = np.concatenate([X, time[..., None]], axis=2)
    with pytest.warns(LNNWarning, match="sequences of X end"):
        read(timed, time_column=2)


def test__padding__what_may_be_gaps__does_not_warn():
    """Warnings are errors here."""
    read(padded([9] * 9 + [4]))  # one alone
    read(padded([9] * 28 + [4] * 2))  # few
    read(padded([4] * 10 + [9])[:10])  # all alike: steps yet to come
    read(padded([9] * 40, n_features=1, gaps=0.3))  # by chance
    read(list(padded([9] * 5 + [4] * 5)))
    read(padded([9] * 5 + [4] * 5), per_step=True)
    read(np.ones((4, 3, 2), int))
