"""How the model is learnt: what may be chance is left out, nothing later is seen."""

import threading

import numpy as np
import pandas as pd
import pytest
import torch
from forecast_cases import quick, wave

from LNN.forecasting import network_path
from LNN.forecasting.linear_path import LinearPath
from LNN.forecasting.network_path import NetworkPath
from LNN.forecasting.rows import TrackRows


def test__fit__where_the_past_acts_in_proportion__leaves_the_network_out():
    rng = np.random.default_rng(0)
    y = np.zeros(600)
    for row in range(2, 600):
        y[row] = 1.2 * y[row - 1] - 0.5 * y[row - 2] + rng.normal()
    model = quick(3, epochs=5, season=None).fit(y).model_.engine.model
    assert model.network is None or model.weight <= 0.5


@pytest.mark.slow
def test__fit__where_it_does_not__takes_the_network():
    """A logistic map: no linear map of its past says what comes next."""
    y = np.empty(1500)
    y[0] = 0.3
    for row in range(1, 1500):
        y[row] = 3.9 * y[row - 1] * (1 - y[row - 1])
    how = {"window_length": 4, "season": None, "epochs": 40, "learning_rate": 0.02}
    model = quick(1, **(how | {"anchor": "mean", "n_neurons": 32})).fit(y[:1400])
    assert model.model_.engine.model.weight == 1.0
    errors = model.baseline_errors_
    assert errors["LiquidForecaster"] < 0.5 * errors["linear path alone"]


def test__fit__errors_of_the_validation_part__are_of_rows_not_learnt():
    """Noise cannot be foreseen: errors that were learnt would be smaller."""
    y = np.random.default_rng(0).normal(size=400)
    errors = quick(2, window_length=100, season=None).fit(y).model_.judged.residuals
    later = y[-60:]
    expected = np.abs(later - later.mean()).mean()
    spread = np.abs(np.diff(y)).mean()
    assert np.abs(errors).mean() * spread > 0.9 * expected


def test__network_path__seeds_in_threads__same_bits_and_read_once(monkeypatch):
    rng, where, trained = np.random.default_rng(0), set(), network_path._trained

    def part(n):
        steps = rng.normal(size=(n, 5, 2))
        return steps, steps[:, -1] - steps[:, -2], np.linspace(1, 2, n), None

    def noted(*args):
        where.add(threading.get_ident())
        return trained(*args)

    monkeypatch.setattr(network_path, "_trained", noted)
    training, validation = part(80), part(30)
    options = {"n_neurons": 8, "epochs": 3, "dropout": 0.1, "device": "cpu"}
    answers, before = [], torch.get_num_threads()
    try:
        for number in (1, 2, 2):
            torch.set_num_threads(number)
            where.clear()
            path = NetworkPath.fit(training, validation, options, seeds=(3, 4, 5))
            assert (threading.get_ident() in where) == (number == 1)
            assert torch.get_num_threads() == number
            assert len({id(model.scaler) for model in path.models}) == 1
            answers.append(path(validation[0]))
    finally:
        torch.set_num_threads(before)
    np.testing.assert_array_equal(answers[0], answers[1])
    np.testing.assert_array_equal(answers[1], answers[2])


def test__linear_path__few_wild_windows__do_not_bend_it():
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(300, 5))
    goals = inputs @ np.ones((5, 2))
    wild = goals.copy()
    wild[:9] += 300.0
    path = LinearPath.fit(inputs, wild, np.ones(300), 1e-6)
    np.testing.assert_allclose(path(inputs), goals, atol=0.5)


def test__linear_path__weight_of_nothing__does_not_count():
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(300, 5))
    goals = inputs @ np.ones((5, 2))
    weights = np.ones(300)
    weights[150:] = 1e-12
    other = goals.copy()
    other[150:] = 7.0
    path = LinearPath.fit(inputs, other, weights, 1e-6)
    np.testing.assert_allclose(path(inputs), goals, atol=1e-2)


def test__rows__windows__end_before_the_cutoff():
    values = [np.arange(10.0)[:, None], 100 + np.arange(8.0)[:, None]]
    inputs = [np.empty((len(v), 0)) for v in values]
    rows = TrackRows.of(values, inputs, 0, before=4)
    cutoffs = rows.cutoffs([np.array([4, 6]), np.array([15])])
    assert rows.windows(cutoffs, 3, 2).past.tolist() == [
        [1, 2, 3],
        [3, 4, 5],
        [102, 103, 104],
    ]
    assert rows.goals(cutoffs, 2).tolist() == [[4, 5], [6, 7], [105, 106]]


def test__rows__unseen_values__hold_the_one_before():
    values = np.array([np.nan, 1.0, np.nan, 3.0, np.nan])[:, None]
    rows = TrackRows.of([values], [np.empty((5, 0))], 0, before=6)
    windows = rows.windows(rows.ends(), 6, 0)
    assert windows.past.tolist() == [[1, 1, 1, 1, 3, 3]]
    assert windows.seen.tolist() == [[False, False, True, False, True, False]]


def test__fit__panel_of_other_sizes__is_not_ruled_by_the_large_ones():
    index = pd.RangeIndex(140)
    small, large = (pd.Series(wave(140, k), index=index) for k in (0, 1))
    panel = pd.concat({"small": small, "large": 1e6 * large})
    found = quick(3, epochs=5).fit(panel).predict()
    alone = quick(3, epochs=5).fit(panel / 1e3).predict()
    np.testing.assert_allclose(found, 1e3 * alone, rtol=1e-3)
