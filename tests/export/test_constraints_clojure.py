"""Models with limits in Clojure: the answers and flags of LNN."""

import functools
import json

import numpy as np
import pytest
from answers import plain
from constraint_cases import CASES, NEVER, SMALL, X, Y, fitted, random_spec, right
from narrow_limits import NARROW_LIMITS
from programs import HERE, clojure, needs_clojure

from LNN import LiquidRegressor
from LNN.export import to_clojure, to_spec
from LNN.export.c.rounding import numpy_model
from LNN.export.text import edn

# Each run starts a JVM.
pytestmark = [NARROW_LIMITS, needs_clojure, pytest.mark.slow]
STEPS, ONE = 40, "sequences"


def ask(specs, given, folder):
    """Return what models answer to recordings: a JVM starts slowly, one for all."""
    asked = []
    for name, spec in specs.items():
        (path,) = to_clojure(spec, folder / str(name))
        rows, gaps = given[name]
        dts = [None] * len(rows) if gaps is None else [gaps]
        pairs = zip(rows, dts, strict=True)
        recordings = [{"rows": own, "dt": dt} for own, dt in pairs]
        streams = [{"rows": own["rows"][:STEPS], "dt": own["dt"]} for own in recordings]
        one = {"model": str(path), "recordings": recordings, "limited": True}
        asked.append(plain({**one, "streams": streams, "classes": False}))
    (folder / "asked.edn").write_text(edn(asked), encoding="utf-8")
    lines = clojure(HERE / "run_models.clj", folder / "asked.edn").splitlines()
    return dict(zip(specs, map(json.loads, lines), strict=True))


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    @functools.cache
    def all_of():
        specs = {name: to_spec(fitted(name)[0]) for name in CASES}
        given = {}
        for name in CASES:
            _, _, rows, gaps = right(name)
            given[name] = (rows if rows.ndim == 3 else rows[None]), gaps
        return ask(specs, given, tmp_path_factory.mktemp("limited"))

    return all_of()


@pytest.mark.parametrize("name", CASES)
def test__clojure__of_a_model_with_limits__gives_the_answers_and_flags_of_lnn(
    found, name
):
    answers, feasible, rows, _ = right(name)
    own = found[name]
    wanted = answers if rows.ndim == 3 else answers[None]
    flags = feasible if rows.ndim == 3 else feasible[None]
    np.testing.assert_allclose(own["forward"], wanted, atol=2e-4)
    assert (np.array(own["feasible"]) == flags).mean() > 0.99
    if name != ONE:
        steps = np.array(own["steps"])
        np.testing.assert_allclose(steps, wanted[:, :STEPS], atol=2e-4)
        assert own["step-feasible"] == [one[:STEPS] for one in own["feasible"]]


def test__clojure__raise__raises(tmp_path):
    model = LiquidRegressor(
        **SMALL, output_constraints=[NEVER], on_infeasible="raise"
    ).fit(X, Y)
    specs = {"never": to_spec(model)}
    own = ask(specs, {"never": (X[None, :3], None)}, tmp_path)["never"]
    assert "some answer satisfies" in own["forward"]
    assert "some answer satisfies" in own["steps"]


def test__clojure__random_limits__agree_with_numpy(tmp_path):
    specs = {seed: random_spec(seed) for seed in range(7)}
    given = {seed: (X[None], None) for seed in specs}
    same, good = [], []
    for seed, own in ask(specs, given, tmp_path).items():
        runtime = numpy_model(specs[seed])
        answers = runtime.predict(X)
        # Where no point satisfies all, breaking a row has a price of 10^8.
        np.testing.assert_allclose(own["forward"][0], answers, atol=1e-4)
        same.append(runtime.limits.feasible == own["feasible"][0])
        good.append(own["feasible"][0])
    assert np.mean(same) > 0.999
    assert 0.2 < np.mean(good) < 0.9
