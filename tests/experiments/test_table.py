"""Tables and figures: what records say, beside what the papers say."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from LNN.exceptions import InvalidInputError
from LNN.experiments.commands import main
from LNN.experiments.estimates import Estimates
from LNN.experiments.runs import Run
from LNN.experiments.store import Store, collect, read_collection
from LNN.experiments.table import (
    as_dict,
    as_markdown,
    best_liquid,
    overview,
    results_of,
    same_size,
    task_table,
    warnings_of,
    whole_text,
)


def _record(model, seed, test, validation, task="cheetah", **more):
    return {
        "task": task,
        "protocol": "published",
        "model": model,
        "seed": seed,
        "budget": "standard",
        "metric": "mse",
        "test": test,
        "validation": validation,
        "n_parameters": 1000,
        "seconds": 20.0,
        "curve": [4.0, 3.0, validation],
        "curve_seconds": [5.0, 10.0, 20.0],
        **more,
    }


def _records():
    base = _record("trivial", 0, 0, 0)
    trivial = {k: base[k] for k in ("task", "protocol", "model", "seed", "budget")}
    return [
        _record("LTC", 0, 2.0, 2.5),
        _record("LTC", 1, 2.4, 2.3),
        _record("CfC", 0, 2.5, 2.1),
        _record("CfC", 1, 2.7, 2.2),
        _record("CfC@equal", 0, 2.6, 1.0, n_parameters=700),
        _record("LSTM", 0, 1.0, 1.0),
        {**trivial, "metric": "mse", "baselines": {"persistence": 62.9, "linear": 3.4}},
        _record("GRU", 0, 9.9, 9.9, budget="quick"),
    ]


def _cells(rows, name):
    (row,) = [row for row in rows if row[0].removesuffix(" *") == name]
    return dict(zip(rows[0], row, strict=True))


def test__table__seeds__mean_deviation_and_number():
    row = _cells(task_table(_records(), "cheetah", "published", "standard"), "LTC")
    assert row["test"] == f"2.200 ± {np.std([2.0, 2.4], ddof=1):.3f}"
    assert (row["n"], row["validation"], row["weights"]) == ("2", "2.400", "1,000")
    assert row["s/epoch"] == "6.7"
    assert row["published"] == "2.308 ± 0.015"


def test__table__equal_size__is_a_column_of_its_model():
    rows = task_table(_records(), "cheetah", "published", "standard")
    assert _cells(rows, "CfC")["equal weights"].startswith("2.600 (700)")
    assert not any(row[0].startswith("CfC@equal") for row in rows)


def test__table__trivial_and_published_rows__are_there_without_our_numbers():
    rows = task_table(_records(), "cheetah", "published", "standard")
    assert _cells(rows, "(persistence)")["test"] == "62.90"
    assert _cells(rows, "Neural-ODE")["published"] == "3.805 ± 0.313"
    assert _cells(rows, "Neural-ODE")["test"] == ""


def test__best_liquid__is_chosen_by_validation_among_liquid_models():
    records = [r for r in _records() if r["model"] != "CfC@equal"]
    results = results_of(records, "cheetah", "published", "standard")
    # The LSTM is better and not liquid; LTC has the better test, CfC the validation.
    assert best_liquid(results, "cheetah") == "CfC"
    (head, row) = overview(records, "published", "standard")
    assert dict(zip(head, row, strict=True))["its test"].startswith("2.600")
    assert dict(zip(head, row, strict=True))["best simple"] == "3.400 (linear)"


def test__best_liquid__of_equal_size__is_marked_in_its_column():
    results = results_of(_records(), "cheetah", "published", "standard")
    assert best_liquid(results, "cheetah") == "CfC@equal"
    rows = task_table(_records(), "cheetah", "published", "standard")
    assert _cells(rows, "CfC")["equal weights"] == "2.600 (700) *"
    assert not any(row[0].endswith("*") for row in rows)


def test__best_liquid__metric_that_grows__takes_the_largest():
    records = [
        _record("LTC", 0, 60.0, 70.0, task="gesture"),
        _record("CfC", 0, 65.0, 60.0, task="gesture"),
    ]
    results = results_of(records, "gesture", "published", "standard")
    assert best_liquid(results, "gesture") == "LTC"


def test__same_size__best_of_those_no_larger_than_the_lstm():
    records = [
        _record("LTC", 0, 2.0, 2.4, n_parameters=800),
        _record("CfC", 0, 1.0, 1.0, n_parameters=3000),  # best, and three LSTMs large
        _record("CfC@equal", 0, 2.2, 2.1, n_parameters=900),
        _record("LSTM", 0, 2.6, 1.5, n_parameters=900),
        _record("GRU", 0, 2.3, 2.5, n_parameters=700),
    ]
    head, row = same_size(records, "standard")
    told = dict(zip(head, row, strict=True))
    assert (told["liquid"], told["its test"]) == ("CfC@equal", "2.200")
    assert told["better than both"] == "yes"


@pytest.mark.parametrize(
    ("task", "liquid", "rivals", "said"),
    [
        ("cheetah", (2.0, 2.4), (2.3, 2.3), "yes, within the spread"),
        ("cheetah", (2.4, 2.4), (2.3, 2.3), "no"),
        ("gesture", (60.0, 61.0), (50.0, 50.0), "yes"),
        ("gesture", (60.0, 61.0), (60.0, 61.2), "no, within the spread"),
    ],
)
def test__same_size__says_whether_both_are_beaten(task, liquid, rivals, said):
    protocol = "published" if task == "cheetah" else "sound"
    records = [
        _record(model, seed, test, 1.0, task=task, protocol=protocol)
        for model, tests in (("LTC", liquid), ("LSTM", rivals), ("GRU", rivals))
        for seed, test in enumerate(tests)
    ]
    assert same_size(records, "standard")[1][-1] == said


def test__same_size__without_the_gru__says_nothing():
    records = [_record("LTC", 0, 2.0, 2.0), _record("LSTM", 0, 2.6, 2.6)]
    assert len(same_size(records, "standard")) == 1


def test__table__budget__other_budgets_do_not_mix():
    assert "GRU" not in as_dict(_records(), "published", "standard")["cheetah"]
    assert as_dict(_records(), "published", "quick") == {
        "cheetah": {"GRU": {"mean": 9.9, "std": 0.0, "n": 1}}
    }


def test__table__clean_task__serves_both_protocols():
    records = _records()
    sound = task_table(records, "cheetah", "sound", "standard")
    assert sound == task_table(records, "cheetah", "published", "standard")


def test__table__sound_protocol__shows_no_published_numbers():
    records = [_record("LTC", 0, 60.0, 70.0, task="gesture", protocol="sound")]
    (head, row) = task_table(records, "gesture", "sound", "standard")
    assert dict(zip(head, row, strict=True))["published"] == ""


def test__table__failed_run__is_named():
    failed = _record("CfC-pure", 0, 0, 0, failed="NonFiniteLossError: ...")
    rows = task_table([*_records(), failed], "cheetah", "published", "standard")
    assert _cells(rows, "CfC-pure")["test"] == "failed"


def test__table__nothing_there__says_how_to_make_some():
    assert "Make some: run --budget" in whole_text([], ["cheetah"], ["sound"], "full")


def test__markdown__is_a_table():
    text = as_markdown([["a", "b"], ["1", "2"]])
    assert text.splitlines() == ["| a | b |", "|---|---|", "| 1 | 2 |"]


def test__collect__again_with_newer_results__replaces_and_keeps(tmp_path):
    collect(_records(), tmp_path)
    newer = _record("CfC", 1, 2.0, 2.0)
    (path,) = collect([newer], tmp_path)
    found = read_collection(tmp_path)
    assert len(found) == len(_records())
    assert newer in found
    # One record per line: a change shows in a diff.
    assert len(path.read_text().splitlines()) == len(found) + 2


def _of(model, seed, data="same", **parameters):
    parameters = {"epochs": 10, "random_state": seed, **parameters}
    return _record(model, seed, 2.0, 2.0, parameters=parameters, data=data)


def test__table__seeds_of_other_settings__are_flagged():
    records = [_of("LTC", 0), _of("LTC", 1), _of("LTC", 2, epochs=20)]
    text = whole_text(records, ["cheetah"], ["published"], "standard")
    said = "WARNING, not comparable: cheetah published standard "
    assert f"{said}LTC: seeds with epochs 10 or 20" in text
    seeds_only = whole_text(records[:2], ["cheetah"], ["published"], "standard")
    assert "WARNING" not in seeds_only
    # Of another task, or another budget, than the one that is shown.
    assert warnings_of(records, ["gesture"], "standard") == []
    assert warnings_of(records, ["cheetah"], "quick") == []


def test__table__models_of_other_effort_or_data__are_flagged():
    records = [_of("LTC", 0, batch_size=8), _of("CfC", 0, batch_size=16, dropout=0.2)]
    (said,) = warnings_of(records, ["cheetah"], "standard")
    assert said.endswith("cheetah published standard: models with batch_size 8 or 16")
    (said,) = warnings_of(
        [_of("LTC", 0), _of("CfC", 0, "new")], ["cheetah"], "standard"
    )
    assert said.endswith("cheetah published standard: runs on different data")


@pytest.mark.parametrize(
    ("new", "words"),
    [
        (_of("LTC", 1, epochs=20), "LTC: seeds with epochs 10 or 20"),
        (_of("CfC", 1, "new"), "runs on different data"),
    ],
)
def test__collect__runs_that_do_not_belong_together__are_refused(tmp_path, new, words):
    (path,) = collect([_of("LTC", 0), _of("LTC", 1)], tmp_path)
    before = path.read_text()
    with pytest.raises(InvalidInputError, match=words):
        collect([new], tmp_path)
    assert path.read_text() == before
    # Those of before data were named stay, and a whole new set takes their place.
    old = {k: v for k, v in _of("GRU", 0).items() if k != "data"}
    collect([old, *(_of("LTC", seed, epochs=20) for seed in (0, 1))], tmp_path)
    assert len(read_collection(tmp_path)) == 3


def test__collection__broken_file__error_names_it(tmp_path):
    (tmp_path / "cheetah.json").write_text("[\n{")
    with pytest.raises(InvalidInputError, match=r"cheetah\.json is no list of results"):
        read_collection(tmp_path)


def test__estimates__unknown_model__scales_by_what_is_known():
    records = [
        _record("LSTM", 0, 1, 1, seconds=10.0),
        _record("CfC", 0, 1, 1, seconds=30.0),
        _record("LSTM", 0, 1, 1, task="gesture", seconds=4.0),
    ]
    estimates = Estimates.of_records(records)
    assert estimates.seconds(Run("cheetah", "sound", "CfC", 4, "standard")) == 30
    assert estimates.seconds(Run("gesture", "sound", "CfC", 0, "standard")) == 12
    assert estimates.seconds(Run("gesture", "sound", "CfC", 0, "full")) == 24


@pytest.fixture
def results(tmp_path):
    store = Store(tmp_path / "results")
    for record in _records():
        run = Run(*(record[k] for k in ("task", "protocol", "model", "seed", "budget")))
        store.save(run, record)
    return store.folder


def test__command__table_json__has_the_promised_form(results, capsys):
    assert main(["table", "--json", "--results", str(results)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["cheetah"]["LTC"] == {
        "mean": pytest.approx(2.2),
        "std": pytest.approx(np.std([2.0, 2.4], ddof=1)),
        "n": 2,
    }


def test__command__table_json__warnings_go_elsewhere(results, capsys):
    store = Store(results)
    for record in (_of("LTC", 0), _of("LTC", 1, epochs=20)):
        store.save(Run.of(record), record)
    assert main(["table", "--json", "--results", str(results)]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["cheetah"]["LTC"]["n"] == 2
    assert "LTC: seeds with epochs 10 or 20" in said.err


def test__command__table_json__two_protocols__is_an_error(results, capsys):
    words = ["table", "--json", "--protocols", "published", "sound"]
    assert main([*words, "--results", str(results)]) == 2
    assert "one protocol, got two" in capsys.readouterr().err


def test__command__table__prints_overview_and_tasks(results, capsys):
    assert main(["table", "--results", str(results), "--tasks", "cheetah"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("Overview, protocol published")
    assert "2.600 (700) *" in text
    assert text.count("2.308 ± 0.015") == 1


def test__command__collect_then_plot__from_the_collection(results, tmp_path, capsys):
    into = tmp_path / "collected"
    assert main(["collect", "--results", str(results), "--into", str(into)]) == 0
    assert len(read_collection(into)) == len(_records())
    figures = tmp_path / "figures"
    options = ["--results", str(results), "--figures", str(figures)]
    assert main(["plot", *options]) == 0
    (picture,) = figures.glob("*.png")
    assert picture.name == "cheetah-published.png"
    assert picture.stat().st_size > 10_000


@pytest.mark.parametrize("command", ["table", "plot"])
def test__command__no_results__says_so(tmp_path, capsys, command):
    options = ["--figures", str(tmp_path)] if command == "plot" else []
    assert main([command, "--results", str(tmp_path / "none"), *options]) == 0
    assert "There are no results. Make some: run" in capsys.readouterr().out


def test__plot__backend_of_the_caller__is_kept(results, tmp_path, monkeypatch):
    import matplotlib

    # It is pyplot that has a backend: neither may be asked for.
    monkeypatch.delattr(matplotlib, "use")
    monkeypatch.delattr(matplotlib, "pyplot", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    assert main(["plot", "--results", str(results), "--figures", str(tmp_path)]) == 0
    assert len(list(tmp_path.glob("*.png"))) == 1


def test__command__restore__goes_on_from_collected_results(results, tmp_path, capsys):
    into, back = tmp_path / "collected", tmp_path / "back"
    main(["collect", "--results", str(results), "--into", str(into)])
    assert main(["restore", "--results", str(back), "--source", str(into)]) == 0
    assert Store(back).records() == Store(results).records()
    capsys.readouterr()
    assert main(["restore", "--results", str(back), "--source", str(into)]) == 0
    assert capsys.readouterr().out.startswith("0 records written")


def test__command__run_then_again__nothing_is_left(tmp_path, capsys):
    options = ["--results", str(tmp_path), "--n-jobs", "1", "--budget", "quick"]
    words = ["run", "--tasks", "sums", "--models", "LSTM", *options]
    assert main(words) == 0
    assert "[1/1] sums published LSTM seed 0: MSE test" in capsys.readouterr().out
    assert main(words) == 0
    assert "1 of 1 runs are there already" in capsys.readouterr().out


def test__command__list__tasks_models_and_time(capsys):
    assert main(["list", "--budget", "full"]) == 0
    text = capsys.readouterr().out
    for word in (
        "walker2d",
        "CfC-no-gate",
        "Neural-ODE",
        "budget full",
        " runs, about",
    ):
        assert word in text


def test__command__unknown_task__one_line_and_status_2(capsys):
    assert main(["run", "--tasks", "chess"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: Expected tasks among")
    assert error.count("\n") == 1


def test__command__interrupted__status_130_and_how_to_go_on(capsys, monkeypatch):
    from LNN.experiments import commands

    def stops(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "run_all", stops)
    assert main(["run", "--tasks", "sums", "--models", "LSTM"]) == 130
    assert "the same command goes on from here" in capsys.readouterr().err
