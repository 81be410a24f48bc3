"""What runs on the CPU does so whatever torch's default device is."""

import sys

import pytest
from processes import finished

# In a process of its own: what is lost here is lost to a segmentation fault.
SETUP = """
import numpy as np, torch
from LNN import LiquidNetwork, LiquidRegressor
X = np.random.default_rng(0).normal(size=(40, 3))
y = X[:, 0]
options = dict(window_length=4, epochs=1, random_state=0, device="cpu")
def compare(run, *arguments):
    expected = run(*arguments)
    torch.set_default_device("meta")
    found = run(*arguments)
    torch.set_default_device("cpu")
    np.testing.assert_array_equal(found, expected)
"""
NETWORK = """
x = torch.randn(2, 5, 3)
lengths = torch.tensor([5, 2])
for model_type in ("CfC", "LTC"):
    network = LiquidNetwork(3, 8, 2, model_type=model_type)
    def run():
        network.zero_grad()
        outputs = network(x, lengths=lengths)
        outputs.sum().backward()
        grads = [p.grad.flatten() for p in network.parameters()]
        return torch.cat([outputs.detach().flatten(), *grads])
    compare(run)
"""
ESTIMATOR = """
compare(lambda: LiquidRegressor(8, **options).fit(X, y).predict(X))
"""
STREAMS = """
def run(model, mode, adapt, n):
    stream = model.stream(mode, n, adapt=adapt)
    answers = []
    for row, truth in zip(X[:7], y):
        answers.append(stream.step(np.tile(row, (n, 1))))
        if adapt:
            stream.update(np.full(n, truth))
    return np.array(answers)
for backend, kind in (("auto", "CfC"), ("torch", "CfC"), ("auto", "GRU")):
    model = LiquidRegressor(8, backend=backend, model_type=kind, **options).fit(X, y)
    for mode in ("window", "carry"):
        for adapt in (None, "readout", "sgd"):
            compare(run, model, mode, adapt, 2)
sequences = np.stack([X[:20], X[20:]])
options["return_sequences"] = True
model = LiquidRegressor(8, **options).fit(sequences, sequences[..., 0])
compare(run, model, "carry", "sgd", 2)
"""


@pytest.mark.slow
def test__default_device__not_the_cpu__changes_nothing():
    """All in one process, which imports torch once: -X tells which part crashed."""
    code = SETUP + NETWORK + ESTIMATOR + STREAMS
    done = finished([sys.executable, "-X", "faulthandler", "-c", code])
    assert done.returncode == 0, done.stderr or done.returncode
