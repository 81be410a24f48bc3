"""All models of the tables beside each other: ranks over tasks, sure differences."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from LNN.experiments.archive.statistics import Comparison
from LNN.experiments.archive.tables import p_text
from LNN.experiments.boosting import NAME as BOOSTING
from LNN.experiments.memoryless import NAME as MLP
from LNN.experiments.metrics import METRICS
from LNN.experiments.open_lstm import NAME as OPEN_LSTM
from LNN.experiments.resampling import gain
from LNN.experiments.runs import Record
from LNN.experiments.table import as_text, best_liquid, number, results_of
from LNN.experiments.tasks import TASKS

# On fewer tasks than this a mean rank says little.
FEWEST_TASKS = 5
# Who is ranked together: not every model was run on every task, and simple ones that
# read single steps need a target per step.
EVERYWHERE = (
    "CfC",
    "CfC-mixed",
    "CfC-NCP",
    "CfC@equal",
    "CfC-mixed@equal",
    "LSTM",
    "GRU",
)
PER_STEP = (*EVERYWHERE, "LTC", "LTC-NCP", OPEN_LSTM, MLP, BOOSTING)
GROUPS = {"everywhere": EVERYWHERE, "per-step": PER_STEP}


def scores(records: Iterable[Record], protocol: str, budget: str) -> pd.DataFrame:
    """Return the test metric of every model on every task, the greater the better.

    Networks and simple models alike; NaN where a model was not run on a task.

    Parameters
    ----------
    records : iterable of dict
    protocol : {"published", "sound"}
    budget : str
    """
    records, rows = list(records), {}
    for task in TASKS:
        found = results_of(records, task, protocol, budget)
        sign = 1 if METRICS[TASKS[task].metric].greater_is_better else -1
        tested = {name: s.mean for name, s in found.models.items()} | found.baselines
        if found.models:
            rows[task] = {name: sign * value for name, value in tested.items()}
    return pd.DataFrame.from_dict(rows, orient="index")


def rank_table(
    records: Iterable[Record], group: str, protocol: str, budget: str
) -> tuple[list[list[str]], str]:
    """Return the mean rank of the models of a group, on tasks that all were run on.

    Returns
    -------
    rows : list of list of str
        The best model first; the columns of tasks hold the rank on each.
    said : str
        The tests, in a sentence: Friedman's, and Wilcoxon's against the LSTM with
        Holm's correction.
    """
    models = list(GROUPS[group])
    table = scores(records, protocol, budget).reindex(columns=models).dropna()
    if len(table) < FEWEST_TASKS:
        return [], f"These models share {len(table)} tasks, too few to rank them."
    comparison = Comparison(table)
    each = table.rank(axis=1, ascending=False)
    rows = [["model", "mean rank", *table.index]]
    for model, mean in comparison.ranks().items():
        ranks = (f"{rank:g}" for rank in each[model])
        rows.append([str(model), f"{mean:.2f}", *ranks])
    surest = comparison.pairs("LSTM")[0]
    said = (
        f"{len(table)} tasks. Friedman's test: p = {p_text(comparison.friedman())}. "
        "The surest difference to the LSTM (Wilcoxon's test, Holm's correction): "
        f"{surest.better} before {surest.worse}, p = {p_text(surest.p)}."
    )
    return rows, said


def compared(records: Iterable[Record], protocols: list[str], budget: str) -> str:
    """Return ranks and differences as text; "" where too little has been run."""
    records, said = list(records), []
    for protocol in protocols:
        for group in GROUPS:
            rows, tests = rank_table(records, group, protocol, budget)
            if rows:
                said.append(f"Ranks, protocol {protocol}\n\n{as_text(rows)}\n{tests}")
    rows = difference_table(records, budget) if "sound" in protocols else []
    if len(rows) > 1:
        said.append(f"Differences and 95 % of draws\n\n{as_text(rows)}")
    return "\n\n".join(said)


def difference_table(records: Iterable[Record], budget: str) -> list[list[str]]:
    """Return one row per task: how far the best liquid model is from LSTM and GRU.

    In the sound protocol, in the unit of the metric, positive where the liquid model is
    better. The intervals hold 95 % of the draws of the test sequences; tasks whose runs
    did not keep them are left out.
    """
    records = list(records)
    rivals = ("LSTM", "GRU")
    rows = [["task", "metric", "liquid", *(f"better than {r} by" for r in rivals)]]
    for task in TASKS:
        results = results_of(records, task, "sound", budget)
        best = best_liquid(results, task)
        if best is None:
            continue
        shown = [_gain(records, task, best, rival, budget) for rival in rivals]
        if any(shown):
            rows.append([task, METRICS[TASKS[task].metric].label, best, *shown])
    return rows


def _gain(records: list[Record], task: str, ours: str, theirs: str, budget: str) -> str:
    protocol = "published" if TASKS[task].sound_is_published else "sound"
    of_task = [
        r
        for r in records
        if (r["task"], r["protocol"], r["budget"]) == (task, protocol, budget)
        and "test" in r
    ]
    found = gain(
        [r for r in of_task if r["model"] == ours],
        [r for r in of_task if r["model"] == theirs],
        METRICS[TASKS[task].metric],
    )
    if found is None:
        return ""
    by, low, high = found
    sure = "" if low <= 0 <= high else " *"
    return f"{number(by)} ({number(low)} to {number(high)}){sure}"
