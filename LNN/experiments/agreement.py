"""Whether records belong in one table: not with other settings per seed, or data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from LNN.experiments.runs import Record

# What makes a budget: other parameters differ between models because models do.
EFFORT = ("epochs", "batch_size")


def mixed(records: Iterable[Record]) -> list[str]:
    """Say which models ran with other settings per seed, which tasks on other data.

    Parameters
    ----------
    records : iterable of dict
        Those made before records named their data are compared by settings only.

    Returns
    -------
    list of str
        Empty if seeds are all that differs.
    """
    by_model, data = defaultdict(list), defaultdict(set)
    for record in records:
        key = _table(record)
        if "parameters" in record:
            by_model[*key, record["model"]].append(record["parameters"])
        if "data" in record:
            data[key].add(record["data"])
    found = {key: _differing(given) for key, given in by_model.items()}
    said = [
        f"{' '.join(key)}: seeds with {what}" for key, what in found.items() if what
    ]
    return said + [
        f"{' '.join(key)}: runs on different data"
        for key, names in data.items()
        if len(names) > 1
    ]


def unequal(records: Iterable[Record]) -> list[str]:
    """Say on which tasks one model had more epochs, or other batches, than another."""
    by_task = defaultdict(list)
    for record in records:
        if "parameters" in record:
            effort = {name: record["parameters"].get(name) for name in EFFORT}
            by_task[_table(record)].append(effort)
    found = {key: _differing(given) for key, given in by_task.items()}
    return [
        f"{' '.join(key)}: models with {what}" for key, what in found.items() if what
    ]


def _table(record: Record) -> tuple[str, str, str]:
    return record["task"], record["protocol"], record["budget"]


def _differing(parameters: list[dict[str, Any]]) -> str:
    """Return "epochs 10 or 20", or "" if nothing but the seed differs."""
    names = dict.fromkeys(name for given in parameters for name in given)
    names.pop("random_state", None)
    said = []
    for name in names:
        values = dict.fromkeys(repr(given.get(name)) for given in parameters)
        if len(values) > 1:
            said.append(f"{name} {' or '.join(values)}")
    return ", ".join(said)
