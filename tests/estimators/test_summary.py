"""`summary()` says what was fitted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from LNN import LiquidClassifier, LiquidRegressor

N = 60


def rows() -> np.ndarray:
    """Return some rows."""
    return np.random.default_rng(0).normal(size=(N, 3))


@pytest.mark.parametrize("model_type", ["CfC", "LTC", "LSTM"])
def test__summary__fitted_on_a_clock__names_the_unit(model_type):
    gaps = np.resize([60, 60, 90], N).cumsum()
    frame = pd.DataFrame(
        rows(), index=pd.Timestamp("2024") + pd.to_timedelta(gaps, "s")
    )
    model = LiquidRegressor(8, model_type=model_type, window_length=5, epochs=2)
    text = model.fit(frame, frame[0]).summary()
    assert "irregular" in text
    assert "60 s" in text
    assert f"{model.n_parameters_:,}" in text
    assert ("synapses" in text) == (model_type != "LSTM")


def test__html_repr__fitted_on_a_clock__has_the_unit():
    pytest.importorskip("sklearn", minversion="1.9", reason="the fitted attributes")
    stamps = pd.Timestamp("2024") + pd.to_timedelta(np.arange(N) * 60, "s")
    frame = pd.DataFrame(rows(), index=stamps)
    html = LiquidRegressor(8, epochs=1).fit(frame, frame[0])._repr_html_()
    assert "60" in html[html.index("time_unit_") :]


def test__summary__other_settings__are_named():
    X = np.where(rows() > 1.5, np.nan, rows()).reshape(10, 6, 3)
    model = LiquidClassifier(8, n_layers=2, missing="mask", mixed_memory=True, epochs=1)
    text = model.fit(X, ["a", "b"] * 5, timestamps=[np.arange(6) * 2.0] * 10).summary()
    for words in (
        "LiquidClassifier",
        "sequences, 3 feature(s), 2 classes",
        "equal gaps of 2 ",
        "9 inputs of 3 channels",
        "2 layers",
        "mixed memory",
        f"{model.n_synapses_:,} synapses",
    ):
        assert words in text, text


def test__summary__not_fitted__says_so():
    with pytest.raises(ValueError, match="not fitted"):
        LiquidRegressor().summary()
