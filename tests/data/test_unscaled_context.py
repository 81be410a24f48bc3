"""A context that was not transformed as X was."""

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler
from tiny import TINY

from LNN import LiquidClassifier, LiquidRegressor
from LNN.exceptions import LNNWarning

RNG = np.random.default_rng(0)
N, CUT = 240, 200
WAVES = np.sin(np.arange(N)[:, None] / [5, 9]) + 0.1 * RNG.normal(size=(N, 2))
PLANT = WAVES * [5.0, 200.0] + [60.0, 3000.0]
Y = WAVES[:, 0]
HOW = TINY | {"window_length": 16, "epochs": 1}


def pipeline(scaler, kind=LiquidRegressor, **how):
    return make_pipeline(scaler, kind(**HOW, **how))


@pytest.mark.parametrize("scale", ["standard", "minmax", "none"])
@pytest.mark.parametrize("scaler", [StandardScaler, MinMaxScaler])
def test__context__not_scaled_as_X__warns_with_the_line(scaler, scale):
    pipe = pipeline(scaler(), scale=scale).fit(PLANT[:CUT], Y[:CUT])
    before, after = (pipe[:-1].transform(X) for X in (PLANT[:CUT], PLANT[CUT:]))
    with pytest.warns(LNNWarning, match=r"2 of 2 col.*context=pipe\[:-1\].transform"):
        pipe[-1].predict(after, context=PLANT[:CUT])
    right = pipe[-1].predict(after, context=before)
    whole = pipe.predict(PLANT)[CUT:]
    np.testing.assert_allclose(right, whole, atol=1e-5)


def test__context__not_scaled_as_X__small_or_centred_units_warn_too():
    for units in (WAVES * 1e-4, WAVES * 1e3, pd.DataFrame(PLANT, columns=["p", "q"])):
        scaler = StandardScaler()
        if isinstance(units, pd.DataFrame):
            scaler = scaler.set_output(transform="pandas")
        pipe = pipeline(scaler, LiquidClassifier).fit(units[:CUT], Y[:CUT] > 0)
        after = pipe[:-1].transform(units[CUT:])
        with pytest.warns(LNNWarning, match="in the units of X"):
            pipe[-1].predict(after, context=units[:CUT])
        with pytest.warns(LNNWarning, match="in the units of X"):
            pipe[-1].predict_proba(after[:8], context=units[:CUT])


@pytest.mark.parametrize("scale", ["standard", "minmax", "robust", "none"])
def test__context__in_the_units_of_X__does_not_warn(scale):
    time = np.arange(N)
    signals = {
        "plant": PLANT,
        "walk": RNG.normal(size=(N, 2)).cumsum(axis=0),
        "trend": np.c_[np.exp(time / 40), 1e3 + time],
        "step": np.c_[time > 100, time % 50 > 40].astype(float),
        "rest": np.c_[np.where(time < 190, PLANT[:, 0], 60.0), PLANT[:, 1]],
        "one column": PLANT[:, :1],
    }
    for X in signals.values():
        model = LiquidRegressor(**HOW, scale=scale).fit(X[:CUT], Y[:CUT])
        for size in (1, 3, N - CUT):
            X_new = X[CUT : CUT + size]
            for length in (1, 16, CUT):
                model.predict(X_new, context=X[CUT - length : CUT])
        model.predict(X[CUT:], context=X[:0])


def test__context__scaled_by_a_transformer_inside__does_not_warn():
    inside = LiquidRegressor(**HOW, scale=FunctionTransformer(np.tanh))
    inside.fit(PLANT[:CUT], Y[:CUT]).predict(PLANT[CUT:], context=PLANT[:CUT])


def test__context__anchor_and_gaps__warns_of_other_units_only():
    model = LiquidRegressor(**HOW, anchor=1).fit(PLANT[:CUT], PLANT[:CUT, 1])
    model.predict(PLANT[CUT:], context=PLANT[:CUT])
    gappy = np.where(RNG.random(PLANT.shape) < 0.2, np.nan, PLANT)
    model = LiquidRegressor(**HOW, missing="hold").fit(gappy[:CUT], Y[:CUT])
    model.predict(gappy[CUT:], context=gappy[:CUT])
    pipe = pipeline(StandardScaler(), missing="hold").fit(gappy[:CUT], Y[:CUT])
    with pytest.warns(LNNWarning, match="in the units of X"):
        pipe[-1].predict(pipe[:-1].transform(gappy[CUT:]), context=gappy[:CUT])
