"""scikit-learn passes X first and calls predict(X); a forecaster says what it takes."""

import numpy as np
import pandas as pd
import pytest
from forecast_cases import quick, wave
from sklearn.ensemble import BaggingRegressor
from sklearn.feature_selection import RFE
from sklearn.inspection import permutation_importance
from sklearn.metrics import get_scorer
from sklearn.model_selection import TimeSeriesSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from LNN.exceptions import InvalidInputError

DATES = pd.date_range("2026-01-01", periods=140, freq="h")
SERIES = pd.Series(wave(), DATES, name="level")
X = pd.DataFrame({"price": wave(seed=1), "plan": wave(seed=2)}, DATES)


@pytest.fixture(scope="module")
def alone():
    return quick(n_seeds=0).fit(SERIES)


@pytest.fixture(scope="module")
def planned():
    return quick(n_seeds=0, known_future=["plan"]).fit(SERIES, X)


@pytest.mark.parametrize("name", ["alone", "planned"])
def test__permutation_importance__says_that_the_series_comes_first(name, request):
    model = request.getfixturevalue(name)
    with pytest.raises(InvalidInputError, match=r"series first.*backtest\(y, X\)"):
        permutation_importance(model, X, SERIES)


@pytest.mark.parametrize("known", [None, ["plan"]])
@pytest.mark.parametrize(
    "call",
    [
        lambda model: model.fit(X, SERIES),
        lambda model: model.fit(X.to_numpy(), SERIES.to_numpy()),
        lambda model: BaggingRegressor(model).fit(X, SERIES),
        lambda model: RFE(model).fit(X, SERIES),
        lambda model: make_pipeline(StandardScaler(), model).fit(X, SERIES),
    ],
)
def test__fit__table_first_and_a_series_after_it__is_told(call, known):
    # Names that an array has lost are missed before the order is.
    with pytest.raises(InvalidInputError, match="series first|known_future to name"):
        call(quick(n_seeds=0, known_future=known))


def test__fit__table_of_targets_and_one_known_series__is_taken():
    known = X["plan"]
    model = quick(n_seeds=0, known_future=["plan"])
    assert model.fit(X.rename(columns={"plan": "load"}), known).model_ is not None


@pytest.mark.parametrize("scoring", ["r2", "neg_mean_absolute_error"])
def test__scorers_that_predict_X__name_what_judges_a_forecaster(alone, scoring):
    with pytest.raises(InvalidInputError, match=r"Scorers of scikit-learn.*score\(y"):
        get_scorer(scoring)(alone, X, SERIES)


def test__cross_val_score__series_alone__is_a_skill():
    found = cross_val_score(
        quick(n_seeds=0), SERIES, cv=TimeSeriesSplit(2), error_score="raise"
    )
    assert np.isfinite(found).all()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda f: f.predict_interval(0.8), "coverage=0.8 for intervals"),
        (lambda f: f.predict_quantiles([0.1, 0.9]), "quantiles levels="),
        (lambda f: f.predict(SERIES), "pass them as y="),
        (lambda f: f.predict(-1), "got -1. Pass a whole number"),
        (lambda f: f.predict("3"), "got '3'. Pass a whole number"),
    ],
)
def test__predict__what_is_no_number_of_rows__is_sent_where_it_belongs(
    alone, call, words
):
    with pytest.raises(InvalidInputError, match=words):
        call(alone)


@pytest.mark.parametrize(
    ("here", "words"),
    [
        (X.assign(wind=1.0), r"has \['wind'\] beside them"),
        (X.rename(columns={"price": "cost"}), r"lacks \['price'\] and has \['cost'\]"),
    ],
)
def test__predict__other_columns_of_X__are_named(planned, here, words):
    with pytest.raises(InvalidInputError, match=words + r".*Pass X\[\['price', 'plan"):
        planned.predict(y=SERIES, X=here)


def test__fit__time_in_front__names_the_order_to_write():
    days = pd.date_range("2026-01-01", periods=140, freq="D")
    index = pd.MultiIndex.from_product([days, ["a", "b"]], names=["day", "shop"])
    panel = pd.Series(np.repeat(wave(), 2), index)
    with pytest.raises(InvalidInputError, match=r"y.reorder_levels\(\[1, 0\]\)"):
        quick(n_seeds=0).fit(panel)
    found = quick(n_seeds=0).fit(panel.reorder_levels([1, 0])).predict()
    assert found.index.names == ["shop", "day"]
