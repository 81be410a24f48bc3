from __future__ import annotations

import numpy as np
import pytest
import torch

from LNN.experiments.archive.fitting import (
    COPIES,
    copies_of,
    evaluate,
    one_thread,
    parts_of,
    trained,
)
from LNN.experiments.archive.lines import Fit
from LNN.experiments.archive.models import MODELS, Competitor
from LNN.experiments.archive.sets import part_of

SMALL = Competitor("", {"n_neurons": 4})


def test__parts_of__no_fold__is_the_archive_s_own_split():
    X, y, new, truth = parts_of(Fit("Equal", "LSTM", 0))
    assert len(X) == len(y) == len(new) == len(truth) == 24
    assert new[0].tobytes() == part_of("Equal", "test")[0][0].tobytes()


def test__parts_of__parts_of_a_fold__are_nested_and_never_held_out():
    found = [parts_of(Fit("Equal", "LSTM", 0, 1, part)) for part in (25, 50, 100)]
    seen = [{x.tobytes() for x in X} for X, *_ in found]
    assert seen[0] < seen[1] < seen[2]
    held_out = [[x.tobytes() for x in new] for _, _, new, _ in found]
    assert held_out[0] == held_out[1] == held_out[2]
    assert not seen[2] & set(held_out[0])
    training = {x.tobytes() for x in part_of("Equal", "train")[0]}
    assert seen[2] | set(held_out[0]) == training


def test__copies_of__each__lacks_other_steps_and_as_many():
    X, y = part_of("Equal", "train")
    every, times, classes = copies_of(X, y, np.random.default_rng(0))
    assert len(every) == len(times) == len(classes) == COPIES * len(X)
    assert {len(x) for x in every} == {8}
    for number, (x, t) in enumerate(zip(every, times, strict=True)):
        np.testing.assert_array_equal(x, X[number % len(X)][t.astype(int)])
        assert classes[number] == y[number % len(X)]
    assert len({tuple(t) for t in times}) > COPIES


@pytest.mark.parametrize("steps", [7, 24])
def test__trained__number_of_steps__is_what_was_asked_for(steps):
    X, y = part_of("Equal", "train")
    assert trained(SMALL, X, y, seed=0, steps=steps).n_iter_ == steps
    copies = Competitor("", SMALL.options, drops=True)
    # 120 sequences: two batches in an epoch.
    assert trained(copies, X, y, seed=0, steps=steps).n_iter_ == -(-steps // 2)


@pytest.mark.parametrize(
    ("timed", "drops", "regular"),
    [
        (True, False, True),
        (True, True, False),
        (False, True, True),
    ],
)
def test__trained__time_stamps__reach_the_models_that_may_have_them(
    timed, drops, regular
):
    X, y = part_of("Equal", "train")
    options = {"model_type": "LSTM", "n_neurons": 4}
    how = Competitor("", options, drops=drops, timed=timed)
    model = trained(how, X, y, seed=0, steps=2)
    assert model.network_.layers[0].use_time == (not regular)


def test__evaluate__untimed_model__does_not_see_how_long_gaps_are():
    parts = parts_of(Fit("Equal", "LSTM", 0))
    options = {"n_neurons": 4, "max_step": None}
    found = [
        evaluate(
            Competitor("", options, timed=timed),
            parts,
            seed=0,
            steps=40,
            changes=("clean", "half rate"),
        )
        for timed in (True, False)
    ]
    # The same training; but a gap of two is another step to a liquid cell.
    assert found[0]["clean"] == found[1]["clean"]
    assert found[0]["log loss"] == found[1]["log loss"]
    assert found[0]["half rate"] != found[1]["half rate"]


def test__one_thread__after_an_error__is_over():
    before = torch.get_num_threads()
    inside = []

    def fail():
        inside.append(torch.get_num_threads())
        raise RuntimeError

    torch.set_num_threads(2)
    try:
        with pytest.raises(RuntimeError), one_thread():
            fail()
        assert inside == [1]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("name", [n for n, m in MODELS.items() if not m.external])
def test__models__each__fits_the_tiny_archive(name):
    X, y = part_of("Ragged", "train")
    model = trained(MODELS[name], X, y, seed=0, steps=1)
    assert model.model_.network.pooling == "last+mean+max"
