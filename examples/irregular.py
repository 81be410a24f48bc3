"""What time stamps buy: three irregular data sets, each model with and without time.

    python examples/irregular.py              all of it; about an hour on 2 idle cores
    python examples/irregular.py --quick      a smoke run; its numbers mean nothing
    python examples/irregular.py --sets Walker2D --models CfC LSTM --seeds 5
    python examples/irregular.py --out DIR    keeps results as they come (a second call
                                              goes on from there), csv, json and a plot

Models: `LiquidRegressor` and `LiquidClassifier` with CfC, LTC, `torch.nn.LSTM` and
`GRU`, trained by the same loop. Each is fitted twice on the same sequences: with
`timestamps=`, which puts the elapsed time into the equations of CfC and LTC and gives
it to LSTM and GRU as one more input, the usual remedy; and without, where every step
is as long as any other. One unit of time is the median gap.

Walker2D: the next state of a simulated robot, 17 numbers a frame, with a tenth of the
frames missing. Walks are split, frames dropped and windows cut as in the code of the
CfC paper (64 kept frames, every 16): the same 9,684 / 1,272 / 1,937 windows for
training, validation and test. The target of a kept frame is the state one frame later,
whether that was kept or not. The first step of a window counts as one frame. The score
is the mean squared error in the units of the data, as in the paper, and so is the
loss. Beside it, "persistence": the next state is this one. (It has 4.35 on the whole
test walks, from which the windows leave out the tails.)

Person: what somebody does, in 7 classes, from four tags that report their place in
turn, every 27 ms or a multiple of that (a fifth of the reports are missing, so gaps
are 1 to 5). Windows of 32 reports, every 16, a label for each report; accuracy over
all of them. Three recordings, a tenth of the published data, all of one person: each
is the test part once, and the mean over the three is the score of a seed. Every fifth
block of about 230 reports of the two others validates; no window crosses a block.
Beside it, the commonest class of the training part.

PhysioNet: does a patient die in hospital (13.85 % do), from the first 48 hours of
intensive care: 41 channels of which most are missing most of the time, one row per
minute at which anything was noted, `missing="mask"`, class weights balanced. 64 / 16 /
20 % of the 4,000 patients of set-a train, validate and test, stratified, always the
same ones. Values beyond the 0.1 and 99.9 % quantiles of the training patients are set
to those. The score is the area under the ROC curve. "mask" tells networks with time
stamps how long ago each channel was seen in minutes, networks without in steps. Beside
it, a logistic regression on eight numbers per channel, its strength chosen by
validation AUC.

Budget: all models on a data set take as many optimiser steps of as many sequences
(Adam, cosine), and keep the weights of the epoch with the lowest validation loss. The
test part was used for the table alone.

Settings (`SETTINGS`) were chosen by validation loss with time stamps, one seed that is
not in the table, and are used without time stamps too. Walker2D, at half the budget:
two sizes (LSTM, GRU: 64 and 128 neurons; CfC: 64 with a backbone of 128 or 256; LTC:
64 and 128 on "ncp") and learning rates of 0.005 to 0.05, seven trials a model, eight
for the CfC. Person: six trials a model over the three folds, two sizes or wirings,
rates of 0.003, 0.01 and 0.02; so the recordings that test one fold helped to choose.
PhysioNet: six for CfC and LTC, two for the LSTM, one for the GRU, which are slow
there.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from irregular_data import (
    PERSON_RECORDINGS,
    IrregularData,
    load_person,
    load_physionet,
    load_walker,
    summary_features,
    walker_persistence,
)
from joblib import Parallel, delayed
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from LNN import LiquidClassifier, LiquidRegressor

SETS = ("Walker2D", "Person", "PhysioNet")
NETWORKS = ("CfC", "LTC", "LSTM", "GRU")
SIMPLE = {"Walker2D": "persistence", "Person": "majority", "PhysioNet": "logistic"}
METRICS = {
    "Walker2D": "mean squared error, lower is better",
    "Person": "accuracy",
    "PhysioNet": "ROC AUC",
}
LOWER_IS_BETTER = ("Walker2D",)
FOLDS = {"Person": len(PERSON_RECORDINGS)}

# The same for every model of a data set.
BUDGETS: dict[str, dict[str, Any]] = {
    "Walker2D": {"epochs": 20, "batch_size": 128, "scale_target": False},
    "Person": {"epochs": 60, "batch_size": 32},
    "PhysioNet": {
        "epochs": 10,
        "batch_size": 64,
        "missing": "mask",
        "class_weight": "balanced",
    },
}
WIDE = {"wiring": "full", "backbone_units": 256, "backbone_activation": "silu"}
# Chosen on the validation parts, see above.
SETTINGS: dict[tuple[str, str], dict[str, Any]] = {
    ("Walker2D", "CfC"): {"n_neurons": 64, "learning_rate": 0.02, **WIDE},
    ("Walker2D", "LTC"): {"n_neurons": 128, "learning_rate": 0.05, "ode_unfolds": 3},
    ("Walker2D", "LSTM"): {"n_neurons": 128, "learning_rate": 0.04},
    ("Walker2D", "GRU"): {"n_neurons": 128, "learning_rate": 0.04},
    ("Person", "CfC"): {"n_neurons": 64, "learning_rate": 0.003, "wiring": "full"},
    ("Person", "LTC"): {"n_neurons": 64, "learning_rate": 0.02, "ode_unfolds": 3},
    ("Person", "LSTM"): {"n_neurons": 64, "learning_rate": 0.02},
    ("Person", "GRU"): {"n_neurons": 32, "learning_rate": 0.02},
    ("PhysioNet", "CfC"): {"n_neurons": 64, "learning_rate": 0.01},
    ("PhysioNet", "LTC"): {"n_neurons": 64, "learning_rate": 0.01, "ode_unfolds": 3},
    ("PhysioNet", "LSTM"): {"n_neurons": 64, "learning_rate": 0.01},
    ("PhysioNet", "GRU"): {"n_neurons": 64, "learning_rate": 0.01},
}
# The forms of the papers, in which the table was made.
PAPER: dict[str, dict[str, Any]] = {
    "CfC": {"mode": "default"},
    "LTC": {"solver": "semi-implicit"},
}
QUICK_SEQUENCES = 256


def load(name: str, fold: int = 0, quick: bool = False) -> IrregularData:
    """Load a data set; a process keeps the last one."""
    if name == "Person":
        data = load_person(fold)
    else:
        data = load_walker() if name == "Walker2D" else load_physionet()
    return data.head(QUICK_SEQUENCES) if quick else data


def settings_of(name: str, model: str, quick: bool) -> dict[str, Any]:
    """Return the estimator's parameters for a model on a data set."""
    settings = BUDGETS[name] | SETTINGS[name, model] | PAPER.get(model, {})
    settings |= {"model_type": model, "pooling": "last"}
    return settings | {"epochs": 2} if quick else settings


