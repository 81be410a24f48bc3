"""Running: records, logs, resuming, stopping, several at a time."""

from __future__ import annotations

import csv
import dataclasses
import json
import warnings

import numpy as np
import pytest
from joblib import parallel_config

from LNN import LiquidRegressor
from LNN.datasets.errors import DatasetNotFoundError
from LNN.exceptions import InvalidInputError, LNNWarning
from LNN.experiments import running, settings, training
from LNN.experiments.commands import main
from LNN.experiments.running import Progress, run_all
from LNN.experiments.runs import BUDGETS, Run, runs_of
from LNN.experiments.store import Store
from LNN.experiments.task import Part, TaskData
from LNN.experiments.tasks import TASKS


def _quiet(text: str) -> None:
    """Say nothing."""


def _run_all(runs, folder, **options):
    return run_all(runs, folder, n_jobs=1, say=_quiet, **options)


def test__run__regression__record_holds_what_a_reader_needs(tmp_path):
    run = Run("sums", "published", "CfC-NCP", 3, "standard")
    (record,) = _run_all([run], tmp_path)
    assert record == json.loads((tmp_path / f"{run.name}.json").read_text())
    assert record["seed"] == record["parameters"]["random_state"] == 3
    assert record["sequences"] == [40, 20, 30]
    assert record["data"] == TASKS["sums"].load("published").fingerprint()
    assert record["versions"]["torch"]
    assert record["machine"]["cores"] >= 1
    assert len(record["curve"]) == len(record["curve_seconds"]) == 6
    # The weights kept are those of the best epoch by validation.
    assert record["validation"] == pytest.approx(min(record["curve"]), rel=1e-4)


def test__run__test_metric__is_that_of_the_public_estimator(tmp_path):
    run = Run("sums", "published", "LTC", 0, "standard")
    (record,) = _run_all([run], tmp_path)
    data = TASKS["sums"].load("published")
    model = LiquidRegressor(**record["parameters"])
    model.fit(
        data.train.X, data.train.y, X_val=data.validation.X, y_val=data.validation.y
    )
    expected = np.mean((model.predict(data.test.X) - data.test.y) ** 2)
    assert record["test"] == pytest.approx(expected, rel=1e-5)
    assert record["n_parameters"] == model.n_parameters_


def test__run__classification__f1_of_known_steps_in_irregular_time(tmp_path):
    runs = [Run("halves", "sound", name, 0, "standard") for name in ("CfC", "LSTM")]
    for record in _run_all(runs, tmp_path):
        assert 0 <= record["test"] <= 1
        assert record["validation"] == pytest.approx(max(record["curve"]), abs=1e-4)


