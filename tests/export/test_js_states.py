"""What a model in JavaScript shows of itself: its neurons, probabilities, what-ifs."""

import json

import numpy as np
import pytest
import torch
from answers import assert_same, plain, streams
from cases import fitted
from programs import needs_node, node

import LNN
from LNN.export.vectors import sequences_of

pytestmark = needs_node
ASK = """
import { readFileSync } from "node:fs";
import { Model } from "./model.js";
const read = (name) => JSON.parse(readFileSync(name, "utf8"));
const model = Model.from(read("model.json"));
const before = model.states;
const told = read("given.json").map(({ rows, dt }) => {
  model.reset();
  return rows.map((row, k) => {
    const other = row.map((value) => (value === null ? null : value + 1));
    const changed = model.peek(other, dt[k]);
    const peeked = model.peek(row, dt[k]);
    const answer = model.step(row, dt[k]);
    const states = model.states.map((layer) => Array.from(layer));
    return { changed, peeked, answer, states, probabilities: model.probabilities };
  });
});
console.log(JSON.stringify({ before, told }));
"""


@pytest.mark.parametrize(
    "name", ["whole memory", "CfC exponential", "mask whole", "walk patch", "label"]
)
def test_peeks_without_remembering_and_shows_its_neurons(name, tmp_path):
    model = fitted(name).estimator
    spec = LNN.export.to_spec(model)
    LNN.export.to_js(spec, tmp_path)
    given, expected = streams(spec)
    (tmp_path / "given.json").write_text(json.dumps(plain(given)))
    (tmp_path / "ask.js").write_text(ASK)
    found = json.loads(node("ask.js", cwd=tmp_path))
    assert found["before"] is None
    for rows, wanted in zip(found["told"], expected, strict=True):
        assert_same([row["answer"] for row in rows][-len(wanted) :], wanted)
        assert all(row["peeked"] == row["answer"] for row in rows)
        if name != "label":  # a label may stay what it is
            assert all(row["changed"] != row["answer"] for row in rows)
    inputs, gaps = (spec.arrays[f"test.{key}"][:2] for key in ("inputs", "gaps"))
    states = _last_states(model.model_, inputs, gaps)
    for k, rows in enumerate(found["told"]):
        assert_same(rows[-1]["states"][-1], states[k])
        assert len(rows[-1]["states"]) == len(model.network_.layers)
        if name == "label":
            assert sum(rows[-1]["probabilities"]) == pytest.approx(1)
        else:
            assert rows[-1]["probabilities"] is None


def _last_states(fitted_model, inputs, gaps):
    """Return the last layer's neurons after the last row of recordings."""
    sequences = sequences_of(fitted_model, inputs, gaps)
    rows = fitted_model.preparation.rows(sequences.rows, torch.device("cpu"), None)
    batches = fitted_model.preparation.batches(sequences, rows)
    last = np.flatnonzero(np.diff(sequences.recording, append=-1))
    ends = sequences.start + sequences.length - 1
    samples = np.flatnonzero(np.isin(ends, last))
    given = batches.inputs(samples)
    with torch.no_grad():
        read = fitted_model.network.front(
            given["inputs"], given.get("timespans"), lengths=given.get("lengths")
        )
        states, _ = fitted_model.network.run_layers(*read, None, True)
    steps = (
        read[2] if read[2] is not None else torch.full((len(states),), read[0].shape[1])
    )
    n = fitted_model.network.layers[-1].n_neurons
    return [own[steps[k] - 1, :n].numpy() for k, own in enumerate(states)]
