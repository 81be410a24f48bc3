"""Results as tables: ours beside the published ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from math import inf
from statistics import mean, stdev
from typing import Any

from LNN.experiments.agreement import mixed, unequal
from LNN.experiments.metrics import METRICS
from LNN.experiments.models import EQUAL, MODELS, model_of
from LNN.experiments.published import PUBLISHED
from LNN.experiments.runs import BUDGETS, SEQUENCE, Record
from LNN.experiments.tasks import TASKS

HEADINGS = (
    "model",
    "test",
    "n",
    "validation",
    "weights",
    "s/epoch",
    "equal weights",
    "published",
)


@dataclass(frozen=True)
class Summary:
    """What the seeds of a model say together.

    Attributes
    ----------
    mean, std : float
        The test metric over seeds; std is that of a sample, 0 for a single seed.
    n : int
    validation : float
        Mean of the validation metric at the epochs that were chosen.
    n_parameters : int
    seconds_per_epoch : float
    """

    mean: float
    std: float
    n: int
    validation: float
    n_parameters: int
    seconds_per_epoch: float

    @classmethod
    def of(cls, records: list[Record]) -> Summary:
        """Summarise the records of one model."""
        tests = [record["test"] for record in records]
        return cls(
            mean(tests),
            stdev(tests) if len(tests) > 1 else 0.0,
            len(tests),
            mean(record["validation"] for record in records),
            records[0]["n_parameters"],
            mean(record["seconds"] / len(record["curve"]) for record in records),
        )


@dataclass(frozen=True)
class Results:
    """The results of one task in one protocol.

    Attributes
    ----------
    models : dict
        From a model's name to its `Summary`.
    baselines : dict
        From a trivial baseline's name to its test metric.
    failed : dict
        From a model's name to why it has no result.
    """

    models: dict[str, Summary]
    baselines: dict[str, float]
    failed: dict[str, str]


def results_of(
    records: Iterable[Record], task: str, protocol: str, budget: str
) -> Results:
    """Gather the results of a task.

    Parameters
    ----------
    records : iterable of dict
    task, protocol, budget : str
        A task whose published protocol is sound has the same results in both.
    """
    if TASKS[task].sound_is_published:
        protocol = "published"
    wanted = (task, protocol, budget)
    by_model: dict[str, list[Record]] = defaultdict(list)
    baselines: dict[str, float] = {}
    failed: dict[str, str] = {}
    for record in records:
        if (record["task"], record["protocol"], record["budget"]) != wanted:
            continue
        if "baselines" in record:
            baselines = record["baselines"]
        elif "failed" in record:
            failed[record["model"]] = record["failed"]
        else:
            by_model[record["model"]].append(record)
    order = [*MODELS, *(name + EQUAL for name in MODELS)]
    models = {name: Summary.of(by_model[name]) for name in order if name in by_model}
    return Results(models, baselines, failed)


def best_liquid(results: Results, task: str, at_most: float = inf) -> str | None:
    """Return the liquid model with the best validation metric, of all sizes.

    Parameters
    ----------
    results : Results
    task : str
    at_most : float, default=inf
        Weights that it may have.
    """
    # Chosen by validation: the best on the test part would be so by luck as well.
    sign = 1 if METRICS[TASKS[task].metric].greater_is_better else -1
    liquid = {
        name: sign * summary.validation
        for name, summary in results.models.items()
        if model_of(name).liquid and summary.n_parameters <= at_most
    }
    return max(liquid, key=liquid.__getitem__, default=None)


def as_dict(
    records: Iterable[Record], protocol: str, budget: str
) -> dict[str, dict[str, dict[str, float]]]:
    """Return {task: {model: {mean, std, n}}}."""
    records = list(records)
    found = {}
    for task in TASKS:
        models = results_of(records, task, protocol, budget).models
        if models:
            found[task] = {
                name: {"mean": s.mean, "std": s.std, "n": s.n}
                for name, s in models.items()
            }
    return found


def warnings_of(
    records: Iterable[Record], tasks: Iterable[str], budget: str
) -> list[str]:
    """Return what in the tables of these tasks is not to be compared or averaged."""
    tasks = set(tasks)
    shown = [r for r in records if r["task"] in tasks and r["budget"] == budget]
    said = (*mixed(shown), *unequal(shown))
    return [f"WARNING, not comparable: {what}" for what in said]


def task_table(
    records: Iterable[Record], task: str, protocol: str, budget: str
) -> list[list[str]]:
    """Return the rows of a task's table: `HEADINGS`, models, baselines, the rest.

    Returns
    -------
    list of list of str
        Only the headings if there is no result.
    """
    results = results_of(records, task, protocol, budget)
    published = {result.model: result for result in PUBLISHED.get(task, ())}
    if protocol == "sound" and not TASKS[task].sound_is_published:
        published = {}  # of another protocol: not to be compared
    best = best_liquid(results, task)
    rows = [list(HEADINGS)]
    for name, summary in results.models.items():
        if not name.endswith(EQUAL):
            same = results.models.get(name + EQUAL)
            row = _model_row(name, summary, same, published.pop(name, None))
            row[0] += " *" if name == best else ""
            row[HEADINGS.index("equal weights")] += " *" if name + EQUAL == best else ""
            rows.append(row)
    rows += [[name, "failed", *[""] * 6] for name in results.failed]
    if len(rows) == 1:
        return rows
    for name, value in results.baselines.items():
        rows.append([f"({name})", number(value), *[""] * 6])
    for name, result in published.items():
        rows.append([name, *[""] * 6, _spread(result.mean, result.std)])
    return rows


def _model_row(
    name: str, summary: Summary, same: Summary | None, published: Any
) -> list[str]:
    return [
        name,
        _measured(summary),
        str(summary.n),
        number(summary.validation),
        f"{summary.n_parameters:,}",
        f"{summary.seconds_per_epoch:.2g}",
        f"{_measured(same)} ({same.n_parameters:,})" if same else "",
        _spread(published.mean, published.std) if published else "",
    ]


def overview(records: Iterable[Record], protocol: str, budget: str) -> list[list[str]]:
    """Return one row per task: the best liquid model beside LSTM, GRU and the rest."""
    records = list(records)
    rows = [
        [
            "task",
            "metric",
            "best liquid",
            "its test",
            "LSTM",
            "GRU",
            "best simple",
            "best published",
        ]
    ]
    for task in TASKS:
        results = results_of(records, task, protocol, budget)
        best = best_liquid(results, task)
        if best is not None:
            rows.append(_overview_row(task, results, best, protocol))
    return rows


def _overview_row(task: str, results: Results, best: str, protocol: str) -> list[str]:
    metric = METRICS[TASKS[task].metric]
    pick = max if metric.greater_is_better else min

    def shown(name: str) -> str:
        summary = results.models.get(name)
        return _measured(summary) if summary else ""

    simple, published = "", ""
    if results.baselines:
        value, name = pick((v, n) for n, v in results.baselines.items())
        simple = f"{number(value)} ({name})"
    comparable = protocol == "published" or TASKS[task].sound_is_published
    if comparable and PUBLISHED.get(task):
        value, name = pick((r.mean, r.model) for r in PUBLISHED[task])
        published = f"{number(value)} ({name})"
    return [
        *(task, metric.label, best, shown(best), shown("LSTM"), shown("GRU")),
        *(simple, published),
    ]


def same_size(records: Iterable[Record], budget: str) -> list[list[str]]:
    """Return one row per task: the best liquid model that is no larger than the LSTM.

    In the sound protocol. "Within the spread": the difference to the better of LSTM and
    GRU is less than the deviation of the seeds of either.
    """
    records = list(records)
    rows = [["task", "metric", "liquid", "weights", "its test"]]
    rows[0] += [*SEQUENCE, "weights of the LSTM", "better than both"]
    for task in TASKS:
        results = results_of(records, task, "sound", budget)
        if not all(name in results.models for name in SEQUENCE):
            continue
        lstm = results.models["LSTM"]
        best = best_liquid(results, task, lstm.n_parameters)
        if best is not None:
            rows.append(_same_size_row(task, results, best))
    return rows


def _same_size_row(task: str, results: Results, best: str) -> list[str]:
    metric = METRICS[TASKS[task].metric]
    liquid = results.models[best]
    others = [results.models[name] for name in SEQUENCE]
    pick = max if metric.greater_is_better else min
    rival = pick(others, key=lambda summary: summary.mean)
    gain = liquid.mean - rival.mean
    said = "yes" if (gain > 0) == metric.greater_is_better else "no"
    if abs(gain) < max(liquid.std, rival.std):
        said += ", within the spread"
    return [
        *(task, metric.label, best, f"{liquid.n_parameters:,}", _measured(liquid)),
        *map(_measured, others),
        *(f"{others[0].n_parameters:,}", said),
    ]


def number(value: float) -> str:
    """Return about four figures, as the papers print them; three of small numbers."""
    if abs(value) < 0.1:
        return f"{value:.3g}"
    return f"{value:.2f}" if abs(value) >= 10 else f"{value:.3f}"


def _measured(summary: Summary) -> str:
    """Return mean and deviation; a single seed has none."""
    return _spread(summary.mean, summary.std if summary.n > 1 else None)


def _spread(value: float, std: float | None) -> str:
    shown = number(value)
    if std is None:
        return shown
    if "e" in shown:
        return f"{shown} ± {std:.1g}"
    # As many decimals as the mean has.
    return f"{shown} ± {std:.{len(shown.partition('.')[2])}f}"


def as_text(rows: list[list[str]]) -> str:
    """Lay rows out in columns for a terminal."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def as_markdown(rows: list[list[str]]) -> str:
    """Lay rows out as a Markdown table."""
    head, *body = ("| " + " | ".join(row) + " |" for row in rows)
    rule = "|" + "---|" * len(rows[0])
    return "\n".join([head, rule, *body])


