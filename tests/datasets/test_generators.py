"""Generated data: their values, their seeds, and what they leave alone."""

import hashlib

import numpy as np
import pandas as pd
import pytest

from LNN.datasets import (
    generators,
    make_irregular_sine,
    make_mackey_glass,
    make_sensor_panel,
    make_xor,
)
from LNN.exceptions import InvalidInputError

GENERATORS = [make_irregular_sine, make_mackey_glass, make_sensor_panel, make_xor]


def arrays(found):
    return {
        name: np.asarray(value)
        for name, value in found.items()
        if name != "feature_names"
    }


@pytest.mark.parametrize("make", GENERATORS)
def test__make__seed__decides_all(make):
    one, same, other = (arrays(make(random_state=seed)) for seed in (5, 5, 6))
    assert all(np.array_equal(one[k], same[k], equal_nan=k == "data") for k in one)
    assert not np.array_equal(one["target"], other["target"])


@pytest.mark.parametrize("make", GENERATORS)
@pytest.mark.parametrize("seed", [None, 0, "source"])
def test__make__global_random_state__is_untouched(make, seed):
    before = np.random.get_state()  # noqa: NPY002
    make(random_state=np.random.RandomState(1) if seed == "source" else seed)
    after = np.random.get_state()  # noqa: NPY002
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


@pytest.mark.parametrize("make", GENERATORS)
def test__make__no_seed__differs_each_time(make):
    assert not np.array_equal(make().target, make().target)


@pytest.mark.parametrize("make", GENERATORS)
def test__make__source__goes_on(make):
    source = np.random.RandomState(0)
    first, second = make(random_state=source), make(random_state=source)
    assert np.array_equal(first.target, make(random_state=0).target)
    assert not np.array_equal(first.target, second.target)


# --------------------------------------------------------------- XOR


def bit_by_bit(n, seed, event, room):
    """The papers' rule in its plainest form: (value, elapsed) of each step, parity."""
    random, samples = np.random.RandomState(seed), []
    for _ in range(n):
        length = random.randint(2, room)
        bits = [random.randint(0, 2) for _ in range(length)]
        steps, waited = [], 0
        for k, bit in enumerate(bits):
            waited += 1
            if not event or k == 0 or bit != bits[k - 1] or k == length - 1:
                steps.append((bit, waited))
                waited = 0
        samples.append((steps, sum(bits) % 2))
    return samples


@pytest.mark.parametrize("event", [False, True])
@pytest.mark.parametrize("room", [4, 9, 32])
def test__make_xor__steps__follow_the_rule(event, room):
    found = make_xor(300, event=event, max_length=room, random_state=3)
    assert found.data.shape == (300, room, 1)
    assert found.timestamps.shape == (300, room)
    for k, (steps, parity) in enumerate(bit_by_bit(300, 3, event, room)):
        n = found.lengths[k]
        values, elapsed = zip(*steps, strict=True)
        assert n == len(steps)
        assert found.data[k, :n, 0].tolist() == list(values)
        assert np.diff(found.timestamps[k, :n], prepend=0).tolist() == list(elapsed)
        assert not found.data[k, n:].any()
        assert set(found.timestamps[k, n:]) <= {found.timestamps[k, n - 1]}
        assert found.target[k] == parity


def digest(found):
    parts = (
        found.data.astype("<f4"),
        found.timestamps.astype("<f8"),
        found.target.astype("<i8"),
    )
    return hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()


# Computed from the rule above in a program of its own, with the papers' seeds.
PUBLISHED = {
    (10_000, 48736, False): "ca066594865291a5",
    (10_000, 48736, True): "800ce58c593b8a31",
    (100_000, 1234984, False): "27a2f4ea331a4592",
    (100_000, 1234984, True): "ac21fbe1902222aa",
}


@pytest.mark.parametrize(
    ("n", "seed", "event"), [k for k in PUBLISHED if k[0] == 10**4]
)
def test__make_xor__test_seed_of_the_papers__gives_their_data(n, seed, event):
    found = make_xor(n, event=event, random_state=seed)
    assert digest(found).startswith(PUBLISHED[n, seed, event])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n", "seed", "event"), [k for k in PUBLISHED if k[0] == 10**5]
)
def test__make_xor__training_seed_of_the_papers__gives_their_data(n, seed, event):
    found = make_xor(n, event=event, random_state=seed)
    assert digest(found).startswith(PUBLISHED[n, seed, event])


def test__make_xor__events__say_the_same_as_bits():
    dense = make_xor(200, random_state=1)
    events = make_xor(200, event=True, random_state=1)
    assert np.array_equal(dense.target, events.target)
    assert np.array_equal(dense.timestamps[:, -1], events.timestamps[:, -1])
    assert events.lengths.mean() < 0.7 * dense.lengths.mean()
    # Runs: their value, for as long as until the next one begins.
    for k in range(200):
        n = events.lengths[k]
        starts = events.timestamps[k, :n].astype(int)
        held = np.diff(np.append(starts, starts[-1] + 1))
        bits = np.repeat(events.data[k, :n, 0], held)
        assert np.array_equal(bits, dense.data[k, : dense.lengths[k], 0])


@pytest.mark.parametrize("wrong", [{"n_samples": 0}, {"max_length": 3}])
def test__make_xor__no_room__is_refused(wrong):
    with pytest.raises(InvalidInputError, match="n_samples of at least 1"):
        make_xor(**wrong)


# --------------------------------------------------------------- Mackey-Glass


