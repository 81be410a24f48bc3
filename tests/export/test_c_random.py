"""The C of specs that nobody fitted compiles and answers as the numpy runtime does.

How many, and from which seed: LNN_RANDOM_SPECS=10000 LNN_RANDOM_SEED=0.
"""

import os
import re
import shutil

import numpy as np
import pytest
from random_specs import Draw, data_for

import LNN
from LNN.export import CModel, Spec, to_c
from LNN.export.c.rounding import numpy_model, rounded_spec
from LNN.export.c.timeless import without_time

COUNT = int(os.environ.get("LNN_RANDOM_SPECS", "200"))
SEED = int(os.environ.get("LNN_RANDOM_SEED", "0"))
IN_A_TEST = 25
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not any(map(shutil.which, ("cc", "gcc", "clang"))), reason="needs a C compiler"
    ),
]
OPTIONS = (
    "-std=c99",
    "-Wall",
    "-Wextra",
    "-Wpedantic",
    "-Wconversion",
    "-Werror",
    "-O1",
)


@pytest.mark.parametrize("first", range(SEED, SEED + COUNT, IN_A_TEST))
def test_answers_as_numpy_does(first, tmp_path):
    for seed in range(first, min(first + IN_A_TEST, SEED + COUNT)):
        spec = Draw(seed).spec()
        int8 = seed % 3 == 0
        math = "libm" if seed % 2 else "inline"
        if int8:
            spec = with_vectors(spec)
        path = tmp_path / "model.c"
        dtype = "int8" if int8 else "float32"
        to_c(spec, path, dtype, math=math, longest=14, self_test=False)
        model = CModel(path, options=OPTIONS)
        runtime = numpy_model(rounded_spec(without_time(spec)) if int8 else spec)
        off = largest_difference(model, runtime, data_for(spec, seed))
        assert off < 3e-5, f"seed {seed}: {off}, {spec.values}"


@pytest.mark.parametrize("first", range(SEED, SEED + COUNT, IN_A_TEST))
def test_integers_answer_nearly_as_numpy_does(first, tmp_path):
    """Weights of nobody's fit may double an error with each step; most do not."""
    path, found = tmp_path / "model.c", []
    checks = ("-fsanitize=undefined", "-fno-sanitize-recover=all")
    for seed in range(first, min(first + IN_A_TEST, SEED + COUNT)):
        spec = with_vectors(Draw(seed).spec())
        try:
            to_c(spec, path, "q15", self_test=False)
        except LNN.InvalidInputError as error:
            if not re.search("known bound|one by one|attention|longest", str(error)):
                raise
            continue
        model = CModel(path, options=(*OPTIONS, *checks))
        off = largest_difference(model, numpy_model(spec), data_for(spec, seed))
        assert off < 1e-2, f"seed {seed}: {off}, {spec.values}"
        found.append(off)
    assert np.median(found) < 1e-3


def with_vectors(spec):
    """Return a spec with the vectors that int8 and q15 are measured on."""
    n = spec.values["input"]["n_channels"]
    x, dt = np.random.default_rng(0).normal(size=(2, 6, n)), np.ones((2, 6))
    runtime = numpy_model(spec)
    every = (
        spec.values["reading"]["window_length"] or spec.values["reading"]["every_step"]
    )
    outputs, predictions = [], []
    for own, gaps in zip(x, dt, strict=True):
        rows = slice(None) if every else slice(-1, None)
        outputs.append(np.concatenate(runtime.run(runtime._sequences(own, gaps)))[rows])
        in_rows = spec.values["reading"]["kind"] == "rows"
        given = (own, gaps) if in_rows else (own[None], gaps[None])
        predictions.append(np.reshape(runtime.predict(*given), (len(outputs[-1]), -1)))
    vectors = {"test.inputs": x, "test.gaps": dt, "test.outputs": np.stack(outputs)}
    if spec.values["answer"]["classes"] is None:
        vectors["test.predictions"] = np.stack(predictions)
    return Spec(spec.values, spec.arrays | vectors)


def largest_difference(model, runtime, data):
    """Return how far answers differ, probabilities of classes."""
    classes = runtime.spec["answer"]["classes"] is not None
    rows = runtime.spec["reading"]["kind"] == "rows"
    ask, right = (m.predict_proba if classes else m.predict for m in (model, runtime))
    found = 0.0
    for X, times in data:
        timed = runtime.spec["clock"]["kind"] is not None
        gaps = np.diff(times, prepend=np.nan)
        if rows:
            got, expected = ask(X, *[times][:timed]), right(X, *[gaps][:timed])
        else:
            got = np.asarray(ask([X], *[[times]][:timed])[0])
            expected = np.asarray(right([X], *[[gaps]][:timed])[0])
        assert got.shape == expected.shape
        assert np.isfinite(expected).all()
        assert np.isfinite(got).all()
        off = np.abs(got - expected) / (1.0 + np.abs(expected))
        found = max(found, float(off.max()))
    return found
