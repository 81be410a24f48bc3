"""The C of specs that nobody fitted compiles and answers as the numpy runtime does.

How many, and from which seed: LNN_RANDOM_SPECS=10000 LNN_RANDOM_SEED=0.
"""

import os
import shutil

import numpy as np
import pytest
from random_specs import Draw, data_for

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


def with_vectors(spec):
    """Return a spec with the vectors that the bound of int8 is measured on."""
    n = spec.values["input"]["n_channels"]
    x, dt = np.random.default_rng(0).normal(size=(2, 6, n)), np.ones((2, 6))
    runtime = numpy_model(spec)
    every = (
        spec.values["reading"]["window_length"] or spec.values["reading"]["every_step"]
    )
    outputs = []
    for own, gaps in zip(x, dt, strict=True):
        rows = slice(None) if every else slice(-1, None)
        outputs.append(np.concatenate(runtime.run(runtime._sequences(own, gaps)))[rows])
    vectors = {"test.inputs": x, "test.gaps": dt, "test.outputs": np.stack(outputs)}
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