def test__make_mackey_glass__values__are_in_the_known_range():
    found = make_mackey_glass(3000, random_state=0)
    assert (found.data.shape, found.target.shape) == ((3000, 1), (3000,))
    assert 0.2 < found.data.min() < 0.5
    assert 1.2 < found.data.max() < 1.4
    # The attractor's mean and deviation.
    assert found.data.mean() == pytest.approx(0.93, abs=0.02)
    assert found.data.std() == pytest.approx(0.226, abs=0.01)
    assert np.array_equal(found.timestamps, np.arange(3000))


def test__mackey_glass__solver__has_converged(monkeypatch):
    monkeypatch.setattr(generators, "WASH_OUT", 0)
    coarse = generators._mackey_glass(100, 17.0, 0.9)
    monkeypatch.setattr(generators, "RESOLUTION", 80)
    fine = generators._mackey_glass(100, 17.0, 0.9)
    np.testing.assert_allclose(coarse, fine, atol=2e-4)


def test__mackey_glass__short_delay__rests_at_its_fixed_point():
    # Below a delay of 4.53 the point where production is decay is stable: x = 1.
    found = make_mackey_glass(50, tau=2.0, random_state=0)
    np.testing.assert_allclose(found.data, 1.0, atol=1e-6)


def test__make_mackey_glass__noise__is_on_the_inputs_alone():
    clean = make_mackey_glass(400, horizon=3, random_state=0)
    noisy = make_mackey_glass(400, horizon=3, noise=0.1, random_state=0)
    assert np.array_equal(clean.target, noisy.target)
    assert np.std(noisy.data - clean.data) == pytest.approx(0.1, rel=0.2)
    assert np.array_equal(clean.target[:-3], clean.data[3:, 0])


@pytest.mark.parametrize(
    "wrong", [{"n_samples": 0}, {"tau": 0.0}, {"horizon": 0}, {"noise": -1.0}]
)
def test__make_mackey_glass__out_of_range__is_refused(wrong):
    (name,) = wrong
    with pytest.raises(InvalidInputError, match=f"Expected {name} as"):
        make_mackey_glass(**wrong)


# --------------------------------------------------------------- sines


def test__make_irregular_sine__values__are_sines_of_their_time():
    found = make_irregular_sine(50, 30, noise=0.0, random_state=0)
    for values, time, frequency in zip(
        found.data[:, :, 0], found.timestamps, found.target, strict=True
    ):
        turns = 2 * np.pi * frequency * time
        waves = np.stack([np.sin(turns), np.cos(turns)], axis=1)
        weights, *_ = np.linalg.lstsq(waves, values, rcond=None)
        np.testing.assert_allclose(waves @ weights, values, atol=1e-9)
        assert np.hypot(*weights) == pytest.approx(1)


def test__make_irregular_sine__gaps__differ_within_and_between_sequences():
    found = make_irregular_sine(400, 200, random_state=0)
    gaps = np.diff(found.timestamps, axis=1)
    assert not found.timestamps[:, 0].any()
    assert (gaps > 0).all()
    pace = np.log2(gaps.mean(axis=1))
    assert (pace.min(), pace.max()) == pytest.approx((-1, 1), abs=0.2)
    assert pace.mean() == pytest.approx(0, abs=0.1)
    spread = gaps.std(axis=1) / gaps.mean(axis=1)
    assert spread.mean() == pytest.approx(np.sqrt(0.5), abs=0.02)
    assert found.target.min() >= 0.05
    assert found.target.max() <= 0.2


@pytest.mark.parametrize("frequencies", [(0.0, 0.1), (0.2, 0.1)])
def test__make_irregular_sine__frequencies__must_be_ordered(frequencies):
    with pytest.raises(InvalidInputError, match="the smaller first"):
        make_irregular_sine(frequencies=frequencies)


# --------------------------------------------------------------- sensors


def test__make_sensor_panel__rows__are_about_as_many_as_asked():
    found = make_sensor_panel(10, 1000, dropouts=0.2, missing=0.1, random_state=0)
    n = len(found.data)
    assert len(found.target) == len(found.groups) == len(found.timestamps) == n
    assert n == pytest.approx(8000, rel=0.05)
    assert found.data.isna().to_numpy().mean() == pytest.approx(0.1, abs=0.01)
    assert np.isfinite(found.target).all()
    assert set(found.groups) == set(range(10))
    time = pd.Series(found.timestamps).groupby(found.groups)
    gaps = time.diff().dropna() / pd.Timedelta("1h")
    assert gaps.min() > 0.6
    # Rows fall out for hours in turn.
    assert gaps.max() > 6


def test__make_sensor_panel__nothing_wrong__is_whole_and_tells_the_load():
    found = make_sensor_panel(
        2, 400, 4, drift=0.0, dropouts=0.0, missing=0.0, noise=0.0, random_state=0
    )
    assert found.data.shape == (800, 4)
    assert not found.data.isna().to_numpy().any()
    correlation = found.data.corrwith(pd.Series(found.target)).abs()
    assert (correlation > 0.5).all()


def test__make_sensor_panel__drift__grows_with_time():
    options = {"dropouts": 0.0, "missing": 0.0, "random_state": 0}
    drifted = make_sensor_panel(3, 200, drift=1.0, **options).data
    steady = make_sensor_panel(3, 200, drift=0.0, **options).data
    apart = np.abs(drifted - steady).to_numpy().reshape(3, 200, 3)
    assert (np.diff(apart, axis=1) > 0).all()
    assert not apart[:, 0].any()


@pytest.mark.parametrize(
    "wrong",
    [{"n_groups": 0}, {"dropouts": 1.0}, {"missing": -0.1}, {"drift": "much"}],
)
def test__make_sensor_panel__out_of_range__is_refused(wrong):
    (name,) = wrong
    with pytest.raises(InvalidInputError, match=f"Expected {name} as"):
        make_sensor_panel(**wrong)
