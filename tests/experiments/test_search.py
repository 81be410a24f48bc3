"""The search: same candidates for all, validation only, found parameters are run."""

from __future__ import annotations

import json

import numpy as np
import pytest

from LNN.exceptions import InvalidInputError
from LNN.experiments import commands, settings
from LNN.experiments import search as module
from LNN.experiments.commands import main
from LNN.experiments.metrics import METRICS
from LNN.experiments.runs import Run
from LNN.experiments.search import apply, joined, search
from LNN.experiments.settings import estimator_parameters, tuned_parameters
from LNN.experiments.task import Part, TaskData
from LNN.experiments.tasks import TASKS
from LNN.experiments.training import fit, make_model


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


@pytest.mark.parametrize(
    ("task", "model"), [("halves", "LSTM"), ("halves", "CfC"), ("sums", "GRU")]
)
def test__search__score__is_that_of_a_run_of_the_candidate(tmp_path, task, model):
    # The validation part chooses the epoch of a candidate, as in the run.
    report = search(task, "published", model)
    run = Run(task, "published", model, 0, "standard")
    data, metric = TASKS[task].load("published"), METRICS[TASKS[task].metric]
    parameters = estimator_parameters(run, TASKS[task], data, tuned=False)
    fitted = make_model(TASKS[task], {**parameters, **report["best"]})
    fit(fitted, data)
    best = metric.from_scorer(fitted.best_validation_score_)
    assert report["score"] == pytest.approx(best, rel=1e-3)


def test__search__several_seeds__score_is_the_mean_of_their_runs(monkeypatch):
    monkeypatch.setattr(module, "SPACE", {"learning_rate": [0.02]})
    single = search("halves", "sound", "GRU")
    report = search("halves", "sound", "GRU", seeds=3)
    assert (single["seeds"], report["seeds"]) == (1, 3)
    data, metric = TASKS["halves"].load("sound"), METRICS["f1"]
    (trial,) = report["trials"]
    best = []
    for seed in range(3):
        run = Run("halves", "sound", "GRU", seed, "standard")
        parameters = estimator_parameters(run, TASKS["halves"], data, tuned=False)
        parameters |= {**report["best"], "epochs": trial["epochs"]}
        model = make_model(TASKS["halves"], parameters)
        fit(model, data)
        best.append(metric.from_scorer(model.best_validation_score_))
    assert len(set(best)) > 1
    assert report["score"] == pytest.approx(np.mean(best), rel=1e-3)
    assert single["score"] == pytest.approx(best[0], rel=1e-3)


def test__search__no_seed__is_refused():
    with pytest.raises(InvalidInputError, match="seeds must be 1 or more, got 0"):
        search("sums", "published", "GRU", seeds=0)


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


def test__apply__reports_of_some__leave_the_others(tmp_path):
    path = tmp_path / "tuned.json"
    path.write_text(json.dumps({"a": {"sound": {"LTC": {"dropout": 0.2}}}}))
    (tmp_path / "search").mkdir()
    report = {"task": "a", "protocol": "sound", "model": "CfC", "best": {"scale": "x"}}
    (tmp_path / "search" / "one.json").write_text(json.dumps(report))
    apply(tmp_path / "search", path)
    models = {"LTC": {"dropout": 0.2}, "CfC": {"scale": "x"}}
    assert json.loads(path.read_text()) == {"a": {"sound": models}}


@pytest.mark.slow
def test__command__search__writes_reports_and_nothing_else(
    tmp_path, monkeypatch, capsys
):
    applied, tuned = [], settings.TUNED_FILE.read_bytes()
    words = ["search", "--tasks", "sums", "--models", "GRU", "--into", str(tmp_path)]
    words += ["--seeds", "2"]
    assert main(words) == 0
    assert settings.TUNED_FILE.read_bytes() == tuned
    report = json.loads((tmp_path / "sums-published-GRU.json").read_text())
    assert (report["model"], report["seeds"]) == ("GRU", 2)
    assert "sums published GRU:" in capsys.readouterr().out
    monkeypatch.setattr(module, "apply", applied.append)
    assert main([*words, "--apply"]) == 0
    assert applied == [tmp_path]


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (["collect"], "--into"),
        (["restore"], "--source"),
    ],
)
def test__command__no_checkout__asks_for_a_folder(
    tmp_path, monkeypatch, capsys, words, option
):
    monkeypatch.setattr(commands, "COMMITTED", tmp_path / "docu" / "experiments")
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    assert f"Expected {option} DIR" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