def fit(name: str, data: IrregularData, timed: bool, seed: int, settings: dict):
    """Train with or without time stamps; the best weights by validation loss stay."""
    kind = LiquidRegressor if name == "Walker2D" else LiquidClassifier
    stamps = {}
    if timed:
        stamps = {
            "timestamps": data.train.time,
            "timestamps_val": data.validation.time,
        }
    # The budget is the same for all: nothing stops early.
    estimator = kind(early_stopping=False, random_state=seed, **settings)
    validation = {"X_val": data.validation.X, "y_val": data.validation.y}
    return estimator.fit(data.train.X, data.train.y, **validation, **stamps)


def score(name: str, estimator, part, timed: bool) -> float:
    """Return the metric of a data set on one of its parts."""
    stamps = {"timestamps": part.time} if timed else {}
    if name == "PhysioNet":
        return roc_auc_score(part.y, estimator.predict_proba(part.X, **stamps)[:, 1])
    predicted = estimator.predict(part.X, **stamps)
    if name == "Person":
        return float(np.mean(predicted == part.y))
    return float(np.mean((predicted - part.y) ** 2, dtype=np.float64))


def run_network(
    name: str, model: str, timed: bool, seed: int, fold: int, quick: bool
) -> dict:
    """Train and test one network."""
    torch.set_num_threads(1)
    # Where only the end of a long sequence counts, gradients fade on their way back
    # to numbers below 1e-38, with which a CPU is ten times slower.
    torch.set_flush_denormal(True)
    data = load(name, fold, quick)
    settings = settings_of(name, model, quick)
    began = time.perf_counter()
    fitted = fit(name, data, timed, seed, settings)
    seconds = time.perf_counter() - began
    return {
        "score": score(name, fitted, data.test, timed),
        "validation_score": score(name, fitted, data.validation, timed),
        "validation_loss": fitted.best_validation_loss_,
        "best_epoch": int(np.argmin(fitted.validation_loss_curve_)) + 1,
        "parameters": fitted.n_parameters_,
        "seconds": seconds,
    }


