"""docu/archive.md says what the committed results say, however many there are."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from LNN.experiments.archive.experiments import CURVES, EXPERIMENTS, SHIFT, UCR
from LNN.experiments.archive.lines import Fit
from LNN.experiments.archive.models import MODELS
from LNN.experiments.archive.sets import SETS

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def build():
    path = ROOT / "docu" / "build_archive.py"
    spec = importlib.util.spec_from_file_location("build_archive", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def tiny_archive():
    """The page is about the real archive."""


def results_of(experiment, models, n_sets):
    """Return lines of the first round, with scores that differ."""
    fits = experiment.fits("standard", models=models, rounds=1)
    names = experiment.sets[:n_sets]
    lines = {}
    for number, fit in enumerate(fit for fit in fits if fit.set in names):
        scores = {name: 0.5 + number % 7 / 20 for name in experiment.changes}
        own = {"log loss": 1.0, "right": 50, "n": 100, "seconds": 2.0, "weights": 9}
        lines[fit] = {**vars(fit), **scores, **own}
    return lines


@pytest.mark.slow  # draws thousands of test parts
def test__tables__are_those_of_the_committed_results(build):
    text = build.PAGE.read_text()
    assert build.filled(text, build.read()) == text, "run: make experiments-page"


def test__committed_results__are_of_known_sets_and_models(build):
    for name, lines in build.read().items():
        for fit in lines:
            assert fit.set in SETS
            assert fit.model in MODELS
            assert (fit.fold is None) == (name == "ucr")


def test__page__no_results__says_so(build):
    made = build.filled(build.PAGE.read_text(), dict.fromkeys(EXPERIMENTS, {}))
    assert made.count("Not measured yet.") == 3
    assert made.count("not measured yet.") == 3


def test__page__partial_results__names_what_stands_behind_each_number(build):
    models = ["liquid", "liquid-58", "LSTM", "GRU"]
    results = {
        "ucr": results_of(UCR, models, 6),
        "shift": results_of(SHIFT, models, 3),
        "curves": results_of(CURVES, models, 4),
    }
    late = Fit("ItalyPowerDemand", "LTC", 0)
    results["ucr"][late] = {**vars(late), "clean": 0.5}
    made = build.filled(build.PAGE.read_text(), results)
    assert (
        "(6 sets, 1 fit of each; left out, with too few fits so far: LTC (1))" in made
    )
    assert "(3 sets, 1 fit of each)" in made
    assert made.count("(4 sets, 1 fit of each)") == 2
    assert "That of equal size (liquid-58) has " in made
    assert " losses against the LSTM: p = " in made
    assert "What is kept of the accuracy, *half rate*: " in made
    assert "at 5 %: liquid 0." in made
    assert "at 50 steps: liquid 0." in made
    assert "| liquid |" in made
    assert "not measured yet" not in made.lower()
