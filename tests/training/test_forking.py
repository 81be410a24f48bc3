"""Processes forked after a fit on several threads fit and predict on one."""

import os
import sys
import textwrap

import pytest
from processes import finished

pytestmark = pytest.mark.skipif(
    not hasattr(os, "register_at_fork"), reason="there is no fork here"
)

# Large enough for torch to start its threads.
SCRIPT = """
import multiprocessing, sys, warnings
import numpy as np, torch
from LNN import LiquidRegressor

warnings.simplefilter("ignore")  # of Python, about forks beside threads
torch.set_num_threads({threads})
X = np.random.default_rng(0).normal(size=(400, 30, 8))
y = X[:, :, 0].mean(axis=1)

def fitted():
    model = LiquidRegressor(64, epochs=1, backend={backend!r}, random_state=0)
    return model.fit(X, y)

model = fitted()
expected = model.predict(X)

def child():
    {child}
    sys.exit(0 if torch.get_num_threads() == 1 else 3)

process = multiprocessing.get_context("fork").Process(target=child)
process.start()
process.join(60)
print("exit", process.exitcode, "threads", torch.get_num_threads())
process.kill()
"""
CHILDREN = {
    "predict": "np.testing.assert_allclose(model.predict(X), expected, rtol=1e-4)",
    "fit": "fitted()",
    "n_jobs": "model.set_params(n_jobs=2).fit(X, y, epochs=1).predict(X)",
    "stream": "model.stream(mode='carry', n=400).step(X[:, 0])",
}


def run(**how):
    script = textwrap.dedent(SCRIPT).format(**how)
    done = finished(
        [sys.executable, "-c", script],
        env={name: v for name, v in os.environ.items() if name != "OMP_NUM_THREADS"},
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


SLOW = pytest.mark.slow


@pytest.mark.slow
@pytest.mark.parametrize(
    ("child", "backend"),
    [
        ("predict", "auto"),
        ("fit", "torch"),
        pytest.param("predict", "torch", marks=SLOW),
        pytest.param("fit", "auto", marks=SLOW),
        pytest.param("n_jobs", "auto", marks=SLOW),
        pytest.param("stream", "auto", marks=SLOW),
    ],
)
def test__fork__after_threads__works_on_one_and_the_parent_keeps_its_own(
    child, backend
):
    told = run(threads=2, backend=backend, child=CHILDREN[child])
    assert told == "exit 0 threads 2"


@pytest.mark.slow
def test__fork__on_one_thread__child_may_have_more():
    child = "torch.set_num_threads(2); model.predict(X); torch.set_num_threads(1)"
    told = run(threads=1, backend="auto", child=child)
    assert told == "exit 0 threads 1"
