"""How far back a window with an anchor reads: as the guide says."""

import numpy as np
import pytest

from LNN import LiquidRegressor

WINDOW, ROW = 3, 20
X = np.random.default_rng(0).integers(0, 50, size=(40, 2)) * 1.0
TIME = np.arange(40) * 1.0 + 0.1 * (np.arange(40) % 3 == 0)


def answers(model, x, time, how):
    if how == "predict":
        return model.predict(x, timestamps=time)
    stream = model.stream()
    return np.ravel(
        [stream.step(row, timestamp=now) for row, now in zip(x, time, strict=True)]
    )


@pytest.mark.parametrize("how", ["predict", "stream"])
@pytest.mark.parametrize(
    ("anchor", "column", "reach"),
    [(None, 1, WINDOW), (1, 0, WINDOW), (1, 1, WINDOW + 1)],
)
def test__anchor__one_row_changed__reaches_as_far_as_documented(
    anchor, column, reach, how
):
    model = LiquidRegressor(
        6, window_length=WINDOW, anchor=anchor, epochs=2, random_state=0
    ).fit(X, X[:, 1] + 0.1 * X[:, 0], timestamps=TIME)
    other = X.copy()
    other[ROW, column] += 7
    moved = answers(model, X, TIME, how) - answers(model, other, TIME, how)
    found = np.flatnonzero(np.abs(moved) > 1e-9)
    assert found.tolist() == list(range(ROW, ROW + reach))


@pytest.mark.parametrize("how", ["predict", "stream"])
def test__anchor__context_of_a_window__is_all_that_matters(how):
    model = LiquidRegressor(
        6, window_length=WINDOW, anchor=1, epochs=2, random_state=0, dtype="float64"
    ).fit(X, X[:, 1] + 0.1 * X[:, 0])
    whole = model.predict(X)[ROW:]
    before, after = X[ROW - WINDOW : ROW], X[ROW:]
    if how == "predict":
        found = model.predict(after, context=before)
    else:
        stream = model.stream(context=before)
        found = np.ravel([stream.step(row) for row in after])
    np.testing.assert_allclose(found, whole, rtol=1e-9)
