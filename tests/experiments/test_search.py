"""The search: same candidates for all, validation only, found parameters are run."""

from __future__ import annotations

import json

import numpy as np
import pytest

from LNN.experiments import search as module
from LNN.experiments import settings
from LNN.experiments.commands import main
from LNN.experiments.runs import Run
from LNN.experiments.search import apply, joined, search
from LNN.experiments.settings import estimator_parameters, tuned_parameters
from LNN.experiments.task import Part, TaskData
from LNN.experiments.tasks import TASKS


@pytest.fixture(autouse=True)
def small_space(monkeypatch):
    space = {"learning_rate": [0.0001, 0.02, 0.05], "scale": ["standard", "none"]}
    monkeypatch.setattr(module, "SPACE", space)


def test__search__rates_that_learn__win_over_one_that_does_not():
    report = search("sums", "published", "LSTM")
    assert report["best"]["learning_rate"] > 0.0001
    tried = [t["parameters"]["learning_rate"] for t in report["trials"]]
    assert set(tried) == {0.0001, 0.02, 0.05}
    longest = max(t["epochs"] for t in report["trials"])
    last = [t for t in report["trials"] if t["epochs"] == longest]
    assert report["score"] == min(t["score"] for t in last)


def test__search__metric_that_grows__takes_the_largest():
    report = search("halves", "sound", "LSTM")
    longest = max(t["epochs"] for t in report["trials"])
    last = [t["score"] for t in report["trials"] if t["epochs"] == longest]
    assert report["score"] == max(last)


def test__search__test_part__is_not_read(monkeypatch):
    data = TASKS["sums"].load("published")
    broken = Part(np.full_like(data.test.X, np.nan), np.full_like(data.test.y, np.nan))
    before = search("sums", "published", "GRU")
    changed = TaskData(data.train, data.validation, broken)
    task = TASKS["sums"]
    other = type(task)(
        "sums",
        task.kind,
        task.metric,
        task.title,
        lambda protocol: changed,
        task.trivial,
        task.settings,
        sound_is_published=True,
    )
    monkeypatch.setitem(TASKS, "sums", other)
    assert search("sums", "published", "GRU") == before


def test__joined__time__is_the_last_column_and_parts_keep_their_fold():
    data = TASKS["halves"].load("sound")
    X, y, fold, extra = joined(data)
    assert extra == {"time_column": 3}
    assert X.shape == (60, 4, 4)
    np.testing.assert_array_equal(X[:40, :, 3], data.train.timestamps)
    assert (fold == -1).sum() == 40
    np.testing.assert_array_equal(y[40:], data.validation.y)


def test__apply__reports__become_the_parameters_of_runs(tmp_path, monkeypatch):
    path = tmp_path / "tuned.json"
    monkeypatch.setattr(settings, "TUNED_FILE", path)
    report = {"task": "halves", "protocol": "sound", "model": "LTC"}
    report = {**report, "best": {"learning_rate": 0.5, "dropout": 0.2}}
    (tmp_path / "search").mkdir()
    (tmp_path / "search" / "one.json").write_text(json.dumps(report))
    apply(tmp_path / "search", path)
    tuned_parameters.cache_clear()
    task = TASKS["halves"]
    try:
        for protocol, rate in (("sound", 0.5), ("published", 0.01)):
            run = Run("halves", protocol, "LTC", 0, "standard")
            found = estimator_parameters(run, task, task.load(protocol))
            assert found["learning_rate"] == rate
        run = Run("halves", "sound", "LTC@equal", 0, "standard")
        found = estimator_parameters(run, task, task.load("sound"))
        assert found["dropout"] == 0.2
        untuned = estimator_parameters(run, task, task.load("sound"), tuned=False)
        assert untuned["learning_rate"] == 0.01
    finally:
        tuned_parameters.cache_clear()


def test__committed_search__is_what_is_run():
    # Every entry of tuned.json is the best of a committed report.
    for task, protocols in tuned_parameters().items():
        for protocol, models in protocols.items():
            for model, parameters in models.items():
                path = settings.TUNED_FILE.parents[2] / "docu" / "experiments"
                path = path / "search" / f"{task}-{protocol}-{model}.json"
                assert json.loads(path.read_text())["best"] == parameters


def test__command__search__writes_report_and_parameters(tmp_path, monkeypatch, capsys):
    applied = []
    monkeypatch.setattr(module, "apply", applied.append)
    words = ["search", "--tasks", "sums", "--models", "GRU", "--into", str(tmp_path)]
    assert main(words) == 0
    report = json.loads((tmp_path / "sums-published-GRU.json").read_text())
    assert report["model"] == "GRU"
    assert applied == [tmp_path]
    assert "sums published GRU:" in capsys.readouterr().out
