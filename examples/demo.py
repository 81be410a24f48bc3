"""Next month's El Nino sea temperature: predictions, scores and the README's picture.

    make demo

The data ship with statsmodels: monthly sea surface temperatures, 1950 to 2010. Each
month is predicted from the 32 months before. The first 80 % train, the rest test, and
nothing is shuffled. A forecaster then says all of the next two years at once. Written
to output/: demo.png, with predictions, the forecast and its interval, and loss curve.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import RidgeCV

from LNN import LiquidForecaster, LiquidRegressor

WINDOW, HORIZON = 32, 24
OUTPUT = Path("output")


def load() -> pd.DataFrame:
    """Return month and next month as a frame with a monthly index."""
    from statsmodels.datasets import elnino

    table = elnino.load_pandas().data
    values = table.drop(columns="YEAR").to_numpy().ravel()
    first = f"{int(table['YEAR'].iloc[0])}-01"
    months = pd.date_range(first, periods=len(values), freq="MS")
    frame = pd.DataFrame({"temperature": values}, index=months)
    # The target is the next row; the last row has none.
    return frame.assign(next=frame["temperature"].shift(-1)).dropna()


def lagged(x: np.ndarray) -> np.ndarray:
    """Return the last WINDOW values at each row, for the linear model."""
    return np.lib.stride_tricks.sliding_window_view(x, WINDOW)


def skill(error: np.ndarray, persistence: np.ndarray) -> float:
    """Return 1 - MSE / MSE of persistence (the next value is the present one)."""
    return 1 - np.mean(error**2) / np.mean(persistence**2)


def main() -> None:
    """Fit, print the scores, save the picture."""
    data = load()
    X, y = data[["temperature"]], data["next"]
    split = int(0.8 * len(data))
    model = LiquidRegressor(window_length=WINDOW, random_state=0)
    model.fit(X[:split], y[:split])
    prediction = model.predict(X[split:], context=X[:split])

    x, target = X.to_numpy().ravel(), y.to_numpy()
    rows = lagged(x)
    begin = split - WINDOW + 1
    ridge = RidgeCV(np.logspace(-3, 3, 13)).fit(
        rows[:begin], target[WINDOW - 1 : split]
    )
    persistence = target[split:] - x[split:]
    scores = {
        "persistence": 0.0,
        f"ridge on {WINDOW} months": skill(
            target[split:] - ridge.predict(rows[begin:]), persistence
        ),
        "LNN (CfC, defaults)": skill(target[split:] - prediction, persistence),
    }
    print(f"{split} months to train on, {len(data) - split} to test on")
    print("skill = 1 - MSE / MSE of persistence; higher is better")
    for name, value in scores.items():
        print(f"  {name:24s} {value:6.3f}")
    print(f"{model.n_synapses_} synapses, {model.n_parameters_} parameters")
    series = X["temperature"]
    forecaster = LiquidForecaster(HORIZON, random_state=0).fit(series[:split])
    print(forecaster.summary())
    draw(model, y[split:], prediction, forecaster, series[split : split + HORIZON])


def draw(
    model: LiquidRegressor,
    y: pd.Series,
    prediction: np.ndarray,
    forecaster: LiquidForecaster,
    truth: pd.Series,
) -> None:
    """Save prediction against truth, a forecast, and the loss curve."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (left, middle, right) = plt.subplots(
        1, 3, figsize=(15, 3.6), width_ratios=(2.2, 1.6, 1), layout="constrained"
    )
    left.plot(y.index, y, color="0.4", label="measured")
    left.plot(y.index, prediction, color="tab:blue", lw=1.3, label="predicted")
    left.set(title="Sea temperature, one month ahead (test part)", ylabel="deg C")
    left.legend(frameon=False, ncols=2, loc="upper left")
    left.set_ylim(top=y.max() + 1.5)
    forecaster.plot(ax=middle, truth=truth)
    middle.set_title("The next two years, and where 90 % should lie", pad=24)
    right.plot(model.loss_curve_, color="0.4", label="training")
    if model.validation_loss_curve_:
        best = int(np.argmin(model.validation_loss_curve_))
        right.plot(model.validation_loss_curve_, color="tab:blue", label="validation")
        right.axvline(best, color="0.8", lw=1, zorder=0, label="weights kept")
    right.set(title="Loss", xlabel="epoch", yscale="log")
    right.legend(frameon=False)
    OUTPUT.mkdir(exist_ok=True)
    figure.savefig(OUTPUT / "demo.png", dpi=120)
    print(f"picture: {OUTPUT / 'demo.png'}")


if __name__ == "__main__":
    main()
