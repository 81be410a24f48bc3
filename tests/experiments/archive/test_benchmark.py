"""The benchmark from the command line, on the tiny archive."""

from __future__ import annotations

import json

import pytest

from LNN.experiments.archive import models
from LNN.experiments.archive.changes import CHANGES
from LNN.experiments.archive.experiments import CURVES, SHIFT, UCR
from LNN.experiments.archive.lines import Fit, Lines
from LNN.experiments.archive.running import Seconds, run_fits
from LNN.experiments.archive.sets import RAGGED
from LNN.experiments.archive.tables import common_of
from LNN.experiments.commands import main


@pytest.fixture(autouse=True)
def small_models(monkeypatch):
    for name in ("liquid", "LSTM"):
        given = models.MODELS[name]
        small = models.Competitor(given.title, {**given.options, "n_neurons": 6})
        monkeypatch.setitem(models.MODELS, name, small)


@pytest.fixture
def words(tmp_path):
    chosen = ["--tasks", "ucr", "--sets", "Equal", "Ragged"]
    how = ["--n-jobs", "1", "--results", str(tmp_path)]
    return ["run", *chosen, "--models", "liquid", "LSTM", *how]


def test__run__is_stopped_and_started_again__goes_on_where_it_was(
    words, tmp_path, capsys
):
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "4 fits, 4 to do" in said
    assert "[4/4] Ragged LSTM seed 0" in said
    assert "2 sets, 1 fit of each" in said
    path = tmp_path / "archive" / "ucr.jsonl"
    rows = path.read_text().splitlines()
    assert [json.loads(row)["set"] for row in rows] == ["Equal"] * 2 + ["Ragged"] * 2
    path.write_text("\n".join(rows[:-1]) + "\n")
    assert main(words) == 0
    assert "4 fits, 1 to do" in capsys.readouterr().out
    again = json.loads(path.read_text().splitlines()[-1])
    first = json.loads(rows[-1])
    assert again | {"seconds": 0} == first | {"seconds": 0}


def test__run__measures_both_rates_and_learns(words, tmp_path, capsys):
    main([*words, "--sets", "Equal", "--seeds", "2"])
    lines = Lines(tmp_path / "archive" / "ucr.jsonl").read()
    assert [fit.seed for fit in lines] == [0, 0, 1, 1]
    for line in lines.values():
        assert line["clean"] == pytest.approx(line["right"] / line["n"], abs=1e-4)
        assert line["clean"] > 0.9
        assert line["half rate"] > 0.5
        assert line["n"] == 24
        assert line["weights"] > 0


def test__run__missing_set__ends_before_any_fit(words, tmp_path, capsys):
    (tmp_path / "home" / "ucr2018" / "Ragged.npz").unlink()
    assert main(words) == 2
    assert "Ragged_TRAIN.tsv" in capsys.readouterr().err
    assert not (tmp_path / "archive").exists()


@pytest.mark.parametrize(
    ("option", "value"), [("--models", "Transformer"), ("--sets", "Nowhere")]
)
def test__run__unknown_name__is_refused_with_the_known_ones(
    words, option, value, capsys
):
    assert main([*words, option, value]) == 2
    assert f"got {value}" in capsys.readouterr().err


def test__table_and_plot__read_the_results(words, tmp_path, capsys):
    main(words)
    capsys.readouterr()
    where = ["--results", str(tmp_path), "--tasks", "ucr"]
    assert main(["table", *where]) == 0
    assert "mean rank" in capsys.readouterr().out
    assert main(["plot", *where, "--figures", str(tmp_path / "figures")]) == 0
    assert (tmp_path / "figures" / "ucr.png").exists()
    assert main(["table", "--json", *where]) == 2


def test__fits__of_a_budget__are_whole_tables_one_after_the_other():
    fits = UCR.fits("standard")
    per_round = len(UCR.sets) * len(UCR.models)
    assert len(UCR.sets) == 32
    assert len(fits) == 5 * per_round == len(set(fits))
    for number in range(5):
        part = fits[number * per_round : (number + 1) * per_round]
        assert {fit.seed for fit in part} == {number}
    assert {fit.steps for fit in UCR.fits("quick")} == {50}


def test__run_fits__what_another_process_made_meanwhile__is_not_made_again(
    tmp_path, monkeypatch
):
    path, fit = tmp_path / "ucr.jsonl", Fit("Equal", "LSTM", 0)

    def say(text):
        # The other process makes the second fit while this one reports the first.
        if "[1/2]" in text:
            Lines(path).append(fit, {"clean": 0.123, "seconds": 1.0})

    first = Fit("Equal", "liquid", 0, steps=5)
    run_fits(UCR, [first, fit], path, n_jobs=1, say=say)
    assert Lines(path).read()[fit]["clean"] == 0.123
    assert len(path.read_text().splitlines()) == 2


