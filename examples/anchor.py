"""A series with a trend: weekly CO2, with and without `anchor`.

    python examples/anchor.py

The test part lies above everything in the training part. A network that learns the
level cannot follow; with `anchor="co2"` it learns the change. The data come with
statsmodels.
"""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import RidgeCV
from statsmodels.datasets import co2

from LNN import LiquidRegressor

WINDOW = 32


def main() -> None:
    """Print the skill of each model against persistence."""
    series = co2.load_pandas().data["co2"].interpolate()
    y = series.shift(-1).dropna()
    X = series.to_frame("co2").loc[y.index]
    split = int(0.8 * len(X))
    present, target = X["co2"].to_numpy()[split:], y.to_numpy()[split:]

    def skill(prediction: np.ndarray) -> float:
        error = np.mean((target - prediction) ** 2)
        return 1 - error / np.mean((target - present) ** 2)

    rows = np.lib.stride_tricks.sliding_window_view(X["co2"].to_numpy(), WINDOW)
    begin = split - WINDOW + 1
    ridge = RidgeCV(np.logspace(-3, 3, 13))
    ridge.fit(rows[:begin], y.to_numpy()[WINDOW - 1 : split])
    print("skill = 1 - MSE / MSE of persistence, last 20 % of the weeks")
    print(f"  ridge on {WINDOW} weeks        {skill(ridge.predict(rows[begin:])):7.3f}")
    for model_type in ("CfC", "LSTM"):
        for anchor in (None, "co2"):
            for seed in (0, 1):
                model = LiquidRegressor(
                    model_type=model_type,
                    window_length=WINDOW,
                    anchor=anchor,
                    random_state=seed,
                )
                model.fit(X[:split], y[:split])
                value = skill(model.predict(X[split:], context=X[:split]))
                name = f"{model_type}, anchor={anchor!r}, seed {seed}"
                print(f"  {name:30s} {value:7.3f}", flush=True)


if __name__ == "__main__":
    main()
