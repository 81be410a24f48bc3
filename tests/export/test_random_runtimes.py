"""Specs that nobody fitted: JavaScript, Clojure and ONNX answer as numpy does.

How many, and from which seed: LNN_RANDOM_SPECS=1000 LNN_RANDOM_SEED=0.
"""

import json
import os

import numpy as np
import pytest
from answers import plain
from programs import HERE, clojure, needs_clojure, needs_node, node

import LNN
from LNN.export.numpy_model import Model
from LNN.export.text import edn

random_specs = pytest.importorskip("random_specs")
pytestmark = pytest.mark.slow
COUNT = int(os.environ.get("LNN_RANDOM_SPECS", "60"))
SEED = int(os.environ.get("LNN_RANDOM_SEED", "0"))


class Problem:
    """A spec, sequences, and what the numpy runtime answers to them."""

    def __init__(self, seed, folder):
        self.spec = random_specs.Draw(seed).spec()
        values = self.spec.values
        self.rows = values["reading"]["kind"] == "rows"
        self.classes = values["answer"]["classes"] is not None
        named = {f"spec.{name}": a for name, a in self.spec.arrays.items()}
        text = np.frombuffer(json.dumps(values).encode(), np.uint8)
        np.savez(folder / f"{seed}.npz", spec=text, **named)
        model = Model(folder / f"{seed}.npz")
        self.ask = model.predict_proba if self.classes else model.predict
        timed = values["clock"]["kind"] is not None
        self.data = [
            (X, np.diff(times, prepend=np.nan) if timed else np.full(len(X), np.nan))
            for X, times in random_specs.data_for(self.spec, seed)
        ]
        self.expected = [self._one(X, dt) for X, dt in self.data]

    def _one(self, X, dt):
        return self.ask(X, dt) if self.rows else np.asarray(self.ask([X], [dt])[0])

    def off(self, found):
        """Return the largest difference, beside 1 + the answer."""
        largest = 0.0
        for got, right in zip(found, self.expected, strict=True):
            assert np.shape(got) == np.shape(right)
            difference = np.abs(np.asarray(got) - right) / (1 + np.abs(right))
            largest = max(largest, difference.max())
        return largest


@pytest.fixture(scope="module")
def problems(tmp_path_factory):
    folder = tmp_path_factory.mktemp("random")
    return [Problem(seed, folder) for seed in range(SEED, SEED + COUNT)]


def check(problems, found, most):
    for seed, (problem, answers) in enumerate(zip(problems, found, strict=True), SEED):
        off = problem.off(answers)
        assert off < most, f"seed {seed}: {off}, {problem.spec.values}"


def test_onnx(problems, tmp_path):
    runtime = pytest.importorskip("onnxruntime")

    def answers(problem):
        path = LNN.export.to_onnx(problem.spec, tmp_path / "model.onnx")
        session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
        known = {value.name: value.shape for value in session.get_inputs()}
        for X, dt in problem.data:
            feeds = {"rows": X[None].astype("f4"), "dt": dt[None].astype("f4")}
            if "state" in known:
                feeds["state"] = np.zeros((1, known["state"][1]), "f4")
            feeds["lengths"] = np.array([len(X)])
            told = session.run(None, {k: v for k, v in feeds.items() if k in known})
            yield told[1 if problem.classes else 0][0]

    check(problems, (list(answers(problem)) for problem in problems), 3e-5)


@needs_node
def test_js(problems, tmp_path):
    def answers(problem):
        LNN.export.to_js(problem.spec, tmp_path)
        X, gaps = map(list, zip(*problem.data, strict=True))
        lengths = [len(x) for x in X]
        given = {"X": X, "given": {"dt": gaps}}
        if problem.rows:
            first = [k == 0 for n in lengths for k in range(n)]
            together = {"dt": np.concatenate(gaps), "starts": first}
            given = {"X": np.concatenate(X), "given": together}
        given |= {"streams": [], "probabilities": problem.classes}
        (tmp_path / "given.json").write_text(json.dumps(plain(given)))
        told = json.loads(node(HERE / "run_model.mjs", tmp_path))
        found = told["proba" if problem.classes else "predict"]
        cuts = np.cumsum(lengths)[:-1]
        return np.split(np.array(found), cuts) if problem.rows else found

    check(problems, map(answers, problems), 1e-8)


@needs_clojure
def test_clojure(problems, tmp_path):
    asked = []
    for seed, problem in enumerate(problems):
        (path,) = LNN.export.to_clojure(problem.spec, tmp_path / str(seed))
        recordings = [{"rows": X, "dt": dt} for X, dt in problem.data]
        known = {"model": str(path), "recordings": recordings, "streams": []}
        asked.append(plain(known | {"classes": problem.classes}))
    (tmp_path / "asked.edn").write_text(edn(asked), encoding="utf-8")
    lines = clojure(HERE / "run_models.clj", tmp_path / "asked.edn").splitlines()
    told = map(json.loads, lines)
    found = (t["probabilities"] or t["forward"] for t in told)
    check(problems, found, 1e-8)