def run_simple(name: str, fold: int, quick: bool) -> dict:
    """Score the baseline that is no network."""
    data = load(name, fold, quick)
    began = time.perf_counter()
    size = 0
    if name == "Walker2D":
        result = walker_persistence(data.test)
    elif name == "Person":
        labels, counts = np.unique(data.train.y, return_counts=True)
        result = float(np.mean(data.test.y == labels[counts.argmax()]))
    else:
        result, size = logistic(data)
    seconds = time.perf_counter() - began
    return {"score": result, "parameters": size, "seconds": seconds}


def logistic(data: IrregularData) -> tuple[float, int]:
    """Return the AUC of a logistic regression whose strength validation chooses."""
    train, validation, test = map(
        summary_features, (data.train, data.validation, data.test)
    )
    best, result, size = -np.inf, np.nan, 0
    for strength in (1e-4, 1e-3, 1e-2, 1e-1):
        model = make_pipeline(
            SimpleImputer(strategy="median", keep_empty_features=True),
            StandardScaler(),
            LogisticRegression(C=strength, class_weight="balanced", max_iter=5000),
        ).fit(train, data.train.y)
        found = roc_auc_score(data.validation.y, model.decision_function(validation))
        if found > best:
            best = found
            result = roc_auc_score(data.test.y, model.decision_function(test))
            size = model[-1].coef_.size + 1
    return float(result), size


def run(task: dict[str, Any]) -> dict[str, Any]:
    """Run one task; what comes back is the task and what was measured."""
    name, fold, quick = task["set"], task["fold"], task["quick"]
    if task["model"] == SIMPLE[name]:
        return task | run_simple(name, fold, quick)
    where = (task["model"], task["time"], task["seed"])
    return task | run_network(name, *where, fold, quick)


