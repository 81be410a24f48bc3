"""The defaults of LNN on seven published data sets, beside simple and strong rivals.

    python examples/real_data.py              every set; about half an hour on 2 cores
    python examples/real_data.py --quick      a smoke run; its numbers mean nothing
    python examples/real_data.py --sets GunPoint --models CfC LSTM
    python examples/real_data.py --out DIR    writes the tables as csv and json too

Models: the most frequent class ("majority"), a logistic regression ("logistic"), and
`LiquidClassifier` with its defaults for CfC and LTC, and for `torch.nn.LSTM` and `GRU`
of as many neurons, trained by the same loop. The score is accuracy; on Ozone, where 6 %
of the days are positive, it is the F1 of the ozone days, all models have balanced class
weights, and "majority" calls every day an ozone day (always "no" would score 0).

What each model sees:

- sequences (JapaneseVowels, BasicMotions, GunPoint, ItalyPowerDemand; official training
  and test parts): the networks read the sequence; the logistic model reads it
  flattened, or, where lengths differ, mean, deviation, first and last value of each
  channel;
- rows (Occupancy, Gesture, Ozone): the networks read the window of 32 rows that ends at
  the row to label, never across recordings; the logistic model reads that row alone.

`datasets.py` states how recordings are split. LTC trains on every 32nd window of the
recordings, with one seed, because it is slow there.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from datasets import Dataset, load
from joblib import Parallel, delayed
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from LNN import LiquidClassifier

SEQUENCES = ("JapaneseVowels", "BasicMotions", "GunPoint", "ItalyPowerDemand")
RECORDINGS = ("Occupancy", "Gesture", "Ozone")
# The slowest comes last.
NETWORKS = ("CfC", "LSTM", "GRU", "LTC")
SIMPLE = ("majority", "logistic")
# An LTC on windows of recordings: every 32nd window, one seed.
LTC_STRIDE = 32
# Liquid cells may lose to the LSTM by its spread, or by this much.
TOLERANCE = 0.01


def seeds_of(name: str, model: str) -> int:
    """Return how many seeds a model gets on a data set."""
    if model in SIMPLE or (model == "LTC" and name in RECORDINGS):
        return 1
    return 3 if name in RECORDINGS else 5


def summary_features(X) -> np.ndarray:
    """Return sequences flattened, or described per channel where lengths differ."""
    if not isinstance(X, list):
        return np.reshape(X, (len(X), -1))
    parts = [(x.mean(0), x.std(0), x[0], x[-1]) for x in X]
    return np.array([np.concatenate(part) for part in parts])


def make_simple(name: str, model: str):
    """Make a baseline that knows nothing of time."""
    weights = "balanced" if name == "Ozone" else None
    if model == "majority":
        constant = {"strategy": "constant", "constant": 1}
        return DummyClassifier(**(constant if name == "Ozone" else {}))
    logistic = LogisticRegression(max_iter=5000, class_weight=weights)
    return make_pipeline(StandardScaler(), logistic)


def make_network(name: str, model: str, seed: int, quick: bool) -> LiquidClassifier:
    """Make an estimator with its defaults."""
    settings: dict = {"epochs": 2} if quick else {}
    if name == "Ozone":
        settings["class_weight"] = "balanced"
    if name in RECORDINGS and (quick or model == "LTC"):
        settings["stride"] = LTC_STRIDE
    return LiquidClassifier(model_type=model, random_state=seed, **settings)


def score(name: str, y: np.ndarray, predicted: np.ndarray) -> float:
    """Return F1 of the ozone days, else accuracy."""
    return (f1_score if name == "Ozone" else accuracy_score)(y, predicted)


def count_parameters(simple) -> int:
    """Count the coefficients of a logistic regression; the majority has none."""
    if isinstance(simple, DummyClassifier):
        return 0
    return simple[-1].coef_.size + simple[-1].intercept_.size


def run(name: str, model: str, seed: int, quick: bool) -> dict:
    """Train and test one model with one seed."""
    torch.set_num_threads(1)
    data: Dataset = load(name)
    began = time.perf_counter()
    if model in SIMPLE:
        fitted = make_simple(name, model)
        fitted.fit(summary_features(data.X_train), data.y_train)
        predicted = fitted.predict(summary_features(data.X_test))
        size = count_parameters(fitted)
        epochs = 0
    else:
        train = {"groups": data.groups_train} if data.rows else {}
        test = {"groups": data.groups_test} if data.rows else {}
        fitted = make_network(name, model, seed, quick)
        fitted.fit(data.X_train, data.y_train, **train)
        predicted = fitted.predict(data.X_test, **test)
        size, epochs = fitted.n_parameters_, fitted.n_iter_
    return {
        "set": name,
        "model": model,
        "seed": seed,
        "score": score(name, data.y_test, predicted),
        "parameters": size,
        "epochs": epochs,
        "seconds": time.perf_counter() - began,
    }


def summarise(results: pd.DataFrame) -> pd.DataFrame:
    """Return mean, standard deviation, parameters and seconds per set and model."""
    table = results.groupby(["set", "model"], sort=False).agg(
        mean=("score", "mean"),
        std=("score", lambda s: s.std() if len(s) > 1 else 0.0),
        seeds=("score", "size"),
        parameters=("parameters", "first"),
        seconds=("seconds", "mean"),
    )
    return table.reset_index()


def verdict(table: pd.DataFrame) -> pd.DataFrame:
    """Compare the CfC with the LSTM and with the trivial baseline, set by set."""
    rows = []
    for name, part in table.groupby("set", sort=False):
        part = part.set_index("model")
        if not {"CfC", "LSTM", "majority"} <= set(part.index):
            continue
        allowed = max(part.loc["LSTM", "std"], TOLERANCE)
        cfc, lstm = part.loc["CfC", "mean"], part.loc["LSTM", "mean"]
        rows.append(
            {
                "set": name,
                "CfC - LSTM": cfc - lstm,
                "allowed": -allowed,
                "not behind": cfc >= lstm - allowed,
                "above trivial": cfc > part.loc["majority", "mean"] + TOLERANCE,
            }
        )
    return pd.DataFrame(rows)


def show(table: pd.DataFrame) -> None:
    """Print one line per data set, one column per model."""
    cells = table.assign(
        cell=[
            f"{m:.3f}" if n == 1 else f"{m:.3f} ± {s:.3f}"
            for m, s, n in zip(table["mean"], table["std"], table["seeds"], strict=True)
        ]
    )
    for value in ("cell", "parameters"):
        wide = cells.pivot(index="set", columns="model", values=value)
        wide = wide.loc[cells["set"].unique(), cells["model"].unique()].fillna("")
        print({"cell": "score on the test part", "parameters": "parameters"}[value])
        print(wide.to_string(), end="\n\n")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    every = SEQUENCES + RECORDINGS
    parser.add_argument("--sets", nargs="+", default=every, metavar="SET")
    parser.add_argument(
        "--models", nargs="+", default=SIMPLE + NETWORKS, choices=SIMPLE + NETWORKS
    )
    parser.add_argument("--quick", action="store_true", help="two epochs, one seed")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--out", type=Path, help="folder for csv and json")
    options = parser.parse_args()
    tasks = [
        (name, model, seed, options.quick)
        for model in sorted(options.models, key=(SIMPLE + NETWORKS).index)
        for name in options.sets
        for seed in range(1 if options.quick else seeds_of(name, model))
    ]
    results = []
    parallel = Parallel(n_jobs=options.jobs, return_as="generator_unordered")
    for result in parallel(delayed(run)(*task) for task in tasks):
        results.append(result)
        print("{set} {model} seed {seed}: {score:.3f}".format(**result), flush=True)
    frame = pd.DataFrame(results)
    order = {task[:3]: k for k, task in enumerate(tasks)}
    keys = zip(frame["set"], frame["model"], frame["seed"], strict=True)
    frame = frame.iloc[np.argsort([order[key] for key in keys])]
    table = summarise(frame)
    print()
    show(table)
    compared = verdict(table)
    if len(compared):
        print(compared.round(3).to_string(index=False))
        print(f"CfC not behind the LSTM on {compared['not behind'].sum()} sets")
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        frame.to_csv(options.out / "real_data_runs.csv", index=False)
        table.to_csv(options.out / "real_data.csv", index=False)
        text = json.dumps(table.to_dict("records"), indent=1)
        (options.out / "real_data.json").write_text(text)


if __name__ == "__main__":
    main()
