"""What a fit takes but should be doubted is said: jitter, curves, constants."""

import numpy as np
import pandas as pd
import pytest
from anomaly_cases import quick, wave

from LNN.exceptions import LNNWarning


def test__fit__jittering_clock__names_the_line():
    off = pd.to_timedelta(np.tile([0, 1, -1, 0], 150), unit="s")
    times = pd.date_range("2024-01-01", periods=600, freq="min") + off
    X = pd.DataFrame(wave(600), times, columns=["flow"])
    with pytest.warns(LNNWarning, match=r'X.index = X.index.round\("min"\)'):
        quick(epochs=1, horizons=[1.0]).fit(X)
    with pytest.warns(LNNWarning, match=r'with .round\("min"\)'):
        quick(epochs=1, horizons=[1.0]).fit(X.to_numpy(), timestamps=times)
    timed = X.reset_index(names="t")
    with pytest.warns(LNNWarning, match=r"X\['t'\] = X\['t'\].dt.round"):
        quick(epochs=1, horizons=[1.0], time_column="t").fit(timed)
    X.index = X.index.round("min")
    assert "equal gaps" in quick(epochs=1, horizons=[1.0]).fit(X).summary()


def _curves(n=600, steps=40):
    rng = np.random.default_rng(0)
    phase = rng.uniform(0, 2 * np.pi, n)[:, None]
    return np.sin(phase + 0.3 * np.arange(steps))


def test__fit__table_of_curves__is_doubted():
    X = _curves()
    with pytest.warns(LNNWarning, match=r'rows="sequences", or pass X\[..., None\]'):
        quick(epochs=1).fit(X)
    quick(epochs=1, rows="sequences").fit(X)
    names = [f"sensor {k}" for k in range(40)]
    quick(epochs=1).fit(pd.DataFrame(X, columns=names))  # names say what columns are


def test__fit__constant_channel__is_named():
    X = pd.DataFrame(wave(700, channels=2), columns=["flow", "valve"])
    X["valve"] = 3.0
    with pytest.warns(LNNWarning, match="1 of 2 channel.*'valve'"):
        quick().fit(X)
    changes = X.copy()
    changes.iloc[:40, 1] = 2.0
    marked = np.arange(700) < 40  # what is marked does not count
    with pytest.warns(LNNWarning, match="'valve'"):
        quick().fit(changes, marked)


def test__summary__no_season__says_so():
    noise = np.random.default_rng(0).normal(size=(600, 1))
    model = quick(season="auto").fit(noise)
    assert "none found; in its place 12 steps" in model.summary()
    assert "none; in its place 12" in quick(season=None).fit(noise).summary()
    assert "season    24 steps" in quick().fit(wave()).summary()
