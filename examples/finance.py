"""What can be foreseen of exchange rates: nothing of returns, something of their size.

    python examples/finance.py [picture.png]

The series are seven currencies of `forecasting/exchange_rate.csv` in LNN_DATA_HOME,
daily from 1990 to 2016 (China's was pegged for years and is left out). The first 70 %
of the days train, the rest tests. Asked is, for the next ten days, the return, and the
volatility: the logarithm of the root of the mean squared daily return. One model serves
all currencies. Beside it stand "no change", the mean, and the usual linear models:
ridge on 32 days of returns, and the heterogeneous autoregression (HAR: Corsi, Journal
of Financial Econometrics, 2009) on the volatility of a day, a week and a month; and
boosted trees on the inputs of both.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, RidgeCV
from sklearn.metrics import r2_score

from LNN import LiquidRegressor

HOME = Path(os.environ.get("LNN_DATA_HOME", "data"))
CURRENCIES = ("AUD", "GBP", "CAD", "CHF", "CNY", "JPY", "NZD", "SGD")
AHEAD, WINDOW, TRAINED = 10, 32, 0.7
SEEDS = (0, 1, 2)


def read() -> pd.DataFrame:
    """Return daily returns in percent, a column for each currency."""
    rates = pd.read_csv(HOME / "forecasting/exchange_rate.csv")
    rates.columns = pd.Index(CURRENCIES)
    rates = rates.drop(columns="CNY")
    return 100 * np.log(rates).diff().dropna()


def log_volatility(squares: pd.Series, days: int) -> pd.Series:
    """Return the logarithm of the root mean square of the last days."""
    # A day without a move has no logarithm.
    return 0.5 * np.log(squares.rolling(days).mean() + 1e-3)


def table_of(returns: pd.Series) -> pd.DataFrame:
    """Return what is known of a currency on each day, and what comes."""
    squares = returns**2
    known = {"return": returns}
    known |= {f"volatility {d}": log_volatility(squares, d) for d in (1, 5, 22)}
    lags = {f"lag {k}": returns.shift(k) for k in range(WINDOW)}
    coming = {
        "next return": returns.rolling(AHEAD).sum().shift(-AHEAD),
        "next volatility": log_volatility(squares, AHEAD).shift(-AHEAD),
    }
    return pd.DataFrame({**known, **lags, **coming}).dropna()


def liquid(rows: pd.DataFrame, trains: np.ndarray, inputs: list[str], y: str):
    """Return what models of each seed say on average of all rows."""
    found = []
    for seed in SEEDS:
        model = LiquidRegressor(window_length=WINDOW, stride=5, random_state=seed)
        model.fit(rows.loc[trains, inputs], rows.loc[trains, y])
        found.append(model.predict(rows[inputs]))
    return np.mean(found, axis=0)


def main() -> None:
    """Print both tables and draw a year of volatility."""
    tables = {name: table_of(own) for name, own in read().items()}
    rows = pd.concat(tables, names=["currency", "day"])
    day = rows.index.get_level_values("day")
    first = int(TRAINED * day.max())
    # What is asked for on the last training day has come before the first test day.
    trains, tests = day < first - AHEAD, day >= first
    train, test = rows[trains], rows[tests]
    lags = [name for name in rows if name.startswith("lag")]
    sizes = [name for name in rows if name.startswith("volatility")]

    truth = test["next return"]
    returns = {
        "no change": np.zeros(len(test)),
        "ridge": RidgeCV(np.logspace(0, 6, 13))
        .fit(train[lags], train["next return"])
        .predict(test[lags]),
        "liquid": liquid(rows, trains, ["return"], "next return")[tests],
    }
    print(
        f"return of {AHEAD} days: error beside no change, share of signs that are right"
    )
    for name, predicted in returns.items():
        error = np.mean((truth - predicted) ** 2) / np.mean(truth**2)
        sign = np.mean(np.sign(predicted) == np.sign(truth))
        print(f"  {name:10}{error:8.3f}{'' if name == 'no change' else f'{sign:8.2f}'}")

    truth = test["next volatility"]
    har = LinearRegression().fit(train[sizes], train["next volatility"])
    own_har = [
        LinearRegression().fit(own[sizes], own["next volatility"]).predict(its_test)
        for (_, own), (_, its_test) in zip(
            train.groupby("currency", sort=False),
            test[sizes].groupby("currency", sort=False),
            strict=True,
        )
    ]
    volatility = {
        "mean of training": np.full(len(test), train["next volatility"].mean()),
        "volatility of a month": test["volatility 22"].to_numpy(),
        "HAR": har.predict(test[sizes]),
        "HAR of each currency": np.concatenate(own_har),
        "boosted trees": HistGradientBoostingRegressor(random_state=0)
        .fit(train[sizes].join(train[lags].abs()), train["next volatility"])
        .predict(test[sizes].join(test[lags].abs())),
        "liquid": liquid(rows, trains, ["return", *sizes], "next volatility")[tests],
    }
    print(f"volatility of {AHEAD} days: R2 over all currencies")
    for name, predicted in volatility.items():
        print(f"  {name:22}{r2_score(truth, predicted):8.3f}")
    path = sys.argv[1] if len(sys.argv) > 1 else "finance.png"
    draw(truth, volatility, path)
    print(f"the picture is {path}")


def draw(truth: pd.Series, volatility: dict[str, np.ndarray], path: str) -> None:
    """Draw what came and what was said of one currency."""
    figure, ax = plt.subplots(figsize=(9, 3.5))
    own = truth.index.get_level_values("currency") == "GBP"
    days = truth[own].index.get_level_values("day")
    ax.plot(days, np.exp(truth[own]), color="0.75", label="what came")
    for name, style in (("HAR", "--"), ("liquid", "-")):
        ax.plot(days, np.exp(volatility[name][own]), style, lw=1, label=name)
    ax.set(xlabel="day", ylabel="% a day", xlim=(days[0], days[0] + 1000))
    ax.set_ylim(0, 1.2)
    ax.set_title("British pound: volatility of the next ten days")
    ax.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