def test__run__log__one_line_per_epoch(tmp_path):
    run = Run("sums", "published", "LSTM", 0, "standard")
    (record,) = _run_all([run], tmp_path)
    with (tmp_path / f"{run.name}.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert [int(line["epoch"]) for line in lines] == [1, 2, 3, 4, 5, 6]
    assert {line["backend"] for line in lines} == {record["backend"]}
    found = [float(line["metric"]) for line in lines]
    np.testing.assert_allclose(found, record["curve"], rtol=1e-4)
    assert sorted(float(line["seconds"]) for line in lines) == [
        float(line["seconds"]) for line in lines
    ]


def test__run__trivial__records_all_baselines(tmp_path):
    (record,) = _run_all([Run("sums", "published", "trivial", 0, "quick")], tmp_path)
    assert record["baselines"].pop("nothing") == 1.5
    assert list(record["baselines"]) == ["MLP of the step", "boosting of 8 steps"]


def test__run__again__finished_runs_are_not_repeated(tmp_path, monkeypatch):
    runs = runs_of("standard", tasks=["sums"], models=["CfC-NCP"], seeds=2)
    first = _run_all(runs, tmp_path)

    def fails(run, folder):
        raise AssertionError("this run was there already")

    monkeypatch.setattr(running, "execute", fails)
    assert _run_all(runs, tmp_path) == first


def test__run__settings_changed__runs_again(tmp_path, monkeypatch):
    run = Run("sums", "published", "GRU", 0, "standard")
    _run_all([run], tmp_path)
    small = {**settings.BY_TASK["sums"], "learning_rate": 0.02}
    monkeypatch.setitem(settings.BY_TASK, "sums", small)
    (record,) = _run_all([run], tmp_path)
    assert record["parameters"]["learning_rate"] == 0.02


def test__run__data_changed__runs_an_equal_model_again(tmp_path, monkeypatch):
    run = Run("sums", "published", "CfC@equal", 0, "standard")
    (before,) = _run_all([run], tmp_path)
    data = TASKS["sums"].load("published")
    test = Part(data.test.X, data.test.y + 1)
    changed = TaskData(data.train, data.validation, test)
    task = dataclasses.replace(TASKS["sums"], load=lambda protocol: changed)
    monkeypatch.setitem(TASKS, "sums", task)
    (after,) = _run_all([run], tmp_path)
    assert after["data"] == changed.fingerprint() != before["data"]
    # A record of before data were named is as good as it was.
    store = Store(tmp_path)
    store.save(run, {k: v for k, v in before.items() if k != "data"})
    assert running.is_done(run, store)


def test__fingerprint__targets_of_any_kind__tell_data_apart():
    X = np.zeros((2, 3, 1))
    words = np.array(["up", "down"], dtype=object)
    kinds = [[0, 1], ["up", "down"], words, [np.arange(2.0), np.arange(3.0)]]
    names = set()
    for y in [*kinds, words[::-1], words.copy()]:
        part = Part(X, y if isinstance(y[0], np.ndarray) else np.array(y))
        names.add(TaskData(part, part, part).fingerprint())
    assert len(names) == len(kinds)  # text is text, as object or not; reversed is other
    part, longer = Part(X, words), Part(np.zeros((2, 4, 1)), words)
    assert (
        TaskData(part, part, part).fingerprint()
        != TaskData(longer, part, part).fingerprint()
    )


def test__run__same_seed__same_numbers_whatever_runs_beside(tmp_path):
    runs = runs_of("standard", tasks=["sums"], models=["CfC", "LSTM"], seeds=2)
    one = _run_all(runs, tmp_path / "one")
    with parallel_config(backend="threading", n_jobs=2):
        two = run_all(runs, tmp_path / "two", say=_quiet)
    assert [r["curve"] for r in one] == [r["curve"] for r in two]
    assert [r["test"] for r in one] == [r["test"] for r in two]


def test__run__warning_turned_into_an_error__is_not_taken_for_ctrl_c(
    tmp_path, monkeypatch
):
    def doubted(*given, **named):
        warnings.warn("some doubt", LNNWarning, stacklevel=1)

    monkeypatch.setattr(LiquidRegressor, "fit", doubted)
    with pytest.raises(LNNWarning, match="some doubt"):
        training.execute(Run("sums", "published", "GRU", 0, "quick"), tmp_path)


def test__run__interrupted__leaves_no_record_and_keeps_the_finished(
    tmp_path, monkeypatch
):
    runs = runs_of("standard", tasks=["sums"], models=["GRU"], seeds=2)
    told = training.Curve.__call__

    def stops(curve, epoch):
        told(curve, epoch)
        if curve.model.random_state == 1 and epoch.epoch == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(training.Curve, "__call__", stops)
    with pytest.raises(KeyboardInterrupt):
        _run_all(runs, tmp_path)
    store = Store(tmp_path)
    assert store.record(runs[0]) is not None
    assert store.record(runs[1]) is None


def test__run__loss_not_finite__is_recorded_as_failed(tmp_path, monkeypatch):
    small = {**settings.BY_TASK["sums"], "learning_rate": 1e30, "clip_value": None}
    monkeypatch.setitem(settings.BY_TASK, "sums", {**small, "optimizer": "sgd"})
    (record,) = _run_all([Run("sums", "published", "CfC", 0, "standard")], tmp_path)
    assert record["failed"].startswith("NonFiniteLossError")
    assert "test" not in record


def test__run__data_not_there__is_skipped_and_the_rest_is_run(tmp_path, monkeypatch):
    def gone(protocol):
        raise DatasetNotFoundError("put the file here")

    task = dataclasses.replace(TASKS["halves"], load=gone)
    monkeypatch.setitem(TASKS, "halves", task)
    runs = runs_of("quick", tasks=["halves", "sums"], models=["GRU"])
    said = []
    records = run_all(runs, tmp_path, n_jobs=1, say=said.append)
    assert [record["task"] for record in records] == ["sums"]
    assert "halves sound GRU seed 0: skipped, put the file here" in said[1]
    words = ["run", "--tasks", "halves", "--models", "GRU", "--n-jobs", "1"]
    assert main([*words, "--results", str(tmp_path)]) == 1


def test__progress__says_number_result_and_time_left(tmp_path):
    said = []
    runs = runs_of("standard", tasks=["sums"], models=["GRU", "trivial"], seeds=2)
    run_all(runs, tmp_path, n_jobs=1, say=said.append)
    assert said[0].startswith("[1/3] sums published GRU seed 0: MSE test ")
    assert "left" in said[0]
    assert said[-1].endswith("that was the last")
    run_all(runs, tmp_path, n_jobs=1, say=said.append)
    assert said[-1] == "3 of 3 runs are there already"


def test__progress__pace__scales_the_estimates(monkeypatch):
    class Known:
        def seconds(self, run):
            return 100.0

    runs = runs_of("standard", tasks=["sums"], models=["GRU"], seeds=3)
    said, now = [], [0.0]
    monkeypatch.setattr(running.time, "perf_counter", lambda: now[0])
    progress = Progress(runs, Known(), said.append)
    now[0] = 300.0  # three times as slow as thought
    record = {**runs[0].as_dict(), "metric": "mse", "failed": "no"}
    progress.finished(record)
    assert said[0].endswith("about 10 min left")


def test__runs_of__clean_task__runs_once_for_both_protocols():
    runs = runs_of("standard", tasks=["sums", "halves"], models=["CfC"], seeds=1)
    assert [(run.task, run.protocol) for run in runs] == [
        ("sums", "published"),
        ("halves", "published"),
        ("halves", "sound"),
    ]


def test__runs_of__standard__has_what_was_promised():
    runs = set(runs_of("standard"))
    core = ("LTC", "CfC", "CfC-mixed", "LSTM", "GRU", "CT-RNN")
    for task in ("gesture", "occupancy", "ozone", "traffic"):
        for protocol in ("published", "sound"):
            for model in core:
                assert Run(task, protocol, model, 2, "standard") in runs
    assert Run("et-smnist", "published", "CfC-mixed", 0, "standard") in runs
    slow = [run.seed for run in runs if run.task == "physionet" if run.model == "GRU-D"]
    assert slow == [0, 0]  # a seed for either protocol
    assert len(runs) == len(runs_of("standard"))


@pytest.mark.parametrize(
    ("selection", "words"),
    [
        ({"tasks": ["chess"]}, "Expected tasks among .*cheetah.*got chess"),
        ({"models": ["CfC", "MLP"]}, "Expected models among .*got 'MLP'"),
        ({"models": ["LSTM@equal"]}, "There is no LSTM@equal"),
        ({"protocols": ["secret"]}, "Expected protocols among published, sound"),
    ],
)
def test__runs_of__unknown_name__error_lists_the_known(selection, words):
    with pytest.raises(InvalidInputError, match=words):
        runs_of("quick", **selection)


@pytest.mark.parametrize("model", ["CfC@equal", "CfC-mixed@equal", "LTC@equal"])
def test__equal_model__has_as_many_weights_as_the_lstm(tmp_path, model):
    runs = runs_of("standard", tasks=["sums"], models=[model, "LSTM"], seeds=1)
    equal, lstm = _run_all(runs, tmp_path)
    assert 0.75 * lstm["n_parameters"] < equal["n_parameters"] <= lstm["n_parameters"]


def test__budget__quick__takes_a_part_of_data_and_epochs(tmp_path, monkeypatch):
    budget = BUDGETS["quick"]
    short = type(budget)(1, budget.blocks, train=16, test=10, epochs=0.5)
    monkeypatch.setitem(BUDGETS, "quick", short)
    (record,) = _run_all([Run("sums", "published", "GRU", 0, "quick")], tmp_path)
    assert record["sequences"] == [16, 10, 10]
    assert len(record["curve"]) == 3
