"""A model in JavaScript answers as the estimator does."""

import functools
import json

import numpy as np
import pytest
from answers import SOME, assert_same, plain, streams
from cases import CASES, NO_STEPS, fitted
from programs import HERE, needs_node, node

import LNN
from LNN.export.__main__ import main

pytestmark = needs_node
ALL = [
    pytest.param(name, marks=() if name in SOME else pytest.mark.slow) for name in CASES
]


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """Return what a model says in node; each is asked once."""
    folder = tmp_path_factory.mktemp("js")

    @functools.cache
    def ask(name):
        fit, own = fitted(name), folder / name
        spec = LNN.export.to_spec(fit.estimator)
        LNN.export.to_js(spec, own)
        given = {
            "X": fit.X,
            "given": {"dt": fit.gaps(), "starts": fit.starts()},
            "streams": streams(spec)[0],
            "probabilities": CASES[name].target == "label",
        }
        (own / "given.json").write_text(json.dumps(plain(given)))
        return spec, json.loads(node(HERE / "run_model.mjs", own))

    return ask


@pytest.mark.quick_cases(
    "CfC exponential", "LTC semi-implicit", "pooling ragged", "walk patch", "mask whole"
)
@pytest.mark.parametrize("name", ALL)
def test_predicts_as_the_estimator_does(answers, name):
    assert_same(answers(name)[1]["predict"], fitted(name).expected())


@pytest.mark.parametrize("name", ALL)
def test_steps_as_it_predicts(answers, name):
    """Row by row: the recordings of the test vectors, with a reset between them."""
    spec, got = answers(name)
    if name in NO_STEPS:
        assert "whole sequence" in got["steps"]
        return
    expected = streams(spec)[1]
    steps = [own[-expected.shape[1] :] for own in got["steps"]]
    assert_same(steps, expected)


@pytest.mark.parametrize("name", ["label", "per step label"])
def test_gives_probabilities(answers, name):
    fit = fitted(name)
    expected = fit.estimator.predict_proba(fit.X, **fit.given())
    assert_same(answers(name)[1]["proba"], expected)


def test_command_writes_a_folder_that_tests_itself(tmp_path, capsys):
    path, folder = tmp_path / "m.npz", tmp_path / "out"
    LNN.export.save(fitted("mask whole").estimator, path)
    assert main([str(path), "--to", "js", str(folder)]) == 0
    assert "model.js" in capsys.readouterr().out
    assert "passed" in node("test.js", cwd=folder)
    assert "A row has 3 numbers" in (folder / "README.txt").read_text()
    spoilt = json.loads((folder / "model.json").read_text())
    spoilt["arrays"]["readout.bias"]["data"][0] += 0.01
    (folder / "model.json").write_text(json.dumps(spoilt))
    assert "FAILED" in node("test.js", cwd=folder, status=1)


def test_takes_time_stamps_and_refuses_what_it_cannot_read(tmp_path):
    fit = fitted("whole")
    LNN.export.to_js(fit.estimator, tmp_path)
    given = {"X": fit.X, "dt": fit.gaps(), "t": fit.timestamps, "starts": fit.starts()}
    (tmp_path / "given.json").write_text(json.dumps(plain(given)))
    (tmp_path / "ask.js").write_text("""
import { readFileSync } from "node:fs";
import { Model } from "lnn-model";
const read = (name) => JSON.parse(readFileSync(name, "utf8"));
const json = read("model.json");
const { X, dt, t, starts } = read("given.json");
const model = Model.from(json);
const usual = model.predict(X, { dt, starts });
const by = (timestamps) => model.predict(X, { timestamps, starts });
const apart = (a, b) => Math.max(...a.map((value, k) => Math.abs(value - b[k])));
const dates = t.map((seconds) => new Date(1000 * seconds));
const timeless = Model.from({ ...json, clock: { ...json.clock, kind: null } });
const refused = [
  () => model.step([1, 2]),
  () => model.step([1, NaN, 2]),
  () => model.predict([[1, 2, 3], [1, 2, 3]], { dt: [0, -1] }),
  () => model.predict(X, { dt: [1], starts }),
  () => model.predict(X, { dt: 1, starts }),
  () => model.predict(X, { dt, timestamps: t, starts }),
  () => by(t.map(() => new Date("x"))),
  () => by(t.map((v, k) => (k === 3 ? null : v))),
  () => by(t.slice(1)),
  () => model.predict(X, { starts }),
  () => model.predict(X, { dt, starts: [0, 10, 20] }),
  () => model.predict(X, { dt, starts: X.map((_, k) => k) }),
  () => timeless.predict(X, { timestamps: t }),
  () => model.predictProba(X),
  () => Model.from({ ...json, version: 99 }),
  () => Model.from({}),
  () => Model.from({ ...json, layers: [{ cell: "tape" }] }),
].map((call) => {
  try { call(); } catch (error) { return error.message; }
});
console.log(JSON.stringify({
  stamps: apart(by(t), usual),
  dates: apart(by(dates), usual),
  refused,
}));
""")
    told = json.loads(node("ask.js", cwd=tmp_path))
    assert told["stamps"] < 1e-9
    assert told["dates"] < 0.01  # a Date has whole milliseconds
    words = (
        "rows of 3",
        "finite",
        "gaps",
        "one per row, got 1.",
        "one per row, got 1.",
        "got both",
        "valid Dates, got Invalid Date",
        "valid Dates, got null",
        "one per row",
        "irregular",
        "starts as",
        "starts as",
        "no timestamps",
        "regressor",
        "later",
        "model.json",
        "tape",
    )
    for message, word in zip(told["refused"], words, strict=True):
        assert word in message


def test_text_holds_the_same_numbers(tmp_path):
    """Short decimals stand for float32, null for what is missing."""
    spec = LNN.export.to_spec(fitted("mask whole").estimator)
    LNN.export.to_js(spec, tmp_path)
    stored = json.loads((tmp_path / "model.json").read_text())
    tests = json.loads((tmp_path / "test.json").read_text())
    arrays = stored["arrays"] | tests["arrays"]
    assert set(arrays) == set(spec.arrays)
    for name, array in spec.arrays.items():
        told = arrays[name]
        values = np.array(told["data"], dtype=told["dtype"]).reshape(told["shape"])
        np.testing.assert_array_equal(values, array, strict=True)
    assert {k: v for k, v in stored.items() if k != "arrays"} == spec.values