def no_results(budget: str) -> str:
    """Return what to say where there is nothing to show."""
    return f"There are no results. Make some: run --budget {budget}"


def whole_text(
    records: Iterable[Record], tasks: list[str], protocols: list[str], budget: str
) -> str:
    """Return all tables as text, the overview first."""
    records = list(records)
    parts = []
    for protocol in protocols:
        rows = overview(records, protocol, budget)
        if len(rows) > 1:
            parts.append(f"Overview, protocol {protocol}\n\n{as_text(rows)}")
    rows = same_size(records, budget) if "sound" in protocols else []
    if len(rows) > 1:
        parts.append(f"No larger than the LSTM, protocol sound\n\n{as_text(rows)}")
    for task in tasks:
        for protocol in protocols:
            if protocol == "sound" and TASKS[task].sound_is_published:
                continue  # the same runs again
            rows = task_table(records, task, protocol, budget)
            if len(rows) > 1:
                title = f"{task}: {TASKS[task].title} ({protocol})"
                label = METRICS[TASKS[task].metric].label
                parts.append(f"{title}, {label}\n\n{as_text(rows)}")
    if not parts:
        return no_results(budget)
    parts.append(
        "* best liquid model by validation; (...) simple models; ± over n seeds"
    )
    parts += warnings_of(records, tasks, budget)
    known = ", ".join(f"{name} ({b.seeds})" for name, b in BUDGETS.items())
    parts.append(f"budgets and their seeds: {known}; these are of {budget}")
    return "\n\n".join(parts)
