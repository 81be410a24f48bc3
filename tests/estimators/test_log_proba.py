"""`predict_log_proba`: the logarithm of `predict_proba`."""

import numpy as np
from sklearn.ensemble import BaggingClassifier

from LNN import LiquidClassifier, LiquidRegressor

RNG = np.random.default_rng(0)
CUBE = RNG.normal(size=(20, 5, 2))
STAMPS = np.cumsum(RNG.exponential(size=(20, 5)), axis=1)
LABELS = np.where(CUBE[:, 0, 0] > 0, "up", "down")


def classifier():
    return LiquidClassifier(6, epochs=1, random_state=0)


def test__log_proba__with_timestamps__is_the_logarithm():
    model = classifier().fit(CUBE, LABELS, timestamps=STAMPS)
    found = model.predict_log_proba(CUBE, timestamps=STAMPS)
    expected = np.log(model.predict_proba(CUBE, timestamps=STAMPS))
    np.testing.assert_array_equal(found, expected)


def test__log_proba__ragged_per_step__is_a_list():
    ragged = [x[: 2 + k % 4] for k, x in enumerate(CUBE)]
    model = classifier().fit(ragged, [x[:, 0] > 0 for x in ragged])
    found = model.predict_log_proba(ragged)
    for logarithm, value in zip(found, model.predict_proba(ragged), strict=True):
        np.testing.assert_array_equal(logarithm, np.log(value))


def test__log_proba__regressor__has_none():
    assert not hasattr(LiquidRegressor(), "predict_log_proba")


def test__log_proba__in_a_bag__is_found():
    rows = CUBE.reshape(-1, 2)
    bag = BaggingClassifier(classifier(), n_estimators=2, random_state=0)
    bag.fit(rows, rows[:, 0] > 0)
    found = bag.predict_log_proba(rows)
    np.testing.assert_allclose(np.exp(found).sum(axis=1), 1)