def all_tasks(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """List what there is to run: settings included, so that old results are known."""
    for name in options.sets:
        for fold in range(FOLDS.get(name, 1)):
            common = {"set": name, "fold": fold, "quick": options.quick}
            yield common | {"model": SIMPLE[name], "time": None, "seed": 0}
            for seed in range(options.seeds):
                for model in options.models:
                    settings = settings_of(name, model, options.quick)
                    for timed in (True, False):
                        task = {"model": model, "time": timed, "seed": seed}
                        yield common | task | {"settings": settings}


class Results:
    """Results as they come, kept in a file if there is a folder for it.

    Parameters
    ----------
    folder : Path or None
    """

    def __init__(self, folder: Path | None):
        self.path = None
        self.rows: list[dict[str, Any]] = []
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            self.path = folder / "irregular_runs.jsonl"
            if self.path.is_file():
                lines = self.path.read_text().splitlines()
                self.rows = [json.loads(line) for line in lines]

    def of(self, task: dict[str, Any]) -> dict[str, Any] | None:
        """Return what is known of a task, the settings being the same."""
        for row in self.rows:
            if all(row.get(name) == value for name, value in task.items()):
                return row
        return None

    def add(self, row: dict[str, Any]) -> None:
        """Keep a result, and say so."""
        self.rows.append(row)
        if self.path is not None:
            with self.path.open("a") as file:
                file.write(json.dumps(row) + "\n")
        line = "{set} {model} fold {fold} seed {seed}: {score:.4f} ({seconds:.0f} s)"
        print(line.format(**row | {"model": label(row["model"], row["time"])}))


def label(model: str, timed: bool | None) -> str:
    """Name a variant."""
    return model if timed is None else f"{model}, {'time' if timed else 'no time'}"


def per_seed(results: pd.DataFrame) -> pd.DataFrame:
    """Average over the folds, so that one row is one seed."""
    results = results.assign(variant=list(map(label, results.model, results.time)))
    grouped = results.groupby(["set", "model", "variant", "seed"], sort=False)
    mean = ["score", "parameters", "seconds"]
    return grouped[mean].mean().reset_index()


def summarise(seeds: pd.DataFrame) -> pd.DataFrame:
    """Return mean and deviation over the seeds, parameters and seconds of a fit."""
    table = seeds.groupby(["set", "model", "variant"], sort=False).agg(
        mean=("score", "mean"),
        std=("score", "std"),
        n=("score", "size"),
        parameters=("parameters", "first"),
        seconds=("seconds", "mean"),
    )
    return table.reset_index()


def gains(seeds: pd.DataFrame) -> pd.DataFrame:
    """Return what a model gains by time, seed by seed; above 0 time is better."""
    rows = []
    for (name, model), part in seeds.groupby(["set", "model"], sort=False):
        if part["variant"].nunique() < 2:
            continue
        wide = part.pivot(index="seed", columns="variant", values="score")
        gain = wide[label(model, True)] - wide[label(model, False)]
        gain = -gain if name in LOWER_IS_BETTER else gain
        found = {"gain": gain.mean(), "std": gain.std(), "n": len(gain)}
        row = {"set": name, "model": model} | found
        rows.append(row | {"better": f"{(gain > 0).sum()} of {len(gain)}"})
    return pd.DataFrame(rows)


def show(table: pd.DataFrame) -> None:
    """Print the tables."""
    for name, part in table.groupby("set", sort=False):
        print(f"\n{name}: {METRICS[name]}")
        for row in part.itertuples():
            spread = f"± {row.std:.4f}, n = {row.n}" if row.n > 1 else ""
            print(
                f"  {row.variant:16s} {row.mean:.4f} {spread:18s} "
                f"{row.parameters:8.0f} parameters {row.seconds:7.1f} s a fit"
            )


def verdict(table: pd.DataFrame) -> None:
    """Say whether the CfC with time beats itself without and the LSTM with time."""
    part = table[table["set"] == "Walker2D"].set_index("variant")
    rivals = [label("CfC", False), label("LSTM", True)]
    if not {label("CfC", True), *rivals} <= set(part.index):
        return
    ours = part.loc[label("CfC", True), "mean"]
    for rival in rivals:
        theirs = part.loc[rival, "mean"]
        word = "beats" if ours < theirs else "does not beat"
        print(f"Walker2D: CfC, time ({ours:.3f}) {word} {rival} ({theirs:.3f})")


def plot(seeds: pd.DataFrame, path: Path) -> None:
    """Draw every seed as a dot, every mean as a stroke, a panel for each data set."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    sets = list(seeds["set"].unique())
    figure, axes = plt.subplots(
        1,
        len(sets),
        figsize=(4.2 * len(sets), 3.8),
        squeeze=False,
        layout="constrained",
    )
    styles = ((True, "tab:blue", -0.14), (False, "tab:orange", 0.14))
    for axis, name in zip(axes[0], sets, strict=True):
        part = seeds[seeds["set"] == name]
        models = [model for model in part["model"].unique() if model in NETWORKS]
        for height, model in enumerate(models):
            for timed, colour, shift in styles:
                found = part[part["variant"] == label(model, timed)]["score"]
                y = height + shift
                dots = {"color": colour, "s": 22, "alpha": 0.8, "linewidths": 0}
                axis.scatter(found, np.full(len(found), y), **dots)
                axis.vlines(found.mean(), y - 0.13, y + 0.13, color=colour, lw=2)
        axis.set_yticks(range(len(models)), models)
        axis.invert_yaxis()
        axis.grid(axis="x", alpha=0.3)
        simple = part[part["model"] == SIMPLE[name]]["score"]
        baseline = f"\n{SIMPLE[name]}: {simple.mean():.3f}" if len(simple) else ""
        axis.set(title=f"{name}{baseline}", xlabel=METRICS[name])
    handles = [
        plt.Line2D([], [], color=colour, marker="o", ls="", label=text)
        for (_, colour, _), text in zip(
            styles, ("with time stamps", "without"), strict=True
        )
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def write(folder: Path, seeds, table: pd.DataFrame, gained: pd.DataFrame) -> None:
    """Write the tables and the plot."""
    table.to_csv(folder / "irregular.csv", index=False)
    text = {
        "table": table.to_dict("records"),
        "gain by time": gained.to_dict("records"),
    }
    (folder / "irregular.json").write_text(json.dumps(text, indent=1))
    plot(seeds, folder / "irregular.png")


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sets", nargs="+", default=SETS, choices=SETS)
    parser.add_argument("--models", nargs="+", default=NETWORKS, choices=NETWORKS)
    parser.add_argument("--seeds", type=int, default=3, help="how many")
    parser.add_argument("--quick", action="store_true", help="few data, one seed")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--out", type=Path, help="folder for results and plot")
    options = parser.parse_args()
    options.seeds = 1 if options.quick else options.seeds
    return options


def main() -> None:
    options = parse_options()
    results = Results(options.out)
    tasks = list(all_tasks(options))
    waiting = [task for task in tasks if results.of(task) is None]
    began = time.perf_counter()
    parallel = Parallel(n_jobs=options.jobs, return_as="generator_unordered")
    for row in parallel(delayed(run)(task) for task in waiting):
        results.add(row)
    seeds = per_seed(pd.DataFrame([results.of(task) for task in tasks]))
    table, gained = summarise(seeds), gains(seeds)
    show(table)
    print("\nGain by time, seed by seed (above 0: time is better)")
    print(gained.round(4).to_string(index=False), end="\n\n")
    verdict(table)
    print(f"{len(waiting)} runs in {time.perf_counter() - began:.0f} s")
    if options.out:
        write(options.out, seeds, table, gained)


if __name__ == "__main__":
    main()
