"""The published numbers are those that the papers print."""

import pytest

from LNN.experiments.published import ELSEWHERE, PUBLISHED
from LNN.experiments.tasks import TASKS

# Tests of the runner add small tasks of their own.
NAMES = set(TASKS)


def found(task, model, results=PUBLISHED):
    return [r for r in results[task] if r.model == model]


def test__published__tasks__are_those_of_the_experiments():
    assert set(PUBLISHED) == NAMES


@pytest.mark.parametrize("task", PUBLISHED)
def test__published__models__are_named_once_a_task(task):
    models = [result.model for result in PUBLISHED[task]]
    assert len(models) == len(set(models))


@pytest.mark.parametrize(
    ("task", "model", "mean", "std", "source"),
    [
        ("gesture", "LTC", 69.55, 1.13, "LTC paper (AAAI 2021), table 3"),
        ("gesture", "CT-GRU", 68.31, 1.78, "LTC paper (AAAI 2021), table 3"),
        ("occupancy", "LTC", 94.63, 0.17, "LTC paper (AAAI 2021), table 3"),
        ("smnist", "LSTM", 98.41, 0.12, "LTC paper (AAAI 2021), table 3"),
        ("traffic", "LTC", 0.099, 0.0095, "LTC paper (AAAI 2021), table 3"),
        ("power", "CT-GRU", 0.586, 0.003, "LTC paper (AAAI 2021), table 3"),
        ("ozone", "LTC", 0.302, 0.0155, "LTC paper (AAAI 2021), table 3"),
        ("person", "LTC", 85.48, 0.40, "LTC paper (AAAI 2021), table 4"),
        ("cheetah", "LTC", 2.308, 0.015, "LTC paper (AAAI 2021), table 6"),
        ("cheetah", "Neural-ODE", 3.805, 0.313, "LTC paper (AAAI 2021), table 6"),
        ("walker2d", "CfC-mixed", 0.617, 0.006, "CfC paper (arXiv 2106.13898v2)"),
        ("walker2d", "LSTM", 1.065, 0.006, "ODE-LSTM paper (arXiv 2006.04418)"),
        ("xor-event", "CfC-mixed", 99.72, 0.08, "CfC paper (arXiv 2106.13898v2)"),
        ("xor-event", "CfC", 99.42, 0.42, "CfC paper (arXiv 2106.13898v2), table 4"),
        ("xor-dense", "Phased-LSTM", 50.99, 0.76, "ODE-LSTM paper (arXiv 2006.04418)"),
        ("physionet", "CfC-no-gate", 0.840, 0.003, "CfC paper (arXiv 2106.13898v2)"),
        ("et-smnist", "CfC-mixed", 98.09, None, "CfC paper (Nature MI 2022)"),
    ],
)
def test__published__sample__as_printed(task, model, mean, std, source):
    (result,) = found(task, model)
    assert (result.mean, result.std) == (mean, std)
    assert result.source.startswith(source)


def test__published__numbers_of_results__are_complete():
    counts = {task: len(results) for task, results in PUBLISHED.items()}
    assert counts == {
        **dict.fromkeys(["gesture", "occupancy", "smnist", "traffic", "ozone"], 5),
        **dict.fromkeys(["power", "power-minutes", "cheetah", "person"], 5),
        **dict.fromkeys(["xor-dense", "xor-event"], 18),
        "walker2d": 19,
        "physionet": 16,
        "et-smnist": 3,
    }


def test__elsewhere__other_settings__are_kept_apart():
    assert found("person", "LTC", ELSEWHERE)[0].mean == 88.2
    assert found("walker2d", "Neural-wave", ELSEWHERE)[0].mean == 0.11
    assert found("har", "Neural-ODE", ELSEWHERE)[0].mean == 97.26
    assert found("imdb", "GRU", ELSEWHERE)[0].std is None
    assert not found("walker2d", "Neural-wave")


@pytest.mark.parametrize("results", [PUBLISHED, ELSEWHERE])
def test__results__all__are_in_the_units_of_the_metric(results):
    for task, numbers in results.items():
        percent = task not in TASKS or TASKS[task].metric == "accuracy"
        for result in numbers:
            assert 0 < result.mean <= 100
            assert (result.mean > 5) == percent
            assert result.std is None or result.std >= 0
            assert result.n in (5, None)
