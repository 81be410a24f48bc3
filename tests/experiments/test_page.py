"""docu/experiments.md says what the committed results say."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from LNN.experiments.agreement import mixed
from LNN.experiments.runs import PROTOCOLS, Run, runs_of
from LNN.experiments.settings import tuned_parameters
from LNN.experiments.store import read_collection
from LNN.experiments.tasks import TASKS

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def build():
    path = ROOT / "docu" / "build_experiments.py"
    spec = importlib.util.spec_from_file_location("build_experiments", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test__tables__are_those_of_the_committed_results(build):
    text = build.PAGE.read_text()
    assert "<!-- table " in text
    made = build.filled(text, read_collection(build.RESULTS))
    assert made == text, "run: make experiments-page"


def test__page__has_a_table_for_every_task_and_protocol(build):
    text = build.PAGE.read_text()
    names = [name for name in TASKS if name not in ("sums", "halves")]
    for name in names:
        clean = TASKS[name].sound_is_published
        for protocol in PROTOCOLS[: 1 if clean else 2]:
            assert f"<!-- table {name} {protocol} -->" in text


def test__committed_records__hold_the_whole_standard_budget(build):
    there = {Run.of(record) for record in read_collection(build.RESULTS)}
    assert [run.name for run in runs_of("standard") if run not in there] == []


def test__committed_records__are_complete_and_of_known_runs(build):
    records = read_collection(build.RESULTS)
    assert records
    assert mixed(records) == []
    for record in records:
        run = Run.of(record)
        assert run.task in TASKS
        assert record["versions"]
        assert record["machine"]
        if "baselines" not in record:
            assert record["parameters"]["random_state"] == run.seed


def test__searches__what_they_chose__is_what_runs_take(build):
    _, *rows = build._searched()
    chosen = {
        (task, protocol, model): {
            "dropout": float(dropout),
            "learning_rate": float(rate),
            "scale": scale,
        }
        for task, protocol, model, rate, dropout, scale, _ in rows
    }
    taken = {
        (task, protocol, model): parameters
        for task, protocols in tuned_parameters().items()
        for protocol, models in protocols.items()
        for model, parameters in models.items()
    }
    assert chosen == taken
