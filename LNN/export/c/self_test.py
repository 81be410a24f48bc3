"""A program that compares the C of a model with the test vectors of its spec."""

from __future__ import annotations

from typing import Any

import numpy as np

from LNN.export.c.program import Program
from LNN.export.c.rounding import numpy_model
from LNN.export.c.source import constants, number, template
from LNN.export.spec import Spec


def self_test_text(program: Program, header: str) -> str:
    """Return the program."""
    arrays = program.arrays
    inputs, gaps = arrays["test.inputs"], arrays["test.gaps"]
    expected, scale = _expected(program)
    longest = program.longest
    if longest is not None and longest < inputs.shape[1]:
        # Of these vectors the state would forget the first rows.
        inputs, gaps = inputs[:, :longest], gaps[:, :longest]
        expected = _of_short(program, inputs, gaps)
    vectors, steps, _ = inputs.shape
    parts = {
        "header": header,
        "vectors": vectors,
        "steps": steps,
        "from": steps - expected.shape[1],
    }
    if program.dtype == "q15":
        name = "self_test_q15"
        parts |= _integers(program, inputs, gaps, expected, scale)
    else:
        name = "self_test"
        parts |= {
            "difference": number(program.difference),
            "inputs": constants(np.nan_to_num(inputs, nan=3.2e38)),
            "gaps": constants(np.nan_to_num(gaps, nan=0.0)),
            "expected": constants(expected),
            "scale": constants(scale),
        }
    text = template(name)
    for place, value in parts.items():
        text = text.replace(f"${place}", str(value))
    return program.named(text)


def _integers(
    program: Program,
    inputs: np.ndarray,
    gaps: np.ndarray,
    expected: np.ndarray,
    scale: np.ndarray,
) -> dict[str, Any]:
    """Return all numbers as the model takes and gives them."""
    door = program.door
    given = {
        "inputs": np.nan_to_num(inputs * 2.0**door.of_x, nan=-(2.0**31)),
        "gaps": np.nan_to_num(gaps * 2.0**door.of_time, nan=-1.0),
        "expected": expected * 2.0**door.of_y,
        "scale": scale * 2.0**door.of_y,
    }
    texts = {name: constants(np.round(a), floats=False) for name, a in given.items()}
    # The least of all integers has no literal of its own.
    texts["inputs"] = texts["inputs"].replace("-2147483648", "INT32_MIN")
    return {
        **texts,
        "difference": round(1e6 * program.difference),
        "sum": f"{program.bits}u",
    }


def _expected(program: Program) -> tuple[np.ndarray, np.ndarray]:
    """Return answers (16, S, answers) and the unit in which each may be off."""
    arrays, answer = program.arrays, program.values["answer"]
    if program.classifies:
        outputs = arrays["test.outputs"].astype(np.float64)
        powers = np.exp(outputs - outputs.max(axis=-1, keepdims=True))
        return powers / powers.sum(axis=-1, keepdims=True), np.ones(program.n_answers)
    found = arrays["test.predictions"]
    scale = np.repeat(arrays["target_scaler.scale"], len(answer["quantiles"] or [0]))
    limits = (program.values.get("constraints") or {}).get("limits", [])
    if any(one["kind"] == "half_spaces" for one in limits):
        # Half-spaces pass on what one number is off to the others.
        scale = np.full_like(scale, scale.max())
    return found.reshape(*found.shape[:2], program.n_answers), scale


def _of_short(program: Program, inputs: np.ndarray, gaps: np.ndarray) -> np.ndarray:
    model = numpy_model(Spec(program.values, program.arrays))
    ask = model.predict_proba if program.classifies else model.predict
    return np.asarray(ask(inputs, gaps)).reshape(len(inputs), 1, program.n_answers)
