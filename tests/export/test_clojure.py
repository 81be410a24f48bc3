"""A model in Clojure answers as the estimator does."""

import functools
import json
import re

import numpy as np
import pytest
from answers import SOME, assert_same, plain, streams
from cases import CASES, NO_STEPS, fitted
from programs import HERE, LIBRARY, clojure, needs_clojure

import LNN
from LNN.export.__main__ import main
from LNN.export.text import edn

# Each run starts a JVM.
pytestmark = [needs_clojure, pytest.mark.slow]
OTHERS = tuple(name for name in CASES if name not in SOME)


def recordings(fit):
    """Return rows and gaps of each recording or sequence."""
    X, gaps = fit.X, fit.gaps()
    if fit.starts() is not None:
        cuts = np.flatnonzero(fit.starts())[1:]
        X, gaps = np.split(X, cuts), None if gaps is None else np.split(gaps, cuts)
    elif np.ndim(X[0]) == 1:
        X, gaps = [X], None if gaps is None else [gaps]
    gaps = [None] * len(X) if gaps is None else gaps
    return [{"rows": x, "dt": dt} for x, dt in zip(X, gaps, strict=True)]


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """Return what a model says; a JVM starts slowly, so one is asked for many."""

    @functools.cache
    def all_of(names):
        folder, asked, specs = tmp_path_factory.mktemp("clojure"), [], []
        for name in names:
            fit = fitted(name)
            specs.append(LNN.export.to_spec(fit.estimator))
            (path,) = LNN.export.to_clojure(specs[-1], folder / name)
            one = {
                "model": str(path),
                "recordings": recordings(fit),
                "streams": streams(specs[-1])[0],
                "classes": CASES[name].target == "label",
            }
            asked.append(plain(one))
        (folder / "asked.edn").write_text(edn(asked), encoding="utf-8")
        lines = clojure(HERE / "run_models.clj", folder / "asked.edn").splitlines()
        told = zip(specs, map(json.loads, lines), strict=True)
        return dict(zip(names, told, strict=True))

    return lambda name: all_of(SOME if name in SOME else OTHERS)[name]


def joined(found, fit):
    """Lay answers to recordings out as `predict` does."""
    rows = isinstance(fit.X, np.ndarray) and fit.X.ndim == 2
    return [answer for own in found for answer in own] if rows else found


@pytest.mark.parametrize("name", CASES)
def test_answers_as_the_estimator_does(answers, name):
    fit = fitted(name)
    assert_same(joined(answers(name)[1]["forward"], fit), fit.expected())


@pytest.mark.parametrize("name", CASES)
def test_steps_as_it_answers_at_once(answers, name):
    spec, got = answers(name)
    if name in NO_STEPS:
        assert "whole sequence" in got["steps"]
        return
    expected = streams(spec)[1]
    assert_same([own[-expected.shape[1] :] for own in got["steps"]], expected)


@pytest.mark.parametrize(
    "name", [pytest.param("label", marks=pytest.mark.slow), "per step label"]
)
def test_gives_probabilities(answers, name):
    fit = fitted(name)
    expected = fit.estimator.predict_proba(fit.X, **fit.given())
    assert_same(joined(answers(name)[1]["probabilities"], fit), expected)


def test_library_passes_its_own_tests():
    assert "0 failures, 0 errors" in clojure("-m", "lnn.core-test")


@pytest.mark.slow
def test_lines_of_the_readme_run(tmp_path):
    """Those that create, forward, load and summarise, and those that step."""
    first, second, *_ = re.findall(
        r"```clojure\n(.*?)```", (LIBRARY / "README.md").read_text(), flags=re.S
    )
    model = json.dumps(str(LIBRARY / "test" / "models" / "ltc.edn"))
    code = f"""
    {first.splitlines()[0]}
    (def input-data [(range 10) (range 10)])
    (def time-constants [nil 0.5])
    {first.replace('"model.edn"', model)}
    {second}
    """
    code += "(println (:cells (lnn/network-summary trained)))"
    (tmp_path / "readme.clj").write_text(code)
    assert clojure(tmp_path / "readme.clj").strip() == "[LTC]"


@pytest.mark.slow
def test_command_writes_what_the_library_loads(tmp_path, capsys):
    path = tmp_path / "m.npz"
    LNN.export.save(fitted("label").estimator, path)
    assert main([str(path), "--to", "clojure", str(tmp_path)]) == 0
    assert "model.edn" in capsys.readouterr().out
    code = (
        "(require '[lnn.core :as lnn]) (println (:outputs (lnn/network-summary "
        f"(lnn/load-network {json.dumps(str(tmp_path / 'model.edn'))}))))"
    )
    assert "[down flat up]" in clojure("-e", code)
