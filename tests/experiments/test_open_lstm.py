"""The LSTM with mixed memory's start is torch's LSTM otherwise."""

import pytest
import torch

from LNN import LiquidRegressor
from LNN.cells import CfCCell, MixedMemoryCell
from LNN.experiments.open_lstm import NAME, make_known, make_open_lstm
from LNN.experiments.runs import Run
from LNN.experiments.settings import estimator_parameters
from LNN.experiments.tasks import TASKS
from LNN.models import unregister


def test__start__open_lstm__is_distributed_as_in_mixed_memory():
    generator = torch.Generator().manual_seed(0)
    rnn = make_open_lstm(5, 16, generator=generator).rnn
    cell = MixedMemoryCell(CfCCell(5, 16), generator=generator)
    for ours, theirs in (
        (rnn.weight_ih_l0, cell.input_map.weight),
        (rnn.weight_hh_l0, cell.recurrent_weight),
    ):
        assert abs(ours.std() / theirs.std() - 1) < 0.15
    forget = rnn.bias_ih_l0[16:32] + rnn.bias_hh_l0[16:32]
    torch.testing.assert_close(forget, torch.ones(16), atol=0.1, rtol=0)
    others = torch.cat([rnn.bias_ih_l0[:16], rnn.bias_ih_l0[32:]])
    assert others.abs().max() <= 0.1
    identity = rnn.weight_hh_l0.T @ rnn.weight_hh_l0
    torch.testing.assert_close(identity, torch.eye(16), atol=1e-5, rtol=0)


@pytest.fixture
def known():
    make_known()
    make_known()  # twice is no error
    yield
    unregister(NAME)


def test__fit__open_lstm__learns_like_any_model_type(known):
    X = torch.randn(60, 6, 2, generator=torch.Generator().manual_seed(1)).numpy()
    y = X[:, -2, 0]
    model = LiquidRegressor(8, model_type="LSTM-open", epochs=150, random_state=0)
    assert model.fit(X, y).score(X, y) > 0.9


def test__settings__open_lstm__are_those_of_the_lstm():
    found = {}
    for name in ("LSTM", "LSTM-open"):
        run = Run("gesture", "sound", name, 0, "standard")
        found[name] = estimator_parameters(run, TASKS["gesture"], None)
        assert found[name].pop("model_type") == name
    assert found["LSTM"] == found["LSTM-open"]
