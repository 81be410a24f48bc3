"""What the page on anomalies says of published series."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.slow,
    # The machine's first part holds a failure, and the sets are what they are.
    pytest.mark.filterwarnings("ignore::LNN.LNNWarning"),
]


@pytest.fixture
def benchmark(data_home, monkeypatch):
    """Return the benchmark as a module."""
    for part in ("nab", "forecasting"):
        if not (data_home / part).is_dir():
            pytest.skip(f"real data: no folder {data_home / part}")
    path = ROOT / "examples/benchmarks/anomalies.py"
    spec = importlib.util.spec_from_file_location("anomaly_benchmark", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "HOME", data_home)
    return module


def judged(benchmark, name, method="liquid", seed=0):
    rows, labels, n = benchmark.load(name)
    scores, threshold = benchmark.METHODS[method](rows, n, seed)
    gap = benchmark.season_of(rows, n)
    return benchmark.judge(scores[n:], labels[n:], threshold, gap)


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("nyc_taxi", 0.65),
        ("machine_temperature_system_failure", 0.4),
        ("ec2_request_latency_system_failure", 0.3),
        ("mitdb", 0.5),
    ],
)
def test__average_precision__one_seed__is_far_above_chance(benchmark, name, least):
    found = judged(benchmark, name)["ap"]
    assert found > least
    assert found > 2 * judged(benchmark, name, "random")["ap"]


def test__taxis__default_threshold__finds_five_events_with_few_false(benchmark):
    found = judged(benchmark, "nyc_taxi")
    assert found["found"] == found["events"] == 5
    assert found["false"] <= 3


def test__machine__known_failure_left_out__leaves_few_false_alarms(benchmark):
    rows, labels, n = benchmark.load("machine_temperature_system_failure")
    detector = benchmark.LiquidAnomalyDetector(random_state=0)
    detector.fit(rows[:n], labels[:n])
    scores = detector.anomaly_scores(rows).to_numpy()
    found = benchmark.judge(scores[n:], labels[n:], -detector.offset_, 288)
    assert found["found"] >= 2
    assert found["false"] <= 3
