"""Quick looks at real data; the full table is examples/real_data.py."""

import numpy as np
import pandas as pd
import pytest

from LNN import LiquidClassifier, LiquidRegressor

SENSORS = ["Temperature", "Humidity", "Light", "CO2", "HumidityRatio"]


def need(path):
    if not path.exists():
        pytest.skip(f"real data: no file {path}; see LNN_DATA_HOME")
    return path


def read_ts(path):
    """Sequences (T, channels) and labels of a .ts file of the UCR/UEA archive."""
    body = path.read_text().partition("@data")[2].strip().splitlines()
    parts = [line.split(":") for line in body]
    X = [np.array([c.split(",") for c in part[:-1]], dtype=float).T for part in parts]
    return X, np.array([part[-1] for part in parts])


def test__japanese_vowels__ragged_sequences__speakers_are_told_apart(data_home):
    folder = data_home / "ucr_uea" / "JapaneseVowels"
    X, y = read_ts(need(folder / "JapaneseVowels_TRAIN.ts"))
    X_test, y_test = read_ts(need(folder / "JapaneseVowels_TEST.ts"))
    assert len({len(x) for x in X}) > 10
    model = LiquidClassifier(24, epochs=30, device="cpu", random_state=0).fit(X, y)
    assert model.n_features_in_ == 12
    assert model.score(X_test, y_test) > 0.9


def test__occupancy__datetime_index__beats_the_majority(data_home):
    def read(name):
        path = need(data_home / "occupancy" / f"{name}.txt")
        frame = pd.read_csv(path, parse_dates=["date"]).set_index("date")
        # Every fifth minute: the same days in a fifth of the time.
        return frame[SENSORS][::5], frame["Occupancy"].to_numpy()[::5]

    X, y = read("datatraining")
    X_test, y_test = read("datatest")
    model = LiquidClassifier(
        12, window_length=12, epochs=6, device="cpu", random_state=0
    ).fit(X, y)
    assert model.time_unit_ == pytest.approx(300, abs=2)
    assert model.feature_names_in_.tolist() == SENSORS
    majority = max(np.mean(y_test), 1 - np.mean(y_test))
    assert model.score(X_test, y_test) > majority + 0.2


@pytest.mark.slow
def test__el_nino__next_month__skill_is_that_of_the_demo():
    elnino = pytest.importorskip("statsmodels.datasets.elnino")
    table = elnino.load_pandas().data
    series = table.drop(columns="YEAR").to_numpy(float).ravel()
    X, y = series[:-1, None], series[1:]
    split = int(0.8 * len(y))
    model = LiquidRegressor(random_state=0, device="cpu").fit(X[:split], y[:split])
    predicted = model.predict(X[split:], context=X[:split])
    error = np.mean((predicted - y[split:]) ** 2)
    persistence = np.mean((X[split:, 0] - y[split:]) ** 2)
    assert 1 - error / persistence > 0.75
