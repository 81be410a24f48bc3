from __future__ import annotations

import json
from multiprocessing import get_context

import pytest

from LNN.exceptions import InvalidInputError
from LNN.experiments.archive.lines import Fit, Lines

FIT = Fit("GunPoint", "LSTM", 2, fold=1, part=25, steps=50)


def test__lines__what_is_appended__is_read_again_rounded(tmp_path):
    lines = Lines(tmp_path / "new" / "ucr.jsonl")
    assert lines.read() == {}
    lines.append(FIT, {"clean": 0.123456789, "weights": 7})
    assert lines.read() == {
        FIT: {
            "set": "GunPoint",
            "model": "LSTM",
            "seed": 2,
            "fold": 1,
            "part": 25,
            "steps": 50,
            "clean": 0.1235,
            "weights": 7,
        }
    }


def test__lines__fit_that_was_made_twice__keeps_the_first(tmp_path):
    lines = Lines(tmp_path / "ucr.jsonl")
    lines.append(FIT, {"clean": 0.5})
    lines.append(FIT, {"clean": 0.6})
    assert lines.read()[FIT]["clean"] == 0.5


def test__lines__torn_line__is_left_out_and_spoils_no_other(tmp_path):
    lines = Lines(tmp_path / "ucr.jsonl")
    lines.append(FIT, {"clean": 0.5})
    with lines.path.open("a") as file:
        file.write('{"set":"GunPo')
    assert list(lines.read()) == [FIT]
    other = Fit("GunPoint", "GRU", 0)
    lines.append(other, {"clean": 0.7})
    assert list(lines.read()) == [FIT, other]


def test__lines__foreign_line__is_named(tmp_path):
    path = tmp_path / "ucr.jsonl"
    path.write_text(json.dumps({"set": "a", "model": "b", "seed": 0}) + "\n<<<<<<\n")
    with pytest.raises(InvalidInputError, match="line 2 of"):
        Lines(path).read()


def _append_many(path, seed):
    for fold in range(200):
        Lines(path).append(Fit("GunPoint", "LSTM", seed, fold=fold), {"clean": 0.5})


@pytest.mark.slow  # starts processes, which import everything
def test__lines__two_processes__lose_and_mix_nothing(tmp_path):
    path = tmp_path / "ucr.jsonl"
    context = get_context("spawn")
    workers = [
        context.Process(target=_append_many, args=(path, seed)) for seed in range(2)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    assert len(path.read_text().splitlines()) == 400
    assert len(Lines(path).read()) == 400
