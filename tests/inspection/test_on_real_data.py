"""On real data: what has large shares is what the answer falls without."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from LNN import LiquidClassifier
from LNN.inspection import attribution, explain, smallest_change

SENSORS = ["Temperature", "Humidity", "Light", "CO2", "HumidityRatio"]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def occupancy(data_home):
    path = data_home / "occupancy" / "datatraining.txt"
    if not path.exists():
        pytest.skip(f"real data: no file {path}; see LNN_DATA_HOME")
    frame = pd.read_csv(path, parse_dates=["date"]).set_index("date")[::5]
    X, y = frame[SENSORS], frame["Occupancy"].to_numpy()
    model = LiquidClassifier(12, window_length=12, epochs=20, random_state=0)
    return model.fit(X, y), X, np.linspace(50, len(X) - 1, 40).astype(int)


def test__occupancy__order_of_shares_is_that_of_falls_without_them(occupancy):
    model, X, rows = occupancy
    shares = attribution(model, X, rows=rows, tolerance=1e-4).attributions
    falls = attribution(model, X, rows=rows, method="occlusion").attributions
    orders = [
        spearmanr(a.ravel(), b.ravel())[0] for a, b in zip(shares, falls, strict=True)
    ]
    assert np.median(orders) > 0.6
    by_column = [np.abs(part.sum(axis=1)).mean(axis=0) for part in (shares, falls)]
    assert by_column[0].argmax() == by_column[1].argmax() == SENSORS.index("Light")


def test__occupancy__largest_shares_change_the_answer_more_than_others(occupancy):
    model, X, rows = occupancy
    random, more = np.random.default_rng(0), []
    for row in rows[::4]:
        found = explain(model, X, int(row), tolerance=1e-4)
        order = np.argsort(-np.abs(found.attributions), axis=None)
        moved = []
        for places in (order[:6], random.permutation(order)[:6]):
            changed = X.copy()
            for t, f in zip(*np.unravel_index(places, found.values.shape), strict=True):
                changed.loc[found.labels[t], SENSORS[f]] = found.baseline[f]
            p = [model.predict_proba(data)[row, 1] for data in (X, changed)]
            moved.append(abs(np.diff(np.log(p) - np.log1p(-np.array(p)))[0]))
        more.append(moved[0] > moved[1])
    assert np.mean(more) > 0.8


def test__occupancy__a_small_change_flips_the_answer_in_its_range(occupancy):
    model, X, rows = occupancy
    for row in rows[::13]:
        found = smallest_change(model, X, int(row), n_values=6)
        if found.found:
            assert model.predict(found.X)[row] == found.after != found.before
            assert bool((X.min() - 1e-9 <= found.X).all().all())
            assert bool((X.max() + 1e-9 >= found.X).all().all())
    assert smallest_change(model, X, int(rows[5])).found
