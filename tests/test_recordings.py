"""Recordings told apart in training, and rows that come without any later."""

import warnings
from functools import partial

import numpy as np
import pandas as pd
import pytest

from LNN import LiquidRegressor
from LNN.exceptions import LNNWarning

Regressor = partial(
    LiquidRegressor, 4, window_length=4, epochs=1, random_state=0, early_stopping=False
)
N = 24
OWNER = np.repeat([0, 1], N // 2)
LOST = "fitted on several recordings, but X does not say .* Pass groups="


@pytest.fixture
def rows():
    return np.random.default_rng(0).normal(size=(N, 2))


def panel(rows):
    index = pd.MultiIndex.from_arrays([OWNER, np.tile(np.arange(N // 2), 2)])
    return pd.DataFrame(rows, index=index)


@pytest.mark.parametrize("carrier", ["groups", "MultiIndex"])
def test__predict__recordings_left_out__warns_once(rows, carrier):
    y = rows[:, 0]
    if carrier == "groups":
        model = Regressor().fit(rows, y, groups=OWNER)
    else:
        model = Regressor().fit(panel(rows), y)
    for call in (model.predict, partial(model.score, y=y)):
        with pytest.warns(LNNWarning, match=LOST) as said:
            call(rows)
        assert len(said) == 1
    with pytest.warns(LNNWarning, match="X_val does not say .*groups_val="):
        Regressor().fit(rows, y, groups=OWNER, X_val=rows, y_val=y)


def test__predict__recordings_said_or_not_to_be_missed__does_not_warn(rows):
    """Warnings are errors here."""
    y = rows[:, 0]
    model = Regressor(early_stopping=True).fit(rows, y, groups=OWNER)
    model.predict(rows, groups=OWNER)
    model.predict(rows, groups=np.zeros(N))
    model.predict(rows[4:], context=rows[:4])
    model.predict(rows[:1])
    model.stream(context=rows[:4]).step(rows[4])
    Regressor().fit(rows, y, groups=np.zeros(N)).predict(rows)
    Regressor(window_length=1).fit(rows, y, groups=OWNER).predict(rows)
    column = np.column_stack([rows, OWNER])
    Regressor(group_column=2).fit(column, y).predict(column)
    sequences = list(rows.reshape(4, 6, 2))
    Regressor().fit(sequences, y[:4], groups=[0, 0, 1, 1]).predict(sequences)


def test__predict__context_of_one_recording__equals_both_together(rows):
    X = panel(rows)
    model = Regressor().fit(X, rows[:, 0])
    own = X.loc[[1]]
    np.testing.assert_allclose(
        model.predict(own[5:], context=own[:5]), model.predict(own)[5:], rtol=1e-6
    )
    named = X.reset_index(level=0, names="who").reset_index(drop=True)
    model = Regressor(group_column="who").fit(named.rename(columns=str), rows[:, 0])
    own = named.rename(columns=str)[N // 2 :]
    np.testing.assert_allclose(
        model.predict(own[5:], context=own[:5]), model.predict(own)[5:], rtol=1e-6
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LNNWarning)
        crossing = model.predict(named.rename(columns=str).assign(who=0))
    assert (crossing[N // 2 :] != model.predict(own)).any()