def test__run__fit_that_fails__is_said_and_the_others_are_made(
    words, tmp_path, capsys, monkeypatch
):
    bad = models.Competitor("", {"n_neurons": 0})
    monkeypatch.setitem(models.MODELS, "liquid", bad)
    assert main([*words, "--sets", "Equal"]) == 1
    assert "[1/2] Equal liquid seed 0: failed, The 'n_neurons'" in (
        capsys.readouterr().out
    )
    lines = Lines(tmp_path / "archive" / "ucr.jsonl").read()
    assert [fit.model for fit in lines] == ["LSTM"]


def test__seconds__what_was_measured__replaces_the_guess():
    fit = Fit("Equal", "LSTM", 0)
    guess = Seconds({}).of(fit)
    assert guess == pytest.approx(models.MODELS["LSTM"].seconds * 12)
    half = Fit("Equal", "LSTM", 1, steps=250)
    measured = Seconds({half: {"seconds": 30.0}})
    assert measured.of(fit) == pytest.approx(60.0)
    # Sequences of unequal lengths are another matter.
    ragged = Fit("PickupGestureWiimoteZ", "LSTM", 0)
    assert measured.of(ragged) == Seconds({}).of(ragged)


def test__fits__groups_of_sets__stand_for_their_sets():
    fits = UCR.fits("standard", sets=["ragged", "CBF", "CBF"], models=["LTC"], rounds=1)
    assert [fit.set for fit in fits] == [*RAGGED, "CBF"]


def _line(model, seed, clean, name="Equal", steps=500):
    fit = Fit(name, model, seed, steps=steps)
    return fit, {**vars(fit), "clean": clean}


def test__common_of__partial_results__takes_what_all_models_have():
    lines = dict(
        [
            _line("liquid", 0, 0.9),
            _line("liquid", 1, 0.5),
            _line("LSTM", 0, 0.8),
            _line("LSTM", 0, 0.7, "Ragged"),
            _line("liquid", 0, 0.6, "Ragged", steps=50),
        ]
    )
    common = common_of(lines, ("liquid", "LSTM"))
    assert common.means("clean").to_dict() == {
        "liquid": {"Equal": 0.9},
        "LSTM": {"Equal": 0.8},
    }
    assert common.basis() == "1 set, 1 fit of each"


def test__common_of__model_that_has_just_begun__does_not_shrink_the_table():
    many = [_line(m, s, 0.5) for m in ("liquid", "LSTM") for s in range(5)]
    common = common_of(dict([*many, _line("GRU", 0, 0.5)]), ("liquid", "LSTM", "GRU"))
    assert list(common.means("clean").columns) == ["liquid", "LSTM"]
    assert "GRU (1)" in common.basis()
    assert common_of({}, ("liquid",)) is None


@pytest.mark.slow
@pytest.mark.parametrize("task", ["shift", "curves"])
def test__run__other_experiments__hold_out_folds_and_print_their_tables(
    task, tmp_path, capsys
):
    words = ["run", "--tasks", task, "--sets", "Equal", "--models", "liquid", "LSTM"]
    assert main([*words, "--n-jobs", "1", "--results", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    lines = Lines(tmp_path / "archive" / f"{task}.jsonl").read()
    assert {fit.fold for fit in lines} == {0}
    assert "that differ by Wilcoxon" in said
    if task == "shift":
        assert len(lines) == 2
        for line in lines.values():
            assert set(CHANGES) < set(line)
        assert "60 % missing" in said
    else:
        assert len(lines) == 2 * (5 + 3)
        assert "by the share of training data (1 set, 1 fit of each)" in said
        assert "by the number of optimiser steps (1 set, 1 fit of each)" in said


def test__fits__of_all_experiments__are_those_of_the_plan():
    shift = SHIFT.fits("standard")
    assert {(fit.seed, fit.fold) for fit in shift} == {(k, k) for k in range(5)}
    curves = CURVES.fits("standard")
    assert len(set(curves)) == len(curves)
    places = list(dict.fromkeys((fit.seed, fit.fold) for fit in curves))
    assert places == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    own = {
        (fit.part, fit.steps)
        for fit in curves
        if (fit.set, fit.model, fit.seed, fit.fold) == ("ECG200", "LSTM", 1, 2)
    }
    parts = {(part, 500) for part in (5, 10, 25, 50, 100)}
    assert own == parts | {(100, steps) for steps in (50, 125, 250)}
    assert all(fit.fold is not None for fit in shift + curves)


def test__common_of__curves__counts_only_whole_ones():
    lines = {}
    for model in ("liquid", "LSTM"):
        for fold in range(2):
            for part in (50, 100) if fold == 0 or model == "LSTM" else (100,):
                fit = Fit("Equal", model, 0, fold, part)
                lines[fit] = {**vars(fit), "clean": part / 100}
    common = common_of(lines, ("liquid", "LSTM"))
    assert common.basis() == "1 set, 1 fit of each"
    assert common.along("part").loc["liquid"].to_dict() == {50: 0.5, 100: 1.0}
